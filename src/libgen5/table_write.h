// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Ending a container that is being written: the META chunk and the header (FORMAT.md "File
// layout"). Private to libgen5.
#ifndef GEN5_TABLE_WRITE_H
#define GEN5_TABLE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/limits.h"
#include "gen5/manifest.h"
#include "manifest_write.h"

// All but the first two fields are as in manifest_write.h.
struct gen5_table {
    int fd;          // the chunks are in it
    uint64_t offset; // behind the last chunk: where the META chunk goes
    const struct gen5_manifest *old;
    const char *user_text;
    size_t user_size;
    const struct gen5_chunk_facts *chunks;
    size_t chunk_count;
    const struct gen5_limits *limits;
};

// Write the META chunk and the header, and cut the file behind them. The manifest states the size
// of the file that its own compressed size is a part of. GEN5_ERROR_TOO_LARGE where the manifest
// would pass the limits, or the file GEN5_FILE_SIZE_MAX.
enum gen5_status gen5_table_write(const struct gen5_table *table, struct gen5_error *error);

#endif
