// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The limits that a reader gets who asks for none.
#include "gen5/limits.h"

#define MEBIBYTE ((uint64_t)1 << 20)

struct gen5_limits gen5_limits_default(void) {
    return (struct gen5_limits){
        .payload_size_max = 4096 * MEBIBYTE,
        .manifest_size_max = 64 * MEBIBYTE,
        .environment_size_max = MEBIBYTE,
        .image_pixels_max = (uint64_t)1 << 28,
        .tensor_elements_max = 100000000, // FORMAT.md "What the reference encoder refuses"
        .tensor_dimension_max = 8192,     // the same
        .record_count_max = 65536,
        .json_depth_max = 500,
    };
}
