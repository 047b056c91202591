// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One stored chunk, raw or in a zstd frame, read from its start to its end (FORMAT.md "A chunk").
// Private to libgen5.
//
//     struct gen5_chunk_reader *reader = NULL;
//     status = gen5_chunk_reader_new(&stored, compressed, payload_size, &reader, error);
//     … gen5_chunk_reader_header(reader), gen5_chunk_reader_read(…) until payload_size …
//     status = gen5_chunk_reader_finish(reader, error);
//     gen5_chunk_reader_free(reader);
#ifndef GEN5_CHUNK_READ_H
#define GEN5_CHUNK_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/header.h"
#include "gen5/source.h"

struct gen5_chunk_reader;

// Read the inner header. GEN5_ERROR_DAMAGED where the stored size, the frame's content size or the
// inner header's size is another than `payload_size` calls for.
enum gen5_status gen5_chunk_reader_new(const struct gen5_source *stored, bool compressed,
                                       uint64_t payload_size, struct gen5_chunk_reader **reader,
                                       struct gen5_error *error);
const struct gen5_chunk_header *gen5_chunk_reader_header(const struct gen5_chunk_reader *reader);

// Read exactly `size` further bytes of the payload, of which there must be as many left.
enum gen5_status gen5_chunk_reader_read(struct gen5_chunk_reader *reader, void *buffer, size_t size,
                                        struct gen5_error *error);

// Once the payload is read: GEN5_ERROR_DAMAGED where the frame or the stored bytes go on.
enum gen5_status gen5_chunk_reader_finish(struct gen5_chunk_reader *reader,
                                          struct gen5_error *error);
// NULL is allowed.
void gen5_chunk_reader_free(struct gen5_chunk_reader *reader);

#endif
