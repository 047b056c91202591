// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The structure of a WebP (RFC 9649; RFC 6386 for the head of a VP8 frame): RIFF chunks, which must
// lie within the RIFF, which must lie within the file.
#include <stdbool.h>
#include <string.h>

#include "image_check.h"
#include "size_arithmetic.h"

enum {
    RIFF_HEADER_SIZE = 12, // "RIFF", size, "WEBP"
    RIFF_SIZE_OFFSET = 4,  // of what its size counts from: that is itself and all behind it
    CHUNK_HEADER_SIZE = 8, // FourCC, size
    VP8_HEADER_SIZE = 10,  // frame tag, start code, width and height
    VP8L_HEADER_SIZE = 5,  // signature, width and height
    VP8X_SIZE = 10,        // flags, canvas width and height less one
    VP8X_ALPHA = 0x10,
    ANIMATION_FRAME_SIZE = 16, // of an ANMF chunk before the chunks in it
};

// What was found, over all chunks.
struct webp {
    struct gen5_image_cursor cursor;
    const struct gen5_limits *limits;
    uint64_t frames;
};

static void check_vp8(struct webp *webp, uint64_t begin, uint64_t size) {
    struct gen5_image_cursor *cursor = &webp->cursor;
    if (size < VP8_HEADER_SIZE) {
        gen5_image_cursor_refuse(cursor, begin, "the VP8 chunk is too short for a frame");
        return;
    }
    uint64_t tag = gen5_image_cursor_little_endian(cursor, 3);
    uint64_t start_code = gen5_image_cursor_big_endian(cursor, 3);
    uint64_t width = gen5_image_cursor_little_endian(cursor, 2) & 0x3fff;
    uint64_t height = gen5_image_cursor_little_endian(cursor, 2) & 0x3fff;
    if ((tag & 1) != 0 || start_code != 0x9d012a) {
        gen5_image_cursor_refuse(cursor, begin, "the VP8 chunk does not start with a key frame");
    }
    if (tag >> 5 > size - VP8_HEADER_SIZE) {
        gen5_image_cursor_refuse(cursor, begin, "the VP8 chunk is shorter than its first part");
    }
    gen5_image_size_check(cursor, begin, width, height, webp->limits);
    webp->frames++;
}

static void check_vp8l(struct webp *webp, uint64_t begin, uint64_t size) {
    struct gen5_image_cursor *cursor = &webp->cursor;
    if (size < VP8L_HEADER_SIZE) {
        gen5_image_cursor_refuse(cursor, begin, "the VP8L chunk is too short for an image");
        return;
    }
    unsigned signature = gen5_image_cursor_u8(cursor);
    uint64_t bits = gen5_image_cursor_little_endian(cursor, 4);
    if (signature != 0x2f || bits >> 29 != 0) {
        gen5_image_cursor_refuse(cursor, begin, "the VP8L chunk does not start with its signature");
    }
    gen5_image_size_check(cursor, begin, (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1,
                          webp->limits);
    webp->frames++;
}

static void check_vp8x(struct webp *webp, uint64_t begin, uint64_t size) {
    struct gen5_image_cursor *cursor = &webp->cursor;
    if (size < VP8X_SIZE) {
        gen5_image_cursor_refuse(cursor, begin, "the VP8X chunk is too short");
        return;
    }
    gen5_image_cursor_skip(cursor, 4); // flags
    uint64_t width = gen5_image_cursor_little_endian(cursor, 3) + 1;
    uint64_t height = gen5_image_cursor_little_endian(cursor, 3) + 1;
    gen5_image_size_check(cursor, begin, width, height, webp->limits);
}

// Check the chunk at the cursor, which must end by `end`, and go behind it, or into it where it is
// a frame of an animation: what it holds are chunks again, and those follow one another in the file
// as all do.
static void check_chunk(struct webp *webp, uint64_t end) {
    struct gen5_image_cursor *cursor = &webp->cursor;
    char type[4];
    gen5_image_cursor_read(cursor, type, sizeof type);
    uint64_t size = gen5_image_cursor_little_endian(cursor, 4);
    uint64_t begin = cursor->at;
    if (!gen5_size_lies_within(begin, size, end)) {
        gen5_image_cursor_refuse(cursor, begin, "a chunk is longer than the file says it is");
        return;
    }
    if (memcmp(type, "ANMF", sizeof type) == 0 && size >= ANIMATION_FRAME_SIZE) {
        gen5_image_cursor_skip(cursor, ANIMATION_FRAME_SIZE);
        return;
    }
    if (memcmp(type, "VP8 ", sizeof type) == 0) {
        check_vp8(webp, begin, size);
    } else if (memcmp(type, "VP8L", sizeof type) == 0) {
        check_vp8l(webp, begin, size);
    } else if (memcmp(type, "VP8X", sizeof type) == 0) {
        check_vp8x(webp, begin, size);
    }
    uint64_t padding = size & 1; // missing behind the last chunk in some files
    gen5_image_cursor_seek(cursor, gen5_size_smaller(begin + size + padding, end));
}

enum gen5_status gen5_webp_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                 struct gen5_error *error) {
    struct webp webp = {.limits = limits};
    struct gen5_image_cursor *cursor = &webp.cursor;
    gen5_image_cursor_start(cursor, source, "WebP", error);
    gen5_image_cursor_skip(cursor, RIFF_SIZE_OFFSET);
    uint64_t riff_size = gen5_image_cursor_little_endian(cursor, 4);
    uint64_t end = RIFF_SIZE_OFFSET + 4 + riff_size;
    if (end < RIFF_HEADER_SIZE + CHUNK_HEADER_SIZE) {
        gen5_image_cursor_refuse(cursor, RIFF_SIZE_OFFSET,
                                 "the RIFF size leaves room for no image");
    }
    if (end > source->size) {
        gen5_image_cursor_refuse(cursor, source->size,
                                 "the image is cut off: by its RIFF size it has %llu bytes",
                                 (unsigned long long)end);
    }
    gen5_image_cursor_seek(cursor, RIFF_HEADER_SIZE);
    while (cursor->status == GEN5_OK && end - cursor->at >= CHUNK_HEADER_SIZE) {
        check_chunk(&webp, end);
    }
    if (webp.frames == 0) {
        gen5_image_cursor_refuse(cursor, cursor->at, "there is no picture in it");
    }
    return cursor->status;
}

// RFC 9649 wants the chunk that tells in the first place.
void gen5_webp_describe(struct gen5_image_cursor *cursor,
                        struct gen5_image_description *description) {
    char type[4];
    bool alpha = false;
    gen5_image_cursor_seek(cursor, RIFF_HEADER_SIZE);
    gen5_image_cursor_read(cursor, type, sizeof type);
    gen5_image_cursor_skip(cursor, 4); // size
    if (memcmp(type, "VP8 ", sizeof type) == 0) {
        gen5_image_cursor_skip(cursor, 6); // frame tag, start code
        description->width = gen5_image_cursor_little_endian(cursor, 2) & 0x3fff;
        description->height = gen5_image_cursor_little_endian(cursor, 2) & 0x3fff;
    } else if (memcmp(type, "VP8L", sizeof type) == 0) {
        gen5_image_cursor_skip(cursor, 1); // signature
        uint64_t bits = gen5_image_cursor_little_endian(cursor, 4);
        description->width = (bits & 0x3fff) + 1;
        description->height = (bits >> 14 & 0x3fff) + 1;
        alpha = (bits >> 28 & 1) != 0;
    } else if (memcmp(type, "VP8X", sizeof type) == 0) {
        alpha = (gen5_image_cursor_little_endian(cursor, 4) & VP8X_ALPHA) != 0;
        description->width = gen5_image_cursor_little_endian(cursor, 3) + 1;
        description->height = gen5_image_cursor_little_endian(cursor, 3) + 1;
    } else {
        gen5_image_cursor_refuse(cursor, RIFF_HEADER_SIZE, "the first chunk is no picture");
    }
    description->colour = alpha ? GEN5_COLOUR_RGB_ALPHA : GEN5_COLOUR_RGB;
    description->depth = 8;
}
