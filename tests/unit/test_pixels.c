// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Pictures as samples: decoded, compared, written.
#include "gen5/pixels.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image_file.h"

enum { CAPACITY = 1024 * 1024, WIDTH = 24, HEIGHT = 16 };

static enum gen5_status read_image(const char *name, struct gen5_pixels *pixels,
                                   struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    struct image_file file = image_file_load(name, CAPACITY);
    struct gen5_source source = gen5_source_from_memory(file.bytes, file.size);
    enum gen5_status status = gen5_pixels_read(&source, &limits, pixels, error);
    free(file.bytes);
    return status;
}

static struct gen5_pixels load(const char *name) {
    struct gen5_pixels pixels;
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_assert_eq(read_image(name, &pixels, &error), GEN5_OK, "%s: %s", name, error.message);
    cr_assert_eq(pixels.width, WIDTH);
    cr_assert_eq(pixels.height, HEIGHT);
    return pixels;
}

static const uint16_t *pixel_at(const struct gen5_pixels *pixels, uint32_t x, uint32_t y) {
    return &pixels->samples[(y * pixels->width + x) * GEN5_PIXEL_SAMPLES];
}

Test(pixels, samples_of_16_bits_are_those_that_were_written) {
    struct gen5_pixels pixels = load("rgba16.png");
    cr_expect(pixels.has_alpha);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            // As make_images.py makes them.
            uint16_t expected[] = {(uint16_t)(x * 2700), (uint16_t)(y * 4000),
                                   (uint16_t)(65535 - x * 2700), 65535};
            cr_assert_arr_eq(pixel_at(&pixels, x, y), expected, sizeof expected);
        }
    }
    gen5_pixels_release(&pixels);
}

Test(pixels, grey_is_the_same_in_all_colours_and_opaque) {
    static const char *const names[] = {"grey1.png", "grey8.png", "grey16.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct gen5_pixels pixels = load(names[i]);
        cr_expect_not(pixels.has_alpha);
        for (uint32_t x = 0; x < WIDTH; x++) {
            const uint16_t *pixel = pixel_at(&pixels, x, 3);
            cr_expect(pixel[0] == pixel[1] && pixel[1] == pixel[2], "%s", names[i]);
            cr_expect_eq(pixel[3], 65535);
        }
        gen5_pixels_release(&pixels);
    }
}

Test(pixels, an_interlaced_picture_is_the_same_as_one_that_is_not) {
    struct gen5_pixels plain = load("rgb.png");
    struct gen5_pixels interlaced = load("interlaced.png");
    struct gen5_pixels_difference difference = gen5_pixels_compare(&plain, &interlaced);
    cr_expect(difference.same_size);
    cr_expect_eq(difference.pixel_count, WIDTH * HEIGHT);
    cr_expect_eq(difference.different_count, 0);
    cr_expect(isinf(difference.psnr));
    gen5_pixels_release(&plain);
    gen5_pixels_release(&interlaced);
}

Test(pixels, what_differs_is_counted) {
    struct gen5_pixels first = load("rgb.png");
    struct gen5_pixels second = load("rgb.png");
    second.samples[0] ^= 0x8000;
    second.samples[1] ^= 0x8000;
    second.samples[7 * GEN5_PIXEL_SAMPLES] ^= 0x4000;
    struct gen5_pixels_difference difference = gen5_pixels_compare(&first, &second);
    double squares = 2.0 * 0x8000 * 0x8000 + 1.0 * 0x4000 * 0x4000;
    double expected = 10 * log10(65535.0 * 65535.0 * 3 * WIDTH * HEIGHT / squares);
    cr_expect_eq(difference.different_count, 2);
    cr_expect_float_eq(difference.max_absolute, 0x8000 / 65535.0, 1e-12);
    cr_expect_float_eq(difference.psnr, expected, 1e-9);
    uint8_t rgb[3 * WIDTH * HEIGHT];
    gen5_pixels_draw_difference(&first, &second, rgb);
    cr_expect(rgb[0] == 255 && rgb[1] == 255 && rgb[2] == 0);
    cr_expect(rgb[21] == 128 && rgb[22] == 0 && rgb[24] == 0);
    gen5_pixels_release(&first);
    gen5_pixels_release(&second);
}

Test(pixels, pictures_of_other_sizes_are_not_compared) {
    struct gen5_pixels first = load("rgb.png");
    struct gen5_pixels second = {.width = HEIGHT, .height = WIDTH, .samples = first.samples};
    struct gen5_pixels_difference difference = gen5_pixels_compare(&first, &second);
    cr_expect_not(difference.same_size);
    cr_expect_eq(difference.different_count, 0);
    gen5_pixels_release(&first);
}

Test(pixels, other_kinds_and_broken_pngs_are_refused) {
    static const struct {
        const char *name, *says;
    } rows[] = {{"baseline.jpg", "JPEG"}, {"still.gif", "GIF"}, {"make_images.py", "none that"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_pixels pixels;
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(read_image(rows[i].name, &pixels, &error), GEN5_ERROR_INVALID);
        cr_expect_not_null(strstr(error.message, rows[i].says), "%s", error.message);
        gen5_pixels_release(&pixels);
    }
    struct gen5_limits limits = gen5_limits_default();
    struct image_file file = image_file_load("rgb.png", CAPACITY);
    struct gen5_source source = gen5_source_from_memory(file.bytes, file.size / 2);
    struct gen5_pixels pixels;
    cr_expect_eq(gen5_pixels_read(&source, &limits, &pixels, NULL), GEN5_ERROR_INVALID);
    gen5_pixels_release(&pixels);
    limits.image_pixels_max = WIDTH * HEIGHT - 1;
    source = gen5_source_from_memory(file.bytes, file.size);
    cr_expect_eq(gen5_pixels_read(&source, &limits, &pixels, NULL), GEN5_ERROR_INVALID);
    gen5_pixels_release(&pixels);
    free(file.bytes);
}

Test(pixels, what_is_written_reads_back) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error = GEN5_ERROR_NONE;
    uint8_t rgb[3 * WIDTH * HEIGHT];
    for (size_t i = 0; i < sizeof rgb; i++) {
        rgb[i] = (uint8_t)(i * 7);
    }
    int fd = memfd_create("picture", MFD_CLOEXEC);
    cr_assert_eq(gen5_png_write(fd, WIDTH, HEIGHT, rgb, &error), GEN5_OK, "%s", error.message);
    struct gen5_source source;
    struct gen5_pixels pixels;
    cr_assert_eq(gen5_source_from_fd(fd, &source, NULL), GEN5_OK);
    cr_assert_eq(gen5_pixels_read(&source, &limits, &pixels, &error), GEN5_OK);
    cr_expect_not(pixels.has_alpha);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        for (size_t j = 0; j < 3; j++) {
            cr_assert_eq(pixels.samples[i * GEN5_PIXEL_SAMPLES + j], 257 * rgb[i * 3 + j]);
        }
    }
    gen5_pixels_release(&pixels);
    close(fd);
}

Test(pixels, a_picture_that_cannot_be_written_is_told) {
    static const uint8_t rgb[3] = {0};
    struct gen5_error error = GEN5_ERROR_NONE;
    int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_expect_eq(gen5_png_write(read_only, 1, 1, rgb, &error), GEN5_ERROR_SYSTEM);
    cr_expect_eq(gen5_png_write(read_only, 0, 1, rgb, &error), GEN5_ERROR_INVALID);
    close(read_only);
}
