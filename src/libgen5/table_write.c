// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The META chunk and the header.
//
// The manifest's text states the file's size, which depends on how well that text compresses. A
// size is right when the text that states it makes a file of that size: a fixed point. Most levels
// of zstd have one within a few tries; the sizes move by a byte or two, and cycle where there is
// none.
#include "table_write.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "file_write.h"
#include "frame.h"
#include "gen5/header.h"
#include "ownership.h"
#include "size_arithmetic.h"

// Level 3 is what the reference writes. Level 0 stands for a frame of raw blocks: its size depends
// on the number of the size's digits alone, so that a fixed point is sure.
static const int levels[] = {3, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0};

enum {
    TRIES_PER_LEVEL = 6,
    SLOW_LEVEL = 10,
    SLOW_TEXT_SIZE_MAX = 1024 * 1024, // larger texts are not compressed with slow levels
};

// A META chunk that has been made for one stated file size.
struct attempt {
    void *frame;
    size_t frame_size;
    size_t text_size;
};

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
static enum gen5_status make_attempt(const struct gen5_table *table, uint64_t file_size, int level,
                                     struct attempt *attempt, struct gen5_error *error) {
    GEN5_AUTO_FREE char *text = NULL;
    enum gen5_status status = gen5_manifest_write(table->old, table->user_text, table->user_size,
                                                  table->chunks, table->chunk_count, file_size,
                                                  table->limits, &text, &attempt->text_size, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (attempt->text_size > table->limits->manifest_size_max ||
        attempt->text_size > GEN5_FILE_SIZE_MAX - GEN5_CHUNK_HEADER_SIZE) {
        return too_large(table, attempt->text_size, error);
    }
    GEN5_AUTO_FREE char *content = NULL;
    size_t size = 0;
    status = make_content(text, attempt->text_size, &content, &size, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (level == 0) {
        return gen5_frame_store(content, size, &attempt->frame, &attempt->frame_size, error);
    }
    return gen5_frame_compress(content, size, level, &attempt->frame, &attempt->frame_size, error);
}

// Follow the sizes from *file_size on with one level. Leaves attempt->frame NULL where none of the
// tries has stated its own size, and *file_size where it stopped.
static enum gen5_status try_level(const struct gen5_table *table, int level, uint64_t *file_size,
                                  struct attempt *attempt, struct gen5_error *error) {
    for (int i = 0; i < TRIES_PER_LEVEL; i++) {
        enum gen5_status status = make_attempt(table, *file_size, level, attempt, error);
        if (status != GEN5_OK) {
            return status;
        }
        uint64_t real_size = table->offset + attempt->frame_size;
        if (real_size == *file_size) {
            return GEN5_OK;
        }
        free(attempt->frame);
        attempt->frame = NULL;
        *file_size = real_size;
    }
    return GEN5_OK;
}

static enum gen5_status find_fixed_point(const struct gen5_table *table, struct attempt *attempt,
                                         struct gen5_error *error) {
    uint64_t file_size = table->offset;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (levels[i] >= SLOW_LEVEL && attempt->text_size > SLOW_TEXT_SIZE_MAX) {
            continue;
        }
        enum gen5_status status = try_level(table, levels[i], &file_size, attempt, error);
        if (status != GEN5_OK || attempt->frame != NULL) {
            return status;
        }
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                          "no way was found to state the file's size in its own manifest");
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
    struct attempt attempt = {.frame = NULL, .frame_size = 0, .text_size = 0};
    enum gen5_status status = find_fixed_point(table, &attempt, error);
    if (status == GEN5_OK) {
        status = write_parts(table, &attempt, error);
    }
    free(attempt.frame);
    return status;
}
