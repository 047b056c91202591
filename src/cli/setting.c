// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Values of the metadata as somebody types them.
#include "setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/document.h"

#define ROOT "gen5_metadata"

// The length of the path in front of the "=".
static size_t path_length(const char *setting) {
    bool quoted = false;
    size_t length = 0;
    for (; setting[length] != '\0' && (quoted || setting[length] != '='); length++) {
        if (setting[length] == '"') {
            quoted = !quoted;
        } else if (quoted && setting[length] == '\\' && setting[length + 1] != '\0') {
            length++;
        }
    }
    return length;
}

bool setting_is(const char *setting) {
    size_t length = path_length(setting);
    return length > 0 && setting[length] == '=';
}

static bool is_string(const char *text, size_t size, const char *path,
                      const struct gen5_limits *limits) {
    struct gen5_leaves leaves;
    if (gen5_leaves_read(text, size, path, limits, &leaves, NULL) != GEN5_OK) {
        return false;
    }
    // What is below an array or object has a path of its own.
    bool is = leaves.count == 1 && leaves.items[0].kind == GEN5_LEAF_STRING &&
              leaves.items[0].path[0] == '\0';
    gen5_leaves_release(&leaves);
    return is;
}

static bool is_json(const char *value, const struct gen5_limits *limits) {
    char *line = NULL;
    bool is = gen5_document_line(value, strlen(value), "", limits, &line, NULL) == GEN5_OK;
    free(line);
    return is;
}

static enum gen5_status apply(const char *path, const char *value, const struct gen5_limits *limits,
                              char **text, size_t *size, struct gen5_error *error) {
    bool string = is_string(*text, *size, path, limits) || !is_json(value, limits);
    char *literal = string ? gen5_bytes_to_json(value, strlen(value)) : strdup(value);
    if (literal == NULL) {
        return gen5_error_set_memory(error);
    }
    char *changed = NULL;
    size_t changed_size = 0;
    enum gen5_status status =
        gen5_document_set(*text, *size, path, literal, limits, &changed, &changed_size, error);
    free(literal);
    if (status == GEN5_OK) {
        free(*text);
        *text = changed;
        *size = changed_size;
    }
    return status;
}

enum gen5_status setting_apply(const char *setting, const struct gen5_limits *limits, char **text,
                               size_t *size, struct gen5_error *error) {
    size_t length = path_length(setting);
    const char *dot = setting[0] == '[' ? "" : ".";
    char *path = NULL;
    if (asprintf(&path, "%s%s%.*s", ROOT, dot, (int)length, setting) < 0) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status = apply(path, setting + length + 1, limits, text, size, error);
    free(path);
    return status;
}
