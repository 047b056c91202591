// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The header's 32 bytes, and a chunk's 12.
#include "gen5/header.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct gen5_header good = {
    .version_major = 1,
    .version_minor = 2,
    .flags = 0x0304,
    .table_offset = 0x11223344,
    .table_size = 0x55667788,
    .chunk_count = 0x99aabbcc,
    .file_size = 0xddeeff00,
    .reserved = 0x0102030405060708,
};

Test(header, fields_stand_where_the_format_says) {
    static const uint8_t expected[GEN5_HEADER_SIZE] = {
        'G',  'E',  'N',  '5',  1,    2,    4,    3,    0x44, 0x33, 0x22,
        0x11, 0x88, 0x77, 0x66, 0x55, 0xcc, 0xbb, 0xaa, 0x99, 0x00, 0xff,
        0xee, 0xdd, 8,    7,    6,    5,    4,    3,    2,    1,
    };
    uint8_t bytes[GEN5_HEADER_SIZE];
    gen5_header_write(&good, bytes);
    cr_expect_eq(memcmp(bytes, expected, sizeof bytes), 0);
    struct gen5_header header;
    cr_assert_eq(gen5_header_read(bytes, sizeof bytes, UINT32_MAX, &header, NULL), GEN5_OK);
    cr_expect_eq(header.version_major, good.version_major);
    cr_expect_eq(header.version_minor, good.version_minor);
    cr_expect_eq(header.flags, good.flags);
    cr_expect_eq(header.table_offset, good.table_offset);
    cr_expect_eq(header.table_size, good.table_size);
    cr_expect_eq(header.chunk_count, good.chunk_count);
    cr_expect_eq(header.file_size, good.file_size);
    cr_expect_eq(header.reserved, good.reserved);
}

Test(header, every_shorter_file_is_refused) {
    uint8_t bytes[GEN5_HEADER_SIZE];
    gen5_header_write(&good, bytes);
    for (size_t size = 0; size < sizeof bytes; size++) {
        struct gen5_header header;
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(gen5_header_read(bytes, size, size, &header, &error), GEN5_ERROR_DAMAGED,
                     "%zu bytes", size);
    }
}

Test(header, raiiaf_is_named) {
    uint8_t bytes[GEN5_HEADER_SIZE] = "raiiaf";
    struct gen5_header header;
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(gen5_header_read(bytes, sizeof bytes, 1000, &header, &error), GEN5_ERROR_DAMAGED);
    cr_expect_not_null(strstr(error.message, "RAIIAF"));
}

Test(header, wrong_fields_are_named_with_their_offset) {
    static const struct {
        uint8_t version_major;
        uint32_t table_offset;
        uint32_t table_size;
        uint64_t file_size;
        int64_t offset;
    } rows[] = {
        {0, 32, 10, 42, 4},
        {1, 31, 10, 100, 8},
        {1, 0, 10, 100, 8},
        {1, 42, 1, 42, 8},
        {1, UINT32_MAX, 1, 42, 8},
        {1, 32, 0, 42, 12},
        {1, 32, 11, 42, 12},
        {1, 32, UINT32_MAX, 42, 12},
        {1, UINT32_MAX, UINT32_MAX, UINT32_MAX, 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_header header = good;
        header.version_major = rows[i].version_major;
        header.table_offset = rows[i].table_offset;
        header.table_size = rows[i].table_size;
        uint8_t bytes[GEN5_HEADER_SIZE];
        gen5_header_write(&header, bytes);
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(gen5_header_read(bytes, sizeof bytes, rows[i].file_size, &header, &error),
                     GEN5_ERROR_DAMAGED, "row %zu", i);
        cr_expect_eq(error.offset, rows[i].offset, "row %zu: %s", i, error.message);
    }
}

Test(header, newer_versions_and_any_file_size_are_read) {
    struct gen5_header header = good;
    header.version_major = 2;
    header.table_offset = 32;
    header.table_size = 10;
    header.file_size = 7;
    uint8_t bytes[GEN5_HEADER_SIZE];
    gen5_header_write(&header, bytes);
    cr_expect_eq(gen5_header_read(bytes, sizeof bytes, 42, &header, NULL), GEN5_OK);
    cr_expect_eq(header.file_size, 7);
}

Test(header, chunk_header_goes_both_ways) {
    static const uint8_t expected[GEN5_CHUNK_HEADER_SIZE] = {'L', 'A', 'T',  'N',  'F',  '1',
                                                             '6', 0,   0x78, 0x56, 0x34, 0x12};
    struct gen5_chunk_header header;
    uint8_t bytes[GEN5_CHUNK_HEADER_SIZE];
    gen5_chunk_header_read(expected, &header);
    cr_expect_eq(memcmp(header.type, "LATN", 4), 0);
    cr_expect_eq(memcmp(header.flags, "F16", 4), 0);
    cr_expect_eq(header.payload_size, 0x12345678);
    gen5_chunk_header_write(&header, bytes);
    cr_expect_eq(memcmp(bytes, expected, sizeof bytes), 0);
}
