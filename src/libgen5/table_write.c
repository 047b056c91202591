// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The META chunk and the header.
//
// The manifest's text states the file's size, which depends on how well that text compresses. A
// size is right when the text that states it makes a file of that size; plain compression has such
// a size in two of three cases. A frame can be made longer in steps of three bytes, though, so that
// a stated size is right as soon as its frame is short of it by a multiple of three: one of three
// sizes is.
#include "table_write.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "file_write.h"
#include "frame.h"
#include "gen5/header.h"
#include "ownership.h"
#include "size_arithmetic.h"

enum {
    LEVEL = 3,  // what the reference writes (FORMAT.md "A chunk")
    TRIES = 60, // nearly always a handful is enough
};

// A META chunk that has been made for one stated file size.
struct attempt {
    void *frame;
    size_t frame_size;
};

// How a frame is made of its content, as gen5_frame_store does.
typedef enum gen5_status make_frame(const void *content, size_t size, void **frame,
                                    size_t *frame_size, struct gen5_error *error);

static enum gen5_status compress(const void *content, size_t size, void **frame, size_t *frame_size,
                                 struct gen5_error *error) {
    return gen5_frame_compress(content, size, LEVEL, frame, frame_size, error);
}

static enum gen5_status too_large(const struct gen5_table *table, size_t text_size,
                                  struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                          "the manifest of %zu bytes would be larger than %llu", text_size,
                          (unsigned long long)table->limits->manifest_size_max);
}

// Put the inner header before the text, as new memory.
static enum gen5_status make_content(const char *text, size_t text_size, char **content,
                                     size_t *size, struct gen5_error *error) {
    struct gen5_chunk_header header = {.payload_size = (uint32_t)text_size};
    memcpy(header.type, "META", GEN5_TAG_SIZE);
    memcpy(header.flags, "0000", GEN5_TAG_SIZE);
    char *made = malloc(GEN5_CHUNK_HEADER_SIZE + text_size);
    if (made == NULL) {
        return gen5_error_set_memory(error);
    }
    gen5_chunk_header_write(&header, (uint8_t *)made);
    memcpy(made + GEN5_CHUNK_HEADER_SIZE, text, text_size);
    *content = made;
    *size = GEN5_CHUNK_HEADER_SIZE + text_size;
    return GEN5_OK;
}

// Make the chunk whose text states `file_size`. The caller frees attempt->frame.
static enum gen5_status make_attempt(const struct gen5_table *table, uint64_t file_size,
                                     make_frame *make, struct attempt *attempt,
                                     struct gen5_error *error) {
    GEN5_AUTO_FREE char *text = NULL;
    size_t text_size = 0;
    enum gen5_status status =
        gen5_manifest_write(table->old, table->user_text, table->user_size, table->chunks,
                            table->chunk_count, file_size, table->limits, &text, &text_size, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (text_size > table->limits->manifest_size_max ||
        text_size > GEN5_FILE_SIZE_MAX - GEN5_CHUNK_HEADER_SIZE) {
        return too_large(table, text_size, error);
    }
    GEN5_AUTO_FREE char *content = NULL;
    size_t size = 0;
    status = make_content(text, text_size, &content, &size, error);
    if (status != GEN5_OK) {
        return status;
    }
    return make(content, size, &attempt->frame, &attempt->frame_size, error);
}

static void drop_attempt(struct attempt *attempt) {
    free(attempt->frame);
    attempt->frame = NULL;
}

// State sizes one after another, from the one that was found without knowing it, until one can be
// made true. Leaves attempt->frame NULL where none could.
static enum gen5_status find_size(const struct gen5_table *table, make_frame *make,
                                  struct attempt *attempt, struct gen5_error *error) {
    uint64_t stated = table->offset;
    for (int i = 0; i < TRIES; i++) {
        enum gen5_status status = make_attempt(table, stated, make, attempt, error);
        if (status != GEN5_OK) {
            return status;
        }
        uint64_t real = table->offset + attempt->frame_size;
        bool short_of_it = i > 0 && real <= stated;
        if (short_of_it && (stated - real) % GEN5_FRAME_PADDING_SIZE == 0) {
            return gen5_frame_pad(&attempt->frame, &attempt->frame_size,
                                  (size_t)(stated - real) / GEN5_FRAME_PADDING_SIZE, error);
        }
        drop_attempt(attempt);
        stated = short_of_it ? stated + 1 : real;
    }
    return GEN5_OK;
}

static enum gen5_status make_table(const struct gen5_table *table, struct attempt *attempt,
                                   struct gen5_error *error) {
    enum gen5_status status = find_size(table, compress, attempt, error);
    if (status == GEN5_OK && attempt->frame == NULL) {
        // Without compression the size follows the number of digits alone.
        status = find_size(table, gen5_frame_store, attempt, error);
    }
    if (status == GEN5_OK && attempt->frame == NULL) {
        status = gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                "no way was found to state the file's size in its own manifest");
    }
    return status;
}

static enum gen5_status write_header(const struct gen5_table *table, size_t table_size,
                                     struct gen5_error *error) {
    struct gen5_header header = {
        .version_major = 1,
        .version_minor = 0,
        .table_offset = (uint32_t)table->offset,
        .table_size = (uint32_t)table_size,
        .chunk_count = (uint32_t)table->chunk_count,
        .file_size = (uint32_t)(table->offset + table_size),
    };
    uint8_t bytes[GEN5_HEADER_SIZE];
    gen5_header_write(&header, bytes);
    return gen5_file_write(table->fd, 0, bytes, sizeof bytes, error);
}

static enum gen5_status write_parts(const struct gen5_table *table, const struct attempt *attempt,
                                    struct gen5_error *error) {
    if (!gen5_size_lies_within(table->offset, attempt->frame_size, GEN5_FILE_SIZE_MAX)) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "the container would be larger than %llu bytes",
                              (unsigned long long)GEN5_FILE_SIZE_MAX);
    }
    enum gen5_status status =
        gen5_file_write(table->fd, table->offset, attempt->frame, attempt->frame_size, error);
    if (status == GEN5_OK) {
        // Attempts to compress a chunk may have left bytes behind what was kept.
        status = gen5_file_set_size(table->fd, table->offset + attempt->frame_size, error);
    }
    return status == GEN5_OK ? write_header(table, attempt->frame_size, error) : status;
}

enum gen5_status gen5_table_write(const struct gen5_table *table, struct gen5_error *error) {
    struct attempt attempt = {.frame = NULL, .frame_size = 0};
    enum gen5_status status = make_table(table, &attempt, error);
    if (status == GEN5_OK) {
        status = write_parts(table, &attempt, error);
    }
    free(attempt.frame);
    return status;
}
