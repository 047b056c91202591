// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Square JPEG files.
#ifndef GEN5FS_SAMPLES_JPEG_PICTURE_H
#define GEN5FS_SAMPLES_JPEG_PICTURE_H

#include "bytes.h"

// The seed's picture as a mosaic; `side` in pixels, a multiple of 8.
struct bytes make_jpeg(uint64_t seed, uint32_t side);

#endif
