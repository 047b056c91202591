// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Changing members of one JSON object by splicing.
#include "json_edit.h"

#include <string.h>

#include "json_literal.h"

void gen5_json_edit_init(struct gen5_json_edit *edit, const char *text,
                         struct gen5_json_value object, const struct gen5_json_layout *outer,
                         uint64_t size_max) {
    *edit = (struct gen5_json_edit){.text = text, .object = object};
    edit->layout = gen5_json_layout_of(text, object, outer);
    gen5_splices_init(&edit->splices, size_max);
    struct gen5_json_walk walk = gen5_json_walk_start(text, object);
    if (gen5_json_walk_next(&walk, &edit->first)) {
        edit->last = edit->first;
        while (gen5_json_walk_next(&walk, &edit->last)) {
        }
    } else {
        edit->first.value.kind = GEN5_JSON_NONE;
    }
}

static bool is_equal(const struct gen5_json_edit *edit, struct gen5_json_value current,
                     const char *literal, size_t size) {
    struct gen5_span whole = {0, size};
    if (current.kind == GEN5_JSON_STRING && size > 0 && literal[0] == '"') {
        return gen5_json_string_compare(edit->text, current.span, literal, whole) == 0;
    }
    return current.span.end - current.span.begin == size &&
           memcmp(edit->text + current.span.begin, literal, size) == 0;
}

static void append_member(const struct gen5_json_edit *edit, const char *name, const char *literal,
                          size_t size, struct gen5_text_builder *out) {
    gen5_text_builder_append(out, "\"", 1);
    gen5_text_builder_append_string(out, name);
    gen5_text_builder_append(out, "\"", 1);
    gen5_text_builder_append(out, edit->layout.colon.bytes, edit->layout.colon.size);
    gen5_text_builder_append(out, literal, size);
}

// Put in what was built, and release it.
static void insert(struct gen5_json_edit *edit, struct gen5_span span,
                   struct gen5_text_builder *built) {
    if (built->status == GEN5_OK) {
        gen5_splices_add(&edit->splices, span, built->bytes, built->size);
    } else {
        gen5_text_builder_fail(&edit->splices.inserted, built->status);
    }
    gen5_text_builder_release(built);
}

static bool has_members(const struct gen5_json_edit *edit) {
    return edit->first.value.kind != GEN5_JSON_NONE;
}

// Add a member behind the last one. An object without members loses the space between its brackets.
static void append(struct gen5_json_edit *edit, const char *name, const char *literal,
                   size_t size) {
    struct gen5_text_builder built;
    gen5_text_builder_init(&built, edit->splices.inserted.size_max);
    struct gen5_json_writer writer = {&built, edit->layout, !has_members(edit) && !edit->added};
    gen5_json_writer_item(&writer);
    append_member(edit, name, literal, size, &built);
    size_t at = has_members(edit) ? edit->last.value.span.end : edit->object.span.end - 1;
    size_t begin =
        has_members(edit) ? at : edit->object.span.begin + 1; // what the first addition takes out
    insert(edit, (struct gen5_span){edit->added ? at : begin, at}, &built);
    edit->added = !has_members(edit);
}

void gen5_json_edit_set(struct gen5_json_edit *edit, const char *name,
                        struct gen5_json_value current, const char *literal, size_t size) {
    if (current.kind == GEN5_JSON_NONE) {
        append(edit, name, literal, size);
    } else if (!is_equal(edit, current, literal, size)) {
        gen5_splices_add(&edit->splices, current.span, literal, size);
    }
}

void gen5_json_edit_prepend(struct gen5_json_edit *edit, const char *name, const char *literal,
                            size_t size) {
    if (!has_members(edit)) {
        append(edit, name, literal, size);
        return;
    }
    struct gen5_text_builder built;
    gen5_text_builder_init(&built, edit->splices.inserted.size_max);
    append_member(edit, name, literal, size, &built);
    struct gen5_json_writer writer = {&built, edit->layout, false};
    gen5_json_writer_item(&writer);
    insert(edit, (struct gen5_span){edit->first.key.begin, edit->first.key.begin}, &built);
}

void gen5_json_edit_finish(struct gen5_json_edit *edit, struct gen5_text_builder *out) {
    if (edit->added) {
        // The bracket of what was empty gets a line of its own.
        struct gen5_text_builder built;
        struct gen5_json_layout outer = gen5_json_layout_outer(&edit->layout);
        gen5_text_builder_init(&built, edit->splices.inserted.size_max);
        gen5_text_builder_append(&built, "", 0);
        gen5_json_layout_break(&outer, &built);
        size_t at = edit->object.span.end - 1;
        insert(edit, (struct gen5_span){at, at}, &built);
    }
    gen5_splices_apply(&edit->splices, edit->text, edit->object.span, out);
    gen5_splices_release(&edit->splices);
}
