// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Opening a container: its header, its manifest, and which records are members.
#include "gen5/container.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "ownership.h"
#include "size_arithmetic.h"

// A frame of raw blocks is this much larger than its content at most, for each 128 KiB of it (RFC
// 8878, 3.1.1); a META chunk that is stored in more than that is no honest one.
enum { FRAME_OVERHEAD = 32, FRAME_BLOCK_SIZE = 128 * 1024, FRAME_BLOCK_OVERHEAD = 3 };

static bool has_type(const struct gen5_record *record, const char *type) {
    return memcmp(record->type, type, GEN5_TAG_SIZE) == 0;
}

bool gen5_record_is_raw(const struct gen5_record *record) {
    return !record->compressed;
}

// --- The manifest's chunk ---

static enum gen5_status read_header(struct gen5_container *container, struct gen5_error *error) {
    uint8_t bytes[GEN5_HEADER_SIZE];
    uint64_t size = gen5_size_smaller(container->source.size, sizeof bytes);
    enum gen5_status status = gen5_source_read(&container->source, 0, bytes, (size_t)size, error);
    if (status != GEN5_OK) {
        return status;
    }
    return gen5_header_read(bytes, size, container->source.size, &container->header, error);
}

static enum gen5_status over_limit(const struct gen5_container *container, uint64_t size,
                                   struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_LIMIT, (int64_t)container->header.table_offset,
                          "its %llu bytes are more than the limit of %llu",
                          (unsigned long long)size,
                          (unsigned long long)container->limits.manifest_size_max);
}

// Read the META chunk as it is stored. One read, which a small chunk costs anyway.
static enum gen5_status read_stored_table(const struct gen5_container *container, char **stored,
                                          size_t *size, struct gen5_error *error) {
    const struct gen5_header *header = &container->header;
    uint64_t content_max = container->limits.manifest_size_max;
    uint64_t overhead =
        FRAME_OVERHEAD + (content_max / FRAME_BLOCK_SIZE + 1) * FRAME_BLOCK_OVERHEAD;
    if (header->table_size > overhead && header->table_size - overhead > content_max) {
        return over_limit(container, header->table_size, error);
    }
    struct gen5_source table =
        gen5_source_window(&container->source, header->table_offset, header->table_size);
    return gen5_source_read_all(&table, header->table_size, stored, size, error);
}

// The size that the frame declares, once it is known to be within the limits.
static enum gen5_status table_content_size(const struct gen5_container *container,
                                           const struct gen5_source *stored, size_t *size,
                                           struct gen5_error *error) {
    uint64_t declared = 0;
    enum gen5_status status = gen5_frame_content_size(stored, &declared, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (declared < GEN5_CHUNK_HEADER_SIZE) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, 0,
                              "its %llu bytes do not even hold its own header",
                              (unsigned long long)declared);
    }
    if (declared - GEN5_CHUNK_HEADER_SIZE > container->limits.manifest_size_max) {
        return over_limit(container, declared - GEN5_CHUNK_HEADER_SIZE, error);
    }
    *size = (size_t)declared;
    return GEN5_OK;
}

// Decode exactly `size` bytes and see that the frame and the chunk end there.
static enum gen5_status decode_table(const struct gen5_source *stored, char *content, size_t size,
                                     struct gen5_error *error) {
    struct gen5_frame_reader *reader = NULL;
    enum gen5_status status = gen5_frame_reader_new(stored, &reader, error);
    size_t got = 0;
    if (status == GEN5_OK) {
        status = gen5_frame_reader_read(reader, content, size, &got, error);
    }
    char beyond;
    size_t more = 0;
    if (status == GEN5_OK) {
        status = gen5_frame_reader_read(reader, &beyond, 1, &more, error);
    }
    if (status == GEN5_OK && (got != size || more != 0)) {
        status = gen5_error_set(error, GEN5_ERROR_DAMAGED, 0,
                                "the zstd frame does not hold what it states");
    }
    gen5_frame_reader_free(reader);
    return status;
}

static enum gen5_status parse_table(struct gen5_container *container, const char *content,
                                    size_t size, struct gen5_error *error) {
    struct gen5_chunk_header inner;
    gen5_chunk_header_read((const uint8_t *)content, &inner);
    size_t text_size = size - GEN5_CHUNK_HEADER_SIZE;
    int64_t offset = (int64_t)container->header.table_offset;
    if (memcmp(inner.type, "META", GEN5_TAG_SIZE) != 0) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, offset,
                              "its own header says that it is a %.4s chunk", inner.type);
    }
    if (inner.payload_size != text_size) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, offset,
                              "its own header states %u bytes, it holds %zu", inner.payload_size,
                              text_size);
    }
    return gen5_manifest_parse(content + GEN5_CHUNK_HEADER_SIZE, text_size, &container->limits,
                               &container->manifest, error);
}

static enum gen5_status decode_stored_table(struct gen5_container *container, const char *stored,
                                            size_t stored_size, struct gen5_error *error) {
    struct gen5_source source = gen5_source_from_memory(stored, stored_size);
    size_t size = 0;
    enum gen5_status status = table_content_size(container, &source, &size, error);
    if (status != GEN5_OK) {
        return status;
    }
    GEN5_AUTO_FREE char *content = malloc(size);
    if (content == NULL) {
        return gen5_error_set_memory(error);
    }
    status = decode_table(&source, content, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    return parse_table(container, content, size, error);
}

static enum gen5_status read_table(struct gen5_container *container, struct gen5_error *error) {
    GEN5_AUTO_FREE char *stored = NULL;
    size_t size = 0;
    enum gen5_status status = read_stored_table(container, &stored, &size, error);
    if (status == GEN5_OK) {
        status = decode_stored_table(container, stored, size, error);
    }
    if (status == GEN5_OK || error == NULL) {
        return status;
    }
    if (status == GEN5_ERROR_DAMAGED || status == GEN5_ERROR_LIMIT) {
        // An offset in the manifest's text is none in the file; the message has it where it helps.
        error->offset = container->header.table_offset;
    }
    return gen5_error_prefix(error, "META chunk");
}

// --- What the records claim ---

// Why a record's chunk cannot be read from this file; an empty string where it can.
static void find_damage(const struct gen5_container *container, const struct gen5_record *record,
                        char *reason, size_t reason_size) {
    const struct gen5_header *header = &container->header;
    unsigned long long offset = record->offset;
    unsigned long long size = record->stored_size;
    uint64_t size_min = gen5_record_is_raw(record) ? GEN5_CHUNK_HEADER_SIZE : 1;
    uint64_t table_end = (uint64_t)header->table_offset + header->table_size;
    reason[0] = '\0';
    if (record->offset < GEN5_HEADER_SIZE) {
        snprintf(reason, reason_size, "its offset %llu lies within the header", offset);
    } else if (!gen5_size_lies_within(record->offset, record->stored_size,
                                      container->source.size)) {
        snprintf(reason, reason_size, "its %llu bytes at %llu pass the end of the file at %llu",
                 size, offset, (unsigned long long)container->source.size);
    } else if (record->stored_size < size_min) {
        snprintf(reason, reason_size, "its %llu stored bytes are too few", size);
    } else if (record->offset < table_end &&
               header->table_offset < record->offset + record->stored_size) {
        snprintf(reason, reason_size, "its %llu bytes at %llu overlap the META chunk at %u", size,
                 offset, header->table_offset);
    } else if (record->payload_size > container->limits.payload_size_max) {
        snprintf(reason, reason_size, "its payload of %llu bytes is over the limit of %llu",
                 (unsigned long long)record->payload_size,
                 (unsigned long long)container->limits.payload_size_max);
    }
}

static enum gen5_status mark_damage(struct gen5_container *container, struct gen5_error *error) {
    struct gen5_manifest *manifest = container->manifest;
    for (size_t i = 0; i < manifest->record_count; i++) {
        struct gen5_record *record = &manifest->records[i];
        if (record->damage != NULL) {
            continue;
        }
        char reason[160];
        find_damage(container, record, reason, sizeof reason);
        if (reason[0] == '\0') {
            continue;
        }
        record->damage = strdup(reason);
        if (record->damage == NULL) {
            return gen5_error_set_memory(error);
        }
    }
    return GEN5_OK;
}

// --- Members ---

// Records of one key, as the first and the last of them.
struct key_range {
    const struct gen5_record *first;
    const struct gen5_record *last;
};

static int compare_key_bytes(const char *left, size_t left_length, const char *right,
                             size_t right_length) {
    if (left_length != right_length) {
        return left_length < right_length ? -1 : 1;
    }
    return memcmp(left, right, left_length);
}

// By key, then by position in the manifest.
static int compare_keys(const void *left, const void *right) {
    const struct gen5_record *a = ((const struct key_range *)left)->first;
    const struct gen5_record *b = ((const struct key_range *)right)->first;
    int order = compare_key_bytes(a->key, a->key_length, b->key, b->key_length);
    if (order != 0) {
        return order;
    }
    return a < b ? -1 : a > b;
}

static int compare_positions(const void *left, const void *right) {
    const struct gen5_record *a = ((const struct key_range *)left)->first;
    const struct gen5_record *b = ((const struct key_range *)right)->first;
    return a < b ? -1 : a > b;
}

static bool same_key(const struct gen5_record *left, const struct gen5_record *right) {
    return compare_key_bytes(left->key, left->key_length, right->key, right->key_length) == 0;
}

// Merge neighbours of one key in a sorted list; returns how many keys there are.
static size_t merge_keys(struct key_range *ranges, size_t count) {
    size_t merged = 0;
    for (size_t i = 0; i < count; i++) {
        if (merged > 0 && same_key(ranges[merged - 1].first, ranges[i].first)) {
            ranges[merged - 1].last = ranges[i].last;
        } else {
            ranges[merged++] = ranges[i];
        }
    }
    return merged;
}

// Sorted, because a hostile manifest may have as many keys as the limits allow records.
static enum gen5_status find_latents(struct gen5_container *container, struct gen5_error *error) {
    const struct gen5_manifest *manifest = container->manifest;
    GEN5_AUTO_FREE struct key_range *ranges =
        calloc(manifest->record_count + 1, sizeof(struct key_range));
    container->latents = calloc(manifest->record_count + 1, sizeof *container->latents);
    container->latents_by_key = calloc(manifest->record_count + 1, sizeof *container->latents);
    if (ranges == NULL || container->latents == NULL || container->latents_by_key == NULL) {
        return gen5_error_set_memory(error);
    }
    size_t count = 0;
    for (size_t i = 0; i < manifest->record_count; i++) {
        const struct gen5_record *record = &manifest->records[i];
        // A latent without a key cannot be asked for; its damage stands in the record.
        if (has_type(record, "LATN") && record->key != NULL) {
            ranges[count++] = (struct key_range){.first = record, .last = record};
        }
    }
    qsort(ranges, count, sizeof *ranges, compare_keys);
    count = merge_keys(ranges, count);
    for (size_t i = 0; i < count; i++) {
        container->latents_by_key[i] = ranges[i].last;
    }
    qsort(ranges, count, sizeof *ranges, compare_positions);
    for (size_t i = 0; i < count; i++) {
        container->latents[i] = ranges[i].last;
    }
    container->latent_count = count;
    return GEN5_OK;
}

// The last of a type wins, as with the reference.
static const struct gen5_record *last_of_type(const struct gen5_manifest *manifest,
                                              const char *type) {
    for (size_t i = manifest->record_count; i > 0; i--) {
        if (has_type(&manifest->records[i - 1], type)) {
            return &manifest->records[i - 1];
        }
    }
    return NULL;
}

static enum gen5_status open_parts(struct gen5_container *container, struct gen5_error *error) {
    enum gen5_status status = read_header(container, error);
    if (status == GEN5_OK) {
        status = read_table(container, error);
    }
    if (status == GEN5_OK) {
        status = mark_damage(container, error);
    }
    if (status == GEN5_OK) {
        status = find_latents(container, error);
    }
    if (status == GEN5_OK) {
        container->image = last_of_type(container->manifest, "DATA");
        container->environment = last_of_type(container->manifest, "ENVC");
    }
    return status;
}

enum gen5_status gen5_container_open(const struct gen5_source *source,
                                     const struct gen5_limits *limits,
                                     struct gen5_container **container, struct gen5_error *error) {
    struct gen5_container *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return gen5_error_set_memory(error);
    }
    opened->source = *source;
    opened->limits = *limits;
    enum gen5_status status = open_parts(opened, error);
    if (status != GEN5_OK) {
        gen5_container_free(opened);
        return status;
    }
    *container = opened;
    return GEN5_OK;
}

void gen5_container_free(struct gen5_container *container) {
    if (container != NULL) {
        gen5_manifest_free(container->manifest);
        free(container->latents);
        free(container->latents_by_key);
        free(container);
    }
}

const struct gen5_record *gen5_container_latent(const struct gen5_container *container,
                                                const char *key, size_t key_length) {
    size_t begin = 0;
    size_t end = container->latent_count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        const struct gen5_record *record = container->latents_by_key[middle];
        int order = compare_key_bytes(key, key_length, record->key, record->key_length);
        if (order == 0) {
            return record;
        }
        if (order < 0) {
            end = middle;
        } else {
            begin = middle + 1;
        }
    }
    return NULL;
}
