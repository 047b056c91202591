// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// How much a container may ask of its reader. A declared size is a claim: it is compared with these
// before anything is allocated, and with the bytes afterwards.
#ifndef GEN5_LIMITS_H
#define GEN5_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gen5_limits {
    uint64_t payload_size_max;     // bytes of one decoded payload
    uint64_t manifest_size_max;    // bytes of the decoded manifest
    uint64_t environment_size_max; // bytes of the environment JSON, written or compared
    uint64_t image_pixels_max;     // width * height of an image, when one is written
    uint64_t
        tensor_elements_max; // elements of one latent, when one is written (FORMAT.md: 100 000 000)
    uint32_t tensor_dimension_max; // of each dimension, when one is written (FORMAT.md: 8192)
    uint32_t record_count_max;     // records of a manifest
    uint32_t json_depth_max;       // nested arrays and objects of a JSON text
};

// 4 GiB payloads, 64 MiB manifests, 1 MiB environments, 2^28 pixels, FORMAT.md's limits for
// tensors, 65 536 records, JSON 500 deep.
GEN5_EXPORT struct gen5_limits gen5_limits_default(void);

#ifdef __cplusplus
}
#endif

#endif
