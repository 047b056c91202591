// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A whole JSON document: one that was stored, and is read leniently, or one that someone wants to
// store, and is held to all that every reader of it may expect. Private to libgen5.
#ifndef GEN5_JSON_DOCUMENT_H
#define GEN5_JSON_DOCUMENT_H

#include "gen5/error.h"
#include "json_text.h"

struct gen5_json_document {
    const char *text; // borrowed
    size_t size;
    struct gen5_json_value root;
};

// Open a stored document. A byte order mark and repeated keys are let pass. GEN5_ERROR_DAMAGED with
// line and column where it is not JSON in UTF-8, GEN5_ERROR_LIMIT where it is nested too deeply.
enum gen5_status gen5_json_document_open(const char *text, size_t size, uint32_t depth_max,
                                         struct gen5_json_document *document,
                                         struct gen5_error *error);

// Check and open a document that is to be stored: no byte order mark, no key twice in an object, no
// integer of more digits than Python reads, and cJSON of the same opinion. What `old` (NULL:
// nothing) has at the same path with the same literal is let through. GEN5_ERROR_INVALID names line
// and column where it is not JSON, else the path; GEN5_ERROR_MEMORY.
enum gen5_status gen5_json_document_check(const char *text, size_t size,
                                          const struct gen5_json_document *old, uint32_t depth_max,
                                          struct gen5_json_document *document,
                                          struct gen5_error *error);

#endif
