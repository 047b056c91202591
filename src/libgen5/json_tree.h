// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A second opinion on a document before it is stored: cJSON must parse it, and must see the same
// values with the same types under the same keys as we do. What two parsers understand alike will
// not surprise a third. This is the one file that knows cJSON. Private to libgen5.
#ifndef GEN5_JSON_TREE_H
#define GEN5_JSON_TREE_H

#include "gen5/error.h"
#include "json_text.h"

// A tree costs memory (over 64 bytes a value), so documents with more values are not asked about;
// nor are those that nest more deeply than cJSON is built for (1000).
enum { GEN5_JSON_TREE_VALUES_MAX = 1 << 18 };

// Ask about a text that gen5_json_scan has passed. What the grammar allows and cJSON can not hold
// (NaN and the infinities, lone surrogates, numbers of more than 63 characters) is replaced by
// something harmless in a copy first. GEN5_ERROR_INVALID where the two differ; GEN5_ERROR_MEMORY.
enum gen5_status gen5_json_tree_check(const char *text, size_t size, struct gen5_error *error);

#endif
