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

#include "image_check.h"

enum {
    // libpng's own default for both (PNG_USER_WIDTH_MAX): a row takes 8 MB at most, three times.
    SIDE_MAX = 1000000,
    CHUNKS_KEPT_MAX = 128,
    CHUNK_SIZE_MAX = 1024 * 1024, // of those that libpng would keep; image data does not count
    IHDR_TYPE_OFFSET = 12,        // behind the signature and the length of the first chunk
    IHDR_WIDTH_OFFSET = 16,
};

struct png_decoder {
    struct gen5_image_cursor cursor;
    const struct gen5_limits *limits;
    png_structp png;
    png_infop info;
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

static void decode(struct png_decoder *decoder) {
    png_structp png = decoder->png;
    set_rules(decoder);
    png_read_info(png, decoder->info);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, decoder->info);
    uint32_t height = png_get_image_height(png, decoder->info);
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t row = 0; row < height; row++) {
            // Without a place to put it the row is decoded all the same.
            png_read_row(png, NULL, NULL);
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
