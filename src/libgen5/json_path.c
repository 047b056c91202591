// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Where in a document a value stands.
#include "json_path.h"

#include <stdlib.h>

#include "json_literal.h"
#include "text_builder.h"

// A path is cut when it would fill the message; the problem behind it matters more.
enum { PATH_SIZE_MAX = 200, KEY_SIZE_SHOWN = 60 };

// --- Finding ------------------------------------------------------------------------------------

// Follow one event of the reader. True where the value or key at `offset` was reached; then `count`
// steps lead to it.
static bool advance(struct gen5_json_path *path, const struct gen5_json_reader *reader,
                    enum gen5_json_event event, size_t offset) {
    bool closes = event == GEN5_JSON_EVENT_CLOSE;
    bool opens = event == GEN5_JSON_EVENT_OPEN;
    bool starts = opens || event == GEN5_JSON_EVENT_KEY || event == GEN5_JSON_EVENT_SCALAR;
    if (closes) {
        path->count--; // the steps of the container's own level
    }
    if (event == GEN5_JSON_EVENT_KEY) {
        path->steps[path->count - 1].key = reader->token.span;
    }
    if (starts && reader->token.span.begin == offset) {
        return true;
    }
    if (opens) {
        path->steps[path->count++] = (struct gen5_json_step){{0, 0}, 0};
    } else if ((closes || event == GEN5_JSON_EVENT_SCALAR) && path->count > 0) {
        path->steps[path->count - 1].index++;
    }
    return false;
}

enum gen5_status gen5_json_path_find(const char *text, size_t size, size_t offset,
                                     struct gen5_json_path *path, struct gen5_error *error) {
    *path = (struct gen5_json_path){.text = text};
    path->steps = calloc(GEN5_JSON_DEPTH_LIMIT, sizeof *path->steps);
    if (path->steps == NULL) {
        return gen5_error_set_memory(error);
    }
    struct gen5_json_reader reader;
    gen5_json_reader_init(&reader, text, size, GEN5_JSON_DEPTH_LIMIT, GEN5_JSON_BOM_IGNORED);
    enum gen5_json_event event = gen5_json_reader_next(&reader);
    while (event != GEN5_JSON_EVENT_END && event != GEN5_JSON_EVENT_FAULT) {
        if (advance(path, &reader, event, offset)) {
            return GEN5_OK;
        }
        event = gen5_json_reader_next(&reader);
    }
    path->count = 0;
    return GEN5_OK;
}

void gen5_json_path_release(struct gen5_json_path *path) {
    free(path->steps);
    path->steps = NULL;
    path->count = 0;
}

// --- Following ----------------------------------------------------------------------------------

static bool step_matches(const struct gen5_json_path *path, const struct gen5_json_step *step,
                         const char *text, const struct gen5_json_member *member, size_t index) {
    bool step_is_key = step->key.end > step->key.begin;
    bool member_has_key = member->key.end > member->key.begin;
    if (step_is_key != member_has_key) {
        return false;
    }
    return step_is_key ? gen5_json_string_compare(path->text, step->key, text, member->key) == 0
                       : step->index == index;
}

struct gen5_json_value gen5_json_path_follow(const struct gen5_json_path *path, size_t count,
                                             const char *text, struct gen5_json_value root) {
    struct gen5_json_value value = root;
    for (size_t i = 0; i < count; i++) {
        struct gen5_json_walk walk = gen5_json_walk_start(text, value);
        struct gen5_json_member member;
        value = (struct gen5_json_value){.kind = GEN5_JSON_NONE};
        for (size_t index = 0; gen5_json_walk_next(&walk, &member); index++) {
            if (step_matches(path, &path->steps[i], text, &member, index)) {
                value = member.value;
            }
        }
    }
    return value;
}

// --- Telling ------------------------------------------------------------------------------------

// A key as it stands between its quotes, cut between characters.
static void tell_key(struct gen5_text_builder *out, const char *text, struct gen5_span key) {
    struct gen5_span inside = {key.begin + 1, key.end - 1};
    bool cut = inside.end - inside.begin > KEY_SIZE_SHOWN;
    if (cut) {
        inside.end = inside.begin + KEY_SIZE_SHOWN;
        while (inside.end > inside.begin && ((unsigned char)text[inside.end] & 0xC0) == 0x80) {
            inside.end--;
        }
    }
    gen5_text_builder_append_span(out, text, inside);
    gen5_text_builder_append_string(out, cut ? "…" : "");
}

static void tell_path(struct gen5_text_builder *out, const struct gen5_json_path *path) {
    for (size_t i = 0; i < path->count; i++) {
        const struct gen5_json_step *step = &path->steps[i];
        if (out->size > PATH_SIZE_MAX) {
            gen5_text_builder_append_string(out, "…");
            return;
        }
        if (step->key.end > step->key.begin) {
            gen5_text_builder_append_string(out, i > 0 ? "." : "");
            tell_key(out, path->text, step->key);
        } else {
            gen5_text_builder_append_string(out, "[");
            gen5_text_builder_append_number(out, step->index);
            gen5_text_builder_append_string(out, "]");
        }
    }
}

enum gen5_status gen5_json_path_error(struct gen5_error *error, const char *text, size_t size,
                                      size_t offset, const char *name, const char *problem) {
    struct gen5_json_path path;
    enum gen5_status status = gen5_json_path_find(text, size, offset, &path, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_text_builder told;
    gen5_text_builder_init(&told, GEN5_ERROR_MESSAGE_SIZE);
    tell_path(&told, &path);
    if (name != NULL) {
        gen5_text_builder_append_string(&told, path.count > 0 ? "." : "");
        gen5_text_builder_append_string(&told, name);
    }
    if (told.size == 0) {
        gen5_text_builder_append_string(&told, "the document");
    }
    gen5_json_path_release(&path);
    status = gen5_text_builder_check(&told, error);
    if (status == GEN5_OK) {
        status = gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)offset, "%s: %s", told.bytes,
                                problem);
    }
    gen5_text_builder_release(&told);
    return status;
}
