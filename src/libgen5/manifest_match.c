// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which record of an edited document belongs to which chunk: both sides are sorted by what is to be
// the same, and merged.
#include "manifest_match.h"

#include <stdlib.h>
#include <string.h>

#include "ownership.h"

// What is compared in one pass.
struct pass {
    bool digest;
    bool before; // the digest is that of the chunk's old payload
    bool key;
    bool position;
};

static const struct pass PASSES[] = {
    {.digest = true, .key = true},
    {.digest = true},
    {.digest = true, .before = true, .key = true},
    {.digest = true, .before = true},
    {.key = true},
    {.position = true},
};

// A record or a chunk.
struct entry {
    const char *type;
    const struct gen5_digest *digest;
    const char *key; // NULL where there is none
    size_t key_length;
    size_t position; // among its type
    size_t index;
};

struct side {
    struct entry *entries; // those that take part in a pass
    size_t count;
    bool *matched; // by index
    size_t *positions;
};

static int compare_numbers(size_t left, size_t right) {
    return (left > right) - (left < right);
}

static int compare_entries(const struct entry *left, const struct entry *right,
                           const struct pass *pass) {
    int order = memcmp(left->type, right->type, GEN5_TAG_SIZE);
    if (order == 0 && pass->digest) {
        order = memcmp(left->digest->bytes, right->digest->bytes, GEN5_DIGEST_SIZE);
    }
    if (order == 0 && pass->key) {
        order = compare_numbers(left->key_length, right->key_length);
        if (order == 0 && left->key_length > 0) {
            order = memcmp(left->key, right->key, left->key_length);
        }
    }
    return order == 0 && pass->position ? compare_numbers(left->position, right->position) : order;
}

static int compare_for_sorting(const void *left, const void *right, void *pass) {
    const struct entry *one = left, *other = right;
    int order = compare_entries(one, other, pass);
    return order != 0 ? order : compare_numbers(one->index, other->index);
}

// A hash that is missing was left zero, and is no reason to match.
static bool takes_part(const struct entry *entry, const struct pass *pass) {
    static const struct gen5_digest ZERO;
    if (pass->digest) {
        return !gen5_digest_equal(entry->digest, &ZERO);
    }
    return !pass->key || entry->key != NULL;
}

static void add_entry(struct side *side, const struct entry *entry, const struct pass *pass) {
    if (!side->matched[entry->index] && takes_part(entry, pass)) {
        side->entries[side->count++] = *entry;
    }
}

static void add_records(struct side *side, const struct gen5_record *records, size_t count,
                        const struct pass *pass) {
    side->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct gen5_record *record = &records[i];
        struct entry entry = {record->type,       &record->digest,    record->key,
                              record->key_length, side->positions[i], i};
        add_entry(side, &entry, pass);
    }
}

static void add_chunks(struct side *side, const struct gen5_chunk_facts *chunks, size_t count,
                       const struct pass *pass) {
    side->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct gen5_chunk_facts *chunk = &chunks[i];
        bool before = pass->before && chunk->record != NULL;
        struct entry entry = {chunk->type,        before ? &chunk->record->digest : &chunk->digest,
                              chunk->key,         chunk->key_length,
                              side->positions[i], i};
        add_entry(side, &entry, pass);
    }
}

// Join what is alike, from the end.
static void merge(struct side *records, struct side *chunks, const struct pass *pass,
                  size_t *matches) {
    size_t record = records->count, chunk = chunks->count;
    qsort_r(records->entries, record, sizeof *records->entries, compare_for_sorting,
            (void *)(uintptr_t)pass);
    qsort_r(chunks->entries, chunk, sizeof *chunks->entries, compare_for_sorting,
            (void *)(uintptr_t)pass);
    while (record > 0 && chunk > 0) {
        const struct entry *left = &records->entries[record - 1];
        const struct entry *right = &chunks->entries[chunk - 1];
        int order = compare_entries(left, right, pass);
        if (order == 0) {
            matches[right->index] = left->index;
            records->matched[left->index] = true;
            chunks->matched[right->index] = true;
        }
        record -= order >= 0 ? 1 : 0;
        chunk -= order <= 0 ? 1 : 0;
    }
}

// --- Positions ----------------------------------------------------------------------------------

struct typed {
    char type[GEN5_TAG_SIZE];
    size_t index;
};

static int compare_types(const void *left, const void *right) {
    const struct typed *one = left, *other = right;
    int order = memcmp(one->type, other->type, GEN5_TAG_SIZE);
    return order != 0 ? order : compare_numbers(one->index, other->index);
}

// Number the entries of each type in their order.
static void number_types(struct typed *typed, size_t count, size_t *positions) {
    size_t position = 0;
    qsort(typed, count, sizeof *typed, compare_types);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && memcmp(typed[i - 1].type, typed[i].type, GEN5_TAG_SIZE) == 0;
        position = same ? position + 1 : 0;
        positions[typed[i].index] = position;
    }
}

static void number_records(const struct gen5_record *records, size_t count, struct typed *typed,
                           size_t *positions) {
    for (size_t i = 0; i < count; i++) {
        memcpy(typed[i].type, records[i].type, GEN5_TAG_SIZE);
        typed[i].index = i;
    }
    number_types(typed, count, positions);
}

static void number_chunks(const struct gen5_chunk_facts *chunks, size_t count, struct typed *typed,
                          size_t *positions) {
    for (size_t i = 0; i < count; i++) {
        memcpy(typed[i].type, chunks[i].type, GEN5_TAG_SIZE);
        typed[i].index = i;
    }
    number_types(typed, count, positions);
}

// --- All passes ---------------------------------------------------------------------------------

static bool side_init(struct side *side, size_t count) {
    size_t room = count > 0 ? count : 1;
    *side = (struct side){.entries = calloc(room, sizeof *side->entries),
                          .matched = calloc(room, sizeof *side->matched),
                          .positions = calloc(room, sizeof *side->positions)};
    return side->entries != NULL && side->matched != NULL && side->positions != NULL;
}

static void side_release(struct side *side) {
    free(side->entries);
    free(side->matched);
    free(side->positions);
}

enum gen5_status gen5_manifest_match(const struct gen5_record *records, size_t record_count,
                                     const struct gen5_chunk_facts *chunks, size_t chunk_count,
                                     size_t *matches, struct gen5_error *error) {
    struct side record_side = {0}, chunk_side = {0};
    size_t larger = record_count > chunk_count ? record_count : chunk_count;
    GEN5_AUTO_FREE struct typed *typed = calloc(larger + 1, sizeof *typed);
    bool memory = side_init(&record_side, record_count);
    memory = side_init(&chunk_side, chunk_count) && memory && typed != NULL;
    for (size_t i = 0; i < chunk_count; i++) {
        matches[i] = GEN5_MATCH_NONE;
    }
    if (memory) {
        number_records(records, record_count, typed, record_side.positions);
        number_chunks(chunks, chunk_count, typed, chunk_side.positions);
    }
    for (size_t i = 0; memory && i < sizeof PASSES / sizeof *PASSES; i++) {
        add_records(&record_side, records, record_count, &PASSES[i]);
        add_chunks(&chunk_side, chunks, chunk_count, &PASSES[i]);
        if (record_side.count > 0 && chunk_side.count > 0) {
            merge(&record_side, &chunk_side, &PASSES[i], matches);
        }
    }
    side_release(&record_side);
    side_release(&chunk_side);
    return memory ? GEN5_OK : gen5_error_set_memory(error);
}
