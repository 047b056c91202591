// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Limits that keep one input of a fuzz target from taking seconds.
#ifndef GEN5_FUZZ_SMALL_LIMITS_H
#define GEN5_FUZZ_SMALL_LIMITS_H

#include "gen5/limits.h"

static inline struct gen5_limits small_limits(void) {
    struct gen5_limits limits = gen5_limits_default();
    limits.payload_size_max = 1 << 18;
    limits.manifest_size_max = 1 << 18;
    limits.image_pixels_max = 1 << 18;
    return limits;
}

#endif
