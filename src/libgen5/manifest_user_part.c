// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What in a manifest is the user's, and whether two manifests have the same there: both are read
// token by token, and what is computed is passed over.
#include <stdlib.h>
#include <string.h>

#include "gen5/manifest.h"
#include "json_text.h"
#include "manifest_match.h"
#include "manifest_record.h"
#include "text_builder.h"

// Values that are computed, in the order of the text.
struct computed {
    struct gen5_span spans[GEN5_FIELD_COUNT + GEN5_EXTRA_COUNT];
    size_t count;
};

static int compare_spans(const void *left, const void *right) {
    const struct gen5_span *one = left, *other = right;
    return (one->begin > other->begin) - (one->begin < other->begin);
}

static void add_computed(struct computed *computed, const struct gen5_json_value *values,
                         size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind != GEN5_JSON_NONE) {
            computed->spans[computed->count++] = values[i].span;
        }
    }
    qsort(computed->spans, computed->count, sizeof *computed->spans, compare_spans);
}

// Append the tokens of a value, each on a line of its own, but for what is computed and its keys.
static void append_user_part(const char *text, struct gen5_json_value value,
                             const struct computed *computed, struct gen5_text_builder *out) {
    struct gen5_json_reader reader;
    enum gen5_json_event event;
    struct gen5_span key = {0, 0};
    size_t next = 0;
    size_t passed = 0; // everything before this position is computed
    gen5_json_reader_init(&reader, text + value.span.begin, value.span.end - value.span.begin,
                          GEN5_JSON_DEPTH_LIMIT, GEN5_JSON_NO_BOM);
    while ((event = gen5_json_reader_next(&reader)) != GEN5_JSON_EVENT_END &&
           event != GEN5_JSON_EVENT_FAULT) {
        struct gen5_span token = {reader.token.span.begin + value.span.begin,
                                  reader.token.span.end + value.span.begin};
        if (event == GEN5_JSON_EVENT_KEY) {
            key = token;
            continue;
        }
        while (next < computed->count && computed->spans[next].begin <= token.begin) {
            passed = computed->spans[next++].end;
        }
        if (token.begin >= passed) {
            gen5_text_builder_append_span(out, text, key);
            gen5_text_builder_append_string(out, "\n");
            gen5_text_builder_append_span(out, text, token);
            gen5_text_builder_append_string(out, "\n");
        }
        key = (struct gen5_span){0, 0};
    }
}

static enum gen5_status texts_equal(struct gen5_text_builder *left, struct gen5_text_builder *right,
                                    bool *equal, struct gen5_error *error) {
    enum gen5_status status = gen5_text_builder_check(left, error);
    if (status == GEN5_OK) {
        status = gen5_text_builder_check(right, error);
    }
    *equal = status == GEN5_OK && left->size == right->size &&
             (left->size == 0 || memcmp(left->bytes, right->bytes, left->size) == 0);
    gen5_text_builder_release(left);
    gen5_text_builder_release(right);
    return status;
}

// --- The document without its records ------------------------------------------------------------

static void append_document(const struct gen5_manifest *manifest, struct gen5_text_builder *out) {
    const char *text = manifest->text;
    struct gen5_json_value root = gen5_json_root(text, manifest->size);
    struct gen5_json_value metadata = gen5_json_find(text, root, "gen5_metadata");
    struct gen5_json_value values[GEN5_INFO_COUNT + 1];
    struct computed computed = {.count = 0};
    gen5_json_pick(text, gen5_json_find(text, metadata, "file_info"), GEN5_INFO_NAMES,
                   GEN5_INFO_COUNT, values);
    values[GEN5_INFO_COUNT] = gen5_json_find(text, metadata, "chunks");
    add_computed(&computed, values, GEN5_INFO_COUNT + 1);
    gen5_text_builder_init(out, UINT64_MAX);
    append_user_part(text, root, &computed, out);
}

// --- Records -------------------------------------------------------------------------------------

static void append_record(const struct gen5_manifest *manifest, const struct gen5_record *record,
                          struct gen5_text_builder *out) {
    const char *text = manifest->text;
    struct gen5_json_value value =
        gen5_json_root(text + record->text.begin, record->text.end - record->text.begin);
    value.span = record->text;
    struct gen5_json_value fields[GEN5_FIELD_COUNT];
    struct gen5_json_value extra[GEN5_EXTRA_COUNT];
    struct computed computed = {.count = 0};
    gen5_json_pick(text, value, GEN5_FIELD_NAMES, GEN5_FIELD_COUNT, fields);
    if (gen5_tag_is(record->type, "LATN")) {
        gen5_json_pick(text, fields[GEN5_FIELD_EXTRA], GEN5_EXTRA_NAMES, GEN5_EXTRA_COUNT, extra);
        add_computed(&computed, extra, GEN5_EXTRA_COUNT);
    }
    fields[GEN5_FIELD_EXTRA].kind = GEN5_JSON_NONE;
    add_computed(&computed, fields, GEN5_FIELD_COUNT);
    gen5_text_builder_init(out, UINT64_MAX);
    append_user_part(text, value, &computed, out);
}

static bool keys_equal(const struct gen5_record *left, const struct gen5_record *right) {
    return left->key_length == right->key_length &&
           (left->key_length == 0 || memcmp(left->key, right->key, left->key_length) == 0);
}

static enum gen5_status compare_matched(const struct gen5_manifest *left,
                                        const struct gen5_record *one,
                                        const struct gen5_manifest *right,
                                        const struct gen5_record *other, bool *equal,
                                        struct gen5_error *error) {
    if (!keys_equal(one, other)) {
        // One latent of another name, or two that have nothing to do with each other.
        *equal = !gen5_digest_equal(&one->digest, &other->digest);
        return GEN5_OK;
    }
    struct gen5_text_builder one_part, other_part;
    append_record(left, one, &one_part);
    append_record(right, other, &other_part);
    return texts_equal(&one_part, &other_part, equal, error);
}

// `facts` and `matches` have room for the records of `left`.
static enum gen5_status compare_all(const struct gen5_manifest *left,
                                    const struct gen5_manifest *right,
                                    struct gen5_chunk_facts *facts, size_t *matches, bool *equal,
                                    struct gen5_error *error) {
    const size_t count = left->record_count;
    for (size_t i = 0; i < count; i++) {
        facts[i] = gen5_chunk_facts_of(&left->records[i]);
    }
    enum gen5_status status =
        gen5_manifest_match(right->records, right->record_count, facts, count, matches, error);
    *equal = true;
    for (size_t i = 0; status == GEN5_OK && *equal && i < count; i++) {
        if (matches[i] != GEN5_MATCH_NONE) {
            status = compare_matched(left, &left->records[i], right, &right->records[matches[i]],
                                     equal, error);
        }
    }
    return status;
}

static enum gen5_status compare_records(const struct gen5_manifest *left,
                                        const struct gen5_manifest *right, bool *equal,
                                        struct gen5_error *error) {
    struct gen5_chunk_facts *facts = calloc(left->record_count + 1, sizeof *facts);
    size_t *matches = calloc(left->record_count + 1, sizeof *matches);
    enum gen5_status status = facts == NULL || matches == NULL
                                  ? gen5_error_set_memory(error)
                                  : compare_all(left, right, facts, matches, equal, error);
    free(facts);
    free(matches);
    return status;
}

enum gen5_status gen5_manifest_user_part_equal(const struct gen5_manifest *left,
                                               const struct gen5_manifest *right, bool *equal,
                                               struct gen5_error *error) {
    struct gen5_text_builder one, other;
    append_document(left, &one);
    append_document(right, &other);
    enum gen5_status status = texts_equal(&one, &other, equal, error);
    return status == GEN5_OK && *equal ? compare_records(left, right, equal, error) : status;
}
