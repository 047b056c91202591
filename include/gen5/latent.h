// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The elements of a stored latent as numbers: what they are like, and how those of two latents
// differ. The payload's SHA-256 is checked on the way; failures are those of gen5/payload.h.
#ifndef GEN5_LATENT_H
#define GEN5_LATENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/container.h"
#include "gen5/error.h"
#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

// One latent of one container, both borrowed.
struct gen5_latent {
    const struct gen5_container *container;
    const struct gen5_record *record;
};

struct gen5_latent_statistics {
    uint64_t element_count;
    uint64_t nan_count;
    uint64_t infinity_count;
    // Of the elements that are finite, computed with doubles; all 0 where there are none.
    double min;
    double max;
    double mean;
    double deviation; // the standard deviation of the whole population, as numpy.std has it
};

// Takes small memory, whatever the latent's size.
GEN5_EXPORT enum gen5_status gen5_latent_measure(const struct gen5_latent *latent,
                                                 struct gen5_latent_statistics *statistics,
                                                 struct gen5_error *error);

struct gen5_latent_difference {
    bool same_dtype;
    bool same_shape;
    // The rest is 0 where the shapes differ. Numbers are compared, not bits: 0 equals -0, and a NaN
    // equals a NaN.
    uint64_t element_count;
    uint64_t different_count;
    uint64_t incomparable_count; // of those that differ: one of the two is not finite
    // Over the elements that are finite in both.
    double max_absolute;
    double mean_absolute;
    // The peak signal-to-noise ratio in dB, where the signal is the first latent and its peak the
    // distance of its least and its greatest element: infinite where nothing differs, NaN where the
    // first latent is flat.
    double psnr;
};

// Takes small memory. On failure *failed is the one of the two whose payload it was.
GEN5_EXPORT enum gen5_status gen5_latent_compare(const struct gen5_latent *first,
                                                 const struct gen5_latent *second,
                                                 struct gen5_latent_difference *difference,
                                                 const struct gen5_latent **failed,
                                                 struct gen5_error *error);

// All elements in C order, as new memory that the caller frees. GEN5_ERROR_LIMIT where there are
// more than the limits' tensor_elements_max.
GEN5_EXPORT enum gen5_status gen5_latent_read(const struct gen5_latent *latent, float **elements,
                                              size_t *element_count, struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
