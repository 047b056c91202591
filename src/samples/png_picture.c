// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "png_picture.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>

#include "chance.h"
#include "picture.h"

static void png_append_chunk(struct bytes *png, const char *type, const struct bytes *data) {
    bytes_append_big_endian(png, (uint32_t)data->size, 4);
    size_t begin = png->size;
    bytes_append(png, type, 4);
    bytes_append(png, data->data, data->size);
    bytes_append_big_endian(png, (uint32_t)crc32(0, png->data + begin, (uInt)(png->size - begin)),
                            4);
}

// A zlib stream of stored blocks: the samples are to be made quickly, and look the same anyway.
static struct bytes zlib_store(const struct bytes *data) {
    uLongf size = compressBound((uLong)data->size);
    struct bytes stream = {.data = malloc(size), .capacity = size};
    if (stream.data == NULL ||
        compress2(stream.data, &size, data->data, (uLong)data->size, Z_NO_COMPRESSION) != Z_OK) {
        fail("out of memory");
    }
    stream.size = size;
    return stream;
}

static uint8_t to_sample(double value) {
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lround(value);
}

// Colours and a grain of noise.
static struct bytes picture_rows(uint64_t seed, uint32_t side) {
    struct bytes rows = {0};
    uint64_t state = seed;
    for (uint32_t y = 0; y < side; y++) {
        bytes_append_u8(&rows, 0); // filter: none
        for (uint32_t x = 0; x < side; x++) {
            struct colour colour = picture_at(seed, (double)x / side, (double)y / side);
            double grain = (double)(random_next(&state) >> 61);
            bytes_append_u8(&rows, to_sample(colour.red + grain));
            bytes_append_u8(&rows, to_sample(colour.green + grain));
            bytes_append_u8(&rows, to_sample(colour.blue + grain));
        }
    }
    return rows;
}

// A file of rows that each begin with their filter's number.
static struct bytes png_of_rows(const struct bytes *rows, uint32_t side) {
    struct bytes png = {0};
    struct bytes head = {0};
    struct bytes nothing = {0};
    struct bytes data = zlib_store(rows);
    bytes_append_big_endian(&head, side, 4);
    bytes_append_big_endian(&head, side, 4);
    bytes_append(&head, "\x08\x02\x00\x00\x00", 5); // 8 bits of red, green and blue
    bytes_append(&png, "\x89PNG\r\n\x1a\n", 8);
    png_append_chunk(&png, "IHDR", &head);
    png_append_chunk(&png, "IDAT", &data);
    png_append_chunk(&png, "IEND", &nothing);
    free(head.data);
    free(data.data);
    return png;
}

struct bytes make_png(uint64_t seed, uint32_t side) {
    struct bytes rows = picture_rows(seed, side);
    struct bytes png = png_of_rows(&rows, side);
    free(rows.data);
    return png;
}

struct bytes make_noise_png(uint64_t seed, uint32_t side) {
    struct bytes rows = {0};
    uint64_t state = seed;
    for (uint32_t y = 0; y < side; y++) {
        bytes_append_u8(&rows, 0); // filter: none
        for (uint32_t at = 0; at < 3 * side; at += sizeof state) {
            uint64_t noise = random_next(&state);
            uint32_t rest = 3 * side - at;
            bytes_append(&rows, &noise, rest < sizeof noise ? rest : sizeof noise);
        }
    }
    struct bytes png = png_of_rows(&rows, side);
    free(rows.data);
    return png;
}
