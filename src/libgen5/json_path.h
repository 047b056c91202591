// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Where in a document a value stands, as "gen5_metadata.model_info.tags[2]". Paths are made only
// when a fault has been found, so checks need not carry them around. Private to libgen5.
#ifndef GEN5_JSON_PATH_H
#define GEN5_JSON_PATH_H

#include "gen5/error.h"
#include "json_text.h"

struct gen5_json_step {
    struct gen5_span key; // in the path's text, with its quotes; empty for an element of an array
    size_t index;         // of an element of an array
};

struct gen5_json_path {
    const char *text; // borrowed
    struct gen5_json_step *steps;
    size_t count;
};

// The path to the key or value that begins at `offset` in a text that gen5_json_scan has passed.
// A key and its value have the same path. Where nothing begins there, the path is empty.
enum gen5_status gen5_json_path_find(const char *text, size_t size, size_t offset,
                                     struct gen5_json_path *path, struct gen5_error *error);
void gen5_json_path_release(struct gen5_json_path *path);

// The value at the path's first `count` steps in another document. Of several values of one key the
// last is taken.
struct gen5_json_value gen5_json_path_follow(const struct gen5_json_path *path, size_t count,
                                             const char *text, struct gen5_json_value root);

// Fill `error` with GEN5_ERROR_INVALID and "PATH: problem" for the value at `offset`, or for the
// member `name` (when not NULL) of the object there. Returns GEN5_ERROR_INVALID, or
// GEN5_ERROR_MEMORY.
enum gen5_status gen5_json_path_error(struct gen5_error *error, const char *text, size_t size,
                                      size_t offset, const char *name, const char *problem);

#endif
