// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The structure of a JPEG (ITU-T T.81, annex B): marker segments and entropy-coded data up to EOI.
#include <stdbool.h>

#include "image_check.h"

enum {
    MARKER_PREFIX = 0xff,
    MARKER_STUFFED = 0x00, // behind 0xff in entropy-coded data: no marker
    MARKER_TEM = 0x01,
    MARKER_SOF0 = 0xc0, // baseline
    MARKER_SOF15 = 0xcf,
    MARKER_DHT = 0xc4, // these three stand between the frames' markers and are none
    MARKER_JPG = 0xc8,
    MARKER_DAC = 0xcc,
    MARKER_RST0 = 0xd0,
    MARKER_RST7 = 0xd7,
    MARKER_SOI = 0xd8,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda,
    FRAME_SIZE = 8,           // of a frame header without its components
    FRAME_COMPONENT_SIZE = 3, // of each component in it
};

// The next marker that begins a segment or ends the image; 0 where the image ends before. Decoders
// skip what stands between segments, and so does this: entropy-coded data, restart markers, fill
// bytes, strays.
static unsigned next_marker(struct gen5_image_cursor *cursor) {
    while (cursor->status == GEN5_OK) {
        gen5_image_cursor_find(cursor, MARKER_PREFIX);
        unsigned marker;
        do {
            marker = gen5_image_cursor_u8(cursor);
        } while (marker == MARKER_PREFIX);
        bool restart = marker >= MARKER_RST0 && marker <= MARKER_RST7;
        if (marker != MARKER_STUFFED && marker != MARKER_TEM && !restart) {
            return marker;
        }
    }
    return 0;
}

static bool is_frame(unsigned marker) {
    return marker >= MARKER_SOF0 && marker <= MARKER_SOF15 && marker != MARKER_DHT &&
           marker != MARKER_JPG && marker != MARKER_DAC;
}

// Baseline, extended and progressive, Huffman or arithmetic: what decoders in use can decode.
static bool is_decodable_frame(unsigned marker) {
    unsigned process = marker - MARKER_SOF0;
    return process <= 2 || process == 9 || process == 10;
}

static void check_frame(struct gen5_image_cursor *cursor, unsigned marker, uint64_t length,
                        const struct gen5_limits *limits) {
    uint64_t begin = cursor->at;
    if (!is_decodable_frame(marker)) {
        gen5_image_cursor_refuse(cursor, begin, "lossless and hierarchical JPEG is not supported");
    }
    unsigned depth = gen5_image_cursor_u8(cursor);
    uint64_t height = gen5_image_cursor_big_endian(cursor, 2);
    uint64_t width = gen5_image_cursor_big_endian(cursor, 2);
    unsigned components = gen5_image_cursor_u8(cursor);
    if (depth != 8) { // of the two that T.81 has, the one that the reference's check takes
        gen5_image_cursor_refuse(cursor, begin, "%u bits a sample, there must be 8", depth);
    }
    if (components != 1 && components != 3 && components != 4) {
        gen5_image_cursor_refuse(cursor, begin, "%u components, there must be 1, 3 or 4",
                                 components);
    }
    if (length != FRAME_SIZE + (uint64_t)components * FRAME_COMPONENT_SIZE) {
        gen5_image_cursor_refuse(cursor, begin, "the frame header has a wrong length");
    }
    gen5_image_size_check(cursor, begin, width, height, limits);
    gen5_image_cursor_seek(cursor, begin);
}

enum gen5_status gen5_jpeg_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                 struct gen5_error *error) {
    struct gen5_image_cursor cursor;
    gen5_image_cursor_start(&cursor, source, "JPEG", error);
    gen5_image_cursor_skip(&cursor, 2); // SOI
    bool has_frame = false;
    bool has_scan = false;
    for (;;) {
        unsigned marker = next_marker(&cursor);
        if (cursor.status != GEN5_OK || marker == MARKER_EOI) {
            break;
        }
        uint64_t length = gen5_image_cursor_big_endian(&cursor, 2); // these two bytes included
        if (marker == MARKER_SOI || length < 2) {
            gen5_image_cursor_refuse(&cursor, cursor.at, "there is no segment at marker 0x%02x",
                                     marker);
        } else if (is_frame(marker)) {
            if (has_frame) {
                gen5_image_cursor_refuse(&cursor, cursor.at, "a second frame");
            }
            check_frame(&cursor, marker, length, limits);
            has_frame = true;
        } else if (marker == MARKER_SOS) {
            if (!has_frame) {
                gen5_image_cursor_refuse(&cursor, cursor.at, "a scan without a frame");
            }
            has_scan = true;
        }
        gen5_image_cursor_skip(&cursor, length - 2);
    }
    if (!has_scan) {
        gen5_image_cursor_refuse(&cursor, cursor.at, "the image ends before its pixels");
    }
    return cursor.status;
}

void gen5_jpeg_describe(struct gen5_image_cursor *cursor,
                        struct gen5_image_description *description) {
    gen5_image_cursor_skip(cursor, 2); // SOI
    while (cursor->status == GEN5_OK) {
        unsigned marker = next_marker(cursor);
        uint64_t length = gen5_image_cursor_big_endian(cursor, 2);
        if (marker == MARKER_SOS || marker == MARKER_EOI || length < 2) {
            gen5_image_cursor_refuse(cursor, cursor->at, "there is no frame header");
        } else if (is_frame(marker)) {
            description->depth = gen5_image_cursor_u8(cursor);
            description->height = gen5_image_cursor_big_endian(cursor, 2);
            description->width = gen5_image_cursor_big_endian(cursor, 2);
            unsigned components = gen5_image_cursor_u8(cursor);
            description->colour = components == 1   ? GEN5_COLOUR_GREY
                                  : components == 3 ? GEN5_COLOUR_RGB
                                  : components == 4 ? GEN5_COLOUR_CMYK
                                                    : GEN5_COLOUR_UNKNOWN;
            return;
        } else {
            gen5_image_cursor_skip(cursor, length - 2);
        }
    }
}
