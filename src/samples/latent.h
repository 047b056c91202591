// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Latents as .npy files.
#ifndef GEN5FS_SAMPLES_LATENT_H
#define GEN5FS_SAMPLES_LATENT_H

#include "bytes.h"
#include "gen5/npy.h"

// Normal noise of a standard deviation: 1 where a sampler begins, less and less the further it has
// come.
struct bytes make_latent(uint64_t seed, enum gen5_dtype dtype, const uint64_t shape[4],
                         double deviation);

#endif
