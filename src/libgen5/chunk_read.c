// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reading one stored chunk.
#include "chunk_read.h"

#include <assert.h>
#include <stdlib.h>

#include "frame.h"
#include "size_arithmetic.h"

struct gen5_chunk_reader {
    struct gen5_source stored;
    struct gen5_frame_reader *frame; // NULL where the chunk is raw
    uint64_t position;               // within inner header and payload
    uint64_t content_size;           // of inner header and payload
    struct gen5_chunk_header header;
};

// Compare what the storage says about the size with what the record says.
static enum gen5_status check_size(const struct gen5_chunk_reader *reader, bool compressed,
                                   struct gen5_error *error) {
    uint64_t size = reader->stored.size;
    enum gen5_status status =
        compressed ? gen5_frame_content_size(&reader->stored, &size, error) : GEN5_OK;
    if (status == GEN5_OK && size != reader->content_size) {
        status = gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)reader->stored.offset,
                                "%llu bytes are stored where the record asks for %llu",
                                (unsigned long long)size, (unsigned long long)reader->content_size);
    }
    return status;
}

static enum gen5_status read_content(struct gen5_chunk_reader *reader, void *buffer, size_t size,
                                     struct gen5_error *error) {
    assert(size <= reader->content_size - reader->position);
    size_t got = size;
    enum gen5_status status;
    if (reader->frame != NULL) {
        status = gen5_frame_reader_read(reader->frame, buffer, size, &got, error);
    } else {
        status = gen5_source_read(&reader->stored, reader->position, buffer, size, error);
    }
    if (status == GEN5_OK && got != size) {
        status = gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)reader->stored.offset,
                                "the zstd frame holds less than it states");
    }
    reader->position += size;
    return status;
}

static enum gen5_status read_header(struct gen5_chunk_reader *reader, struct gen5_error *error) {
    uint8_t bytes[GEN5_CHUNK_HEADER_SIZE];
    enum gen5_status status = read_content(reader, bytes, sizeof bytes, error);
    if (status != GEN5_OK) {
        return status;
    }
    gen5_chunk_header_read(bytes, &reader->header);
    uint64_t payload_size = reader->content_size - GEN5_CHUNK_HEADER_SIZE;
    if (reader->header.payload_size != payload_size) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)reader->stored.offset,
                              "its own header states %u bytes where the record states %llu",
                              reader->header.payload_size, (unsigned long long)payload_size);
    }
    return GEN5_OK;
}

enum gen5_status gen5_chunk_reader_new(const struct gen5_source *stored, bool compressed,
                                       uint64_t payload_size, struct gen5_chunk_reader **reader,
                                       struct gen5_error *error) {
    struct gen5_chunk_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return gen5_error_set_memory(error);
    }
    made->stored = *stored;
    enum gen5_status status = GEN5_OK;
    if (!gen5_size_add(payload_size, GEN5_CHUNK_HEADER_SIZE, &made->content_size)) {
        status = gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)stored->offset,
                                "the record's size is out of range");
    }
    if (status == GEN5_OK) {
        status = check_size(made, compressed, error);
    }
    if (status == GEN5_OK && compressed) {
        status = gen5_frame_reader_new(stored, &made->frame, error);
    }
    if (status == GEN5_OK) {
        status = read_header(made, error);
    }
    if (status != GEN5_OK) {
        gen5_chunk_reader_free(made);
        return status;
    }
    *reader = made;
    return GEN5_OK;
}

const struct gen5_chunk_header *gen5_chunk_reader_header(const struct gen5_chunk_reader *reader) {
    return &reader->header;
}

enum gen5_status gen5_chunk_reader_read(struct gen5_chunk_reader *reader, void *buffer, size_t size,
                                        struct gen5_error *error) {
    return read_content(reader, buffer, size, error);
}

enum gen5_status gen5_chunk_reader_finish(struct gen5_chunk_reader *reader,
                                          struct gen5_error *error) {
    assert(reader->position == reader->content_size);
    if (reader->frame == NULL) {
        return GEN5_OK;
    }
    // The reader notices what follows the frame only when it is asked for more.
    uint8_t beyond;
    size_t got = 0;
    enum gen5_status status = gen5_frame_reader_read(reader->frame, &beyond, 1, &got, error);
    if (status == GEN5_OK && got != 0) {
        status = gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)reader->stored.offset,
                                "the zstd frame holds more than it states");
    }
    return status;
}

void gen5_chunk_reader_free(struct gen5_chunk_reader *reader) {
    if (reader != NULL) {
        gen5_frame_reader_free(reader->frame);
        free(reader);
    }
}
