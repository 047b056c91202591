// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Storing one payload: compressed where that is worth it, else raw.
#include "chunk_write.h"

#include <stdlib.h>
#include <string.h>

#include "chunk_read.h"
#include "file_write.h"
#include "frame.h"
#include "ownership.h"
#include "size_arithmetic.h"

enum {
    LEVEL = 3, // what the reference writes (FORMAT.md "A chunk")
    PIECE_SIZE = 256 * 1024,
    // Images larger than SAMPLED_SIZE_MIN are judged by samples first: nearly all are compressed
    // already, and to find that out costs more than all else that storing them does.
    SAMPLED_SIZE_MIN = 512 * 1024,
    SAMPLE_SIZE = 16 * 1024,
    SAMPLE_STRIDE_MIN = 8 * SAMPLE_SIZE,
    SAMPLE_COUNT_MAX = 64,
};

// The largest frame that saves 2 % of a raw chunk (DESIGN.md 2.2 rule 7).
static uint64_t frame_size_max(uint64_t raw_size) {
    return raw_size - raw_size / 50 - (raw_size % 50 != 0 ? 1 : 0);
}

// --- Whether to try ---

static enum gen5_status read_samples(const struct gen5_source *payload, char *samples,
                                     size_t *samples_size, struct gen5_error *error) {
    uint64_t stride = payload->size / SAMPLE_COUNT_MAX;
    if (stride < SAMPLE_STRIDE_MIN) {
        stride = SAMPLE_STRIDE_MIN;
    }
    *samples_size = 0;
    for (size_t i = 0; i < SAMPLE_COUNT_MAX; i++) {
        uint64_t offset = i * stride;
        if (!gen5_size_lies_within(offset, SAMPLE_SIZE, payload->size)) {
            break;
        }
        enum gen5_status status =
            gen5_source_read(payload, offset, samples + *samples_size, SAMPLE_SIZE, error);
        if (status != GEN5_OK) {
            return status;
        }
        *samples_size += SAMPLE_SIZE;
    }
    return GEN5_OK;
}

static enum gen5_status samples_shrink(const struct gen5_source *payload, bool *shrink,
                                       struct gen5_error *error) {
    GEN5_AUTO_FREE char *samples = malloc((size_t)SAMPLE_COUNT_MAX * SAMPLE_SIZE);
    if (samples == NULL) {
        return gen5_error_set_memory(error);
    }
    size_t samples_size = 0;
    size_t frame_size = 0;
    GEN5_AUTO_FREE void *frame = NULL;
    enum gen5_status status = read_samples(payload, samples, &samples_size, error);
    if (status == GEN5_OK) {
        status = gen5_frame_compress(samples, samples_size, LEVEL, &frame, &frame_size, error);
    }
    // Samples say too little about the rest to be held to the whole 2 %.
    *shrink = frame_size <= samples_size - samples_size / 200;
    return status;
}

static enum gen5_status is_worth_trying(const struct gen5_chunk_header *tags,
                                        const struct gen5_source *payload, bool *worth,
                                        struct gen5_error *error) {
    *worth = true;
    bool is_image = memcmp(tags->type, "DATA", GEN5_TAG_SIZE) == 0;
    if (is_image && payload->size >= SAMPLED_SIZE_MIN) {
        return samples_shrink(payload, worth, error);
    }
    return GEN5_OK;
}

// --- Storing ---

// Sets stored->size to 0 where a frame would save too little.
static enum gen5_status write_frame(const struct gen5_chunk_header *header,
                                    const struct gen5_source *payload, int fd, uint64_t offset,
                                    struct gen5_stored_chunk *stored, struct gen5_error *error) {
    uint8_t head[GEN5_CHUNK_HEADER_SIZE];
    gen5_chunk_header_write(header, head);
    uint64_t size_max = frame_size_max(payload->size + GEN5_CHUNK_HEADER_SIZE);
    bool worth = true;
    stored->size = 0;
    stored->compressed = true;
    enum gen5_status status = is_worth_trying(header, payload, &worth, error);
    if (status != GEN5_OK || !worth) {
        return status;
    }
    return gen5_frame_compress_to(head, sizeof head, payload, LEVEL, fd, offset, size_max,
                                  &stored->size, error);
}

static enum gen5_status write_raw(const struct gen5_chunk_header *header,
                                  const struct gen5_source *payload, int fd, uint64_t offset,
                                  struct gen5_stored_chunk *stored, struct gen5_error *error) {
    uint8_t head[GEN5_CHUNK_HEADER_SIZE];
    gen5_chunk_header_write(header, head);
    stored->size = payload->size + GEN5_CHUNK_HEADER_SIZE;
    stored->compressed = false;
    enum gen5_status status = gen5_file_write(fd, offset, head, sizeof head, error);
    return status == GEN5_OK ? gen5_source_copy(payload, fd, offset + sizeof head, error) : status;
}

static enum gen5_status hash_payload(struct gen5_chunk_reader *reader, uint64_t size,
                                     struct gen5_digest_stream *digest, struct gen5_error *error) {
    GEN5_AUTO_FREE char *piece = malloc(PIECE_SIZE);
    if (piece == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status = GEN5_OK;
    while (status == GEN5_OK && size > 0) {
        size_t length = (size_t)gen5_size_smaller(size, PIECE_SIZE);
        status = gen5_chunk_reader_read(reader, piece, length, error);
        if (status == GEN5_OK) {
            status = gen5_digest_stream_update(digest, piece, length, error);
        }
        size -= length;
    }
    return status == GEN5_OK ? gen5_chunk_reader_finish(reader, error) : status;
}

// Read the stored chunk back and hash its payload.
static enum gen5_status take_digest(int fd, uint64_t offset, uint64_t payload_size,
                                    struct gen5_stored_chunk *stored, struct gen5_error *error) {
    struct gen5_source source = {.fd = fd, .memory = NULL, .offset = offset, .size = stored->size};
    struct gen5_chunk_reader *reader = NULL;
    struct gen5_digest_stream *digest = NULL;
    enum gen5_status status =
        gen5_chunk_reader_new(&source, stored->compressed, payload_size, &reader, error);
    if (status == GEN5_OK) {
        status = gen5_digest_stream_new(&digest, error);
    }
    if (status == GEN5_OK) {
        status = hash_payload(reader, payload_size, digest, error);
    }
    if (status == GEN5_OK) {
        status = gen5_digest_stream_finish(digest, &stored->digest, error);
    }
    gen5_digest_stream_free(digest);
    gen5_chunk_reader_free(reader);
    return status;
}

static enum gen5_status too_large(struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                          "the container would be larger than %llu bytes",
                          (unsigned long long)GEN5_FILE_SIZE_MAX);
}

enum gen5_status gen5_chunk_write(const struct gen5_chunk_header *tags,
                                  const struct gen5_source *payload, int fd, uint64_t offset,
                                  struct gen5_stored_chunk *stored, struct gen5_error *error) {
    if (payload->size > GEN5_FILE_SIZE_MAX - GEN5_CHUNK_HEADER_SIZE) {
        return too_large(error);
    }
    struct gen5_chunk_header header = *tags;
    header.payload_size = (uint32_t)payload->size;
    enum gen5_status status = write_frame(&header, payload, fd, offset, stored, error);
    if (status == GEN5_OK && stored->size == 0) {
        if (!gen5_size_lies_within(offset, payload->size + GEN5_CHUNK_HEADER_SIZE,
                                   GEN5_FILE_SIZE_MAX)) {
            return too_large(error);
        }
        status = write_raw(&header, payload, fd, offset, stored, error);
    }
    if (status == GEN5_OK && !gen5_size_lies_within(offset, stored->size, GEN5_FILE_SIZE_MAX)) {
        return too_large(error);
    }
    gen5_file_begin_sync(fd, offset, stored->size);
    return status == GEN5_OK ? take_digest(fd, offset, payload->size, stored, error) : status;
}
