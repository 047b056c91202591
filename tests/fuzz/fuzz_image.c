// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Any bytes as an image. Of inputs with an odd size that are PNGs the CRCs are mended first:
// nothing behind them would be reached by chance.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIGNATURE_SIZE = 8, CHUNK_OVERHEAD = 12 };

// PNG specification, annex D, four bits at a time.
static uint32_t crc_of(const uint8_t *bytes, size_t size) {
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc = table[(crc ^ bytes[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ bytes[i] >> 4) & 15] ^ crc >> 4;
    }
    return crc ^ 0xffffffff;
}

static void mend_crcs(uint8_t *bytes, size_t size) {
    size_t at = SIGNATURE_SIZE;
    while (at <= size && size - at >= CHUNK_OVERHEAD) {
        uint8_t *chunk = bytes + at;
        size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 |
                        (size_t)chunk[3];
        if (length > size - at - CHUNK_OVERHEAD) {
            return;
        }
        uint32_t crc = crc_of(chunk + 4, length + 4);
        for (size_t i = 0; i < 4; i++) {
            chunk[8 + length + i] = (uint8_t)(crc >> (24 - 8 * i));
        }
        at += length + CHUNK_OVERHEAD;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    if (size % 2 == 1 && gen5_image_kind_of(bytes, size) == GEN5_IMAGE_PNG) {
        mend_crcs(bytes, size);
    }
    struct gen5_limits limits = gen5_limits_default();
    limits.image_pixels_max = 1 << 20; // keeps one input from taking seconds
    struct gen5_source source = gen5_source_from_memory(bytes, size);
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = gen5_image_check(&source, GEN5_IMAGE_UNKNOWN, &limits, &error);
    if (status != GEN5_OK && (status != GEN5_ERROR_INVALID || error.message[0] == '\0')) {
        abort();
    }
    free(bytes);
    return 0;
}
