// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The manifest: its text kept as it is stored, and the records that it lists.
#include "gen5/manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_document.h"
#include "manifest_record.h"

static size_t count_members(const char *text, struct gen5_json_value container) {
    struct gen5_json_walk walk = gen5_json_walk_start(text, container);
    struct gen5_json_member member;
    size_t count = 0;
    while (gen5_json_walk_next(&walk, &member)) {
        count++;
    }
    return count;
}

static enum gen5_status read_records(struct gen5_manifest *manifest, struct gen5_json_value chunks,
                                     const struct gen5_limits *limits, struct gen5_error *error) {
    size_t count = count_members(manifest->text, chunks);
    if (count > limits->record_count_max) {
        return gen5_error_set(error, GEN5_ERROR_LIMIT, (int64_t)chunks.span.begin,
                              "the manifest has %zu records, more than the %" PRIu32
                              " that are allowed",
                              count, limits->record_count_max);
    }
    manifest->records = calloc(count > 0 ? count : 1, sizeof *manifest->records);
    if (manifest->records == NULL) {
        return gen5_error_set_memory(error);
    }
    struct gen5_json_walk walk = gen5_json_walk_start(manifest->text, chunks);
    struct gen5_json_member member;
    while (gen5_json_walk_next(&walk, &member)) {
        struct gen5_record *record = &manifest->records[manifest->record_count++];
        enum gen5_status status = gen5_record_read(manifest->text, member.value, record, error);
        if (status != GEN5_OK) {
            return status;
        }
    }
    return GEN5_OK;
}

static enum gen5_status read_text(struct gen5_manifest *manifest, const struct gen5_limits *limits,
                                  struct gen5_error *error) {
    struct gen5_json_document document;
    enum gen5_status status = gen5_json_document_open(manifest->text, manifest->size,
                                                      limits->json_depth_max, &document, error);
    if (status != GEN5_OK) {
        gen5_error_prefix(error, "the manifest");
        return status;
    }
    struct gen5_json_value metadata =
        gen5_json_find(manifest->text, document.root, "gen5_metadata");
    if (metadata.kind != GEN5_JSON_OBJECT) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)document.root.span.begin,
                              "the manifest has no object \"gen5_metadata\"");
    }
    struct gen5_json_value chunks = gen5_json_find(manifest->text, metadata, "chunks");
    if (chunks.kind != GEN5_JSON_ARRAY) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)metadata.span.begin,
                              "the manifest has no array \"gen5_metadata.chunks\"");
    }
    return read_records(manifest, chunks, limits, error);
}

enum gen5_status gen5_manifest_parse(const char *text, size_t size,
                                     const struct gen5_limits *limits,
                                     struct gen5_manifest **manifest, struct gen5_error *error) {
    *manifest = NULL;
    if (size > limits->manifest_size_max || size == SIZE_MAX) {
        return gen5_error_set(error, GEN5_ERROR_LIMIT, GEN5_OFFSET_NONE,
                              "a manifest of %zu bytes is over the limit of %" PRIu64, size,
                              limits->manifest_size_max);
    }
    struct gen5_manifest *parsed = calloc(1, sizeof *parsed);
    char *copy = malloc(size + 1);
    if (parsed == NULL || copy == NULL) {
        free(parsed);
        free(copy);
        return gen5_error_set_memory(error);
    }
    if (size > 0) {
        memcpy(copy, text, size);
    }
    copy[size] = '\0';
    parsed->text = copy;
    parsed->size = size;
    enum gen5_status status = read_text(parsed, limits, error);
    if (status != GEN5_OK) {
        gen5_manifest_free(parsed);
        return status;
    }
    *manifest = parsed;
    return GEN5_OK;
}

void gen5_manifest_free(struct gen5_manifest *manifest) {
    if (manifest == NULL) {
        return;
    }
    for (size_t i = 0; i < manifest->record_count; i++) {
        gen5_record_release(&manifest->records[i]);
    }
    free(manifest->records);
    free(manifest->text);
    free(manifest);
}
