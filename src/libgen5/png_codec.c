// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// PNG by libpng (PNG specification, third edition; RFC 1950).
//
// libpng reports an error by a longjmp. All state lives in a struct outside of the function that
// calls setjmp, which has no variables of its own, so there is nothing that a jump could clobber.
#include "png_codec.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "file_write.h"
#include "image_check.h"

enum {
    // libpng's own default for both (PNG_USER_WIDTH_MAX): a row takes 8 MB at most, three times.
    SIDE_MAX = 1000000,
    CHUNKS_KEPT_MAX = 128,
    CHUNK_SIZE_MAX = 1024 * 1024, // of those that libpng would keep; image data does not count
    IHDR_TYPE_OFFSET = 12,        // behind the signature and the length of the first chunk
    IHDR_WIDTH_OFFSET = 16,
    SAMPLE_MAX = 65535,
};

struct png_decoder {
    struct gen5_image_cursor cursor;
    const struct gen5_limits *limits;
    png_structp png;
    png_infop info;
    struct gen5_pixels *pixels; // where the samples go; NULL where they are not kept
    bool out_of_memory;
};

// --- What libpng calls --------------------------------------------------------------------------

static void PNGAPI on_read(png_structp png, png_bytep bytes, size_t size) {
    struct png_decoder *decoder = png_get_io_ptr(png);
    gen5_image_cursor_read(&decoder->cursor, bytes, size);
    if (decoder->cursor.status != GEN5_OK) {
        png_longjmp(png, 1);
    }
}

static PNG_NORETURN void PNGAPI on_error(png_structp png, png_const_charp message) {
    struct png_decoder *decoder = png_get_error_ptr(png);
    gen5_image_cursor_refuse(&decoder->cursor, decoder->cursor.at, "%s", message);
    png_longjmp(png, 1);
}

// libpng warns of what does not keep it from decoding, which is what counts here.
static void PNGAPI on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static png_voidp PNGAPI on_allocate(png_structp png, png_alloc_size_t size) {
    struct png_decoder *decoder = png_get_mem_ptr(png);
    void *memory = malloc(size);
    decoder->out_of_memory = decoder->out_of_memory || memory == NULL;
    return memory;
}

static void PNGAPI on_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

// --- Decoding -----------------------------------------------------------------------------------

// Go to the data of the first chunk.
static void seek_head(struct gen5_image_cursor *cursor) {
    char type[4];
    gen5_image_cursor_seek(cursor, IHDR_TYPE_OFFSET);
    gen5_image_cursor_read(cursor, type, sizeof type);
    if (memcmp(type, "IHDR", sizeof type) != 0) {
        gen5_image_cursor_refuse(cursor, IHDR_TYPE_OFFSET, "the first chunk is not IHDR");
    }
}

void gen5_png_describe(struct gen5_image_cursor *cursor,
                       struct gen5_image_description *description) {
    static const enum gen5_image_colour colours[] = {
        [PNG_COLOR_TYPE_GRAY] = GEN5_COLOUR_GREY,
        [PNG_COLOR_TYPE_RGB] = GEN5_COLOUR_RGB,
        [PNG_COLOR_TYPE_PALETTE] = GEN5_COLOUR_PALETTE,
        [PNG_COLOR_TYPE_GRAY_ALPHA] = GEN5_COLOUR_GREY_ALPHA,
        [PNG_COLOR_TYPE_RGB_ALPHA] = GEN5_COLOUR_RGB_ALPHA,
    };
    seek_head(cursor);
    description->width = gen5_image_cursor_big_endian(cursor, sizeof(uint32_t));
    description->height = gen5_image_cursor_big_endian(cursor, sizeof(uint32_t));
    description->depth = gen5_image_cursor_u8(cursor);
    unsigned type = gen5_image_cursor_u8(cursor);
    if (type < sizeof colours / sizeof *colours) {
        description->colour = colours[type];
    }
}

// Refuse an absurd size before libpng sees it.
static enum gen5_status check_size(struct png_decoder *decoder) {
    struct gen5_image_cursor *cursor = &decoder->cursor;
    seek_head(cursor);
    uint64_t width = gen5_image_cursor_big_endian(cursor, sizeof(uint32_t));
    uint64_t height = gen5_image_cursor_big_endian(cursor, sizeof(uint32_t));
    gen5_image_size_check(cursor, IHDR_WIDTH_OFFSET, width, height, decoder->limits);
    if (width > SIDE_MAX || height > SIDE_MAX) {
        gen5_image_cursor_refuse(cursor, IHDR_WIDTH_OFFSET,
                                 "%llu x %llu pixels: more than %d on a side",
                                 (unsigned long long)width, (unsigned long long)height, SIDE_MAX);
    }
    gen5_image_cursor_seek(cursor, 0);
    return cursor->status;
}

static void set_rules(struct png_decoder *decoder) {
    png_structp png = decoder->png;
    png_set_read_fn(png, decoder, on_read);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
    png_set_chunk_cache_max(png, CHUNKS_KEPT_MAX);
    png_set_chunk_malloc_max(png, CHUNK_SIZE_MAX);
    // -1: every chunk that decoding does not need is skipped by its length, its CRC checked on the
    // way. A compressed text or colour profile is never inflated, so it can be no bomb.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

// Bring all rows to four samples of 16 bits, in this machine's order of bytes.
static void unify(struct png_decoder *decoder) {
    png_structp png = decoder->png;
    decoder->pixels->has_alpha =
        (png_get_color_type(png, decoder->info) & PNG_COLOR_MASK_ALPHA) != 0 ||
        png_get_valid(png, decoder->info, PNG_INFO_tRNS) != 0;
    png_set_expand_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, SAMPLE_MAX, PNG_FILLER_AFTER);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        png_set_swap(png);
    }
}

// Where a row is put; without a place it is decoded all the same.
static png_bytep row_of(const struct png_decoder *decoder, uint32_t row) {
    const struct gen5_pixels *pixels = decoder->pixels;
    if (pixels == NULL) {
        return NULL;
    }
    return (png_bytep)&pixels->samples[(size_t)row * pixels->width * GEN5_PIXEL_SAMPLES];
}

static void decode(struct png_decoder *decoder) {
    png_structp png = decoder->png;
    set_rules(decoder);
    png_read_info(png, decoder->info);
    if (decoder->pixels != NULL) {
        unify(decoder);
    }
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, decoder->info);
    uint32_t height = png_get_image_height(png, decoder->info);
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t row = 0; row < height; row++) {
            png_read_row(png, row_of(decoder, row), NULL);
        }
    }
    png_read_end(png, NULL);
}

static void decode_guarded(struct png_decoder *decoder) {
    if (setjmp(png_jmpbuf(decoder->png)) == 0) {
        decode(decoder);
    }
}

static enum gen5_status run(struct png_decoder *decoder, struct gen5_error *error) {
    decoder->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning,
                                            decoder, on_allocate, on_free);
    if (decoder->png != NULL) {
        decoder->info = png_create_info_struct(decoder->png);
    }
    if (decoder->info != NULL) {
        decode_guarded(decoder);
    }
    bool created = decoder->info != NULL;
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    if (decoder->out_of_memory || !created) {
        return gen5_error_set_memory(error);
    }
    return decoder->cursor.status;
}

enum gen5_status gen5_png_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                struct gen5_error *error) {
    struct png_decoder decoder = {.limits = limits};
    gen5_image_cursor_start(&decoder.cursor, source, "PNG", error);
    if (check_size(&decoder) != GEN5_OK) {
        return decoder.cursor.status;
    }
    return run(&decoder, error);
}

enum gen5_status gen5_png_read(const struct gen5_source *source, const struct gen5_limits *limits,
                               struct gen5_pixels *pixels, struct gen5_error *error) {
    struct png_decoder decoder = {.limits = limits, .pixels = pixels};
    struct gen5_image_description description = {.width = 0};
    gen5_image_cursor_start(&decoder.cursor, source, "PNG", error);
    gen5_png_describe(&decoder.cursor, &description);
    if (check_size(&decoder) != GEN5_OK) {
        return decoder.cursor.status;
    }
    pixels->width = (uint32_t)description.width;
    pixels->height = (uint32_t)description.height;
    size_t row_size = pixels->width * (GEN5_PIXEL_SAMPLES * sizeof *pixels->samples);
    pixels->samples = calloc(pixels->height, row_size);
    return pixels->samples != NULL ? run(&decoder, error) : gen5_error_set_memory(error);
}

// --- Encoding -----------------------------------------------------------------------------------

struct png_encoder {
    png_structp png;
    png_infop info;
    int fd;
    uint64_t written;
    uint32_t width;
    uint32_t height;
    const uint8_t *rgb;
    struct gen5_error *error;
    enum gen5_status status;
};

static void PNGAPI on_write(png_structp png, png_bytep bytes, size_t size) {
    struct png_encoder *encoder = png_get_io_ptr(png);
    encoder->status = gen5_file_write(encoder->fd, encoder->written, bytes, size, encoder->error);
    if (encoder->status != GEN5_OK) {
        png_longjmp(png, 1);
    }
    encoder->written += size;
}

static void PNGAPI on_flush(png_structp png) {
    (void)png;
}

static PNG_NORETURN void PNGAPI on_write_error(png_structp png, png_const_charp message) {
    struct png_encoder *encoder = png_get_error_ptr(png);
    encoder->status = gen5_error_set(encoder->error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                     "the picture cannot be written as PNG: %s", message);
    png_longjmp(png, 1);
}

static void encode(struct png_encoder *encoder) {
    enum { DEPTH = 8, COLOURS = 3 };
    png_structp png = encoder->png;
    png_set_write_fn(png, encoder, on_write, on_flush);
    png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
    png_set_IHDR(png, encoder->info, encoder->width, encoder->height, DEPTH, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, encoder->info);
    for (uint32_t row = 0; row < encoder->height; row++) {
        png_write_row(png, encoder->rgb + (size_t)row * encoder->width * COLOURS);
    }
    png_write_end(png, NULL);
}

static void encode_guarded(struct png_encoder *encoder) {
    if (setjmp(png_jmpbuf(encoder->png)) == 0) {
        encode(encoder);
    }
}

enum gen5_status gen5_png_write(int fd, uint32_t width, uint32_t height, const uint8_t *rgb,
                                struct gen5_error *error) {
    struct png_encoder encoder = {
        .fd = fd, .width = width, .height = height, .rgb = rgb, .error = error};
    encoder.png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &encoder, on_write_error, on_warning);
    if (encoder.png != NULL) {
        encoder.info = png_create_info_struct(encoder.png);
    }
    bool created = encoder.info != NULL;
    if (created) {
        encode_guarded(&encoder);
    }
    png_destroy_write_struct(&encoder.png, &encoder.info);
    return created ? encoder.status : gen5_error_set_memory(error);
}
