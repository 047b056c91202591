// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Writing to a file at a position, whole or not at all: the one place that knows short and
// interrupted writes. Private to libgen5.
#ifndef GEN5_FILE_WRITE_H
#define GEN5_FILE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"

// Write all `size` bytes at `offset`. GEN5_ERROR_SYSTEM with the cause, such as ENOSPC.
enum gen5_status gen5_file_write(int fd, uint64_t offset, const void *data, size_t size,
                                 struct gen5_error *error);

// Let the system begin to bring bytes to the disk, for a sync that comes later and has less to wait
// for then. Promises nothing, and leaves every error to that sync.
void gen5_file_begin_sync(int fd, uint64_t offset, uint64_t size);

// Make the file exactly `size` bytes long.
enum gen5_status gen5_file_set_size(int fd, uint64_t size, struct gen5_error *error);

#endif
