// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which kind of image a DATA payload is, and whether one may be stored.
#ifndef GEN5_IMAGE_H
#define GEN5_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/limits.h"
#include "gen5/source.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gen5_image_kind {
    GEN5_IMAGE_UNKNOWN = 0,
    GEN5_IMAGE_PNG,
    GEN5_IMAGE_JPEG,
    GEN5_IMAGE_WEBP,
    GEN5_IMAGE_GIF,
    GEN5_IMAGE_BMP,
    GEN5_IMAGE_TIFF,
};

// As many first bytes as gen5_image_kind_of looks at.
enum { GEN5_IMAGE_SIGNATURE_SIZE = 16 };

GEN5_EXPORT enum gen5_image_kind gen5_image_kind_of(const void *first_bytes, size_t size);

// "png", "jpg", "webp", "gif", "bmp", "tiff", "bin".
GEN5_EXPORT const char *gen5_image_kind_extension(enum gen5_image_kind kind);

// The kind that a file name's extension stands for, without regard to case (jpeg and tif too);
// GEN5_IMAGE_UNKNOWN for "bin" and all others.
GEN5_EXPORT enum gen5_image_kind gen5_image_kind_from_extension(const char *extension);

// Check an image that someone wants to store. A PNG is decoded in full: every CRC, every row,
// within the limits, at most a million pixels on a side. Others are checked by signature and by the
// structure that tells a whole file from a cut one (JPEG markers to EOI, the RIFF size of WebP,
// GIF's trailer, BMP's file size, TIFF's first directory). Whatever follows the end of the image is
// let through, as the reference's check (Pillow's verify) does. Memory is small and does not follow
// the image's size, but for a PNG's rows. `kind` is what its name promises: bytes of another kind
// are refused, unless it is GEN5_IMAGE_UNKNOWN, which takes any of the known kinds.
// GEN5_ERROR_INVALID says what and where.
GEN5_EXPORT enum gen5_status gen5_image_check(const struct gen5_source *source,
                                              enum gen5_image_kind kind,
                                              const struct gen5_limits *limits,
                                              struct gen5_error *error);

// What one pixel is made of.
enum gen5_image_colour {
    GEN5_COLOUR_UNKNOWN = 0,
    GEN5_COLOUR_GREY,
    GEN5_COLOUR_GREY_ALPHA,
    GEN5_COLOUR_PALETTE,
    GEN5_COLOUR_RGB, // what decodes to it too: the YCbCr of JPEG, WebP and TIFF
    GEN5_COLOUR_RGB_ALPHA,
    GEN5_COLOUR_CMYK,
};

struct gen5_image_description {
    enum gen5_image_kind kind;
    uint64_t width;
    uint64_t height;
    enum gen5_image_colour colour;
    unsigned depth; // bits a channel, of a palette's index where there is one; 0 where not known
};

// "PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "image".
GEN5_EXPORT const char *gen5_image_kind_name(enum gen5_image_kind kind);
// "greyscale", "RGB with alpha" and so on.
GEN5_EXPORT const char *gen5_image_colour_name(enum gen5_image_colour colour);

// Read what the image's own header says, without decoding and without checking the rest of it.
// GEN5_ERROR_INVALID where it is of no kind known, or its header cannot be read; `kind` is filled
// then too.
GEN5_EXPORT enum gen5_status gen5_image_describe(const struct gen5_source *source,
                                                 struct gen5_image_description *description,
                                                 struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
