// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reading one payload, with everything that its record promises about it held against it.
#include "payload_reader.h"

#include <stdlib.h>
#include <string.h>

#include "chunk_read.h"
#include "digest_ahead.h"
#include "file_write.h"
#include "ownership.h"
#include "size_arithmetic.h"

struct gen5_payload_reader {
    const struct gen5_record *record; // borrowed
    struct gen5_chunk_reader *chunk;
    struct gen5_digest_stream *digest; // NULL where nothing is to be hashed
    struct gen5_digest_ahead *ahead;   // while it hashes what is read
};

// Less is hashed before another thread has begun.
enum { AHEAD_SIZE_MIN = 4 << 20 };

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

enum gen5_status gen5_payload_reader_new(const struct gen5_container *container,
                                         const struct gen5_record *record,
                                         enum gen5_verification verification,
                                         struct gen5_payload_reader **reader,
                                         struct gen5_error *error) {
    struct gen5_payload_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return gen5_error_set_memory(error);
    }
    made->record = record;
    enum gen5_status status = open_chunk(container, record, &made->chunk, error);
    if (status == GEN5_OK && verification == GEN5_VERIFY) {
        status = gen5_digest_stream_new(&made->digest, error);
    }
    if (status != GEN5_OK) {
        gen5_payload_reader_free(made);
        return status;
    }
    *reader = made;
    return GEN5_OK;
}

const struct gen5_chunk_header *
gen5_payload_reader_header(const struct gen5_payload_reader *reader) {
    return gen5_chunk_reader_header(reader->chunk);
}

enum gen5_status gen5_payload_reader_read(struct gen5_payload_reader *reader, void *buffer,
                                          size_t size, struct gen5_error *error) {
    enum gen5_status status = gen5_chunk_reader_read(reader->chunk, buffer, size, error);
    if (status == GEN5_OK && reader->digest != NULL && reader->ahead == NULL) {
        status = gen5_digest_stream_update(reader->digest, buffer, size, error);
    }
    return status;
}

static enum gen5_status check_digest(const struct gen5_payload_reader *reader,
                                     struct gen5_error *error) {
    struct gen5_digest digest;
    enum gen5_status status = gen5_digest_stream_finish(reader->digest, &digest, error);
    if (status != GEN5_OK || gen5_digest_equal(&digest, &reader->record->digest)) {
        return status;
    }
    char stated[GEN5_DIGEST_HEX_SIZE + 1];
    char found[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&reader->record->digest, stated);
    gen5_digest_to_hex(&digest, found);
    return gen5_error_set(error, GEN5_ERROR_HASH, (int64_t)reader->record->offset,
                          "the payload's SHA-256 is %s, the record states %s", found, stated);
}

enum gen5_status gen5_payload_reader_finish(struct gen5_payload_reader *reader,
                                            struct gen5_error *error) {
    enum gen5_status status = gen5_chunk_reader_finish(reader->chunk, error);
    return status == GEN5_OK && reader->digest != NULL ? check_digest(reader, error) : status;
}

// Read the next piece to where it belongs; to `scratch` where that is nowhere in memory.
static enum gen5_status read_piece(struct gen5_payload_reader *reader,
                                   const struct gen5_payload_target *target, uint64_t done,
                                   char *scratch, size_t *size, struct gen5_error *error) {
    const bool keeps = done < target->buffer_size;
    const uint64_t end = keeps ? target->buffer_size : reader->record->payload_size;
    *size = (size_t)gen5_size_smaller(end - done, GEN5_PAYLOAD_PIECE_SIZE);
    char *bytes = keeps && reader->ahead == NULL ? target->buffer + done : scratch;
    if (reader->ahead != NULL) {
        bytes = gen5_digest_ahead_piece(reader->ahead);
    }
    enum gen5_status status = gen5_payload_reader_read(reader, bytes, *size, error);
    if (status == GEN5_OK && reader->ahead != NULL) {
        gen5_digest_ahead_add(reader->ahead, *size);
    }
    if (status == GEN5_OK && keeps && reader->ahead != NULL) {
        memcpy(target->buffer + done, bytes, *size);
    }
    if (status == GEN5_OK && target->fd >= 0) {
        status = gen5_file_write(target->fd, target->offset + done, bytes, *size, error);
    }
    return status;
}

static enum gen5_status read_pieces(struct gen5_payload_reader *reader,
                                    const struct gen5_payload_target *target,
                                    struct gen5_error *error) {
    const uint64_t size = reader->record->payload_size;
    GEN5_AUTO_FREE char *scratch = NULL;
    if (target->buffer_size < size && reader->ahead == NULL) {
        scratch = malloc((size_t)gen5_size_smaller(size, GEN5_PAYLOAD_PIECE_SIZE));
        if (scratch == NULL) {
            return gen5_error_set_memory(error);
        }
    }
    enum gen5_status status = GEN5_OK;
    size_t piece = 0;
    for (uint64_t done = 0; status == GEN5_OK && done < size; done += piece) {
        status = read_piece(reader, target, done, scratch, &piece, error);
    }
    return status;
}

enum gen5_status gen5_payload_reader_read_all(struct gen5_payload_reader *reader,
                                              const struct gen5_payload_target *target,
                                              struct gen5_error *error) {
    if (reader->digest != NULL && !target->one_thread &&
        reader->record->payload_size >= AHEAD_SIZE_MIN) {
        // Where that fails, it is hashed on the way.
        (void)gen5_digest_ahead_new(reader->digest, GEN5_PAYLOAD_PIECE_SIZE, &reader->ahead, NULL);
    }
    enum gen5_status status = read_pieces(reader, target, error);
    if (reader->ahead != NULL) {
        enum gen5_status hashed =
            gen5_digest_ahead_end(reader->ahead, status == GEN5_OK ? error : NULL);
        reader->ahead = NULL;
        status = status == GEN5_OK ? hashed : status;
    }
    return status == GEN5_OK ? gen5_payload_reader_finish(reader, error) : status;
}

void gen5_payload_reader_free(struct gen5_payload_reader *reader) {
    if (reader != NULL) {
        gen5_chunk_reader_free(reader->chunk);
        gen5_digest_stream_free(reader->digest);
        free(reader);
    }
}

enum gen5_status gen5_payload_locate(enum gen5_status status, const struct gen5_record *record,
                                     struct gen5_error *error) {
    if (status != GEN5_OK) {
        gen5_error_prefix(error, "%.4s chunk at byte %llu", record->type,
                          (unsigned long long)record->offset);
    }
    return status;
}
