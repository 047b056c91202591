// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What an image's header says of the picture.
#include "image_check.h"
#include "png_codec.h"
#include "size_arithmetic.h"

// A description of what begins with the signature of a kind.
static void describe_as(struct gen5_image_cursor *cursor,
                        struct gen5_image_description *description) {
    switch (description->kind) {
    case GEN5_IMAGE_PNG:
        gen5_png_describe(cursor, description);
        return;
    case GEN5_IMAGE_JPEG:
        gen5_jpeg_describe(cursor, description);
        return;
    case GEN5_IMAGE_WEBP:
        gen5_webp_describe(cursor, description);
        return;
    case GEN5_IMAGE_GIF:
        gen5_gif_describe(cursor, description);
        return;
    case GEN5_IMAGE_BMP:
        gen5_bmp_describe(cursor, description);
        return;
    case GEN5_IMAGE_TIFF:
        gen5_tiff_describe(cursor, description);
        return;
    case GEN5_IMAGE_UNKNOWN:
        break;
    }
    gen5_image_cursor_refuse(cursor, 0, "the first bytes are of no kind that is known");
}

enum gen5_status gen5_image_describe(const struct gen5_source *source,
                                     struct gen5_image_description *description,
                                     struct gen5_error *error) {
    uint8_t first_bytes[GEN5_IMAGE_SIGNATURE_SIZE];
    size_t size = (size_t)gen5_size_smaller(source->size, sizeof first_bytes);
    *description = (struct gen5_image_description){.kind = GEN5_IMAGE_UNKNOWN};
    enum gen5_status status = gen5_source_read(source, 0, first_bytes, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_image_cursor cursor;
    description->kind = gen5_image_kind_of(first_bytes, size);
    gen5_image_cursor_start(&cursor, source, gen5_image_kind_name(description->kind), error);
    describe_as(&cursor, description);
    return cursor.status;
}
