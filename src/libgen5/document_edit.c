// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One value of a document changed, or added with the objects that lead to it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document_path.h"
#include "gen5/document.h"
#include "json_document.h"
#include "json_edit.h"
#include "ownership.h"

// How far a path leads into a document.
struct descent {
    const char *text;
    const char *path;
    size_t at;                      // behind the steps that were gone
    struct gen5_document_step step; // the one that leads on, where something is missing
    struct gen5_json_value value;   // what was reached
    struct gen5_json_layout layout; // in which it stands
    bool missing;                   // the path goes on
};

static enum gen5_status refuse_step(const struct descent *descent, size_t begin,
                                    struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)begin, "%s: nothing has the place %s",
                          descent->path, descent->path + begin);
}

// Go down as long as there is something.
static enum gen5_status descend(struct descent *descent, struct gen5_error *error) {
    enum gen5_status status;
    size_t begin = 0;
    while (gen5_document_path_next(descent->path, &descent->at, &descent->step, &status, error)) {
        struct gen5_json_value next =
            gen5_document_step_follow(&descent->step, descent->text, descent->value);
        if (next.kind == GEN5_JSON_NONE) {
            descent->missing = true;
            bool addable = descent->value.kind == GEN5_JSON_OBJECT && descent->step.name != NULL;
            return addable ? GEN5_OK : refuse_step(descent, begin, error);
        }
        descent->layout = gen5_json_layout_of(descent->text, descent->value, &descent->layout);
        descent->value = next;
        begin = descent->at;
    }
    return status;
}

// The key of a step as it stands between quotes.
static void append_key(struct gen5_text_builder *out, const struct gen5_document_step *step) {
    size_t quote = step->quoted ? 1 : 0;
    gen5_text_builder_append(out, step->name + quote, step->name_size - 2 * quote);
}

// What is added: the literal, within an object for each further step of the path.
static enum gen5_status nest(struct descent *descent, const char *literal,
                             struct gen5_text_builder *out, struct gen5_error *error) {
    enum gen5_status status;
    struct gen5_document_step step;
    size_t depth = 0;
    size_t begin = descent->at;
    while (gen5_document_path_next(descent->path, &descent->at, &step, &status, error)) {
        if (step.name == NULL) {
            return refuse_step(descent, begin, error);
        }
        gen5_text_builder_append_string(out, "{\"");
        append_key(out, &step);
        gen5_text_builder_append_string(out, "\":");
        begin = descent->at;
        depth++;
    }
    gen5_text_builder_append_string(out, literal);
    for (; depth > 0; depth--) {
        gen5_text_builder_append_string(out, "}");
    }
    return status;
}

// Append the object that was reached, with a member more.
static void append_with_member(const struct descent *descent, const struct gen5_text_builder *added,
                               uint64_t size_max, struct gen5_text_builder *out) {
    struct gen5_json_edit edit;
    struct gen5_text_builder name, laid_out;
    gen5_text_builder_init(&name, size_max);
    gen5_text_builder_init(&laid_out, size_max);
    gen5_json_edit_init(&edit, descent->text, descent->value, &descent->layout, size_max);
    append_key(&name, &descent->step);
    gen5_text_builder_append(&name, "", 0);
    gen5_json_layout_copy(added->bytes, added->size, &edit.layout, gen5_json_token_copy, &laid_out);
    if (name.status == GEN5_OK && laid_out.status == GEN5_OK) {
        gen5_json_edit_set(&edit, name.bytes, (struct gen5_json_value){.kind = GEN5_JSON_NONE},
                           laid_out.bytes, laid_out.size);
    } else {
        gen5_text_builder_fail(out, GEN5_ERROR_MEMORY);
    }
    gen5_json_edit_finish(&edit, out);
    gen5_text_builder_release(&name);
    gen5_text_builder_release(&laid_out);
}

static enum gen5_status change(struct descent *descent, size_t size, const char *literal,
                               struct gen5_text_builder *out, struct gen5_error *error) {
    struct gen5_text_builder added;
    gen5_text_builder_init(&added, out->size_max);
    enum gen5_status status = nest(descent, literal, &added, error);
    if (status == GEN5_OK) {
        status = gen5_text_builder_check(&added, error);
    }
    if (status == GEN5_OK) {
        struct gen5_span span = descent->value.span;
        gen5_text_builder_append_span(out, descent->text, (struct gen5_span){0, span.begin});
        if (descent->missing) {
            append_with_member(descent, &added, out->size_max, out);
        } else {
            gen5_json_layout_copy(added.bytes, added.size, &descent->layout, gen5_json_token_copy,
                                  out);
        }
        gen5_text_builder_append_span(out, descent->text, (struct gen5_span){span.end, size});
    }
    gen5_text_builder_release(&added);
    return status;
}

enum gen5_status gen5_document_set(const char *text, size_t size, const char *path,
                                   const char *literal, const struct gen5_limits *limits,
                                   char **changed, size_t *changed_size, struct gen5_error *error) {
    struct gen5_json_document document;
    struct gen5_json_value value;
    struct gen5_json_fault fault;
    enum gen5_status status =
        gen5_json_document_open(text, size, limits->json_depth_max, &document, error);
    if (status != GEN5_OK) {
        return status;
    }
    // A byte order mark would end up in the middle.
    if (!gen5_json_scan(literal, strlen(literal), limits->json_depth_max, GEN5_JSON_NO_BOM, &value,
                        &fault)) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE, "the value is no JSON");
    }
    struct descent descent = {
        .text = text,
        .path = path,
        .value = document.root,
        .layout = gen5_json_layout_default(),
    };
    status = descend(&descent, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_text_builder out;
    gen5_text_builder_init(&out, limits->manifest_size_max);
    status = change(&descent, size, literal, &out, error);
    if (status == GEN5_OK) {
        status = gen5_text_builder_check(&out, error);
    }
    if (status == GEN5_OK) {
        // The path and the value may be too deep together.
        status =
            gen5_json_document_open(out.bytes, out.size, limits->json_depth_max, &document, error);
    }
    if (status == GEN5_OK) {
        status = gen5_text_builder_take(&out, changed, changed_size, error);
    }
    gen5_text_builder_release(&out);
    return status;
}
