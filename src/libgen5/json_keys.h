// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Keys that an object has more than once. RFC 8259 (section 4) leaves open which value counts, and
// programs differ, so such an object is not written. Private to libgen5.
#ifndef GEN5_JSON_KEYS_H
#define GEN5_JSON_KEYS_H

#include "gen5/error.h"
#include "json_text.h"

// Enough for a document that someone would want to go on editing; with more, the rest is not told.
enum { GEN5_JSON_REPEATED_MAX = 16 };

struct gen5_json_repeated {
    size_t offsets[GEN5_JSON_REPEATED_MAX]; // of keys that stand before in the same object
    size_t count;
    bool more; // there are others
};

// Look through all objects of a text that gen5_json_scan has passed: O(n log n) for n bytes.
// GEN5_ERROR_MEMORY, or GEN5_ERROR_TOO_LARGE for a text over 4 GiB.
enum gen5_status gen5_json_keys_repeated(const char *text, size_t size,
                                         struct gen5_json_repeated *repeated,
                                         struct gen5_error *error);

#endif
