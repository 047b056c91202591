// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// PNG: the one file that knows libpng. It also has gen5_png_write (gen5/pixels.h). Private to
// libgen5.
#ifndef GEN5_PNG_CODEC_H
#define GEN5_PNG_CODEC_H

#include "gen5/error.h"
#include "gen5/image.h"
#include "gen5/limits.h"
#include "gen5/pixels.h"
#include "gen5/source.h"
#include "image_cursor.h"

// Decode a whole PNG that begins with the signature, from IHDR to IEND: every CRC, those of chunks
// that may be ignored too, and every row of every pass. Memory is two rows and libpng's buffers;
// text and colour profiles are not unpacked. What stands behind IEND is not looked at.
// GEN5_ERROR_INVALID says what is wrong and near which byte.
enum gen5_status gen5_png_check(const struct gen5_source *source, const struct gen5_limits *limits,
                                struct gen5_error *error);

// The same, with the samples kept: *pixels is filled, and the caller releases it in any case.
enum gen5_status gen5_png_read(const struct gen5_source *source, const struct gen5_limits *limits,
                               struct gen5_pixels *pixels, struct gen5_error *error);

// The format's share in gen5_image_describe (image_check.h).
void gen5_png_describe(struct gen5_image_cursor *cursor,
                       struct gen5_image_description *description);

#endif
