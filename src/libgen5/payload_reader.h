// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One payload, read from its start to its end at the reader's own pace, and compared with its
// record on the way. Private to libgen5.
//
//     struct gen5_payload_reader *reader = NULL;
//     status = gen5_payload_reader_new(container, record, GEN5_VERIFY, &reader, error);
//     … gen5_payload_reader_read(…) until record->payload_size …
//     status = gen5_payload_reader_finish(reader, error);
//     gen5_payload_reader_free(reader); // on every path
//
// Messages do not say which chunk it is: see gen5_payload_locate.
#ifndef GEN5_PAYLOAD_READER_H
#define GEN5_PAYLOAD_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "gen5/header.h"
#include "gen5/payload.h"

// Small enough to be still in the processor's cache when what was read is hashed and written.
enum { GEN5_PAYLOAD_PIECE_SIZE = 128 * 1024 };

struct gen5_payload_reader;

// GEN5_ERROR_DAMAGED where the record is damaged, or the chunk's inner header is not the one that
// the record calls for.
enum gen5_status gen5_payload_reader_new(const struct gen5_container *container,
                                         const struct gen5_record *record,
                                         enum gen5_verification verification,
                                         struct gen5_payload_reader **reader,
                                         struct gen5_error *error);

// The chunk's inner header.
const struct gen5_chunk_header *
gen5_payload_reader_header(const struct gen5_payload_reader *reader);

// Read exactly `size` further bytes, of which there must be as many left.
enum gen5_status gen5_payload_reader_read(struct gen5_payload_reader *reader, void *buffer,
                                          size_t size, struct gen5_error *error);

// Where a payload goes.
struct gen5_payload_target {
    char *buffer; // the place of the payload's first bytes, so many:
    uint64_t buffer_size;
    int fd; // the file that all of it is written to, -1 for none
    uint64_t offset;
    bool one_thread; // it is never hashed by a second thread
};

// Read all of the payload, of which nothing was read before, and finish.
enum gen5_status gen5_payload_reader_read_all(struct gen5_payload_reader *reader,
                                              const struct gen5_payload_target *target,
                                              struct gen5_error *error);

// Once all is read: nothing may follow, and with GEN5_VERIFY the SHA-256 must be the record's.
enum gen5_status gen5_payload_reader_finish(struct gen5_payload_reader *reader,
                                            struct gen5_error *error);
// NULL is allowed.
void gen5_payload_reader_free(struct gen5_payload_reader *reader);

// Say in a failure's message which chunk it was. Returns `status`.
enum gen5_status gen5_payload_locate(enum gen5_status status, const struct gen5_record *record,
                                     struct gen5_error *error);

#endif
