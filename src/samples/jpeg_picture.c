// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "jpeg_picture.h"

#include <math.h>
#include <stdlib.h>

#include "picture.h"

// A mosaic: each block of 8 x 8 pixels has one colour, so that of its coefficients only the first
// is not zero, and the Huffman tables are as small as can be (ITU-T T.81, annex F.1.2).
struct jpeg {
    struct bytes bytes;
    uint32_t pending; // bits that make no whole byte yet
    unsigned pending_count;
    int last[3]; // the coefficient before, of each component
};

static void jpeg_append_bits(struct jpeg *jpeg, uint32_t bits, unsigned count) {
    jpeg->pending = jpeg->pending << count | bits;
    jpeg->pending_count += count;
    while (jpeg->pending_count >= 8) {
        jpeg->pending_count -= 8;
        unsigned byte = (jpeg->pending >> jpeg->pending_count) & 0xff;
        bytes_append_u8(&jpeg->bytes, byte);
        if (byte == 0xff) {
            bytes_append_u8(&jpeg->bytes, 0); // else it would be a marker
        }
    }
}

static void jpeg_append_block(struct jpeg *jpeg, size_t component, double level) {
    int value = (int)lround(level);
    int difference = value - jpeg->last[component];
    jpeg->last[component] = value;
    unsigned magnitude = (unsigned)abs(difference);
    unsigned bit_count = 0;
    while (magnitude >> bit_count != 0) {
        bit_count++;
    }
    uint32_t mask = ((uint32_t)1 << bit_count) - 1;
    uint32_t bits = difference < 0 ? ~magnitude & mask : magnitude;
    jpeg_append_bits(jpeg, bit_count, 4); // all codes of the first table are as long
    jpeg_append_bits(jpeg, bits, bit_count);
    jpeg_append_bits(jpeg, 0, 1); // the only code of the second: nothing follows
}

static void jpeg_append_tables(struct bytes *bytes) {
    bytes_append(bytes, "\xff\xdb\x00\x43\x00", 5);
    for (int i = 0; i < 64; i++) {
        bytes_append_u8(bytes, 8); // makes the first coefficient the level itself
    }
    bytes_append(bytes, "\xff\xc4\x00\x1f\x00", 5); // first coefficients: 12 codes of 4 bits
    for (int length = 1; length <= 16; length++) {
        bytes_append_u8(bytes, length == 4 ? 12 : 0);
    }
    for (unsigned symbol = 0; symbol < 12; symbol++) {
        bytes_append_u8(bytes, symbol);
    }
    bytes_append(bytes, "\xff\xc4\x00\x14\x10", 5); // the others: one code of 1 bit, end of block
    for (int length = 1; length <= 16; length++) {
        bytes_append_u8(bytes, length == 1 ? 1 : 0);
    }
    bytes_append_u8(bytes, 0);
}

static void jpeg_append_mosaic(struct jpeg *jpeg, uint64_t seed, uint32_t blocks) {
    for (uint32_t y = 0; y < blocks; y++) {
        for (uint32_t x = 0; x < blocks; x++) {
            struct colour c = picture_at(seed, (double)x / blocks, (double)y / blocks);
            // JFIF 1.02, levels around 0.
            jpeg_append_block(jpeg, 0, 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue - 128);
            jpeg_append_block(jpeg, 1, -0.1687 * c.red - 0.3313 * c.green + 0.5 * c.blue);
            jpeg_append_block(jpeg, 2, 0.5 * c.red - 0.4187 * c.green - 0.0813 * c.blue);
        }
    }
}

struct bytes make_jpeg(uint64_t seed, uint32_t side) {
    struct jpeg jpeg = {.pending = 0};
    struct bytes *bytes = &jpeg.bytes;
    bytes_append(bytes, "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00", 20);
    jpeg_append_tables(bytes);
    bytes_append(bytes, "\xff\xc0\x00\x11\x08", 5); // baseline, three components
    bytes_append_big_endian(bytes, side, 2);
    bytes_append_big_endian(bytes, side, 2);
    bytes_append(bytes, "\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00", 10);
    bytes_append(bytes, "\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00", 14);
    jpeg_append_mosaic(&jpeg, seed, side / 8);
    jpeg_append_bits(&jpeg, 0x7f, 7); // fills the last byte
    bytes_append(bytes, "\xff\xd9", 2);
    return jpeg.bytes;
}
