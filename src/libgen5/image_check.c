// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Whether an image may be stored: is it what its name says, and does its format's check take it.
#include "image_check.h"

#include "gen5/image.h"
#include "png_codec.h"
#include "size_arithmetic.h"

enum gen5_status gen5_image_size_check(struct gen5_image_cursor *cursor, uint64_t offset,
                                       uint64_t width, uint64_t height,
                                       const struct gen5_limits *limits) {
    if (width == 0 || height == 0) {
        return gen5_image_cursor_refuse(cursor, offset, "the picture is %llu x %llu pixels",
                                        (unsigned long long)width, (unsigned long long)height);
    }
    uint64_t pixels;
    if (!gen5_size_multiply(width, height, &pixels) || pixels > limits->image_pixels_max) {
        return gen5_image_cursor_refuse(cursor, offset,
                                        "%llu x %llu pixels are more than the limit of %llu pixels",
                                        (unsigned long long)width, (unsigned long long)height,
                                        (unsigned long long)limits->image_pixels_max);
    }
    return cursor->status;
}

static enum gen5_status check_as(const struct gen5_source *source, enum gen5_image_kind kind,
                                 const struct gen5_limits *limits, struct gen5_error *error) {
    switch (kind) {
    case GEN5_IMAGE_PNG:
        return gen5_png_check(source, limits, error);
    case GEN5_IMAGE_JPEG:
        return gen5_jpeg_check(source, limits, error);
    case GEN5_IMAGE_WEBP:
        return gen5_webp_check(source, limits, error);
    case GEN5_IMAGE_GIF:
        return gen5_gif_check(source, limits, error);
    case GEN5_IMAGE_BMP:
        return gen5_bmp_check(source, limits, error);
    case GEN5_IMAGE_TIFF:
        return gen5_tiff_check(source, limits, error);
    case GEN5_IMAGE_UNKNOWN:
        break;
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, 0,
                          "not an image: the first bytes are not those of PNG, JPEG, WebP, GIF, "
                          "BMP or TIFF");
}

enum gen5_status gen5_image_check(const struct gen5_source *source, enum gen5_image_kind kind,
                                  const struct gen5_limits *limits, struct gen5_error *error) {
    if (source->size == 0) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, 0, "the image is empty");
    }
    uint8_t first_bytes[GEN5_IMAGE_SIGNATURE_SIZE];
    size_t size = (size_t)gen5_size_smaller(source->size, sizeof first_bytes);
    enum gen5_status status = gen5_source_read(source, 0, first_bytes, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    enum gen5_image_kind actual = gen5_image_kind_of(first_bytes, size);
    if (kind == GEN5_IMAGE_UNKNOWN || kind == actual) {
        return check_as(source, actual, limits, error);
    }
    if (actual == GEN5_IMAGE_UNKNOWN) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, 0,
                              "not a %s image: the first bytes are not its signature",
                              gen5_image_kind_name(kind));
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, 0,
                          "a %s image, not a %s image: its name must be image.%s",
                          gen5_image_kind_name(actual), gen5_image_kind_name(kind),
                          gen5_image_kind_extension(actual));
}
