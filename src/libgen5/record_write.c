// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The text of one record after a repack.
#include "record_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_edit.h"
#include "json_literal.h"
#include "manifest_record.h"

struct writing {
    const char *text;
    const struct gen5_chunk_facts *chunk;
    size_t index;
    const struct gen5_manifest *old;
    // The fields of the old record, where these must be kept; else all GEN5_JSON_NONE.
    struct gen5_json_value kept[GEN5_FIELD_COUNT];
    bool keeps;
    uint64_t size_max;
};

static void start_keeping(struct writing *writing) {
    const struct gen5_chunk_facts *chunk = writing->chunk;
    writing->keeps = chunk->record != NULL && !chunk->changed && chunk->record->damage != NULL;
    if (writing->keeps) {
        struct gen5_span span = chunk->record->text;
        bool object = span.end > span.begin && writing->old->text[span.begin] == '{';
        struct gen5_json_value record = {object ? GEN5_JSON_OBJECT : GEN5_JSON_NONE, span};
        gen5_json_pick(writing->old->text, record, GEN5_FIELD_NAMES, GEN5_FIELD_COUNT,
                       writing->kept);
    }
}

// --- Literals -----------------------------------------------------------------------------------

static void write_tag(struct gen5_text_builder *out, const char tag[GEN5_TAG_SIZE], size_t size) {
    if (!gen5_json_string_write(out, tag, size)) {
        gen5_text_builder_fail(out, GEN5_ERROR_INVALID);
    }
}

// The NULs that fill up "F16" are not written.
static size_t flags_size(const char flags[GEN5_TAG_SIZE]) {
    size_t size = GEN5_TAG_SIZE;
    while (size > 0 && flags[size - 1] == '\0') {
        size--;
    }
    return size;
}

// True where flags say the same, be it with NULs that are written out.
static bool flags_are_right(const struct writing *writing, struct gen5_json_value current) {
    char decoded[2 + 6 * GEN5_TAG_SIZE] = {0};
    if (current.kind != GEN5_JSON_STRING ||
        current.span.end - current.span.begin > sizeof decoded) {
        return false;
    }
    size_t size = gen5_json_string_decode(writing->text, current.span, decoded);
    return size <= GEN5_TAG_SIZE && memcmp(decoded, writing->chunk->flags, GEN5_TAG_SIZE) == 0;
}

static void write_hash(struct gen5_text_builder *out, const struct gen5_digest *digest) {
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(digest, hex);
    gen5_json_string_write(out, hex, GEN5_DIGEST_HEX_SIZE);
}

static void write_field(const struct writing *writing, enum gen5_record_field field,
                        struct gen5_text_builder *out) {
    const struct gen5_chunk_facts *chunk = writing->chunk;
    switch (field) {
    case GEN5_FIELD_INDEX:
        gen5_text_builder_append_number(out, writing->index);
        break;
    case GEN5_FIELD_TYPE:
        write_tag(out, chunk->type, GEN5_TAG_SIZE);
        break;
    case GEN5_FIELD_FLAGS:
        write_tag(out, chunk->flags, flags_size(chunk->flags));
        break;
    case GEN5_FIELD_OFFSET:
        gen5_text_builder_append_number(out, chunk->offset);
        break;
    case GEN5_FIELD_STORED_SIZE:
        gen5_text_builder_append_number(out, chunk->stored_size);
        break;
    case GEN5_FIELD_PAYLOAD_SIZE:
        gen5_text_builder_append_number(out, chunk->payload_size);
        break;
    case GEN5_FIELD_HASH:
        write_hash(out, &chunk->digest);
        break;
    case GEN5_FIELD_COMPRESSED:
        gen5_text_builder_append_string(out, chunk->compressed ? "true" : "false");
        break;
    case GEN5_FIELD_EXTRA:
    case GEN5_FIELD_COUNT:
        break;
    }
}

// --- What belongs to a latent -------------------------------------------------------------------

static bool is_number(const char *text, struct gen5_span literal, uint64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    return literal.end - literal.begin == (size_t)length &&
           memcmp(text + literal.begin, digits, (size_t)length) == 0;
}

static bool shape_is_right(const struct writing *writing, struct gen5_json_value shape) {
    const struct gen5_chunk_facts *chunk = writing->chunk;
    if (shape.kind != GEN5_JSON_ARRAY) {
        return false;
    }
    struct gen5_json_walk walk = gen5_json_walk_start(writing->text, shape);
    struct gen5_json_member member;
    uint32_t rank = 0;
    while (gen5_json_walk_next(&walk, &member)) {
        if (rank == chunk->rank ||
            !is_number(writing->text, member.value.span, chunk->shape[rank])) {
            return false;
        }
        rank++;
    }
    return rank == chunk->rank;
}

// The dimensions stand on lines of their own where the members around them do, unless the shape
// that they replace stood on one.
static void write_shape(const struct writing *writing, struct gen5_json_value current,
                        const struct gen5_json_layout *layout, struct gen5_text_builder *out) {
    struct gen5_json_writer writer = {out, *layout, true};
    if (current.kind == GEN5_JSON_ARRAY && current.span.end - current.span.begin > 2) {
        size_t size = current.span.end - current.span.begin;
        bool lines = memchr(writing->text + current.span.begin, '\n', size) != NULL;
        writer.layout.lines = writer.layout.lines && lines;
    }
    gen5_json_writer_open(&writer, "[");
    for (uint32_t i = 0; i < writing->chunk->rank; i++) {
        gen5_json_writer_item(&writer);
        gen5_text_builder_append_number(out, writing->chunk->shape[i]);
    }
    gen5_json_writer_close(&writer, "]");
}

static void set_from(struct gen5_json_edit *edit, const char *name, struct gen5_json_value current,
                     struct gen5_text_builder *literal) {
    if (literal->status == GEN5_OK) {
        gen5_json_edit_set(edit, name, current, literal->bytes, literal->size);
    } else {
        gen5_text_builder_fail(&edit->splices.inserted, literal->status);
    }
    gen5_text_builder_release(literal);
}

static void set_shape(const struct writing *writing, struct gen5_json_edit *edit,
                      struct gen5_json_value current) {
    if (!shape_is_right(writing, current)) {
        struct gen5_text_builder literal;
        gen5_text_builder_init(&literal, writing->size_max);
        write_shape(writing, current, &edit->layout, &literal);
        set_from(edit, GEN5_EXTRA_NAMES[GEN5_EXTRA_SHAPE], current, &literal);
    }
}

static void set_string(const struct writing *writing, struct gen5_json_edit *edit, const char *name,
                       struct gen5_json_value current, const char *bytes, size_t size) {
    struct gen5_text_builder literal;
    gen5_text_builder_init(&literal, writing->size_max);
    if (!gen5_json_string_write(&literal, bytes, size)) {
        gen5_text_builder_fail(&literal, GEN5_ERROR_INVALID);
    }
    set_from(edit, name, current, &literal);
}

// Write the "extra" of a latent, from `extra` (an object) of `text`.
static void write_extra(const struct writing *writing, const char *text,
                        struct gen5_json_value extra, const struct gen5_json_layout *outer,
                        struct gen5_text_builder *out) {
    struct writing inner = *writing;
    inner.text = text;
    const struct gen5_chunk_facts *chunk = writing->chunk;
    struct gen5_json_value values[GEN5_EXTRA_COUNT];
    gen5_json_pick(text, extra, GEN5_EXTRA_NAMES, GEN5_EXTRA_COUNT, values);
    struct gen5_json_edit edit;
    gen5_json_edit_init(&edit, text, extra, outer, writing->size_max);
    set_shape(&inner, &edit, values[GEN5_EXTRA_SHAPE]);
    const char *dtype = gen5_dtype_name(chunk->dtype);
    set_string(&inner, &edit, GEN5_EXTRA_NAMES[GEN5_EXTRA_DTYPE], values[GEN5_EXTRA_DTYPE], dtype,
               strlen(dtype));
    // The key of a latent that was there is the user's to change.
    struct gen5_json_value key = values[GEN5_EXTRA_KEY];
    if (chunk->record == NULL || key.kind != GEN5_JSON_STRING) {
        set_string(&inner, &edit, GEN5_EXTRA_NAMES[GEN5_EXTRA_KEY], key, chunk->key,
                   chunk->key_length);
    }
    gen5_json_edit_finish(&edit, out);
}

// --- The record ---------------------------------------------------------------------------------

static void set_extra(const struct writing *writing, struct gen5_json_edit *edit,
                      struct gen5_json_value current) {
    static const char EMPTY[] = "{}";
    struct gen5_json_value empty = {GEN5_JSON_OBJECT, {0, 2}};
    struct gen5_text_builder literal;
    gen5_text_builder_init(&literal, writing->size_max);
    bool object = current.kind == GEN5_JSON_OBJECT;
    if (gen5_tag_is(writing->chunk->type, "LATN") && writing->chunk->dtype != GEN5_DTYPE_NONE) {
        write_extra(writing, object ? writing->text : EMPTY, object ? current : empty,
                    &edit->layout, &literal);
    } else if (current.kind == GEN5_JSON_NONE) {
        gen5_text_builder_append_string(&literal, EMPTY);
    } else {
        gen5_text_builder_append_span(&literal, writing->text, current.span);
    }
    set_from(edit, GEN5_FIELD_NAMES[GEN5_FIELD_EXTRA], current, &literal);
}

static void set_field(const struct writing *writing, struct gen5_json_edit *edit,
                      enum gen5_record_field field, struct gen5_json_value current) {
    if (field == GEN5_FIELD_FLAGS && flags_are_right(writing, current)) {
        return;
    }
    struct gen5_text_builder literal;
    gen5_text_builder_init(&literal, writing->size_max);
    write_field(writing, field, &literal);
    set_from(edit, GEN5_FIELD_NAMES[field], current, &literal);
}

// Put back what the damaged record had, extra aside where the user has one. What it lacked, it
// lacks.
static void keep_field(const struct writing *writing, struct gen5_json_edit *edit,
                       enum gen5_record_field field, struct gen5_json_value current) {
    struct gen5_json_value kept = writing->kept[field];
    bool users = field == GEN5_FIELD_EXTRA && current.kind != GEN5_JSON_NONE;
    if (kept.kind != GEN5_JSON_NONE && !users) {
        gen5_json_edit_set(edit, GEN5_FIELD_NAMES[field], current,
                           writing->old->text + kept.span.begin, kept.span.end - kept.span.begin);
    }
}

enum gen5_status gen5_record_write(const char *text, struct gen5_json_value value,
                                   const struct gen5_chunk_facts *chunk, size_t index,
                                   const struct gen5_manifest *old,
                                   const struct gen5_json_layout *outer,
                                   struct gen5_text_builder *out, struct gen5_error *error) {
    struct writing writing = {
        .text = text, .chunk = chunk, .index = index, .old = old, .size_max = out->size_max};
    start_keeping(&writing);
    struct gen5_json_value fields[GEN5_FIELD_COUNT];
    gen5_json_pick(text, value, GEN5_FIELD_NAMES, GEN5_FIELD_COUNT, fields);
    struct gen5_json_edit edit;
    gen5_json_edit_init(&edit, text, value, outer, out->size_max);
    for (enum gen5_record_field field = 0; field < GEN5_FIELD_COUNT; field++) {
        bool moves = field == GEN5_FIELD_INDEX || field == GEN5_FIELD_OFFSET;
        if (writing.keeps && !moves) {
            keep_field(&writing, &edit, field, fields[field]);
        } else if (field == GEN5_FIELD_EXTRA) {
            set_extra(&writing, &edit, fields[field]);
        } else {
            set_field(&writing, &edit, field, fields[field]);
        }
    }
    gen5_json_edit_finish(&edit, out);
    if (out->status == GEN5_ERROR_INVALID) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                              "chunk %zu: a latent's key must be UTF-8", index);
    }
    return gen5_text_builder_check(out, error);
}
