// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Payloads as a whole: into memory, into a file, or only looked through.
#include "gen5/payload.h"

#include <assert.h>

#include "payload_reader.h"

static enum gen5_status decode(const struct gen5_container *container,
                               const struct gen5_record *record,
                               enum gen5_verification verification,
                               const struct gen5_payload_target *target, struct gen5_error *error) {
    struct gen5_payload_reader *reader = NULL;
    enum gen5_status status =
        gen5_payload_reader_new(container, record, verification, &reader, error);
    if (status == GEN5_OK) {
        status = gen5_payload_reader_read_all(reader, target, error);
    }
    gen5_payload_reader_free(reader);
    return gen5_payload_locate(status, record, error);
}

enum gen5_status gen5_payload_read(const struct gen5_container *container,
                                   const struct gen5_record *record,
                                   enum gen5_verification verification, void *buffer,
                                   struct gen5_error *error) {
    assert(buffer != NULL || record->payload_size == 0);
    return gen5_payload_check(container, record, verification, buffer, record->payload_size, error);
}

enum gen5_status gen5_payload_check(const struct gen5_container *container,
                                    const struct gen5_record *record,
                                    enum gen5_verification verification, void *buffer,
                                    uint64_t size, struct gen5_error *error) {
    struct gen5_payload_target target = {.buffer = buffer, .buffer_size = size, .fd = -1};
    assert(size <= record->payload_size);
    return decode(container, record, verification, &target, error);
}

enum gen5_status gen5_payload_copy(const struct gen5_container *container,
                                   const struct gen5_record *record,
                                   enum gen5_verification verification, int fd_out,
                                   uint64_t offset_out, struct gen5_error *error) {
    struct gen5_payload_target target = {.buffer_size = 0, .fd = fd_out, .offset = offset_out};
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
