// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One value of a JSON document changed: a path, a NUL, the value, a NUL, the document. What comes
// out is a document that has the value at the path, and all that is not the value as it was, byte
// for byte; and it can be changed again.
#include "gen5/document.h"

#include <string.h>

#include "document_path.h"
#include "input.h"
#include "json_document.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Documents that are nested too deeply are within reach.
static struct gen5_limits shallow_limits(void) {
    struct gen5_limits limits = gen5_limits_default();
    limits.json_depth_max = 8;
    limits.manifest_size_max = 1 << 16;
    return limits;
}

struct change {
    const char *path;
    const char *literal;
    struct gen5_limits limits;
};

// Where the value at the path stands in a document that has been read.
static struct gen5_json_value follow(const char *path, const char *text, size_t size) {
    struct gen5_json_value value = gen5_json_root(text, size);
    struct gen5_document_step step;
    enum gen5_status status;
    size_t at = 0;
    while (gen5_document_path_next(path, &at, &step, &status, NULL)) {
        value = gen5_document_step_follow(&step, text, value);
    }
    return value;
}

static size_t common_prefix(const char *left, size_t left_size, const char *right,
                            size_t right_size) {
    size_t size = left_size < right_size ? left_size : right_size, at = 0;
    while (at < size && left[at] == right[at]) {
        at++;
    }
    return at;
}

static size_t common_suffix(const char *left, size_t left_size, const char *right,
                            size_t right_size) {
    size_t size = left_size < right_size ? left_size : right_size, at = 0;
    while (at < size && left[left_size - 1 - at] == right[right_size - 1 - at]) {
        at++;
    }
    return at;
}

static void check_rest(const struct change *change, const char *text, size_t size,
                       const char *changed, size_t changed_size) {
    struct gen5_json_value old = follow(change->path, text, size);
    size_t prefix = common_prefix(text, size, changed, changed_size);
    size_t suffix = common_suffix(text, size, changed, changed_size);
    if (old.kind != GEN5_JSON_NONE) {
        require(prefix >= old.span.begin && suffix >= size - old.span.end);
    } else {
        // An insertion, for which white space in an empty object makes room.
        for (size_t at = prefix; at + suffix < size; at++) {
            require(strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0');
        }
    }
}

static void check_value(const struct change *change, const char *changed, size_t changed_size) {
    char *line = NULL, *wanted = NULL;
    require(gen5_document_line(changed, changed_size, change->path, &change->limits, &line, NULL) ==
            GEN5_OK);
    require(gen5_document_line(change->literal, strlen(change->literal), "", &change->limits,
                               &wanted, NULL) == GEN5_OK);
    require(strcmp(line, wanted) == 0);
    free(wanted);
    free(line);
}

// Every leaf's own path leads to a value, unless a later one of the same key hides it.
static void check_leaves(const char *text, size_t size, const struct gen5_limits *limits) {
    struct gen5_leaves leaves;
    require(gen5_leaves_read(text, size, "", limits, &leaves, NULL) == GEN5_OK);
    require(leaves.count > 0);
    for (size_t i = 0; i < leaves.count && i < 8; i++) {
        char *line = NULL;
        const struct gen5_leaf *leaf = &leaves.items[i];
        require(gen5_leaf_equal(leaf, leaf));
        enum gen5_status status = gen5_document_line(text, size, leaf->path, limits, &line, NULL);
        require(status == GEN5_OK || status == GEN5_ERROR_MISSING);
        free(line);
    }
    gen5_leaves_release(&leaves);
}

static void check_change(const struct change *change, const char *text, size_t size) {
    struct gen5_error error = GEN5_ERROR_NONE;
    char *changed = NULL, *again = NULL;
    size_t changed_size = 0, again_size = 0;
    if (gen5_document_set(text, size, change->path, change->literal, &change->limits, &changed,
                          &changed_size, &error) != GEN5_OK) {
        require(error.message[0] != '\0');
        return;
    }
    check_rest(change, text, size, changed, changed_size);
    check_value(change, changed, changed_size);
    check_leaves(changed, changed_size, &change->limits);
    require(gen5_document_set(changed, changed_size, change->path, change->literal, &change->limits,
                              &again, &again_size, NULL) == GEN5_OK);
    check_value(change, again, again_size);
    free(again);
    free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {data, size};
    struct input path = take_text(&input), literal = take_text(&input);
    if (input.size == 0) {
        return 0; // the two need not end in a NUL
    }
    struct change change = {(const char *)path.bytes, (const char *)literal.bytes,
                            shallow_limits()};
    check_change(&change, (const char *)input.bytes, input.size);
    return 0;
}
