// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Storing one payload as a chunk of a container that is being written (FORMAT.md "A chunk").
// Private to libgen5.
#ifndef GEN5_CHUNK_WRITE_H
#define GEN5_CHUNK_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "gen5/digest.h"
#include "gen5/error.h"
#include "gen5/header.h"
#include "gen5/source.h"

// How a chunk has been stored.
struct gen5_stored_chunk {
    uint64_t size; // inner header included
    bool compressed;
    struct gen5_digest digest; // of the payload
};

// Write the chunk at `offset` of `fd`, which is open for reading too; bytes behind the chunk may
// have been written over. `tags` has type and flags; its payload_size is set here. The digest is
// taken of what has been stored, read back, so that it is right even where the payload's file
// changes underneath. GEN5_ERROR_TOO_LARGE where the chunk would pass GEN5_FILE_SIZE_MAX.
enum gen5_status gen5_chunk_write(const struct gen5_chunk_header *tags,
                                  const struct gen5_source *payload, int fd, uint64_t offset,
                                  struct gen5_stored_chunk *stored, struct gen5_error *error);

#endif
