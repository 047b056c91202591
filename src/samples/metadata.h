// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The JSON texts of a container: what an image was made with, and in which environment.
#ifndef GEN5FS_SAMPLES_METADATA_H
#define GEN5FS_SAMPLES_METADATA_H

#include "bytes.h"
#include "gen5/npy.h"

struct model {
    const char *name;
    const char *version;
    const char *sampler;
    int steps;
    double cfg_scale;
    enum gen5_dtype dtype;
    uint64_t channels;
    uint32_t latent_side; // an eighth of the picture's
};

// The user's part of a manifest. Prompt and tags are as they stand in JSON.
struct bytes make_metadata(const struct model *model, uint64_t seed, const char *prompt,
                           const char *tags);

// An environment whose digests are right.
struct bytes make_environment(void);

#endif
