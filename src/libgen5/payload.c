// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Payloads: decoded piece by piece, compared with their record, hashed on the way.
#include "gen5/payload.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "chunk_read.h"
#include "file_write.h"
#include "ownership.h"
#include "size_arithmetic.h"

// Small enough to be still in the processor's cache when it is hashed and written.
enum { PIECE_SIZE = 128 * 1024 };

// Where a payload goes.
struct target {
    char *buffer; // the whole payload's place, or NULL: then through a small buffer to
    int fd;       // this file, or nowhere where it is -1
    uint64_t offset;
};

static enum gen5_status check_damage(const struct gen5_record *record, struct gen5_error *error) {
    if (record->damage == NULL) {
        return GEN5_OK;
    }
    return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)record->offset, "%s", record->damage);
}

static struct gen5_source stored_bytes(const struct gen5_container *container,
                                       const struct gen5_record *record) {
    return gen5_source_window(&container->source, record->offset, record->stored_size);
}

// The dtype that a latent's inner header promises, or GEN5_DTYPE_NONE where it promises none.
static enum gen5_dtype dtype_of_flags(const char flags[GEN5_TAG_SIZE]) {
    if (memcmp(flags, "F16", GEN5_TAG_SIZE) == 0) {
        return GEN5_DTYPE_FLOAT16;
    }
    return memcmp(flags, "F32", GEN5_TAG_SIZE) == 0 ? GEN5_DTYPE_FLOAT32 : GEN5_DTYPE_NONE;
}

static enum gen5_status check_header(const struct gen5_record *record,
                                     const struct gen5_chunk_header *header,
                                     struct gen5_error *error) {
    if (memcmp(header->type, record->type, GEN5_TAG_SIZE) != 0) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)record->offset,
                              "its own header says that it is a %.4s chunk", header->type);
    }
    enum gen5_dtype promised = dtype_of_flags(header->flags);
    bool is_latent = memcmp(record->type, "LATN", GEN5_TAG_SIZE) == 0;
    if (is_latent && promised != GEN5_DTYPE_NONE && promised != record->dtype) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)record->offset,
                              "its own header says that its elements are %.3s", header->flags);
    }
    return GEN5_OK;
}

// Open the chunk and compare its inner header with the record.
static enum gen5_status open_chunk(const struct gen5_container *container,
                                   const struct gen5_record *record,
                                   struct gen5_chunk_reader **reader, struct gen5_error *error) {
    enum gen5_status status = check_damage(record, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_source stored = stored_bytes(container, record);
    status =
        gen5_chunk_reader_new(&stored, record->compressed, record->payload_size, reader, error);
    if (status == GEN5_OK) {
        status = check_header(record, gen5_chunk_reader_header(*reader), error);
    }
    return status;
}

// Decode all pieces to the target; `digest` is NULL where nothing is to be hashed.
static enum gen5_status decode_pieces(struct gen5_chunk_reader *reader, uint64_t size,
                                      const struct target *target,
                                      struct gen5_digest_stream *digest, struct gen5_error *error) {
    GEN5_AUTO_FREE char *scratch = NULL;
    if (target->buffer == NULL) {
        scratch = malloc((size_t)gen5_size_smaller(size, PIECE_SIZE) + 1);
        if (scratch == NULL) {
            return gen5_error_set_memory(error);
        }
    }
    enum gen5_status status = GEN5_OK;
    for (uint64_t done = 0; status == GEN5_OK && done < size;) {
        size_t piece = (size_t)gen5_size_smaller(size - done, PIECE_SIZE);
        char *bytes = scratch != NULL ? scratch : target->buffer + done;
        status = gen5_chunk_reader_read(reader, bytes, piece, error);
        if (status == GEN5_OK && digest != NULL) {
            status = gen5_digest_stream_update(digest, bytes, piece, error);
        }
        if (status == GEN5_OK && target->fd >= 0) {
            status = gen5_file_write(target->fd, target->offset + done, bytes, piece, error);
        }
        done += piece;
    }
    return status == GEN5_OK ? gen5_chunk_reader_finish(reader, error) : status;
}

static enum gen5_status check_digest(const struct gen5_record *record,
                                     struct gen5_digest_stream *stream, struct gen5_error *error) {
    struct gen5_digest digest;
    enum gen5_status status = gen5_digest_stream_finish(stream, &digest, error);
    if (status != GEN5_OK || gen5_digest_equal(&digest, &record->digest)) {
        return status;
    }
    char stated[GEN5_DIGEST_HEX_SIZE + 1];
    char found[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&record->digest, stated);
    gen5_digest_to_hex(&digest, found);
    return gen5_error_set(error, GEN5_ERROR_HASH, (int64_t)record->offset,
                          "the payload's SHA-256 is %s, the record states %s", found, stated);
}

static enum gen5_status decode_and_hash(struct gen5_chunk_reader *reader,
                                        const struct gen5_record *record,
                                        const struct target *target, struct gen5_error *error) {
    struct gen5_digest_stream *digest = NULL;
    enum gen5_status status = gen5_digest_stream_new(&digest, error);
    if (status == GEN5_OK) {
        status = decode_pieces(reader, record->payload_size, target, digest, error);
    }
    if (status == GEN5_OK) {
        status = check_digest(record, digest, error);
    }
    gen5_digest_stream_free(digest);
    return status;
}

// Say in which chunk it happened, whatever it was.
static enum gen5_status located(enum gen5_status status, const struct gen5_record *record,
                                struct gen5_error *error) {
    if (status != GEN5_OK) {
        gen5_error_prefix(error, "%.4s chunk at byte %llu", record->type,
                          (unsigned long long)record->offset);
    }
    return status;
}

static enum gen5_status decode(const struct gen5_container *container,
                               const struct gen5_record *record,
                               enum gen5_verification verification, const struct target *target,
                               struct gen5_error *error) {
    struct gen5_chunk_reader *reader = NULL;
    enum gen5_status status = open_chunk(container, record, &reader, error);
    if (status == GEN5_OK && verification == GEN5_VERIFY) {
        status = decode_and_hash(reader, record, target, error);
    } else if (status == GEN5_OK) {
        status = decode_pieces(reader, record->payload_size, target, NULL, error);
    }
    gen5_chunk_reader_free(reader);
    return located(status, record, error);
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
    struct gen5_chunk_reader *reader = NULL;
    enum gen5_status status = open_chunk(container, record, &reader, error);
    if (status == GEN5_OK) {
        status = gen5_chunk_reader_read(reader, buffer, size, error);
    }
    gen5_chunk_reader_free(reader);
    return located(status, record, error);
}
