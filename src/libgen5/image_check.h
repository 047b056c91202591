// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The structural checks of image formats, one file each: whether an image is whole and within the
// limits, as far as its structure tells without decoding a pixel. Each runs in linear time and
// small constant memory, and wants an image that begins with the format's signature.
// GEN5_ERROR_INVALID says what is wrong and at which byte.
//
// Beside each check is the format's share in gen5_image_describe: what its header says of the
// picture. It may stop the cursor, and leaves alone what it does not find. Private to libgen5.
#ifndef GEN5_IMAGE_CHECK_H
#define GEN5_IMAGE_CHECK_H

#include "gen5/error.h"
#include "gen5/image.h"
#include "gen5/limits.h"
#include "gen5/source.h"
#include "image_cursor.h"

// ITU-T T.81: the markers up to EOI, with a frame and a scan. Bytes behind EOI may be there.
enum gen5_status gen5_jpeg_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                 struct gen5_error *error);
void gen5_jpeg_describe(struct gen5_image_cursor *cursor,
                        struct gen5_image_description *description);
// RFC 9649: the RIFF size and the chunks in it, with a bitstream or an animation's frames.
enum gen5_status gen5_webp_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                 struct gen5_error *error);
void gen5_webp_describe(struct gen5_image_cursor *cursor,
                        struct gen5_image_description *description);
// GIF 87a and 89a: the blocks up to the trailer, with an image among them.
enum gen5_status gen5_gif_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                struct gen5_error *error);
void gen5_gif_describe(struct gen5_image_cursor *cursor,
                       struct gen5_image_description *description);
// Windows and OS/2 bitmaps: the file size and the place of the pixels.
enum gen5_status gen5_bmp_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                struct gen5_error *error);
void gen5_bmp_describe(struct gen5_image_cursor *cursor,
                       struct gen5_image_description *description);
// TIFF 6.0 of both byte orders, and BigTIFF: the first directory and the strips or tiles it names.
enum gen5_status gen5_tiff_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                 struct gen5_error *error);
void gen5_tiff_describe(struct gen5_image_cursor *cursor,
                        struct gen5_image_description *description);

// Stop the cursor where the picture's size, read up to byte `offset`, is nothing or over the limit.
// Returns the cursor's status.
enum gen5_status gen5_image_size_check(struct gen5_image_cursor *cursor, uint64_t offset,
                                       uint64_t width, uint64_t height,
                                       const struct gen5_limits *limits);

#endif
