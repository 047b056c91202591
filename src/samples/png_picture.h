// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Square PNG files, 8 bits of red, green and blue, stored without compression.
#ifndef GEN5FS_SAMPLES_PNG_PICTURE_H
#define GEN5FS_SAMPLES_PNG_PICTURE_H

#include "bytes.h"

// The seed's picture; `side` in pixels.
struct bytes make_png(uint64_t seed, uint32_t side);

// Noise, which no compressor makes smaller: a bit more than 3 * side * side bytes.
struct bytes make_noise_png(uint64_t seed, uint32_t side);

#endif
