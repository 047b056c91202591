// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Latents as pictures.
#include "contact_sheet.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLOURS = LATENT_COLOURS, GAP = 2, TILE_SIZE = 256, SIDE_MAX = 1000000 };
#define PIXELS_MAX ((uint64_t)64 * 1024 * 1024)

static const uint8_t BACKGROUND[COLOURS] = {32, 32, 32};
static const uint8_t NOT_FINITE[COLOURS] = {255, 0, 255};

bool tensor_pictures_of(const struct gen5_record *record, struct tensor_pictures *pictures) {
    enum { WIDTH = 1, HEIGHT, CHANNELS };
    uint64_t last[] = {0, 1, 1, 1}; // by the distance from the end
    uint64_t batch = 1;
    if (record->rank < HEIGHT) {
        return false;
    }
    for (uint32_t i = 0; i < record->rank; i++) {
        uint32_t from_end = record->rank - i;
        if (record->shape[i] == 0) {
            return false;
        }
        if (from_end <= CHANNELS) {
            last[from_end] = record->shape[i];
        } else {
            batch *= record->shape[i]; // the elements were counted when the record was read
        }
    }
    *pictures = (struct tensor_pictures){batch, last[CHANNELS], last[HEIGHT], last[WIDTH]};
    return true;
}

// --- Where tiles stand --------------------------------------------------------------------------

struct grid {
    uint64_t scale;
    uint64_t tile_width; // in pixels
    uint64_t tile_height;
    uint64_t looks;   // columns in front for the look in colours: 0 or 1
    uint64_t columns; // of channels
    uint64_t rows;    // of one of the batch
};

// A few channels stand in one row.
static uint64_t columns_for(uint64_t channels) {
    enum { FEW = 4, MANY = 16 };
    return channels <= FEW ? channels : channels <= MANY ? FEW : 2 * FEW;
}

static struct grid grid_of(const struct contact_sheet_plan *plan) {
    const struct tensor_pictures *pictures = &plan->pictures;
    uint64_t side = pictures->width > pictures->height ? pictures->width : pictures->height;
    uint64_t scale = plan->scale > 0 ? plan->scale : side < TILE_SIZE ? TILE_SIZE / side : 1;
    struct grid grid = {
        .scale = scale,
        .tile_width = pictures->width * scale,
        .tile_height = pictures->height * scale,
        .looks = plan->colours != NULL ? 1 : 0,
        .rows = 1,
    };
    if (plan->channels_wanted) {
        grid.columns = columns_for(pictures->channels);
        grid.rows = (pictures->channels + grid.columns - 1) / grid.columns;
    }
    return grid;
}

// Tiles stand in gaps, unless there is one alone.
static uint64_t extent(uint64_t count, uint64_t size, uint64_t gap) {
    uint64_t step = 0, all = 0;
    bool fits = !__builtin_add_overflow(size, gap, &step) &&
                !__builtin_mul_overflow(count, step, &all) &&
                !__builtin_add_overflow(all, gap, &all);
    return fits ? all : UINT64_MAX;
}

static enum gen5_status size_sheet(const struct contact_sheet_plan *plan, const struct grid *grid,
                                   struct contact_sheet *sheet, uint64_t *gap,
                                   struct gen5_error *error) {
    uint64_t across = grid->looks + grid->columns;
    uint64_t down = 0;
    bool counted = !__builtin_mul_overflow(plan->pictures.batch, grid->rows, &down);
    *gap = across == 1 && down == 1 ? 0 : GAP;
    uint64_t width = extent(across, grid->tile_width, *gap);
    uint64_t height = counted ? extent(down, grid->tile_height, *gap) : UINT64_MAX;
    if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX) {
        return gen5_error_set(error, GEN5_ERROR_LIMIT, GEN5_OFFSET_NONE,
                              "the picture would have more than %" PRIu64
                              " pixels, or than %d on a "
                              "side",
                              PIXELS_MAX, SIDE_MAX);
    }
    sheet->width = (uint32_t)width;
    sheet->height = (uint32_t)height;
    sheet->rgb = malloc((size_t)(width * height) * COLOURS);
    return sheet->rgb != NULL ? GEN5_OK : gen5_error_set_memory(error);
}

// --- Drawing ------------------------------------------------------------------------------------

// A picture of the latent: what each of its elements looks like.
struct tile {
    const float *elements; // of its channel, or of the first of all
    const struct tensor_pictures *pictures;
    const struct latent_colours *colours; // NULL: a channel in grey
    float least;
    float greatest;
};

static uint8_t to_byte(double value) {
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lround(value);
}

static void look_at_range(struct tile *tile) {
    size_t count = (size_t)(tile->pictures->width * tile->pictures->height);
    tile->least = INFINITY;
    tile->greatest = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        float element = tile->elements[i];
        if (isfinite(element)) {
            tile->least = element < tile->least ? element : tile->least;
            tile->greatest = element > tile->greatest ? element : tile->greatest;
        }
    }
}

static void grey_of(const struct tile *tile, size_t index, uint8_t rgb[COLOURS]) {
    enum { FLAT = 128 };
    double element = (double)tile->elements[index];
    double range = (double)tile->greatest - (double)tile->least;
    if (!isfinite(element)) {
        memcpy(rgb, NOT_FINITE, COLOURS);
        return;
    }
    uint8_t grey = range > 0 ? to_byte(255 * ((element - (double)tile->least) / range)) : FLAT;
    memset(rgb, grey, COLOURS);
}

static void colour_of(const struct tile *tile, size_t index, uint8_t rgb[COLOURS]) {
    const struct latent_colours *colours = tile->colours;
    size_t plane = (size_t)(tile->pictures->width * tile->pictures->height);
    for (size_t i = 0; i < COLOURS; i++) {
        double colour = colours->bias[i];
        for (size_t j = 0; j < colours->channels; j++) {
            colour += colours->factors[j][i] * (double)tile->elements[j * plane + index];
        }
        if (!isfinite(colour)) {
            memcpy(rgb, NOT_FINITE, COLOURS);
            return;
        }
        rgb[i] = to_byte(colour);
    }
}

static void fill_square(struct contact_sheet *sheet, uint64_t left, uint64_t top, uint64_t size,
                        const uint8_t rgb[COLOURS]) {
    for (uint64_t y = top; y < top + size; y++) {
        for (uint64_t x = left; x < left + size; x++) {
            memcpy(&sheet->rgb[(y * sheet->width + x) * COLOURS], rgb, COLOURS);
        }
    }
}

static void draw_tile(struct contact_sheet *sheet, const struct tile *tile, uint64_t left,
                      uint64_t top, uint64_t scale) {
    for (uint64_t y = 0; y < tile->pictures->height; y++) {
        for (uint64_t x = 0; x < tile->pictures->width; x++) {
            uint8_t rgb[COLOURS];
            size_t index = (size_t)(y * tile->pictures->width + x);
            if (tile->colours != NULL) {
                colour_of(tile, index, rgb);
            } else {
                grey_of(tile, index, rgb);
            }
            fill_square(sheet, left + x * scale, top + y * scale, scale, rgb);
        }
    }
}

// Draw one of the batch, whose tiles begin at `row`.
static void draw_one(struct contact_sheet *sheet, const struct contact_sheet_plan *plan,
                     const struct grid *grid, uint64_t gap, uint64_t row, const float *elements) {
    const struct tensor_pictures *pictures = &plan->pictures;
    uint64_t across = grid->tile_width + gap;
    uint64_t down = grid->tile_height + gap;
    struct tile tile = {.elements = elements, .pictures = pictures, .colours = plan->colours};
    if (plan->colours != NULL) {
        draw_tile(sheet, &tile, gap, gap + row * down, grid->scale);
    }
    tile.colours = NULL;
    for (uint64_t i = 0; plan->channels_wanted && i < pictures->channels; i++) {
        tile.elements = elements + (size_t)(i * pictures->width * pictures->height);
        look_at_range(&tile);
        draw_tile(sheet, &tile, gap + (grid->looks + i % grid->columns) * across,
                  gap + (row + i / grid->columns) * down, grid->scale);
    }
}

enum gen5_status contact_sheet_draw(const struct contact_sheet_plan *plan, const float *elements,
                                    struct contact_sheet *sheet, struct gen5_error *error) {
    const struct tensor_pictures *pictures = &plan->pictures;
    struct grid grid = grid_of(plan);
    uint64_t gap = 0;
    enum gen5_status status = size_sheet(plan, &grid, sheet, &gap, error);
    if (status != GEN5_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)sheet->width * sheet->height; i++) {
        memcpy(&sheet->rgb[i * COLOURS], BACKGROUND, COLOURS);
    }
    uint64_t size = pictures->channels * pictures->height * pictures->width;
    for (uint64_t i = 0; i < pictures->batch; i++) {
        draw_one(sheet, plan, &grid, gap, i * grid.rows, elements + (size_t)(i * size));
    }
    return GEN5_OK;
}
