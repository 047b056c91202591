// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The manifest's text after a repack: the array of records is put together anew from the pieces of
// the document, file_info's values are spliced in, and all else is copied.
#include "manifest_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_document.h"
#include "json_edit.h"
#include "json_layout.h"
#include "json_literal.h"
#include "manifest_match.h"
#include "manifest_record.h"
#include "ownership.h"
#include "record_write.h"

struct writing {
    const struct gen5_manifest *old; // NULL where there is none
    const struct gen5_chunk_facts *chunks;
    size_t chunk_count;
    uint64_t file_size;
    const struct gen5_limits *limits;

    struct gen5_json_document document; // what is edited: the user's, or the old manifest's own
    struct gen5_json_value metadata;
    struct gen5_json_value file_info;
    struct gen5_json_value array; // gen5_metadata.chunks

    struct gen5_record *records; // of the document
    size_t record_count;
    bool owns_records;
    size_t *leads;   // where the white space in front of each record begins
    size_t *matches; // for each chunk its record in the document, or GEN5_MATCH_NONE

    struct gen5_json_layout metadata_layout; // of the members of gen5_metadata
    struct gen5_json_layout element_layout;  // of the records
};

static void writing_release(struct writing *writing) {
    for (size_t i = 0; writing->owns_records && i < writing->record_count; i++) {
        gen5_record_release(&writing->records[i]);
    }
    if (writing->owns_records) {
        free(writing->records);
    }
    free(writing->leads);
    free(writing->matches);
}

// --- The document -------------------------------------------------------------------------------

static enum gen5_status open_document(struct writing *writing, const char *text, size_t size,
                                      struct gen5_error *error) {
    enum gen5_status status = gen5_json_document_open(text, size, writing->limits->json_depth_max,
                                                      &writing->document, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_json_value root = writing->document.root;
    writing->metadata = gen5_json_find(text, root, "gen5_metadata");
    if (writing->metadata.kind != GEN5_JSON_OBJECT) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)root.span.begin,
                              "gen5_metadata: must be an object");
    }
    writing->file_info = gen5_json_find(text, writing->metadata, "file_info");
    writing->array = gen5_json_find(text, writing->metadata, "chunks");
    struct gen5_json_layout outermost = gen5_json_layout_default();
    struct gen5_json_layout root_layout = gen5_json_layout_of(text, root, &outermost);
    writing->metadata_layout = gen5_json_layout_of(text, writing->metadata, &root_layout);
    return GEN5_OK;
}

// Where there is no array of records to go by, one is as good as empty.
static struct gen5_json_value array_of(const struct writing *writing) {
    bool array = writing->array.kind == GEN5_JSON_ARRAY;
    return array ? writing->array : (struct gen5_json_value){.kind = GEN5_JSON_NONE};
}

static enum gen5_status find_leads(struct writing *writing, struct gen5_error *error) {
    struct gen5_json_walk walk = gen5_json_walk_start(writing->document.text, array_of(writing));
    struct gen5_json_member member;
    size_t count = 0;
    while (gen5_json_walk_next(&walk, &member)) {
        count++;
    }
    if (count > writing->limits->record_count_max) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)writing->array.span.begin,
                              "gen5_metadata.chunks: has %zu records, more than %" PRIu32, count,
                              writing->limits->record_count_max);
    }
    writing->leads = calloc(count + 1, sizeof *writing->leads);
    if (writing->leads == NULL) {
        return gen5_error_set_memory(error);
    }
    walk = gen5_json_walk_start(writing->document.text, array_of(writing));
    for (size_t i = 0; gen5_json_walk_next(&walk, &member); i++) {
        writing->leads[i] = member.lead;
    }
    writing->record_count = count;
    return GEN5_OK;
}

// A record that has lost its type is taken for one of the chunk that stands at its position.
static enum gen5_status guess_type(const struct writing *writing, size_t index,
                                   struct gen5_json_value value, struct gen5_error *error) {
    struct gen5_record *record = &writing->records[index];
    if (record->type[0] != '\0' || index >= writing->chunk_count) {
        return GEN5_OK;
    }
    const char *text = writing->document.text;
    memcpy(record->type, writing->chunks[index].type, GEN5_TAG_SIZE);
    struct gen5_json_value key = gen5_json_find(text, gen5_json_find(text, value, "extra"), "key");
    if (gen5_tag_is(record->type, "LATN") && key.kind == GEN5_JSON_STRING) {
        record->key = gen5_json_string_copy(text, key.span, &record->key_length);
        return record->key != NULL ? GEN5_OK : gen5_error_set_memory(error);
    }
    return GEN5_OK;
}

// Read the records of a user's document. They may be stale or incomplete: their damage is of no
// interest, what they have is.
static enum gen5_status read_records(struct writing *writing, struct gen5_error *error) {
    size_t count = writing->record_count;
    writing->record_count = 0;
    writing->records = calloc(count + 1, sizeof *writing->records);
    writing->owns_records = true;
    if (writing->records == NULL) {
        return gen5_error_set_memory(error);
    }
    struct gen5_json_walk walk = gen5_json_walk_start(writing->document.text, array_of(writing));
    struct gen5_json_member member;
    enum gen5_status status = GEN5_OK;
    while (status == GEN5_OK && gen5_json_walk_next(&walk, &member)) {
        size_t index = writing->record_count++;
        status =
            gen5_record_read(writing->document.text, member.value, &writing->records[index], error);
        if (status == GEN5_OK) {
            status = guess_type(writing, index, member.value, error);
        }
    }
    return status;
}

static enum gen5_status match_records(struct writing *writing, bool users_document,
                                      struct gen5_error *error) {
    writing->matches = calloc(writing->chunk_count + 1, sizeof *writing->matches);
    if (writing->matches == NULL) {
        return gen5_error_set_memory(error);
    }
    if (users_document) {
        return gen5_manifest_match(writing->records, writing->record_count, writing->chunks,
                                   writing->chunk_count, writing->matches, error);
    }
    for (size_t i = 0; i < writing->chunk_count; i++) {
        const struct gen5_record *record = writing->chunks[i].record;
        writing->matches[i] =
            record != NULL ? (size_t)(record - writing->old->records) : GEN5_MATCH_NONE;
    }
    return GEN5_OK;
}

// New records are laid out as those that stand there.
static void see_element_layout(struct writing *writing) {
    const char *text = writing->document.text;
    writing->element_layout = gen5_json_layout_inner(&writing->metadata_layout);
    for (size_t i = 0; i < writing->record_count; i++) {
        struct gen5_json_value record = {GEN5_JSON_OBJECT, writing->records[i].text};
        if (text[record.span.begin] == '{') {
            struct gen5_json_layout layout =
                gen5_json_layout_of(text, record, &writing->element_layout);
            writing->element_layout = gen5_json_layout_outer(&layout);
            return;
        }
    }
}

// --- Keys ---------------------------------------------------------------------------------------

struct key_change {
    const char *before;
    size_t before_length;
    const char *after;
    size_t after_length;
};

static int compare_bytes(const char *left, size_t left_size, const char *right, size_t right_size) {
    size_t shorter = left_size < right_size ? left_size : right_size;
    int order = shorter > 0 ? memcmp(left, right, shorter) : 0;
    return order != 0 ? order : (left_size > right_size) - (left_size < right_size);
}

static int compare_changes(const void *left, const void *right) {
    const struct key_change *one = left, *other = right;
    return compare_bytes(one->after, one->after_length, other->after, other->after_length);
}

// A document's record may give its latent another key, but only as a string.
static enum gen5_status read_change(const struct writing *writing, size_t index,
                                    struct key_change *change, struct gen5_error *error) {
    const struct gen5_chunk_facts *chunk = &writing->chunks[index];
    *change = (struct key_change){chunk->key, chunk->key_length, chunk->key, chunk->key_length};
    size_t match = writing->matches[index];
    if (chunk->record == NULL || match == GEN5_MATCH_NONE) {
        return GEN5_OK;
    }
    const struct gen5_record *record = &writing->records[match];
    if (record->key != NULL) {
        change->after = record->key;
        change->after_length = record->key_length;
        return GEN5_OK;
    }
    const char *text = writing->document.text;
    struct gen5_json_value value = {GEN5_JSON_OBJECT, record->text};
    struct gen5_json_value key = gen5_json_find(text, gen5_json_find(text, value, "extra"), "key");
    if (key.kind == GEN5_JSON_NONE || chunk->key == NULL) {
        return GEN5_OK;
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)key.span.begin,
                          "gen5_metadata.chunks[%zu].extra.key: must be a string", match);
}

// Latents whose keys were alike before may stay alike (an older record that a later one takes the
// place of); others may not become so.
static enum gen5_status check_changes(struct key_change *changes, size_t count,
                                      struct gen5_error *error) {
    qsort(changes, count, sizeof *changes, compare_changes);
    for (size_t i = 1; i < count; i++) {
        const struct key_change *one = &changes[i - 1], *other = &changes[i];
        if (compare_changes(one, other) == 0 &&
            compare_bytes(one->before, one->before_length, other->before, other->before_length) !=
                0) {
            return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                  "gen5_metadata.chunks: two latents would have the key \"%.200s\"",
                                  one->after);
        }
    }
    return GEN5_OK;
}

static enum gen5_status check_keys(const struct writing *writing, struct gen5_error *error) {
    GEN5_AUTO_FREE struct key_change *changes = calloc(writing->chunk_count + 1, sizeof *changes);
    if (changes == NULL) {
        return gen5_error_set_memory(error);
    }
    size_t count = 0;
    for (size_t i = 0; i < writing->chunk_count; i++) {
        if (!gen5_tag_is(writing->chunks[i].type, "LATN")) {
            continue;
        }
        enum gen5_status status = read_change(writing, i, &changes[count], error);
        if (status != GEN5_OK) {
            return status;
        }
        count += changes[count].after != NULL ? 1 : 0;
    }
    return check_changes(changes, count, error);
}

// --- The records --------------------------------------------------------------------------------

// The record of the document whose white space in front suits the `index`-th record: its own, else
// that of another in its place; GEN5_MATCH_NONE where none does.
static size_t lead_for(const struct writing *writing, size_t index) {
    size_t match = writing->matches[index];
    if (writing->record_count == 0) {
        return GEN5_MATCH_NONE;
    }
    if (index == 0) {
        return 0;
    }
    if (match != GEN5_MATCH_NONE && match > 0) {
        return match;
    }
    if (writing->record_count > 1) {
        return 1;
    }
    // What stands in front of the first and only one suits others if it breaks the line.
    const char *lead = writing->document.text + writing->leads[0];
    size_t size = writing->records[0].text.begin - writing->leads[0];
    return memchr(lead, '\n', size) != NULL ? 0 : GEN5_MATCH_NONE;
}

static void write_lead(const struct writing *writing, size_t index, struct gen5_text_builder *out) {
    size_t lead = lead_for(writing, index);
    if (lead != GEN5_MATCH_NONE) {
        gen5_text_builder_append_span(
            out, writing->document.text,
            (struct gen5_span){writing->leads[lead], writing->records[lead].text.begin});
    } else if (writing->record_count == 0 && writing->metadata_layout.lines) {
        struct gen5_json_layout layout = gen5_json_layout_inner(&writing->metadata_layout);
        gen5_json_layout_break(&layout, out);
    } else if (index > 0) {
        gen5_text_builder_append(out, writing->element_layout.gap.bytes,
                                 writing->element_layout.gap.size);
    }
}

// What stands between a record and the comma behind it.
static void write_trail(const struct writing *writing, size_t index,
                        struct gen5_text_builder *out) {
    size_t match = writing->matches[index];
    if (match != GEN5_MATCH_NONE && match + 1 < writing->record_count) {
        size_t end = writing->leads[match + 1] - 1;
        gen5_text_builder_append_span(out, writing->document.text,
                                      (struct gen5_span){writing->records[match].text.end, end});
    }
}

// What stands between the last record and the bracket.
static void write_tail(const struct writing *writing, struct gen5_text_builder *out) {
    if (writing->record_count > 0) {
        size_t begin = writing->records[writing->record_count - 1].text.end;
        gen5_text_builder_append_span(out, writing->document.text,
                                      (struct gen5_span){begin, writing->array.span.end - 1});
    } else {
        gen5_json_layout_break(&writing->metadata_layout, out);
    }
}

static struct gen5_json_value object_at(const char *text, struct gen5_span span) {
    bool object = span.end > span.begin && text[span.begin] == '{';
    return (struct gen5_json_value){object ? GEN5_JSON_OBJECT : GEN5_JSON_NONE, span};
}

// A record that the document lacks: that of the old manifest, in the layout of the document.
static enum gen5_status write_old_record(const struct writing *writing, size_t index,
                                         struct gen5_text_builder *out, struct gen5_error *error) {
    const struct gen5_chunk_facts *chunk = &writing->chunks[index];
    const char *text = writing->old->text;
    struct gen5_json_value record = object_at(text, chunk->record->text);
    struct gen5_json_layout plain = gen5_json_layout_default();
    struct gen5_json_layout layout = gen5_json_layout_of(text, record, &plain);
    layout = gen5_json_layout_outer(&layout);
    struct gen5_text_builder record_text;
    gen5_text_builder_init(&record_text, out->size_max);
    enum gen5_status status =
        gen5_record_write(text, record, chunk, index, writing->old, &layout, &record_text, error);
    if (status == GEN5_OK && gen5_json_layout_equal(&layout, &writing->element_layout)) {
        gen5_text_builder_append(out, record_text.bytes, record_text.size);
    } else if (status == GEN5_OK) {
        gen5_json_layout_copy(record_text.bytes, record_text.size, &writing->element_layout,
                              gen5_json_token_copy, out);
    }
    gen5_text_builder_release(&record_text);
    return status;
}

static enum gen5_status write_record(const struct writing *writing, size_t index,
                                     struct gen5_text_builder *out, struct gen5_error *error) {
    const struct gen5_chunk_facts *chunk = &writing->chunks[index];
    size_t match = writing->matches[index];
    struct gen5_json_value none = {.kind = GEN5_JSON_NONE};
    struct gen5_json_value record =
        match != GEN5_MATCH_NONE ? object_at(writing->document.text, writing->records[match].text)
                                 : none;
    if (record.kind == GEN5_JSON_OBJECT) {
        return gen5_record_write(writing->document.text, record, chunk, index, writing->old,
                                 &writing->element_layout, out, error);
    }
    bool has_old = chunk->record != NULL &&
                   object_at(writing->old->text, chunk->record->text).kind == GEN5_JSON_OBJECT;
    if (has_old) {
        return write_old_record(writing, index, out, error);
    }
    struct gen5_json_value empty = {GEN5_JSON_OBJECT, {0, 2}};
    return gen5_record_write("{}", empty, chunk, index, writing->old, &writing->element_layout, out,
                             error);
}

static enum gen5_status write_array(const struct writing *writing, struct gen5_text_builder *out,
                                    struct gen5_error *error) {
    if (writing->chunk_count == 0) {
        // An array that was empty keeps its bytes.
        bool was_empty = writing->array.kind == GEN5_JSON_ARRAY && writing->record_count == 0;
        if (was_empty) {
            gen5_text_builder_append_span(out, writing->document.text, writing->array.span);
        } else {
            gen5_text_builder_append_string(out, "[]");
        }
        return gen5_text_builder_check(out, error);
    }
    enum gen5_status status = GEN5_OK;
    gen5_text_builder_append(out, "[", 1);
    for (size_t i = 0; status == GEN5_OK && i < writing->chunk_count; i++) {
        gen5_text_builder_append_string(out, i > 0 ? "," : "");
        write_lead(writing, i, out);
        status = write_record(writing, i, out, error);
        if (i + 1 < writing->chunk_count) {
            write_trail(writing, i, out);
        }
    }
    write_tail(writing, out);
    gen5_text_builder_append(out, "]", 1);
    return status;
}

// --- file_info ----------------------------------------------------------------------------------

static void set_number(struct gen5_json_edit *edit, const char *name,
                       struct gen5_json_value current, uint64_t number) {
    struct gen5_text_builder literal;
    gen5_text_builder_init(&literal, edit->splices.inserted.size_max);
    gen5_text_builder_append_number(&literal, number);
    if (literal.status == GEN5_OK) {
        gen5_json_edit_set(edit, name, current, literal.bytes, literal.size);
    } else {
        gen5_text_builder_fail(&edit->splices.inserted, literal.status);
    }
    gen5_text_builder_release(&literal);
}

static void write_file_info(const struct writing *writing, struct gen5_text_builder *out) {
    bool object = writing->file_info.kind == GEN5_JSON_OBJECT;
    struct gen5_json_value empty = {GEN5_JSON_OBJECT, {0, 2}};
    const char *text = object ? writing->document.text : "{}";
    struct gen5_json_value file_info = object ? writing->file_info : empty;
    struct gen5_json_value values[GEN5_INFO_COUNT];
    gen5_json_pick(text, file_info, GEN5_INFO_NAMES, GEN5_INFO_COUNT, values);
    struct gen5_json_edit edit;
    gen5_json_edit_init(&edit, text, file_info, &writing->metadata_layout, out->size_max);
    static const char MAGIC[] = "\"GEN5\"";
    gen5_json_edit_set(&edit, GEN5_INFO_NAMES[GEN5_INFO_MAGIC], values[GEN5_INFO_MAGIC], MAGIC,
                       strlen(MAGIC));
    // FORMAT.md "Header": version 1.0.
    set_number(&edit, GEN5_INFO_NAMES[GEN5_INFO_MAJOR], values[GEN5_INFO_MAJOR], 1);
    set_number(&edit, GEN5_INFO_NAMES[GEN5_INFO_MINOR], values[GEN5_INFO_MINOR], 0);
    set_number(&edit, GEN5_INFO_NAMES[GEN5_INFO_FILE_SIZE], values[GEN5_INFO_FILE_SIZE],
               writing->file_size);
    set_number(&edit, GEN5_INFO_NAMES[GEN5_INFO_CHUNK_COUNT], values[GEN5_INFO_CHUNK_COUNT],
               writing->chunk_count);
    gen5_json_edit_finish(&edit, out);
}

// --- The whole ----------------------------------------------------------------------------------

static enum gen5_status write_metadata(const struct writing *writing,
                                       const struct gen5_text_builder *file_info,
                                       const struct gen5_text_builder *array,
                                       struct gen5_text_builder *out, struct gen5_error *error) {
    struct gen5_json_document document = writing->document;
    struct gen5_json_layout outermost = gen5_json_layout_default();
    struct gen5_json_layout layout = gen5_json_layout_of(document.text, document.root, &outermost);
    struct gen5_json_edit edit;
    gen5_json_edit_init(&edit, document.text, writing->metadata, &layout, out->size_max);
    if (writing->file_info.kind == GEN5_JSON_NONE) {
        gen5_json_edit_prepend(&edit, "file_info", file_info->bytes, file_info->size);
    } else {
        gen5_json_edit_set(&edit, "file_info", writing->file_info, file_info->bytes,
                           file_info->size);
    }
    gen5_json_edit_set(&edit, "chunks", writing->array, array->bytes, array->size);
    struct gen5_span metadata = writing->metadata.span;
    gen5_text_builder_append(out, document.text, metadata.begin);
    gen5_json_edit_finish(&edit, out);
    gen5_text_builder_append(out, document.text + metadata.end, document.size - metadata.end);
    return gen5_text_builder_check(out, error);
}

static enum gen5_status write_document(const struct writing *writing, struct gen5_text_builder *out,
                                       struct gen5_error *error) {
    struct gen5_text_builder file_info, array;
    gen5_text_builder_init(&file_info, out->size_max);
    gen5_text_builder_init(&array, out->size_max);
    write_file_info(writing, &file_info);
    enum gen5_status status = gen5_text_builder_check(&file_info, error);
    if (status == GEN5_OK) {
        status = write_array(writing, &array, error);
    }
    if (status == GEN5_OK) {
        status = gen5_text_builder_check(&array, error);
    }
    if (status == GEN5_OK) {
        status = write_metadata(writing, &file_info, &array, out, error);
    }
    gen5_text_builder_release(&file_info);
    gen5_text_builder_release(&array);
    return status;
}

static enum gen5_status prepare(struct writing *writing, const char *user_text, size_t user_size,
                                struct gen5_error *error) {
    bool users_document = user_text != NULL;
    enum gen5_status status =
        users_document ? open_document(writing, user_text, user_size, error)
                       : open_document(writing, writing->old->text, writing->old->size, error);
    if (status == GEN5_OK) {
        status = find_leads(writing, error);
    }
    if (status == GEN5_OK && users_document) {
        status = read_records(writing, error);
    } else if (status == GEN5_OK) {
        writing->records = writing->old->records;
    }
    if (status == GEN5_OK) {
        status = match_records(writing, users_document, error);
    }
    if (status == GEN5_OK) {
        see_element_layout(writing);
        status = check_keys(writing, error);
    }
    return status;
}

enum gen5_status gen5_manifest_write(const struct gen5_manifest *old, const char *user_text,
                                     size_t user_size, const struct gen5_chunk_facts *chunks,
                                     size_t chunk_count, uint64_t file_size,
                                     const struct gen5_limits *limits, char **text, size_t *size,
                                     struct gen5_error *error) {
    if (chunk_count > limits->record_count_max) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "the container would have %zu chunks, more than %" PRIu32,
                              chunk_count, limits->record_count_max);
    }
    struct writing writing = {.old = old,
                              .chunks = chunks,
                              .chunk_count = chunk_count,
                              .file_size = file_size,
                              .limits = limits};
    struct gen5_text_builder out;
    gen5_text_builder_init(&out, limits->manifest_size_max);
    enum gen5_status status = prepare(&writing, user_text, user_size, error);
    if (status == GEN5_OK) {
        status = write_document(&writing, &out, error);
    }
    if (status == GEN5_OK) {
        status = gen5_text_builder_take(&out, text, size, error);
    }
    gen5_text_builder_release(&out);
    writing_release(&writing);
    return status;
}

struct gen5_chunk_facts gen5_chunk_facts_of(const struct gen5_record *record) {
    struct gen5_chunk_facts facts = {.offset = record->offset,
                                     .stored_size = record->stored_size,
                                     .payload_size = record->payload_size,
                                     .digest = record->digest,
                                     .compressed = record->compressed,
                                     .dtype = record->dtype,
                                     .rank = record->rank,
                                     .shape = record->shape,
                                     .key = record->key,
                                     .key_length = record->key_length,
                                     .record = record};
    memcpy(facts.type, record->type, GEN5_TAG_SIZE);
    memcpy(facts.flags, record->flags, GEN5_TAG_SIZE);
    return facts;
}
