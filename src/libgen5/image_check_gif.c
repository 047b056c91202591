// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The structure of a GIF (GIF89a specification): blocks and their sub-blocks up to the trailer.
#include <stdbool.h>

#include "image_check.h"

enum {
    SIGNATURE_SIZE = 6,
    BLOCK_EXTENSION = 0x21,
    BLOCK_IMAGE = 0x2c,
    BLOCK_TRAILER = 0x3b,
    TABLE_FLAG = 0x80,
    TABLE_SIZE_MASK = 0x07,
    CODE_SIZE_MAX = 8,
    INDEX_DEPTH = 8, // decoders give a byte for each pixel
};

static void skip_colour_table(struct gen5_image_cursor *cursor, unsigned flags) {
    if ((flags & TABLE_FLAG) != 0) {
        gen5_image_cursor_skip(cursor, (uint64_t)3 << ((flags & TABLE_SIZE_MASK) + 1));
    }
}

// Sub-blocks up to the empty one that ends them. Returns false where there is nothing before it.
static bool skip_sub_blocks(struct gen5_image_cursor *cursor) {
    bool any = false;
    for (unsigned size; (size = gen5_image_cursor_u8(cursor)) != 0;) {
        gen5_image_cursor_skip(cursor, size);
        any = true;
    }
    return any;
}

static void check_image(struct gen5_image_cursor *cursor, const struct gen5_limits *limits) {
    gen5_image_cursor_skip(cursor, 4); // left, top
    uint64_t offset = cursor->at;
    uint64_t width = gen5_image_cursor_little_endian(cursor, 2);
    uint64_t height = gen5_image_cursor_little_endian(cursor, 2);
    gen5_image_size_check(cursor, offset, width, height, limits);
    skip_colour_table(cursor, gen5_image_cursor_u8(cursor));
    unsigned code_size = gen5_image_cursor_u8(cursor);
    if (code_size == 0 || code_size > CODE_SIZE_MAX) {
        gen5_image_cursor_refuse(cursor, cursor->at - 1, "codes of %u bits", code_size);
    }
    if (!skip_sub_blocks(cursor)) {
        gen5_image_cursor_refuse(cursor, cursor->at, "a frame without pixels");
    }
}

// Go to the first block's data, or stop where no image comes first.
static void seek_image(struct gen5_image_cursor *cursor) {
    unsigned block;
    while ((block = gen5_image_cursor_u8(cursor)) == BLOCK_EXTENSION) {
        gen5_image_cursor_skip(cursor, 1); // label
        skip_sub_blocks(cursor);
    }
    if (block != BLOCK_IMAGE) {
        gen5_image_cursor_refuse(cursor, cursor->at, "there is no picture in it");
    }
    gen5_image_cursor_skip(cursor, 4); // left, top
}

void gen5_gif_describe(struct gen5_image_cursor *cursor,
                       struct gen5_image_description *description) {
    gen5_image_cursor_skip(cursor, SIGNATURE_SIZE);
    description->width = gen5_image_cursor_little_endian(cursor, 2);
    description->height = gen5_image_cursor_little_endian(cursor, 2);
    description->colour = GEN5_COLOUR_PALETTE;
    description->depth = INDEX_DEPTH;
    if (description->width == 0 || description->height == 0) {
        // Many writers leave the screen 0; the first image tells.
        unsigned flags = gen5_image_cursor_u8(cursor);
        gen5_image_cursor_skip(cursor, 2); // background, aspect ratio
        skip_colour_table(cursor, flags);
        seek_image(cursor);
        description->width = gen5_image_cursor_little_endian(cursor, 2);
        description->height = gen5_image_cursor_little_endian(cursor, 2);
    }
}

enum gen5_status gen5_gif_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                struct gen5_error *error) {
    struct gen5_image_cursor cursor;
    gen5_image_cursor_start(&cursor, source, "GIF", error);
    gen5_image_cursor_skip(&cursor, SIGNATURE_SIZE);
    gen5_image_cursor_skip(&cursor, 4); // the screen, which many writers leave 0
    unsigned flags = gen5_image_cursor_u8(&cursor);
    gen5_image_cursor_skip(&cursor, 2); // background, aspect ratio
    skip_colour_table(&cursor, flags);

    bool has_image = false;
    for (;;) {
        unsigned block = gen5_image_cursor_u8(&cursor);
        if (cursor.status != GEN5_OK || block == BLOCK_TRAILER) {
            break;
        }
        if (block == BLOCK_EXTENSION) {
            gen5_image_cursor_skip(&cursor, 1); // label
            skip_sub_blocks(&cursor);
        } else if (block == BLOCK_IMAGE) {
            check_image(&cursor, limits);
            has_image = true;
        } else {
            gen5_image_cursor_refuse(&cursor, cursor.at - 1, "a block of the unknown kind 0x%02x",
                                     block);
        }
    }
    if (!has_image) {
        gen5_image_cursor_refuse(&cursor, cursor.at, "there is no picture in it");
    }
    return cursor.status;
}
