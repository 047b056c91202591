// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Pictures as samples: PNGs decoded, compared, and written. Other kinds of images are not decoded.
#ifndef GEN5_PIXELS_H
#define GEN5_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/limits.h"
#include "gen5/source.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GEN5_PIXEL_SAMPLES = 4 }; // red, green, blue, alpha

struct gen5_pixels {
    uint32_t width;
    uint32_t height;
    bool has_alpha; // else it is 65535 everywhere
    // GEN5_PIXEL_SAMPLES a pixel, rows from the top. All are brought to 16 bits: of a sample of 8
    // bits, 257 times its value. Grey is the same in all three colours. Gamma and profiles are left
    // aside.
    uint16_t *samples;
};
#define GEN5_PIXELS_NONE                                                                           \
    { 0, 0, false, NULL }

// Decode a PNG in full, as gen5_image_check does; GEN5_ERROR_INVALID where it is none, says what
// else it is, or what is wrong and where. Takes 8 bytes a pixel: the limits' image_pixels_max
// counts. The caller releases the pixels, also after a failure.
GEN5_EXPORT enum gen5_status gen5_pixels_read(const struct gen5_source *source,
                                              const struct gen5_limits *limits,
                                              struct gen5_pixels *pixels, struct gen5_error *error);
GEN5_EXPORT void gen5_pixels_release(struct gen5_pixels *pixels);

struct gen5_pixels_difference {
    bool same_size;
    // The rest is 0 where the sizes differ.
    uint64_t pixel_count;
    uint64_t different_count; // pixels of which a sample differs, be it alpha
    double max_absolute;      // of the samples, where 1 is the whole range
    // The peak signal-to-noise ratio in dB over the colours, and over alpha where one of the two
    // has it: infinite where nothing differs.
    double psnr;
};

GEN5_EXPORT struct gen5_pixels_difference gen5_pixels_compare(const struct gen5_pixels *first,
                                                              const struct gen5_pixels *second);

// Draw the absolute differences of two pictures of one size, asserted, as 8-bit red, green and
// blue: brightened so that the greatest one is 255, and what is equal black. A difference of alpha
// is one of all colours. `rgb` has 3 bytes a pixel.
GEN5_EXPORT void gen5_pixels_draw_difference(const struct gen5_pixels *first,
                                             const struct gen5_pixels *second, uint8_t *rgb);

// Write 8-bit red, green and blue, rows from the top, as a PNG to the empty file `fd`. Width and
// height must be 1 to 1 000 000 (GEN5_ERROR_INVALID). Does not sync.
GEN5_EXPORT enum gen5_status gen5_png_write(int fd, uint32_t width, uint32_t height,
                                            const uint8_t *rgb, struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
