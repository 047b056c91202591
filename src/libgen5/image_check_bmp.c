// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The structure of a bitmap file (Microsoft's BITMAPFILEHEADER and BITMAPINFOHEADER with its longer
// kin, and OS/2's BITMAPCOREHEADER): its sizes, and whether its pixels lie within the file.
#include <stdbool.h>

#include "image_check.h"

enum {
    FILE_SIZE_OFFSET = 2,
    FILE_HEADER_SIZE = 14,
    CORE_HEADER_SIZE = 12,
    COMPRESSION_NONE = 0,
    COMPRESSION_RLE8 = 1,
    COMPRESSION_RLE4 = 2,
    COMPRESSION_BITFIELDS = 3,
};

struct bitmap {
    uint64_t file_size; // 0 where the writer left it out
    uint64_t pixels_offset;
    uint64_t header_size;
    uint64_t width;
    uint64_t height;
    uint64_t depth; // bits a pixel
    uint64_t compression;
    uint64_t pixels_size; // 0 where the writer left it out
};

// A signed 32-bit height: negative means from the top to the bottom.
static uint64_t height_of(uint64_t bits) {
    return bits > INT32_MAX ? ((uint64_t)1 << 32) - bits : bits;
}

static void read_headers(struct gen5_image_cursor *cursor, struct bitmap *bitmap) {
    gen5_image_cursor_seek(cursor, FILE_SIZE_OFFSET);
    bitmap->file_size = gen5_image_cursor_little_endian(cursor, 4);
    gen5_image_cursor_skip(cursor, 4); // reserved
    bitmap->pixels_offset = gen5_image_cursor_little_endian(cursor, 4);
    bitmap->header_size = gen5_image_cursor_little_endian(cursor, 4);
    bool core = bitmap->header_size == CORE_HEADER_SIZE;
    size_t side_size = core ? 2 : 4;
    bitmap->width = gen5_image_cursor_little_endian(cursor, side_size);
    bitmap->height = height_of(gen5_image_cursor_little_endian(cursor, side_size));
    gen5_image_cursor_skip(cursor, 2); // planes
    bitmap->depth = gen5_image_cursor_little_endian(cursor, 2);
    bitmap->compression = core ? COMPRESSION_NONE : gen5_image_cursor_little_endian(cursor, 4);
    bitmap->pixels_size = core ? 0 : gen5_image_cursor_little_endian(cursor, 4);
}

static bool is_known_header(uint64_t size) {
    return size == CORE_HEADER_SIZE || size == 40 || size == 52 || size == 56 || size == 64 ||
           size == 108 || size == 124;
}

static bool is_known_depth(uint64_t depth) {
    return depth == 1 || depth == 4 || depth == 8 || depth == 16 || depth == 24 || depth == 32;
}

// How many bytes of pixels there must be. Sizes are within the limits when this is called.
static uint64_t pixels_size_of(const struct bitmap *bitmap) {
    if (bitmap->compression == COMPRESSION_RLE8 || bitmap->compression == COMPRESSION_RLE4) {
        return bitmap->pixels_size > 0 ? bitmap->pixels_size : 1;
    }
    uint64_t row_size = (bitmap->width * bitmap->depth + 31) / 32 * 4;
    return row_size * bitmap->height;
}

enum gen5_status gen5_bmp_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                struct gen5_error *error) {
    struct gen5_image_cursor cursor;
    struct bitmap bitmap;
    gen5_image_cursor_start(&cursor, source, "BMP", error);
    read_headers(&cursor, &bitmap);
    if (!is_known_header(bitmap.header_size)) {
        gen5_image_cursor_refuse(&cursor, FILE_HEADER_SIZE, "a header of %llu bytes is not known",
                                 (unsigned long long)bitmap.header_size);
    }
    if (!is_known_depth(bitmap.depth) || bitmap.compression > COMPRESSION_BITFIELDS) {
        gen5_image_cursor_refuse(
            &cursor, FILE_HEADER_SIZE, "%llu bits a pixel with compression %llu are not supported",
            (unsigned long long)bitmap.depth, (unsigned long long)bitmap.compression);
    }
    if (bitmap.width > INT32_MAX) {
        gen5_image_cursor_refuse(&cursor, FILE_HEADER_SIZE, "the width is negative");
    }
    gen5_image_size_check(&cursor, FILE_HEADER_SIZE, bitmap.width, bitmap.height, limits);
    if (bitmap.file_size > source->size) {
        gen5_image_cursor_refuse(&cursor, source->size,
                                 "the image is cut off: by its header it has %llu bytes",
                                 (unsigned long long)bitmap.file_size);
    }
    if (bitmap.pixels_offset < FILE_HEADER_SIZE + bitmap.header_size) {
        gen5_image_cursor_refuse(&cursor, FILE_HEADER_SIZE, "the pixels begin within the header");
    }
    gen5_image_cursor_seek(&cursor, bitmap.pixels_offset);
    if (cursor.status == GEN5_OK) {
        gen5_image_cursor_skip(&cursor, pixels_size_of(&bitmap));
    }
    return cursor.status;
}

void gen5_bmp_describe(struct gen5_image_cursor *cursor,
                       struct gen5_image_description *description) {
    struct bitmap bitmap;
    read_headers(cursor, &bitmap);
    bool palette = bitmap.depth <= 8;
    description->width = bitmap.width;
    description->height = bitmap.height;
    description->colour = palette ? GEN5_COLOUR_PALETTE : GEN5_COLOUR_RGB;
    // 16 bits a pixel are three channels of 5, or of 5, 6 and 5.
    description->depth = palette ? (unsigned)bitmap.depth : bitmap.depth == 16 ? 5 : 8;
}
