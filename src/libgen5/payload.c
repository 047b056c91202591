// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Payloads as a whole: into memory, into a file, or only looked through.
#include "gen5/payload.h"

#include <assert.h>
#include <stdlib.h>

#include "file_write.h"
#include "ownership.h"
#include "payload_reader.h"
#include "size_arithmetic.h"

// Where a payload goes.
struct target {
    char *buffer; // the whole payload's place, or NULL: then through a small buffer to
    int fd;       // this file, or nowhere where it is -1
    uint64_t offset;
};

static enum gen5_status decode_pieces(struct gen5_payload_reader *reader, uint64_t size,
                                      const struct target *target, struct gen5_error *error) {
    GEN5_AUTO_FREE char *scratch = NULL;
    if (target->buffer == NULL) {
        scratch = malloc((size_t)gen5_size_smaller(size, GEN5_PAYLOAD_PIECE_SIZE) + 1);
        if (scratch == NULL) {
            return gen5_error_set_memory(error);
        }
    }
    enum gen5_status status = GEN5_OK;
    for (uint64_t done = 0; status == GEN5_OK && done < size;) {
        size_t piece = (size_t)gen5_size_smaller(size - done, GEN5_PAYLOAD_PIECE_SIZE);
        char *bytes = scratch != NULL ? scratch : target->buffer + done;
        status = gen5_payload_reader_read(reader, bytes, piece, error);
        if (status == GEN5_OK && target->fd >= 0) {
            status = gen5_file_write(target->fd, target->offset + done, bytes, piece, error);
        }
        done += piece;
    }
    return status == GEN5_OK ? gen5_payload_reader_finish(reader, error) : status;
}

static enum gen5_status decode(const struct gen5_container *container,
                               const struct gen5_record *record,
                               enum gen5_verification verification, const struct target *target,
                               struct gen5_error *error) {
    struct gen5_payload_reader *reader = NULL;
    enum gen5_status status =
        gen5_payload_reader_new(container, record, verification, &reader, error);
    if (status == GEN5_OK) {
        status = decode_pieces(reader, record->payload_size, target, error);
    }
    gen5_payload_reader_free(reader);
    return gen5_payload_locate(status, record, error);
}

enum gen5_status gen5_payload_read(const struct gen5_container *container,
                                   const struct gen5_record *record,
                                   enum gen5_verification verification, void *buffer,
                                   struct gen5_error *error) {
    char nothing;
    struct target target = {.buffer = buffer != NULL ? buffer : &nothing, .fd = -1, .offset = 0};
    assert(buffer != NULL || record->payload_size == 0);
    return decode(container, record, verification, &target, error);
}

enum gen5_status gen5_payload_copy(const struct gen5_container *container,
                                   const struct gen5_record *record,
                                   enum gen5_verification verification, int fd_out,
                                   uint64_t offset_out, struct gen5_error *error) {
    struct target target = {.buffer = NULL, .fd = fd_out, .offset = offset_out};
    return decode(container, record, verification, &target, error);
}

enum gen5_status gen5_payload_read_prefix(const struct gen5_container *container,
                                          const struct gen5_record *record, void *buffer,
                                          size_t size, struct gen5_error *error) {
    assert(size <= record->payload_size);
    struct gen5_payload_reader *reader = NULL;
    enum gen5_status status =
        gen5_payload_reader_new(container, record, GEN5_NO_VERIFY, &reader, error);
    if (status == GEN5_OK) {
        status = gen5_payload_reader_read(reader, buffer, size, error);
    }
    gen5_payload_reader_free(reader);
    return gen5_payload_locate(status, record, error);
}
