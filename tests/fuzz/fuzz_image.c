// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Any bytes as an image, checked, described and decoded. A PNG that is taken can be decoded, and is
// as large as its description says.
#include <stdint.h>

#include "gen5/image.h"
#include "gen5/pixels.h"
#include "require.h"
#include "small_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pixels(const struct gen5_source *source, const struct gen5_limits *limits,
                         const struct gen5_image_description *description, bool good) {
    struct gen5_pixels pixels = GEN5_PIXELS_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    bool read = gen5_pixels_read(source, limits, &pixels, &error) == GEN5_OK;
    require(read == good);
    if (read) {
        require(pixels.width == description->width && pixels.height == description->height);
        struct gen5_pixels_difference difference = gen5_pixels_compare(&pixels, &pixels);
        require(difference.same_size && difference.different_count == 0);
        require((uint64_t)pixels.width * pixels.height <= limits->image_pixels_max);
    } else {
        require(error.message[0] != '\0');
    }
    gen5_pixels_release(&pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gen5_limits limits = small_limits();
    struct gen5_source source = gen5_source_from_memory(data, size);
    struct gen5_image_description description;
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = gen5_image_check(&source, GEN5_IMAGE_UNKNOWN, &limits, &error);
    require(status == GEN5_OK || (status == GEN5_ERROR_INVALID && error.message[0] != '\0'));
    enum gen5_status described = gen5_image_describe(&source, &description, &error);
    require(described == GEN5_OK || described == GEN5_ERROR_INVALID);
    require(description.kind == gen5_image_kind_of(data, size));
    if (description.kind == GEN5_IMAGE_PNG) {
        require(described == GEN5_OK || status != GEN5_OK);
        check_pixels(&source, &limits, &description, status == GEN5_OK);
    }
    return 0;
}
