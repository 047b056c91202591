// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Paths into a JSON document as text (gen5/document.h): written, and followed. Private to libgen5.
#ifndef GEN5_DOCUMENT_PATH_H
#define GEN5_DOCUMENT_PATH_H

#include "gen5/error.h"
#include "json_text.h"
#include "text_builder.h"

// Append the step to the member whose key is the literal `key` of `text`, or to an element. Nothing
// separates the first step from what is before it.
void gen5_document_path_add_key(struct gen5_text_builder *path, const char *text,
                                struct gen5_span key);
void gen5_document_path_add_index(struct gen5_text_builder *path, size_t index);

// One step of a path.
struct gen5_document_step {
    const char *name; // borrowed of the path; NULL where the step is an index
    size_t name_size; // in bytes
    bool quoted;      // the name is a JSON string, with its quotes
    size_t index;
};

// Take the next step off *path. False at its end; GEN5_ERROR_INVALID, with the offset in `path`,
// where it is no path, and then false too.
bool gen5_document_path_next(const char *path, size_t *at, struct gen5_document_step *step,
                             enum gen5_status *status, struct gen5_error *error);

// The value of the member or element of `container` that the step leads to, or GEN5_JSON_NONE.
struct gen5_json_value gen5_document_step_follow(const struct gen5_document_step *step,
                                                 const char *text,
                                                 struct gen5_json_value container);

#endif
