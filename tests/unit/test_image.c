// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Kinds of images, and the structural checks of all formats but PNG.
#include "gen5/image.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_file.h"

static struct image_file load(const char *name) {
    return image_file_load(name, 64 * 1024);
}

static enum gen5_status check(const struct image_file *image, enum gen5_image_kind kind,
                              struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source = gen5_source_from_memory(image->bytes, image->size);
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    return gen5_image_check(&source, kind, &limits, error);
}

struct variant {
    const char *name;
    enum gen5_image_kind kind;
    size_t tail; // bytes at the end that a decoder can do without
};

static const struct variant variants[] = {
    {"baseline.jpg", GEN5_IMAGE_JPEG, 0},
    {"progressive.jpg", GEN5_IMAGE_JPEG, 0},
    {"grey.jpg", GEN5_IMAGE_JPEG, 0},
    {"cmyk.jpg", GEN5_IMAGE_JPEG, 0},
    {"restart.jpg", GEN5_IMAGE_JPEG, 0},
    {"lossy.webp", GEN5_IMAGE_WEBP, 0},
    {"lossy-alpha.webp", GEN5_IMAGE_WEBP, 0},
    {"lossless.webp", GEN5_IMAGE_WEBP, 0},
    {"animated.webp", GEN5_IMAGE_WEBP, 0},
    {"still.gif", GEN5_IMAGE_GIF, 0},
    {"animated.gif", GEN5_IMAGE_GIF, 0},
    {"gif87.gif", GEN5_IMAGE_GIF, 0},
    {"grey1.bmp", GEN5_IMAGE_BMP, 0},
    {"grey8.bmp", GEN5_IMAGE_BMP, 0},
    {"rgb.bmp", GEN5_IMAGE_BMP, 0},
    {"rgba.bmp", GEN5_IMAGE_BMP, 0},
    {"os2.bmp", GEN5_IMAGE_BMP, 0},
    {"rle.bmp", GEN5_IMAGE_BMP, 0},
    {"little-endian.tiff", GEN5_IMAGE_TIFF, 0},
    {"big-endian.tiff", GEN5_IMAGE_TIFF,
     32}, // the next directory's offset, and values no one needs
    {"deflate.tiff", GEN5_IMAGE_TIFF, 0},
    {"tiled.tiff", GEN5_IMAGE_TIFF, 32},
    {"big.tiff", GEN5_IMAGE_TIFF, 32},
    {"rgb.png", GEN5_IMAGE_PNG, 0},
};

enum { VARIANT_COUNT = sizeof variants / sizeof variants[0] };

// --- Kinds --------------------------------------------------------------------------------------

Test(image, kinds_are_told_by_the_first_bytes) {
    static const struct {
        const char *bytes;
        size_t size;
        enum gen5_image_kind kind;
    } rows[] = {
        {"\x89PNG\r\n\x1a\n", 8, GEN5_IMAGE_PNG},
        {"\x89PNG\n\x1a\n", 7, GEN5_IMAGE_UNKNOWN},
        {"\x89PNG\r\n\x1a", 7, GEN5_IMAGE_UNKNOWN},
        {"\xff\xd8\xff\xe0", 4, GEN5_IMAGE_JPEG},
        {"\xff\xd8", 2, GEN5_IMAGE_UNKNOWN},
        {"RIFF\x1a\0\0\0WEBP", 12, GEN5_IMAGE_WEBP},
        {"RIFF\x1a\0\0\0WAVE", 12, GEN5_IMAGE_UNKNOWN},
        {"RIFF\x1a\0\0\0WEB", 11, GEN5_IMAGE_UNKNOWN},
        {"GIF87a", 6, GEN5_IMAGE_GIF},
        {"GIF89a", 6, GEN5_IMAGE_GIF},
        {"GIF88a", 6, GEN5_IMAGE_UNKNOWN},
        {"BM", 2, GEN5_IMAGE_BMP},
        {"B", 1, GEN5_IMAGE_UNKNOWN},
        {"II*\0", 4, GEN5_IMAGE_TIFF},
        {"MM\0*", 4, GEN5_IMAGE_TIFF},
        {"II+\0", 4, GEN5_IMAGE_TIFF},
        {"MM\0+", 4, GEN5_IMAGE_TIFF},
        {"II\0*", 4, GEN5_IMAGE_UNKNOWN},
        {"GEN5", 4, GEN5_IMAGE_UNKNOWN},
        {"", 0, GEN5_IMAGE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(gen5_image_kind_of(rows[i].bytes, rows[i].size), rows[i].kind, "row %zu", i);
    }
}

Test(image, extensions_and_kinds_belong_together) {
    static const struct {
        const char *extension;
        enum gen5_image_kind kind;
    } rows[] = {
        {"png", GEN5_IMAGE_PNG},    {"PNG", GEN5_IMAGE_PNG},      {"jpg", GEN5_IMAGE_JPEG},
        {"jpeg", GEN5_IMAGE_JPEG},  {"JPEG", GEN5_IMAGE_JPEG},    {"webp", GEN5_IMAGE_WEBP},
        {"gif", GEN5_IMAGE_GIF},    {"bmp", GEN5_IMAGE_BMP},      {"tiff", GEN5_IMAGE_TIFF},
        {"tif", GEN5_IMAGE_TIFF},   {"bin", GEN5_IMAGE_UNKNOWN},  {"", GEN5_IMAGE_UNKNOWN},
        {"pn", GEN5_IMAGE_UNKNOWN}, {"pngx", GEN5_IMAGE_UNKNOWN}, {".png", GEN5_IMAGE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(gen5_image_kind_from_extension(rows[i].extension), rows[i].kind, "%s",
                     rows[i].extension);
    }
    for (enum gen5_image_kind kind = GEN5_IMAGE_UNKNOWN; kind <= GEN5_IMAGE_TIFF; kind++) {
        cr_expect_eq(gen5_image_kind_from_extension(gen5_image_kind_extension(kind)), kind);
    }
    cr_expect_str_eq(gen5_image_kind_extension(GEN5_IMAGE_JPEG), "jpg");
    cr_expect_str_eq(gen5_image_kind_extension(GEN5_IMAGE_UNKNOWN), "bin");
}

// --- Whole images -------------------------------------------------------------------------------

Test(image, every_variant_of_a_format_is_taken) {
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file image = load(variants[i].name);
        struct gen5_error error;
        cr_expect_eq(check(&image, variants[i].kind, &error), GEN5_OK, "%s: %s", variants[i].name,
                     error.message);
        cr_expect_eq(check(&image, GEN5_IMAGE_UNKNOWN, &error), GEN5_OK, "%s: %s", variants[i].name,
                     error.message);
        free(image.bytes);
    }
}

Test(image, bytes_behind_the_image_are_let_through) {
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file image = load(variants[i].name);
        struct gen5_error error;
        memcpy(image.bytes + image.size, "more", 4);
        image.size += 4;
        cr_expect_eq(check(&image, variants[i].kind, &error), GEN5_OK, "%s: %s", variants[i].name,
                     error.message);
        free(image.bytes);
    }
}

Test(image, every_cut_of_an_image_is_refused) {
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file whole = load(variants[i].name);
        for (size_t size = 0; size < whole.size - variants[i].tail; size++) {
            struct image_file cut = {.bytes = malloc(size + 1), .size = size};
            memcpy(cut.bytes, whole.bytes, size);
            struct gen5_error error;
            cr_expect_eq(check(&cut, variants[i].kind, &error), GEN5_ERROR_INVALID,
                         "%zu of %zu bytes of %s were taken", size, whole.size, variants[i].name);
            cr_expect_neq(error.message[0], '\0');
            free(cut.bytes);
        }
        free(whole.bytes);
    }
}

Test(image, no_change_of_a_byte_breaks_a_check) {
    // Whether it is refused depends on the byte; what counts is that nothing else happens.
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file image = load(variants[i].name);
        uint8_t *exact = malloc(image.size); // so that a sanitizer sees what is read behind it
        memcpy(exact, image.bytes, image.size);
        free(image.bytes);
        image.bytes = exact;
        for (size_t at = 0; at < image.size; at++) {
            uint8_t kept = image.bytes[at];
            for (size_t j = 0; j < sizeof values; j++) {
                struct gen5_error error;
                image.bytes[at] = values[j];
                enum gen5_status status = check(&image, GEN5_IMAGE_UNKNOWN, &error);
                cr_expect(status == GEN5_OK || status == GEN5_ERROR_INVALID, "byte %zu of %s", at,
                          variants[i].name);
            }
            image.bytes[at] = kept;
        }
        free(image.bytes);
    }
}

Test(image, an_image_of_another_kind_than_its_name_says_is_refused) {
    struct image_file image = load("baseline.jpg");
    struct gen5_error error;
    cr_expect_eq(check(&image, GEN5_IMAGE_PNG, &error), GEN5_ERROR_INVALID);
    cr_expect_str_eq(error.message, "a JPEG image, not a PNG image: its name must be image.jpg");
    free(image.bytes);
}

Test(image, what_is_no_image_is_refused_in_words) {
    static const struct {
        const char *bytes;
        enum gen5_image_kind kind;
        const char *part;
    } rows[] = {
        {"", GEN5_IMAGE_PNG, "empty"},
        {"", GEN5_IMAGE_UNKNOWN, "empty"},
        {"text", GEN5_IMAGE_PNG, "not a PNG image"},
        {"text", GEN5_IMAGE_WEBP, "not a WebP image"},
        {"text", GEN5_IMAGE_UNKNOWN, "not an image"},
        {"GEN5\x01", GEN5_IMAGE_UNKNOWN, "not an image"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gen5_source source = gen5_source_from_memory(rows[i].bytes, strlen(rows[i].bytes));
        struct gen5_limits limits = gen5_limits_default();
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(gen5_image_check(&source, rows[i].kind, &limits, &error), GEN5_ERROR_INVALID);
        cr_expect_not_null(strstr(error.message, rows[i].part), "%s", error.message);
    }
}

Test(image, more_pixels_than_the_limit_are_refused) {
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        struct image_file image = load(variants[i].name);
        struct gen5_source source = gen5_source_from_memory(image.bytes, image.size);
        struct gen5_limits limits = gen5_limits_default();
        struct gen5_error error = GEN5_ERROR_NONE;
        limits.image_pixels_max = 24 * 16;
        cr_expect_eq(gen5_image_check(&source, variants[i].kind, &limits, &error), GEN5_OK,
                     "%s: %s", variants[i].name, error.message);
        limits.image_pixels_max = 24 * 16 - 1;
        cr_expect_eq(gen5_image_check(&source, variants[i].kind, &limits, &error),
                     GEN5_ERROR_INVALID, "%s", variants[i].name);
        cr_expect_not_null(strstr(error.message, "24 x 16"), "%s: %s", variants[i].name,
                           error.message);
        free(image.bytes);
    }
}

// --- What single formats ask --------------------------------------------------------------------

// Load, put bytes at a place, and expect the refusal to say `part`, or none where it is NULL.
static void expect_after(const char *name, size_t at, const char *bytes, size_t size,
                         const char *part) {
    struct image_file image = load(name);
    struct gen5_error error;
    memcpy(image.bytes + at, bytes, size);
    enum gen5_status status = check(&image, GEN5_IMAGE_UNKNOWN, &error);
    cr_expect_eq(status, part == NULL ? GEN5_OK : GEN5_ERROR_INVALID, "%s, byte %zu: \"%s\"", name,
                 at, error.message);
    cr_expect(part == NULL || strstr(error.message, part) != NULL, "%s, byte %zu: %s", name, at,
              error.message);
    free(image.bytes);
}

Test(image, a_jpeg_needs_a_frame_and_a_scan) {
    struct {
        const char *bytes;
        size_t size;
        const char *part;
    } rows[] = {
        {"\xff\xd8\xff\xd9", 4, "ends before its pixels"},
        {"\xff\xd8\xff\xff\xff\xd9", 6, "ends before its pixels"},
        {"\xff\xd8\xff\xda\0\x02\xff\xd9", 8, "without a frame"},
        {"\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xd9", 17, "ends before"},
        {"\xff\xd8\xff\xc0\0\x0b\x08\0\0\0\x01\x01\x01\x11\0\xff\xd9", 17, "1 x 0 pixels"},
        {"\xff\xd8\xff\xc0\0\x0b\x0c\0\x01\0\x01\x01\x01\x11\0\xff\xd9", 17, "12 bits"},
        {"\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\x01\x02\x01\x11\0\xff\xd9", 17, "2 components"},
        {"\xff\xd8\xff\xc0\0\x0c\x08\0\x01\0\x01\x01\x01\x11\0\0\xff\xd9", 18, "wrong length"},
        {"\xff\xd8\xff\xc3\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xd9", 17, "lossless"},
        {"\xff\xd8\xff\xe0\0\x01\xff\xd9", 8, "no segment"},
        {"\xff\xd8\xff\xd8\xff\xd9", 6, "no segment"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct image_file image = {.bytes = malloc(rows[i].size), .size = rows[i].size};
        struct gen5_error error;
        memcpy(image.bytes, rows[i].bytes, rows[i].size);
        cr_expect_eq(check(&image, GEN5_IMAGE_JPEG, &error), GEN5_ERROR_INVALID, "row %zu", i);
        cr_expect_not_null(strstr(error.message, rows[i].part), "row %zu: %s", i, error.message);
        free(image.bytes);
    }
}

Test(image, a_webp_s_sizes_must_agree) {
    expect_after("lossy.webp", 4, "\0\0\0\0", 4, "no image");
    expect_after("lossy.webp", 4, "\xff\xff\xff\xff", 4, "4294967303 bytes");
    expect_after("lossy.webp", 16, "\xff\xff\xff\xff", 4, "longer than the file");
    expect_after("lossy.webp", 16, "\x02\0\0\0", 4, "too short");
    expect_after("lossy.webp", 12, "EXIF", 4, "no picture");
    expect_after("lossy.webp", 20, "\xff", 1, "key frame");
    expect_after("lossy.webp", 22, "\xff", 1, "first part");
    expect_after("lossless.webp", 20, "\0", 1, "signature");
}

Test(image, a_gif_s_blocks_must_be_known) {
    expect_after("gif87.gif", 13 + 768, "\x3b", 1, "no picture");
    expect_after("gif87.gif", 13 + 768, "\x55", 1, "unknown kind 0x55");
    expect_after("gif87.gif", 13 + 768 + 5, "\0\0", 2, "0 x 16 pixels");
    expect_after("gif87.gif", 13 + 768 + 10, "\x0c", 1, "12 bits");
    expect_after("gif87.gif", 6, "\0\0\0\0", 4, NULL);
}

Test(image, a_bitmap_s_sizes_must_agree) {
    expect_after("rgb.bmp", 2, "\0\0\0\0", 4, NULL);
    expect_after("rgb.bmp", 2, "\xff\xff\0\0", 4, "65535 bytes");
    expect_after("rgb.bmp", 10, "\x20\0\0\0", 4, "within the header");
    expect_after("rgb.bmp", 10, "\x37\0\0\0", 4, "cut off");
    expect_after("rgb.bmp", 14, "\x29\0\0\0", 4, "41 bytes");
    expect_after("rgb.bmp", 18, "\0\0\0\0", 4, "0 x 16 pixels");
    expect_after("rgb.bmp", 18, "\xff\xff\xff\xff", 4, "negative");
    expect_after("rgb.bmp", 22, "\xf0\xff\xff\xff", 4, NULL); // 16 rows from the top
    expect_after("rgb.bmp", 22, "\0\0\0\x80", 4, "pixels");
    expect_after("rgb.bmp", 28, "\x02\0", 2, "2 bits a pixel");
    expect_after("rgb.bmp", 30, "\x04\0\0\0", 4, "compression 4");
}

Test(image, a_tiff_s_directory_must_lie_within_the_file) {
    expect_after("little-endian.tiff", 4, "\xff\xff\xff\xff", 4, "cut off");
    expect_after("little-endian.tiff", 4, "\0\0\0\0", 4, "not in the file"); // the signature
    expect_after("little-endian.tiff", 8, "\0\0", 2, "0 entries");
    expect_after("little-endian.tiff", 8, "\x01\0", 2, "missing");
    expect_after("little-endian.tiff", 10, "\xff\xff", 2, "missing"); // the width's tag
    expect_after("little-endian.tiff", 12, "\x05\0", 2, "no integers");
    expect_after("little-endian.tiff", 14, "\0\0\0\x10", 4, "not in the file");
}
