// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Paths into a JSON document as text.
#include "document_path.h"

#include <string.h>

#include "json_literal.h"

// A name that stands in a path as it is. Not isalnum, which follows the locale.
static bool is_plain(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
}

static size_t plain_size(const char *text, size_t size) {
    size_t length = 0;
    while (length < size && is_plain(text[length])) {
        length++;
    }
    return length;
}

// --- Writing ------------------------------------------------------------------------------------

void gen5_document_path_add_key(struct gen5_text_builder *path, const char *text,
                                struct gen5_span key) {
    struct gen5_span name = {key.begin + 1, key.end - 1};
    size_t size = name.end - name.begin;
    if (size > 0 && plain_size(text + name.begin, size) == size) {
        gen5_text_builder_append_string(path, path->size > 0 ? "." : "");
        gen5_text_builder_append_span(path, text, name);
        return;
    }
    gen5_text_builder_append_string(path, "[");
    gen5_text_builder_append_span(path, text, key);
    gen5_text_builder_append_string(path, "]");
}

void gen5_document_path_add_index(struct gen5_text_builder *path, size_t index) {
    gen5_text_builder_append_string(path, "[");
    gen5_text_builder_append_number(path, index);
    gen5_text_builder_append_string(path, "]");
}

// --- Reading ------------------------------------------------------------------------------------

static bool refuse(size_t at, const char *reason, enum gen5_status *status,
                   struct gen5_error *error) {
    *status = gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)at, "not a JSON path: %s", reason);
    return false;
}

// The inside of brackets, of which the first one was taken.
static bool next_in_brackets(const char *path, size_t *at, struct gen5_document_step *step,
                             enum gen5_status *status, struct gen5_error *error) {
    const char *inside = path + *at;
    size_t size = 0;
    if (inside[0] == '"') {
        struct gen5_json_value root;
        struct gen5_json_fault fault;
        for (size = 1; inside[size] != '\0' && inside[size] != '"'; size++) {
            size += inside[size] == '\\' && inside[size + 1] != '\0' ? 1 : 0;
        }
        size += inside[size] == '"' ? 1 : 0;
        if (!gen5_json_scan(inside, size, 1, GEN5_JSON_NO_BOM, &root, &fault)) {
            return refuse(*at + fault.offset, fault.reason, status, error);
        }
        *step = (struct gen5_document_step){.name = inside, .name_size = size, .quoted = true};
    } else {
        uint32_t index = 0;
        size = strspn(inside, "0123456789");
        if (size == 0 || !gen5_json_number_read(inside, (struct gen5_span){0, size}, &index)) {
            return refuse(*at, "in brackets stands a number or a string in quotes", status, error);
        }
        *step = (struct gen5_document_step){.index = index};
    }
    if (inside[size] != ']') {
        return refuse(*at + size, "a bracket is not closed", status, error);
    }
    *at += size + 1;
    return true;
}

bool gen5_document_path_next(const char *path, size_t *at, struct gen5_document_step *step,
                             enum gen5_status *status, struct gen5_error *error) {
    *status = GEN5_OK;
    if (path[*at] == '\0') {
        return false;
    }
    if (path[*at] == '[') {
        *at += 1;
        return next_in_brackets(path, at, step, status, error);
    }
    if (path[*at] == '.' && *at > 0) {
        *at += 1;
    } else if (*at > 0) {
        return refuse(*at, "a dot or a bracket is expected", status, error);
    }
    size_t size = plain_size(path + *at, strlen(path + *at));
    if (size == 0) {
        return refuse(*at, "a name is expected", status, error);
    }
    *step = (struct gen5_document_step){.name = path + *at, .name_size = size};
    *at += size;
    return true;
}

static bool leads_to(const struct gen5_document_step *step, const char *text,
                     const struct gen5_json_member *member, size_t index) {
    bool has_key = member->key.end > member->key.begin;
    if ((step->name != NULL) != has_key) {
        return false;
    }
    if (step->name == NULL) {
        return step->index == index;
    }
    if (step->quoted) {
        return gen5_json_string_compare(step->name, (struct gen5_span){0, step->name_size}, text,
                                        member->key) == 0;
    }
    return gen5_json_string_equals(text, member->key, step->name, step->name_size);
}

struct gen5_json_value gen5_document_step_follow(const struct gen5_document_step *step,
                                                 const char *text,
                                                 struct gen5_json_value container) {
    struct gen5_json_value found = {.kind = GEN5_JSON_NONE};
    struct gen5_json_walk walk = gen5_json_walk_start(text, container);
    struct gen5_json_member member;
    for (size_t index = 0; gen5_json_walk_next(&walk, &member); index++) {
        if (leads_to(step, text, &member, index)) {
            found = member.value; // of several, the last counts
        }
    }
    return found;
}
