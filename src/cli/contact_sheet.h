// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A latent drawn: for each of its batch a look in colours and every channel in grey, tile by tile.
#ifndef GEN5FS_CLI_CONTACT_SHEET_H
#define GEN5FS_CLI_CONTACT_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/manifest.h"
#include "latent_colours.h"

// A latent's shape as pictures: the last two dimensions are one, the third from the end counts
// channels, and all before are the batch. Missing ones are 1.
struct tensor_pictures {
    uint64_t batch;
    uint64_t channels;
    uint64_t height;
    uint64_t width;
};

// False where there are fewer than two dimensions, or one is 0.
bool tensor_pictures_of(const struct gen5_record *record, struct tensor_pictures *pictures);

struct contact_sheet {
    uint32_t width;
    uint32_t height;
    uint8_t *rgb; // as gen5_png_write takes it
};

// Which pictures are drawn, and how.
struct contact_sheet_plan {
    struct tensor_pictures pictures;
    const struct latent_colours *colours; // NULL: no look in colours
    bool channels_wanted;                 // false: the look alone
    uint32_t scale; // each element becomes a square of so many pixels; 0: tiles of up to 256 pixels
};

// Draw the elements, which are in C order. A channel's least element is black and its greatest
// white, a flat one is grey, and what is not finite is magenta. GEN5_ERROR_LIMIT where the sheet
// would have more than 64 million pixels, or a million on a side. The caller frees sheet->rgb.
enum gen5_status contact_sheet_draw(const struct contact_sheet_plan *plan, const float *elements,
                                    struct contact_sheet *sheet, struct gen5_error *error);

#endif
