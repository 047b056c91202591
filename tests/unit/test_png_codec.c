// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The full decode of a PNG: what it takes, what it refuses, what it costs.
#include "png_codec.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "image_file.h"

// --- Making PNGs --------------------------------------------------------------------------------

enum { CAPACITY = 8 * 1024 * 1024, HEAD_SIZE = 13 };

static struct image_file png_start(void) {
    struct image_file png = {.bytes = malloc(CAPACITY), .size = 8};
    cr_assert_not_null(png.bytes);
    memcpy(png.bytes, "\x89PNG\r\n\x1a\n", 8);
    return png;
}

static struct image_file load(const char *name) {
    return image_file_load(name, CAPACITY);
}

// PNG specification, annex D: CRC-32 of type and data.
static uint32_t crc_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
        }
    }
    return crc ^ 0xffffffff;
}

static void put_big_endian(uint8_t *bytes, uint32_t value) {
    for (size_t i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void add_chunk(struct image_file *png, const char *type, const void *data, size_t size) {
    uint8_t *chunk = png->bytes + png->size;
    cr_assert(png->size + size + 12 <= CAPACITY);
    put_big_endian(chunk, (uint32_t)size);
    memcpy(chunk + 4, type, 4);
    if (size > 0) {
        memcpy(chunk + 8, data, size);
    }
    put_big_endian(chunk + 8 + size, crc_of(chunk + 4, size + 4));
    png->size += size + 12;
}

static void add_head(struct image_file *png, uint32_t width, uint32_t height, uint8_t colour) {
    uint8_t head[HEAD_SIZE] = {[8] = 8, [9] = colour};
    put_big_endian(head, width);
    put_big_endian(head + 4, height);
    add_chunk(png, "IHDR", head, sizeof head);
}

static struct image_file png_of(uint32_t width, uint32_t height, uint8_t colour) {
    struct image_file png = png_start();
    add_head(&png, width, height, colour);
    return png;
}

static void add_pixels_and_end(struct image_file *png, const uint8_t *data, size_t size) {
    add_chunk(png, "IDAT", data, size);
    add_chunk(png, "IEND", NULL, 0);
}

// One grey pixel: zlib header, a stored block of a filter byte and a sample, Adler-32.
static const uint8_t pixel[] = {0x78, 0x01, 0x01, 0x02, 0x00, 0xfd, 0xff,
                                0x00, 0x7f, 0x00, 0x81, 0x00, 0x80};

static struct image_file one_pixel(void) {
    struct image_file png = png_of(1, 1, 0);
    add_pixels_and_end(&png, pixel, sizeof pixel);
    return png;
}

static enum gen5_status check(const struct image_file *png, struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source = gen5_source_from_memory(png->bytes, png->size);
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    return gen5_png_check(&source, &limits, error);
}

static void expect_taken(struct image_file *png, const char *row) {
    struct gen5_error error;
    cr_expect_eq(check(png, &error), GEN5_OK, "%s: %s", row, error.message);
    free(png->bytes);
}

static void expect_refused(struct image_file *png, const char *part) {
    struct gen5_error error;
    cr_expect_eq(check(png, &error), GEN5_ERROR_INVALID, "\"%s\" was expected", part);
    cr_expect_not_null(strstr(error.message, part), "\"%s\" does not say \"%s\"", error.message,
                       part);
    cr_expect(error.offset >= 0 && error.offset <= (int64_t)png->size, "%s: offset %lld", part,
              (long long)error.offset);
    free(png->bytes);
}

// --- What is taken ------------------------------------------------------------------------------

static const char *const variants[] = {
    "grey1.png",   "grey8.png", "grey16.png",     "rgb.png",        "rgba.png",     "rgba16.png",
    "palette.png", "text.png",  "grey-alpha.png", "interlaced.png", "animated.png",
};

enum { VARIANT_COUNT = sizeof variants / sizeof variants[0] };

Test(png_codec, every_variant_is_taken) {
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file png = load(variants[i]);
        expect_taken(&png, variants[i]);
    }
    struct image_file png = one_pixel();
    expect_taken(&png, "one pixel");
}

Test(png_codec, data_behind_the_end_chunk_is_taken) {
    struct image_file png = one_pixel();
    memcpy(png.bytes + png.size, "PK\x03\x04 and more", 13);
    png.size += 13;
    expect_taken(&png, "data behind IEND");
}

Test(png_codec, image_data_in_many_chunks_is_taken) {
    struct image_file png = png_of(1, 1, 0);
    for (size_t i = 0; i < sizeof pixel; i++) {
        add_chunk(&png, "IDAT", pixel + i, 1);
        add_chunk(&png, "IDAT", NULL, 0);
    }
    add_chunk(&png, "IEND", NULL, 0);
    expect_taken(&png, "IDAT of one byte each");
}

Test(png_codec, unknown_chunks_that_may_be_ignored_are_taken) {
    struct image_file png = png_of(1, 1, 0);
    add_chunk(&png, "gnFv", "anything", 8);
    add_chunk(&png, "IDAT", pixel, sizeof pixel);
    add_chunk(&png, "gnFv", NULL, 0);
    add_chunk(&png, "IEND", NULL, 0);
    expect_taken(&png, "unknown chunks");
}

Test(png_codec, thousands_of_text_chunks_are_taken) {
    struct image_file png = png_of(1, 1, 0);
    for (size_t i = 0; i < 100000; i++) {
        add_chunk(&png, "tEXt", "Comment\0text", 12);
    }
    add_pixels_and_end(&png, pixel, sizeof pixel);
    expect_taken(&png, "100 000 texts");
}

// --- What is refused ----------------------------------------------------------------------------

Test(png_codec, every_cut_is_refused) {
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file whole = load(variants[i]);
        for (size_t size = 8; size < whole.size; size++) {
            struct image_file cut = {.bytes = malloc(size), .size = size};
            memcpy(cut.bytes, whole.bytes, size);
            expect_refused(&cut, "");
        }
        free(whole.bytes);
    }
}

Test(png_codec, every_flipped_bit_is_refused) {
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file png = load(variants[i]);
        for (size_t at = 8; at < png.size; at++) {
            struct gen5_error error;
            png.bytes[at] ^= (uint8_t)(1 << at % 8);
            cr_expect_eq(check(&png, &error), GEN5_ERROR_INVALID, "byte %zu of %s", at,
                         variants[i]);
            png.bytes[at] ^= (uint8_t)(1 << at % 8);
        }
        free(png.bytes);
    }
}

Test(png_codec, a_wrong_crc_is_refused_by_name) {
    struct image_file png = one_pixel();
    png.bytes[png.size - 1] ^= 1;
    expect_refused(&png, "IEND: CRC error");

    png = png_of(1, 1, 0);
    add_chunk(&png, "tEXt", "Comment\0text", 12);
    png.bytes[png.size - 1] ^= 1;
    add_pixels_and_end(&png, pixel, sizeof pixel);
    expect_refused(&png, "tEXt: CRC error");
}

Test(png_codec, pixels_that_are_not_all_there_are_refused) {
    struct image_file png = png_of(1, 2, 0);
    add_pixels_and_end(&png, pixel, sizeof pixel);
    expect_refused(&png, "ot enough");

    png = png_of(1, 1, 0);
    add_pixels_and_end(&png, pixel, sizeof pixel - 4);
    expect_refused(&png, "ot enough");

    png = png_of(1, 1, 0);
    add_chunk(&png, "IEND", NULL, 0);
    expect_refused(&png, "");
}

Test(png_codec, pixels_with_a_wrong_checksum_are_refused) {
    uint8_t wrong[sizeof pixel];
    memcpy(wrong, pixel, sizeof pixel);
    wrong[sizeof wrong - 1] ^= 1;
    struct image_file png = png_of(1, 1, 0);
    add_pixels_and_end(&png, wrong, sizeof wrong);
    expect_refused(&png, "incorrect data check");
}

Test(png_codec, an_image_that_does_not_start_with_its_head_is_refused) {
    struct image_file png = png_start();
    add_pixels_and_end(&png, pixel, sizeof pixel);
    expect_refused(&png, "IHDR");
}

Test(png_codec, an_unknown_filter_is_refused) {
    uint8_t wrong[sizeof pixel];
    memcpy(wrong, pixel, sizeof pixel);
    wrong[7] = 9;
    memcpy(wrong + 9, "\0\x93\0\x89", 4); // its Adler-32
    struct image_file png = png_of(1, 1, 0);
    add_pixels_and_end(&png, wrong, sizeof wrong);
    expect_refused(&png, "filter");
}

Test(png_codec, an_unknown_critical_chunk_is_refused) {
    struct image_file png = png_of(1, 1, 0);
    add_chunk(&png, "ABCD", "x", 1);
    add_pixels_and_end(&png, pixel, sizeof pixel);
    expect_refused(&png, "ABCD");
}

Test(png_codec, a_palette_image_without_a_palette_is_refused) {
    struct image_file png = png_of(1, 1, 3);
    add_pixels_and_end(&png, pixel, sizeof pixel);
    expect_refused(&png, "PLTE");
}

// --- What it costs ------------------------------------------------------------------------------

Test(png_codec, absurd_sizes_are_refused_before_anything_is_allocated) {
    static const struct {
        uint32_t width, height;
        const char *part;
    } rows[] = {
        {0, 1, "0 x 1"},
        {1, 0, "1 x 0"},
        {100000, 100000, "limit"},
        {0x7fffffff, 0x7fffffff, "limit"},
        {0xffffffff, 0xffffffff, "limit"},
        {0x0fffffff, 1, "on a side"},
        {1, 0x0fffffff, "on a side"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct image_file png = png_of(rows[i].width, rows[i].height, 6);
        add_pixels_and_end(&png, pixel, sizeof pixel);
        expect_refused(&png, rows[i].part);
    }
}

// The most memory that this process ever had, in bytes.
static size_t memory_peak(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

// A zlib stream of nearly `size` zeros without its checksum: one block of fixed codes (RFC
// 1951, 3.2.6), a literal zero and then matches of 258 bytes at distance 1, 13 bits each.
static size_t make_bomb(uint8_t *bytes, size_t capacity, uint64_t size) {
    size_t at = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    uint64_t made = 0;
    bytes[at++] = 0x78;
    bytes[at++] = 0x01;
    // BFINAL 1, BTYPE 01; literal 0 is 00110000 with its first bit first.
    bits = 0x3 | 0x0c << 3;
    bit_count = 11;
    made = 1;
    while (made + 258 <= size && at + 8 < capacity) {
        // Length 258 is code 285, 11000101; distance 1 is code 0, 00000.
        bits |= 0xa3U << bit_count;
        bit_count += 13;
        while (bit_count >= 8) {
            bytes[at++] = (uint8_t)bits;
            bits >>= 8;
            bit_count -= 8;
        }
        made += 258;
    }
    // End of block is 0000000.
    bit_count += 7;
    while (bit_count > 0) {
        bytes[at++] = (uint8_t)bits;
        bits >>= 8;
        bit_count = bit_count > 8 ? bit_count - 8 : 0;
    }
    return at;
}

Test(png_codec, a_compressed_text_is_no_bomb) {
    enum { BOMB_SIZE = 4 * 1024 * 1024 };
    uint8_t *text = malloc(BOMB_SIZE);
    memcpy(text, "Comment\0\0", 9);
    size_t size = 9 + make_bomb(text + 9, BOMB_SIZE - 9, (uint64_t)1 << 33);
    struct image_file png = png_of(1, 1, 0);
    add_chunk(&png, "zTXt", text, size);
    add_pixels_and_end(&png, pixel, sizeof pixel);
    size_t before = memory_peak();
    expect_taken(&png, "a text that would be 600 MB");
    cr_expect(memory_peak() - before < (size_t)16 << 20);
    free(text);
}

Test(png_codec, memory_does_not_follow_the_number_of_pixels) {
    enum { BOMB_SIZE = 1024 * 1024, SIDE = 12000 };
    uint8_t *data = malloc(BOMB_SIZE);
    // Rows of zeros: every filter byte is 0 too.
    size_t size = make_bomb(data, BOMB_SIZE, (uint64_t)SIDE * (SIDE + 1));
    struct image_file png = png_of(SIDE, SIDE, 0);
    add_pixels_and_end(&png, data, size);
    size_t before = memory_peak();
    // 144 MB of pixels were decoded when the checksum is found missing.
    expect_refused(&png, "ot enough");
    cr_expect(memory_peak() - before < (size_t)16 << 20);
    free(data);
}

Test(png_codec, the_error_may_be_left_out) {
    struct image_file png = one_pixel();
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source = gen5_source_from_memory(png.bytes, png.size - 1);
    cr_expect_eq(gen5_png_check(&source, &limits, NULL), GEN5_ERROR_INVALID);
    free(png.bytes);
}
