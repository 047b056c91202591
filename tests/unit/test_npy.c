// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// .npy files: headers as numpy writes them, headers as others write them, values, conversion.
#include "gen5/npy.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// --- Making files -------------------------------------------------------------------------------

struct file {
    uint8_t *bytes;
    size_t size;
};

// A file of any header text, its length field as it should be, and any data.
static struct file make_file(unsigned version, const char *text, const void *data,
                             size_t data_size) {
    size_t text_size = strlen(text);
    size_t length_size = version == 1 ? 2 : 4;
    struct file file = {.size = 8 + length_size + text_size + data_size};
    file.bytes = calloc(1, file.size);
    cr_assert_not_null(file.bytes);
    memcpy(file.bytes, "\x93NUMPY", 6);
    file.bytes[6] = (uint8_t)version;
    for (size_t i = 0; i < length_size; i++) {
        file.bytes[8 + i] = (uint8_t)(text_size >> 8 * i);
    }
    memcpy(file.bytes + 8 + length_size, text, text_size);
    if (data != NULL) {
        memcpy(file.bytes + 8 + length_size + text_size, data, data_size);
    }
    return file;
}

static struct file make_array(const char *descr, bool fortran_order, const char *shape,
                              const void *data, size_t data_size) {
    char text[200];
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr,
             fortran_order ? "True" : "False", shape);
    return make_file(1, text, data, data_size);
}

static enum gen5_status open_file(const struct file *file, struct gen5_npy *npy,
                                  struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source = gen5_source_from_memory(file->bytes, file->size);
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    return gen5_npy_open(&source, &limits, npy, error);
}

// --- Writing headers ----------------------------------------------------------------------------

// What numpy.save writes before the padding.
static void expect_header(enum gen5_dtype dtype, uint32_t rank, const uint64_t *shape,
                          size_t expected_size, const char *expected_text) {
    char header[GEN5_NPY_HEADER_SIZE_MAX];
    size_t size = gen5_npy_header_write(dtype, shape, rank, header);
    size_t text_size = strlen(expected_text);
    cr_assert_eq(size, expected_size, "%zu bytes for %s", size, expected_text);
    cr_expect_eq(memcmp(header, "\x93NUMPY\x01\x00", 8), 0);
    cr_expect_eq((uint8_t)header[8] + 256 * (uint8_t)header[9], (int)size - 10);
    cr_expect_eq(memcmp(header + 10, expected_text, text_size), 0, "%s", expected_text);
    for (size_t i = 10 + text_size; i < size - 1; i++) {
        cr_expect_eq(header[i], ' ', "byte %zu of %s", i, expected_text);
    }
    cr_expect_eq(header[size - 1], '\n');
}

Test(npy, headers_are_numpy_s) {
    const uint64_t shape[] = {1, 4, 64, 64};
    expect_header(GEN5_DTYPE_FLOAT16, 4, shape, 128,
                  "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 4, 64, 64), }");
    expect_header(GEN5_DTYPE_FLOAT32, 4, shape, 128,
                  "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4, 64, 64), }");
    expect_header(GEN5_DTYPE_FLOAT32, 1, shape + 1, 128,
                  "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }");
    expect_header(GEN5_DTYPE_FLOAT16, 0, NULL, 128,
                  "{'descr': '<f2', 'fortran_order': False, 'shape': (), }");
}

Test(npy, headers_that_need_no_padding_get_64_bytes_of_it) {
    // numpy reserves 21 digits for the first dimension, then pads by 1 to 64 bytes.
    const uint64_t exact[] = {1, 1, 1, 1, 1000000000, 100000000000000000};
    expect_header(GEN5_DTYPE_FLOAT16, 6, exact, 192,
                  "{'descr': '<f2', 'fortran_order': False, "
                  "'shape': (1, 1, 1, 1, 1000000000, 100000000000000000), }");
    const uint64_t shorter[] = {1, 1, 1, 1, 1000000000, 10000000000000000};
    expect_header(GEN5_DTYPE_FLOAT16, 6, shorter, 128,
                  "{'descr': '<f2', 'fortran_order': False, "
                  "'shape': (1, 1, 1, 1, 1000000000, 10000000000000000), }");
}

Test(npy, the_longest_header_fits) {
    uint64_t shape[GEN5_RANK_MAX];
    for (size_t i = 0; i < GEN5_RANK_MAX; i++) {
        shape[i] = UINT64_MAX;
    }
    char header[GEN5_NPY_HEADER_SIZE_MAX];
    cr_expect_eq(gen5_npy_header_write(GEN5_DTYPE_FLOAT16, shape, GEN5_RANK_MAX, header) % 64, 0);
}

Test(npy, a_header_that_was_written_is_read) {
    const uint64_t shape[] = {2, 3, 5, 7};
    uint8_t file[GEN5_NPY_HEADER_SIZE_MAX + 840] = {0};
    size_t size = gen5_npy_header_write(GEN5_DTYPE_FLOAT32, shape, 4, (char *)file);
    struct gen5_source source = gen5_source_from_memory(file, size + 840);
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_npy npy;
    cr_assert_eq(gen5_npy_open(&source, &limits, &npy, NULL), GEN5_OK);
    cr_expect_eq(npy.dtype, GEN5_DTYPE_FLOAT32);
    cr_expect_eq(npy.rank, 4);
    cr_expect_eq(memcmp(npy.shape, shape, sizeof shape), 0);
    cr_expect_eq(npy.data_offset, size);
    cr_expect_eq(npy.data_size, 840);
    cr_expect(gen5_npy_is_payload(&npy));
}

// --- Reading headers ----------------------------------------------------------------------------

Test(npy, headers_of_other_writers_are_read) {
    static const char *const texts[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 2)}",
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (1, 1, 2, 2)}",
        "{'shape': (1, 1, 2, 2), 'fortran_order': False, 'descr': '<f4'}",
        "{'shape':(1,1,2,2,),'fortran_order':False,'descr':'<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 1L, 2L, 2L), }",
        " \t{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 1 , 1 , 2 , 2 ) , } \r\n\f",
        "{'descr': '=f4', 'fortran_order': False, 'shape': (1, 1, 2, 2), }",
    };
    for (unsigned version = 1; version <= 3; version++) {
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            struct file file = make_file(version, texts[i], NULL, 16);
            struct gen5_npy npy;
            struct gen5_error error;
            cr_assert_eq(open_file(&file, &npy, &error), GEN5_OK, "version %u of %s: %s", version,
                         texts[i], error.message);
            cr_expect_eq(npy.dtype, GEN5_DTYPE_FLOAT32);
            cr_expect_eq(npy.data_offset, file.size - 16);
            cr_expect(gen5_npy_is_payload(&npy), "%s", texts[i]);
            free(file.bytes);
        }
    }
}

Test(npy, byte_order_and_fortran_order_are_told) {
    static const struct {
        const char *descr;
        bool fortran_order, big_endian;
        enum gen5_dtype dtype;
        size_t size;
    } rows[] = {
        {"<f2", false, false, GEN5_DTYPE_FLOAT16, 8},
        {">f2", false, true, GEN5_DTYPE_FLOAT16, 8},
        {"<f4", true, false, GEN5_DTYPE_FLOAT32, 16},
        {">f4", true, true, GEN5_DTYPE_FLOAT32, 16},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file file =
            make_array(rows[i].descr, rows[i].fortran_order, "(1, 1, 2, 2)", NULL, rows[i].size);
        struct gen5_npy npy;
        struct gen5_error error;
        cr_assert_eq(open_file(&file, &npy, &error), GEN5_OK, "%s", error.message);
        cr_expect_eq(npy.dtype, rows[i].dtype, "row %zu", i);
        cr_expect_eq(npy.big_endian, rows[i].big_endian, "row %zu", i);
        cr_expect_eq(npy.fortran_order, rows[i].fortran_order, "row %zu", i);
        cr_expect_eq(gen5_npy_is_payload(&npy), i == 0, "row %zu", i);
        free(file.bytes);
    }
}

static void expect_refused(const struct file *file, const char *row, const char *part) {
    struct gen5_npy npy;
    struct gen5_error error;
    cr_expect_eq(open_file(file, &npy, &error), GEN5_ERROR_INVALID, "%s was taken", row);
    cr_expect_not_null(strstr(error.message, part), "%s: \"%s\" does not say \"%s\"", row,
                       error.message, part);
}

#define DESCR "'descr': '<f4', "
#define ORDER "'fortran_order': False, "
#define SHAPE "'shape': (1, 1, 2, 2), "

Test(npy, what_the_format_cannot_hold_is_refused_in_words) {
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"{'descr': '<f8', " ORDER SHAPE "}",
         "dtype float64 ('<f8'): convert with .astype('float32')"},
        {"{'descr': '>f8', " ORDER SHAPE "}", "float64"},
        {"{'descr': '<f16', " ORDER SHAPE "}", "longdouble"},
        {"{'descr': '<i8', " ORDER SHAPE "}", "int64"},
        {"{'descr': '|u1', " ORDER SHAPE "}", "uint8"},
        {"{'descr': '|b1', " ORDER SHAPE "}", "bool"},
        {"{'descr': '<c8', " ORDER SHAPE "}", "complex"},
        {"{'descr': '|O', " ORDER SHAPE "}", "object"},
        {"{'descr': '|V2', " ORDER SHAPE "}", "bfloat16"},
        {"{'descr': '|V20', " ORDER SHAPE "}", "dtype void"},
        {"{'descr': '<U4', " ORDER SHAPE "}", "text"},
        {"{'descr': '<M8[s]', " ORDER SHAPE "}", "datetime64"},
        {"{'descr': '|f4', " ORDER SHAPE "}", "'|f4'"},
        {"{'descr': 'f4', " ORDER SHAPE "}", "'f4'"},
        {"{'descr': '', " ORDER SHAPE "}", "''"},
        {"{'descr': [('a', '<f4'), ('b', '<f4')], " ORDER SHAPE "}", "structured"},
        {"{'descr': ('<f4', (2,)), " ORDER SHAPE "}", "structured"},
        {"{" DESCR ORDER "'shape': (), }", "0 dimensions"},
        {"{" DESCR ORDER "'shape': (4,), }", "1 dimensions"},
        {"{" DESCR ORDER "'shape': (2, 2), }", "2 dimensions"},
        {"{" DESCR ORDER "'shape': (1, 1, 1, 2, 2), }", "5 dimensions"},
        {"{" DESCR ORDER "'shape': (1, 0, 2, 2), }", "dimension 1 of the shape is 0"},
        {"{" DESCR ORDER "'shape': (1, 1, 2, 8193), }", "8193"},
        {"{" DESCR ORDER "'shape': (8192, 8192, 8192, 8192), }", "100000000"},
        {"{" DESCR ORDER "'shape': (1, 1, 10001, 10000), }", "10001"},
        {"{" DESCR ORDER "'shape': (1, 100, 1001, 1000), }", "100000000 elements"},
        {"{" DESCR ORDER "'shape': (1, 1, -2, 2), }", "negative"},
        {"{" DESCR ORDER "'shape': (1, 1, 2, 18446744073709551616), }", "larger"},
        {"{" DESCR ORDER "'shape': (1, 1, 2, 3), }", "8 bytes too short"},
        {"{" DESCR ORDER "'shape': (1, 1, 1, 3), }", "4 bytes too long"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file file = make_file(1, rows[i].text, NULL, 16);
        expect_refused(&file, rows[i].text, rows[i].part);
        free(file.bytes);
    }
}

Test(npy, what_is_no_header_is_refused_with_its_place) {
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "{}",
        "[]",
        "{" DESCR ORDER SHAPE,
        "{" DESCR ORDER SHAPE "} + 1",
        "{" DESCR ORDER SHAPE "}}",
        "{" DESCR ORDER "}",
        "{" DESCR SHAPE "}",
        "{" ORDER SHAPE "}",
        "{" DESCR DESCR ORDER SHAPE "}",
        "{" DESCR ORDER SHAPE "'more': 1}",
        "{'descr': '<f4' " ORDER SHAPE "}",
        "{'descr' '<f4', " ORDER SHAPE "}",
        "{descr: '<f4', " ORDER SHAPE "}",
        "{'descr': '<f4\", " ORDER SHAPE "}",
        "{'descr': '<\\x664', " ORDER SHAPE "}",
        "{'descr': 4, " ORDER SHAPE "}",
        "{" DESCR "'fortran_order': false, " SHAPE "}",
        "{" DESCR "'fortran_order': 0, " SHAPE "}",
        "{" DESCR "'fortran_order': Falsehood, " SHAPE "}",
        "{" DESCR ORDER "'shape': [1, 1, 2, 2], }",
        "{" DESCR ORDER "'shape': (1 1, 2, 2), }",
        "{" DESCR ORDER "'shape': (1,, 2, 2), }",
        "{" DESCR ORDER "'shape': (1, 1, 2, 2, }",
        "{" DESCR ORDER "'shape': (,), }",
        "{" DESCR ORDER "'shape': (4), }",
        "{" DESCR ORDER "'shape': 4, }",
        "{" DESCR ORDER "'shape': (1, 1, 2.0, 2), }",
        "{" DESCR ORDER "'shape': (1, 1, 2e0, 2), }",
        "{" DESCR ORDER "'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
        "1,1,1), }",
        "((((((((((((((((((((((((((((((((",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct file file = make_file(2, texts[i], NULL, 16);
        expect_refused(&file, texts[i], "at byte ");
        struct gen5_npy npy;
        struct gen5_error error;
        open_file(&file, &npy, &error);
        cr_expect(error.offset >= 12 && error.offset <= (int64_t)file.size - 16, "%s", texts[i]);
        free(file.bytes);
    }
}

Test(npy, other_files_are_refused_in_words) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } rows[] = {
        {"", 0, "empty"},
        {"1.0 2.0\n", 8, "not a .npy file"},
        {"\x93NUM", 4, "not a .npy file"},
        {"\x93NUMPY", 6, "ends within the .npy header"},
        {"\x93NUMPY\x01", 7, "ends within the .npy header"},
        {"\x93NUMPY\x01\0\x10", 9, "ends within the .npy header"},
        {"\x93NUMPY\x01\0\x10\0{", 11, "ends within the .npy header"},
        {"\x93NUMPY\x00\0\x10\0{", 11, "version 0.0"},
        {"\x93NUMPY\x01\1\x10\0{", 11, "version 1.1"},
        {"\x93NUMPY\x04\0\x10\0{", 11, "version 4.0"},
        {"\x93NUMPY\x02\0\xff\xff\xff\xff{", 13, "4294967295"},
        {"PK\x03\x04 more", 9, "zip archive"},
        {"\x80\x04\x95", 3, "not a .npy file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file file = {.bytes = malloc(rows[i].size + 1), .size = rows[i].size};
        memcpy(file.bytes, rows[i].bytes, rows[i].size);
        expect_refused(&file, rows[i].part, rows[i].part);
        free(file.bytes);
    }
}

Test(npy, every_cut_of_a_file_is_refused) {
    struct file file = make_array("<f4", false, "(1, 1, 2, 2)", NULL, 16);
    for (size_t size = 0; size < file.size; size++) {
        struct file cut = {.bytes = malloc(size + 1), .size = size};
        memcpy(cut.bytes, file.bytes, size);
        expect_refused(&cut, "a cut file", "");
        free(cut.bytes);
    }
    free(file.bytes);
}

Test(npy, limits_are_the_caller_s) {
    struct file file = make_array("<f4", false, "(1, 1, 3, 2)", NULL, 24);
    struct gen5_source source = gen5_source_from_memory(file.bytes, file.size);
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_npy npy;
    limits.tensor_elements_max = 6;
    limits.tensor_dimension_max = 3;
    cr_expect_eq(gen5_npy_open(&source, &limits, &npy, NULL), GEN5_OK);
    limits.tensor_elements_max = 5;
    cr_expect_eq(gen5_npy_open(&source, &limits, &npy, NULL), GEN5_ERROR_INVALID);
    limits.tensor_elements_max = 6;
    limits.tensor_dimension_max = 2;
    cr_expect_eq(gen5_npy_open(&source, &limits, &npy, NULL), GEN5_ERROR_INVALID);
    free(file.bytes);
}

// --- Values -------------------------------------------------------------------------------------

// Check a file of `count` ones with the bytes of one element, least significant first, at `at`.
static enum gen5_status check_element(const char *descr, bool fortran_order, size_t channels,
                                      size_t at, uint32_t element, struct gen5_error *error) {
    bool half = descr[2] == '2';
    size_t size = half ? 2 : 4;
    size_t count = channels * 3 * 5;
    uint8_t *data = calloc(count, size);
    for (size_t i = 0; i < size; i++) {
        size_t place = descr[0] == '>' ? size - 1 - i : i;
        data[at * size + place] = (uint8_t)(element >> 8 * i);
    }
    char shape[64];
    snprintf(shape, sizeof shape, "(1, %zu, 3, 5)", channels);
    struct file file = make_array(descr, fortran_order, shape, data, count * size);
    struct gen5_npy npy;
    cr_assert_eq(open_file(&file, &npy, error), GEN5_OK, "%s", error->message);
    struct gen5_source source = gen5_source_from_memory(file.bytes, file.size);
    enum gen5_status status = gen5_npy_check_values(&source, &npy, error);
    free(file.bytes);
    free(data);
    return status;
}

struct element {
    uint32_t half;
    uint32_t single;
    const char *word; // NULL for a good one
};

static const struct element elements[] = {
    {0x0000, 0x00000000, NULL},  {0x8000, 0x80000000, NULL},  {0x7bff, 0x7f7fffff, NULL},
    {0xfbff, 0xff7fffff, NULL},  {0x03ff, 0x007fffff, NULL},  {0x7c00, 0x7f800000, "infinity"},
    {0xfc00, 0xff800000, "inf"}, {0x7e00, 0x7fc00000, "NaN"}, {0xfe00, 0xffc00000, "NaN"},
    {0x7c01, 0x7f800001, "NaN"}, {0xffff, 0xffffffff, "NaN"},
};

Test(npy, values_must_be_finite) {
    static const char *const descrs[] = {"<f2", ">f2", "<f4", ">f4"};
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        for (size_t j = 0; j < 4; j++) {
            const struct element *row = &elements[i];
            struct gen5_error error = GEN5_ERROR_NONE;
            uint32_t bits = j < 2 ? row->half : row->single;
            enum gen5_status status = check_element(descrs[j], false, 2, 17, bits, &error);
            cr_expect_eq(status, row->word == NULL ? GEN5_OK : GEN5_ERROR_INVALID, "%s 0x%x",
                         descrs[j], bits);
            cr_expect(row->word == NULL || strstr(error.message, row->word) != NULL, "%s 0x%x: %s",
                      descrs[j], bits, error.message);
        }
    }
}

Test(npy, the_index_of_what_is_not_finite_is_told) {
    struct gen5_error error = GEN5_ERROR_NONE;
    check_element("<f2", false, 2, 15 + 5 + 3, 0x7e00, &error);
    cr_expect_not_null(strstr(error.message, "(0, 1, 1, 3)"), "%s", error.message);
    check_element("<f2", true, 2, 1 + 2 * (2 + 3 * 4), 0x7e00, &error);
    cr_expect_not_null(strstr(error.message, "(0, 1, 2, 4)"), "%s", error.message);
}

Test(npy, what_is_not_finite_is_found_at_any_place_of_a_large_file) {
    // Some 300 000 elements are more than are looked at in one go.
    enum { CHANNELS = 5000, COUNT = CHANNELS * 15 };
    static const size_t places[] = {0, 1, 65535, 65536, 65537, COUNT - 2, COUNT - 1};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(check_element("<f4", false, CHANNELS, places[i], 0x7f800000, &error),
                     GEN5_ERROR_INVALID, "element %zu", places[i]);
        char index[64];
        snprintf(index, sizeof index, "(0, %zu, %zu, %zu)", places[i] / 15, places[i] / 5 % 3,
                 places[i] % 5);
        cr_expect_not_null(strstr(error.message, index), "%s", error.message);
    }
}

// --- Conversion ---------------------------------------------------------------------------------

// The value of an element of the array of tests, different for each index.
static uint32_t value_of(const size_t *shape, size_t n, size_t c, size_t h, size_t w) {
    return (uint32_t)(((n * shape[1] + c) * shape[2] + h) * shape[3] + w) * 2654435761U;
}

static void put(uint8_t *bytes, size_t size, bool big_endian, uint32_t value) {
    for (size_t i = 0; i < size; i++) {
        bytes[big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
    }
}

// The elements as a file has them, found out index by index.
static uint8_t *elements_of(const size_t *shape, size_t size, bool big_endian, bool fortran_order) {
    uint8_t *bytes = malloc(shape[0] * shape[1] * shape[2] * shape[3] * size);
    for (size_t n = 0; n < shape[0]; n++) {
        for (size_t c = 0; c < shape[1]; c++) {
            for (size_t h = 0; h < shape[2]; h++) {
                for (size_t w = 0; w < shape[3]; w++) {
                    size_t at = fortran_order ? n + shape[0] * (c + shape[1] * (h + shape[2] * w))
                                              : w + shape[3] * (h + shape[2] * (c + shape[1] * n));
                    put(bytes + at * size, size, big_endian, value_of(shape, n, c, h, w));
                }
            }
        }
    }
    return bytes;
}

static void expect_converted(const size_t *shape, const char *descr, bool fortran_order) {
    size_t size = descr[2] == '2' ? 2 : 4;
    size_t data_size = shape[0] * shape[1] * shape[2] * shape[3] * size;
    uint8_t *data = elements_of(shape, size, descr[0] == '>', fortran_order);
    uint8_t *expected = elements_of(shape, size, false, false);
    char text[64];
    snprintf(text, sizeof text, "(%zu, %zu, %zu, %zu)", shape[0], shape[1], shape[2], shape[3]);
    struct file file = make_array(descr, fortran_order, text, data, data_size);
    struct gen5_source source = gen5_source_from_memory(file.bytes, file.size);
    struct gen5_npy npy;
    struct gen5_error error;
    cr_assert_eq(open_file(&file, &npy, &error), GEN5_OK, "%s", error.message);

    int fd = memfd_create("payload", MFD_CLOEXEC);
    cr_assert_eq(gen5_npy_convert(&source, &npy, fd, &error), GEN5_OK, "%s", error.message);
    uint8_t *got = calloc(1, data_size + 1);
    cr_expect_eq(pread(fd, got, data_size + 1, 0), (ssize_t)data_size);
    cr_expect_eq(memcmp(got, expected, data_size), 0, "%s %s of %s", text,
                 fortran_order ? "Fortran" : "C", descr);
    close(fd);
    free(got);
    free(file.bytes);
    free(expected);
    free(data);
}

Test(npy, conversion_loses_nothing) {
    static const size_t shapes[][4] = {
        {1, 1, 1, 1},    {1, 4, 8, 8},    {2, 3, 5, 7},     {7, 5, 3, 2},
        {1, 1, 1, 8192}, {8192, 1, 1, 1}, {3, 1, 257, 300}, {1, 16, 128, 129},
    };
    static const char *const descrs[] = {"<f2", ">f2", "<f4", ">f4"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (size_t j = 0; j < 4; j++) {
            expect_converted(shapes[i], descrs[j], false);
            expect_converted(shapes[i], descrs[j], true);
        }
    }
}

Test(npy, conversion_in_several_pieces_loses_nothing) {
    const size_t shape[] = {2, 3, 1500, 1100}; // 40 MB
    expect_converted(shape, ">f4", true);
}

Test(npy, a_full_disk_is_reported) {
    struct file file = make_array(">f4", true, "(1, 1, 2, 2)", NULL, 16);
    struct gen5_source source = gen5_source_from_memory(file.bytes, file.size);
    struct gen5_npy npy;
    struct gen5_error error;
    cr_assert_eq(open_file(&file, &npy, &error), GEN5_OK);
    int fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    cr_expect_eq(gen5_npy_convert(&source, &npy, fd, &error), GEN5_ERROR_SYSTEM);
    close(fd);
    free(file.bytes);
}
