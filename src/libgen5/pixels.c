// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Pictures as samples: decoded by png_codec.c, and compared.
#include "gen5/pixels.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "gen5/image.h"
#include "png_codec.h"

enum { SAMPLE_MAX = 65535, COLOURS = 3, ALPHA = 3, BYTE_MAX = 255 };

static enum gen5_status check_kind(const struct gen5_source *source, struct gen5_error *error) {
    uint8_t first_bytes[GEN5_IMAGE_SIGNATURE_SIZE];
    size_t size = source->size < sizeof first_bytes ? (size_t)source->size : sizeof first_bytes;
    enum gen5_status status = gen5_source_read(source, 0, first_bytes, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    enum gen5_image_kind kind = gen5_image_kind_of(first_bytes, size);
    if (kind == GEN5_IMAGE_PNG) {
        return GEN5_OK;
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                          "only PNGs are decoded, and the image is %s%s",
                          kind == GEN5_IMAGE_UNKNOWN ? "none that is known" : "of kind ",
                          kind == GEN5_IMAGE_UNKNOWN ? "" : gen5_image_kind_name(kind));
}

enum gen5_status gen5_pixels_read(const struct gen5_source *source,
                                  const struct gen5_limits *limits, struct gen5_pixels *pixels,
                                  struct gen5_error *error) {
    *pixels = (struct gen5_pixels)GEN5_PIXELS_NONE;
    enum gen5_status status = check_kind(source, error);
    return status == GEN5_OK ? gen5_png_read(source, limits, pixels, error) : status;
}

void gen5_pixels_release(struct gen5_pixels *pixels) {
    free(pixels->samples);
    *pixels = (struct gen5_pixels)GEN5_PIXELS_NONE;
}

// --- Differences --------------------------------------------------------------------------------

static uint32_t distance(uint16_t left, uint16_t right) {
    return left > right ? (uint32_t)(left - right) : (uint32_t)(right - left);
}

static bool same_size(const struct gen5_pixels *first, const struct gen5_pixels *second) {
    return first->width == second->width && first->height == second->height;
}

static size_t pixel_count(const struct gen5_pixels *pixels) {
    return (size_t)pixels->width * pixels->height;
}

struct gen5_pixels_difference gen5_pixels_compare(const struct gen5_pixels *first,
                                                  const struct gen5_pixels *second) {
    struct gen5_pixels_difference difference = {.same_size = same_size(first, second)};
    if (!difference.same_size) {
        return difference;
    }
    bool alpha = first->has_alpha || second->has_alpha;
    uint32_t greatest = 0;
    // Exact: 2^32 a sample, and less than 2^30 of them.
    uint64_t squares = 0;
    difference.pixel_count = pixel_count(first);
    for (size_t i = 0; i < pixel_count(first); i++) {
        bool differs = false;
        for (size_t j = 0; j < GEN5_PIXEL_SAMPLES; j++) {
            size_t at = i * GEN5_PIXEL_SAMPLES + j;
            uint32_t apart = distance(first->samples[at], second->samples[at]);
            differs = differs || apart != 0;
            greatest = apart > greatest ? apart : greatest;
            squares += (uint64_t)apart * apart;
        }
        difference.different_count += differs ? 1 : 0;
    }
    double samples = (double)difference.pixel_count * (alpha ? GEN5_PIXEL_SAMPLES : COLOURS);
    double peak = SAMPLE_MAX;
    difference.max_absolute = (double)greatest / peak;
    difference.psnr =
        squares == 0 ? (double)INFINITY : 10 * log10(peak * peak * samples / (double)squares);
    return difference;
}

static uint32_t shown_distance(const struct gen5_pixels *first, const struct gen5_pixels *second,
                               size_t pixel, size_t colour) {
    size_t at = pixel * GEN5_PIXEL_SAMPLES;
    uint32_t apart = distance(first->samples[at + colour], second->samples[at + colour]);
    uint32_t alpha_apart = distance(first->samples[at + ALPHA], second->samples[at + ALPHA]);
    return apart > alpha_apart ? apart : alpha_apart;
}

void gen5_pixels_draw_difference(const struct gen5_pixels *first, const struct gen5_pixels *second,
                                 uint8_t *rgb) {
    assert(same_size(first, second));
    double greatest = gen5_pixels_compare(first, second).max_absolute * SAMPLE_MAX;
    double scale = greatest > 0 ? BYTE_MAX / greatest : 0;
    for (size_t i = 0; i < pixel_count(first); i++) {
        for (size_t j = 0; j < COLOURS; j++) {
            rgb[i * COLOURS + j] =
                (uint8_t)lround((double)shown_distance(first, second, i, j) * scale);
        }
    }
}
