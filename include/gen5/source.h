// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Where bytes are read from: a window of a file or of memory. A source owns nothing: the descriptor
// or the memory must outlive it, and several sources may share one. Reading never moves a file
// position, so one descriptor serves many threads.
#ifndef GEN5_SOURCE_H
#define GEN5_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gen5_source {
    int fd;             // -1 where the bytes are in memory
    const void *memory; // NULL where the bytes are in a file
    uint64_t offset;    // of the window's first byte in the file or memory
    uint64_t size;      // of the window, in bytes
};

// The whole of a regular file, as large as it is now.
GEN5_EXPORT enum gen5_status gen5_source_from_fd(int fd, struct gen5_source *source,
                                                 struct gen5_error *error);
GEN5_EXPORT struct gen5_source gen5_source_from_memory(const void *memory, size_t size);

// A part of a source. `offset` and `size` must lie within it (asserted: check claims before).
GEN5_EXPORT struct gen5_source gen5_source_window(const struct gen5_source *source, uint64_t offset,
                                                  uint64_t size);

// Read exactly `size` bytes that start `offset` bytes into the window. GEN5_ERROR_DAMAGED where the
// window or the file ends before that, with the offset in the file.
GEN5_EXPORT enum gen5_status gen5_source_read(const struct gen5_source *source, uint64_t offset,
                                              void *buffer, size_t size, struct gen5_error *error);

// Read the whole window into new memory, which the caller frees; one NUL more is added behind it.
// GEN5_ERROR_LIMIT where the window is larger than `size_max`.
GEN5_EXPORT enum gen5_status gen5_source_read_all(const struct gen5_source *source,
                                                  uint64_t size_max, char **bytes, size_t *size,
                                                  struct gen5_error *error);

// Append the window's bytes to `fd_out` at `offset_out`, by copy_file_range where the kernel can
// (which shares extents on file systems that clone), else by reading and writing.
GEN5_EXPORT enum gen5_status gen5_source_copy(const struct gen5_source *source, int fd_out,
                                              uint64_t offset_out, struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
