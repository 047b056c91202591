// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Latents as .npy files (the NumPy format specification, NEP 1: versions 1.0, 2.0 and 3.0).
#ifndef GEN5_NPY_H
#define GEN5_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/limits.h"
#include "gen5/manifest.h"
#include "gen5/source.h"

#ifdef __cplusplus
extern "C" {
#endif

// Enough for the header of any shape with GEN5_RANK_MAX dimensions of 64 bits.
enum { GEN5_NPY_HEADER_SIZE_MAX = 1024 };

// Write the header that numpy.save writes for a C-order little-endian array, byte for byte: version
// 1.0, padded so that the data starts at a multiple of 64 bytes. Returns its size. `dtype` must be
// one of the two and `rank` at most GEN5_RANK_MAX (asserted).
GEN5_EXPORT size_t gen5_npy_header_write(enum gen5_dtype dtype, const uint64_t *shape,
                                         uint32_t rank, char header[GEN5_NPY_HEADER_SIZE_MAX]);

struct gen5_npy {
    enum gen5_dtype dtype;
    bool big_endian;
    bool fortran_order;
    uint32_t rank; // always 4, as FORMAT.md "What the reference encoder refuses" has it
    uint64_t shape[GEN5_RANK_MAX];
    uint64_t data_offset; // of the first element, in bytes
    uint64_t data_size;   // of all elements, in bytes
};

// Read and check the header of a file that someone wants to store as a latent, and that the file
// ends where the data does. GEN5_ERROR_INVALID says what is wrong and, where it helps, what to do:
// other dtypes, ranks other than 4, dimensions of 0 or above the limits, pickled objects, files
// that are too short or too long. *npy is filled on success only.
GEN5_EXPORT enum gen5_status gen5_npy_open(const struct gen5_source *source,
                                           const struct gen5_limits *limits, struct gen5_npy *npy,
                                           struct gen5_error *error);

// Refuse NaN and infinities, naming the first one's index.
GEN5_EXPORT enum gen5_status gen5_npy_check_values(const struct gen5_source *source,
                                                   const struct gen5_npy *npy,
                                                   struct gen5_error *error);

// True where the data can be stored as it is: little-endian and C order.
GEN5_EXPORT bool gen5_npy_is_payload(const struct gen5_npy *npy);

// Write the elements to `fd_out` at offset 0 as a payload: little-endian, C order, nothing lost.
// Takes 256 KiB of memory for another byte order; for Fortran order up to 32 MiB more (a line of
// the result where limits allow longer ones), and reads the source once for each 32 MiB of data.
GEN5_EXPORT enum gen5_status gen5_npy_convert(const struct gen5_source *source,
                                              const struct gen5_npy *npy, int fd_out,
                                              struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
