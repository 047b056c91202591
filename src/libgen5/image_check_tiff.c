// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The structure of a TIFF (TIFF 6.0, section 2; BigTIFF): the first directory, the values of its
// entries, and the strips or tiles that it names must lie within the file.
#include <stdbool.h>

#include "image_check.h"
#include "size_arithmetic.h"

enum {
    VERSION_OFFSET = 2,
    VERSION_BIG = 43,
    ENTRY_COUNT_MAX = 65535, // all that a classic directory can hold
    TAG_WIDTH = 256,
    TAG_HEIGHT = 257,
    TAG_DEPTHS = 258,
    TAG_COLOUR = 262,
    TAG_STRIP_OFFSETS = 273,
    TAG_SAMPLES = 277,
    TAG_STRIP_SIZES = 279,
    TAG_TILE_OFFSETS = 324,
    TAG_TILE_SIZES = 325,
};

// Where the values of an entry are.
struct values {
    uint64_t offset;
    uint64_t count;
    size_t size; // of each; 0 where there is no such entry
};

struct tiff {
    struct gen5_image_cursor cursor;
    const struct gen5_limits *limits;
    bool big_endian;
    bool big; // BigTIFF: counts and offsets have 64 bits
    struct values width, height, depths, colour, samples;
    struct values strip_offsets, strip_sizes, tile_offsets, tile_sizes;
};

static uint64_t read_integer(struct tiff *tiff, size_t size) {
    return tiff->big_endian ? gen5_image_cursor_big_endian(&tiff->cursor, size)
                            : gen5_image_cursor_little_endian(&tiff->cursor, size);
}

// Bytes of one value of a field type (TIFF 6.0 section 2, BigTIFF), 0 for types unknown.
static size_t type_size(uint64_t type) {
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

static struct values *values_of_tag(struct tiff *tiff, uint64_t tag) {
    switch (tag) {
    case TAG_WIDTH:
        return &tiff->width;
    case TAG_HEIGHT:
        return &tiff->height;
    case TAG_DEPTHS:
        return &tiff->depths;
    case TAG_COLOUR:
        return &tiff->colour;
    case TAG_SAMPLES:
        return &tiff->samples;
    case TAG_STRIP_OFFSETS:
        return &tiff->strip_offsets;
    case TAG_STRIP_SIZES:
        return &tiff->strip_sizes;
    case TAG_TILE_OFFSETS:
        return &tiff->tile_offsets;
    case TAG_TILE_SIZES:
        return &tiff->tile_sizes;
    default:
        return NULL;
    }
}

// Values that fit the entry's last field stand in it, others where it points to. Entries of unknown
// types are let through: readers skip them.
static void read_entry(struct tiff *tiff) {
    uint64_t tag = read_integer(tiff, 2);
    uint64_t type = read_integer(tiff, 2);
    size_t word_size = tiff->big ? 8 : 4;
    struct values values = {.size = type_size(type)};
    values.count = read_integer(tiff, word_size);
    uint64_t field = tiff->cursor.at;
    uint64_t pointer = read_integer(tiff, word_size);
    uint64_t size;
    bool countable = gen5_size_multiply(values.count, values.size, &size);
    values.offset = countable && size <= word_size ? field : pointer;
    if (!countable || !gen5_size_lies_within(values.offset, size, tiff->cursor.source->size)) {
        gen5_image_cursor_refuse(&tiff->cursor, field, "the values of tag %llu are not in the file",
                                 (unsigned long long)tag);
    }
    struct values *wanted = values_of_tag(tiff, tag);
    if (wanted == NULL) {
        return;
    }
    bool is_integer = type == 3 || type == 4 || type == 16; // SHORT, LONG, LONG8
    if (!is_integer || values.count == 0) {
        gen5_image_cursor_refuse(&tiff->cursor, field, "the values of tag %llu are no integers",
                                 (unsigned long long)tag);
    }
    *wanted = values;
}

static void read_directory(struct tiff *tiff) {
    struct gen5_image_cursor *cursor = &tiff->cursor;
    if (tiff->big) {
        gen5_image_cursor_skip(cursor, 4); // size of offsets, and a zero
    }
    uint64_t offset = read_integer(tiff, tiff->big ? 8 : 4);
    gen5_image_cursor_seek(cursor, offset);
    uint64_t count = read_integer(tiff, tiff->big ? 8 : 2);
    if (count == 0 || count > ENTRY_COUNT_MAX) {
        gen5_image_cursor_refuse(cursor, offset, "a directory of %llu entries",
                                 (unsigned long long)count);
    }
    for (uint64_t i = 0; i < count && cursor->status == GEN5_OK; i++) {
        read_entry(tiff);
    }
}

static uint64_t value_at(struct tiff *tiff, const struct values *values, uint64_t index) {
    gen5_image_cursor_seek(&tiff->cursor, values->offset + index * values->size);
    return read_integer(tiff, values->size);
}

static void check_size(struct tiff *tiff) {
    if (tiff->width.size == 0 || tiff->height.size == 0) {
        gen5_image_cursor_refuse(&tiff->cursor, tiff->cursor.at, "width and height are missing");
        return;
    }
    uint64_t width = value_at(tiff, &tiff->width, 0);
    uint64_t height = value_at(tiff, &tiff->height, 0);
    gen5_image_size_check(&tiff->cursor, tiff->width.offset, width, height, tiff->limits);
}

// The integers of an array, taken in order through a cursor of its own: two arrays are read side by
// side, and one buffer for both would be filled anew for each value.
static void check_pieces(struct tiff *tiff, const struct values *offsets,
                         const struct values *sizes) {
    struct tiff other = {.big_endian = tiff->big_endian};
    gen5_image_cursor_start(&other.cursor, tiff->cursor.source, tiff->cursor.format,
                            tiff->cursor.error);
    uint64_t file_size = tiff->cursor.source->size;
    for (uint64_t i = 0; i < offsets->count; i++) {
        uint64_t offset = value_at(tiff, offsets, i);
        uint64_t size = value_at(&other, sizes, i);
        if (tiff->cursor.status != GEN5_OK || other.cursor.status != GEN5_OK) {
            break;
        }
        if (!gen5_size_lies_within(offset, size, file_size)) {
            gen5_image_cursor_refuse(&tiff->cursor, file_size,
                                     "the image is cut off: its pixels go on to byte %llu and more",
                                     (unsigned long long)offset);
        }
    }
    if (tiff->cursor.status == GEN5_OK) {
        tiff->cursor.status = other.cursor.status;
    }
}

static void check_pixels(struct tiff *tiff) {
    bool tiled = tiff->tile_offsets.size != 0;
    const struct values *offsets = tiled ? &tiff->tile_offsets : &tiff->strip_offsets;
    const struct values *sizes = tiled ? &tiff->tile_sizes : &tiff->strip_sizes;
    if (tiled && sizes->size == 0) {
        sizes = &tiff->strip_sizes; // some writers use the strips' tag for tiles
    }
    if (offsets->size == 0 || sizes->size == 0 || offsets->count != sizes->count) {
        gen5_image_cursor_refuse(&tiff->cursor, tiff->cursor.at,
                                 "the directory does not say where the pixels are");
        return;
    }
    check_pieces(tiff, offsets, sizes);
}

static void read_start(struct tiff *tiff) {
    tiff->big_endian = gen5_image_cursor_u8(&tiff->cursor) == 'M';
    gen5_image_cursor_seek(&tiff->cursor, VERSION_OFFSET);
    tiff->big = read_integer(tiff, 2) == VERSION_BIG;
    read_directory(tiff);
}

enum gen5_status gen5_tiff_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                 struct gen5_error *error) {
    struct tiff tiff = {.limits = limits};
    gen5_image_cursor_start(&tiff.cursor, source, "TIFF", error);
    read_start(&tiff);
    if (tiff.cursor.status == GEN5_OK) {
        check_size(&tiff);
    }
    if (tiff.cursor.status == GEN5_OK) {
        check_pixels(&tiff);
    }
    return tiff.cursor.status;
}

// PhotometricInterpretation (TIFF 6.0, section 8 and later ones), with the number of samples a
// pixel: one more than the colour has is taken for alpha.
static enum gen5_image_colour colour_of(uint64_t photometric, uint64_t samples) {
    switch (photometric) {
    case 0: // white is zero
    case 1: // black is zero
        return samples > 1 ? GEN5_COLOUR_GREY_ALPHA : GEN5_COLOUR_GREY;
    case 2: // RGB
    case 6: // YCbCr
        return samples > 3 ? GEN5_COLOUR_RGB_ALPHA : GEN5_COLOUR_RGB;
    case 3:
        return GEN5_COLOUR_PALETTE;
    case 5: // separated
        return GEN5_COLOUR_CMYK;
    default:
        return GEN5_COLOUR_UNKNOWN;
    }
}

// The first value of an entry, or what TIFF 6.0 says that a missing one stands for.
static uint64_t value_or(struct tiff *tiff, const struct values *values, uint64_t otherwise) {
    return values->size != 0 ? value_at(tiff, values, 0) : otherwise;
}

void gen5_tiff_describe(struct gen5_image_cursor *cursor,
                        struct gen5_image_description *description) {
    struct tiff tiff = {.cursor = *cursor};
    read_start(&tiff);
    if (tiff.cursor.status == GEN5_OK && (tiff.width.size == 0 || tiff.height.size == 0)) {
        gen5_image_cursor_refuse(&tiff.cursor, tiff.cursor.at, "width and height are missing");
    }
    description->width = value_or(&tiff, &tiff.width, 0);
    description->height = value_or(&tiff, &tiff.height, 0);
    description->depth = (unsigned)value_or(&tiff, &tiff.depths, 1);
    uint64_t samples = value_or(&tiff, &tiff.samples, 1);
    if (tiff.colour.size != 0) {
        description->colour = colour_of(value_at(&tiff, &tiff.colour, 0), samples);
    }
    cursor->status = tiff.cursor.status;
}
