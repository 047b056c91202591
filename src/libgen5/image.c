// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Kinds of images: told by their first bytes, named by their extensions.
#include "gen5/image.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool bytes_at(const uint8_t *bytes, size_t size, size_t offset, const char *expected,
                     size_t length) {
    return size >= offset + length && memcmp(bytes + offset, expected, length) == 0;
}

// The `length` first bytes of a kind. WebP has a second mark behind the file size.
struct signature {
    enum gen5_image_kind kind;
    const char *bytes;
    size_t length;
};

static const struct signature signatures[] = {
    {GEN5_IMAGE_PNG, "\x89PNG\r\n\x1a\n", 8},
    {GEN5_IMAGE_JPEG, "\xff\xd8\xff", 3},
    {GEN5_IMAGE_WEBP, "RIFF", 4},
    {GEN5_IMAGE_GIF, "GIF87a", 6},
    {GEN5_IMAGE_GIF, "GIF89a", 6},
    {GEN5_IMAGE_BMP, "BM", 2},
    {GEN5_IMAGE_TIFF, "II*\0", 4},
    {GEN5_IMAGE_TIFF, "MM\0*", 4},
    {GEN5_IMAGE_TIFF, "II+\0", 4}, // BigTIFF
    {GEN5_IMAGE_TIFF, "MM\0+", 4},
};

enum gen5_image_kind gen5_image_kind_of(const void *first_bytes, size_t size) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *row = &signatures[i];
        if (bytes_at(first_bytes, size, 0, row->bytes, row->length) &&
            (row->kind != GEN5_IMAGE_WEBP || bytes_at(first_bytes, size, 8, "WEBP", 4))) {
            return row->kind;
        }
    }
    return GEN5_IMAGE_UNKNOWN;
}

const char *gen5_image_kind_extension(enum gen5_image_kind kind) {
    switch (kind) {
    case GEN5_IMAGE_PNG:
        return "png";
    case GEN5_IMAGE_JPEG:
        return "jpg";
    case GEN5_IMAGE_WEBP:
        return "webp";
    case GEN5_IMAGE_GIF:
        return "gif";
    case GEN5_IMAGE_BMP:
        return "bmp";
    case GEN5_IMAGE_TIFF:
        return "tiff";
    case GEN5_IMAGE_UNKNOWN:
        break;
    }
    return "bin";
}

const char *gen5_image_kind_name(enum gen5_image_kind kind) {
    static const char *const names[] = {
        [GEN5_IMAGE_UNKNOWN] = "image", [GEN5_IMAGE_PNG] = "PNG", [GEN5_IMAGE_JPEG] = "JPEG",
        [GEN5_IMAGE_WEBP] = "WebP",     [GEN5_IMAGE_GIF] = "GIF", [GEN5_IMAGE_BMP] = "BMP",
        [GEN5_IMAGE_TIFF] = "TIFF",
    };
    return names[kind];
}

const char *gen5_image_colour_name(enum gen5_image_colour colour) {
    static const char *const names[] = {
        [GEN5_COLOUR_UNKNOWN] = "unknown colours",
        [GEN5_COLOUR_GREY] = "greyscale",
        [GEN5_COLOUR_GREY_ALPHA] = "greyscale with alpha",
        [GEN5_COLOUR_PALETTE] = "palette",
        [GEN5_COLOUR_RGB] = "RGB",
        [GEN5_COLOUR_RGB_ALPHA] = "RGB with alpha",
        [GEN5_COLOUR_CMYK] = "CMYK",
    };
    return names[colour];
}

enum gen5_image_kind gen5_image_kind_from_extension(const char *extension) {
    for (enum gen5_image_kind kind = GEN5_IMAGE_PNG; kind <= GEN5_IMAGE_TIFF; kind++) {
        if (strcasecmp(extension, gen5_image_kind_extension(kind)) == 0) {
            return kind;
        }
    }
    if (strcasecmp(extension, "jpeg") == 0) {
        return GEN5_IMAGE_JPEG;
    }
    return strcasecmp(extension, "tif") == 0 ? GEN5_IMAGE_TIFF : GEN5_IMAGE_UNKNOWN;
}
