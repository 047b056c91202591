// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// JSON read where it stands: values are spans of the text, nothing is copied and no tree is built,
// so that a literal can be kept byte for byte. Private to libgen5.
//
// The grammar is RFC 8259 in UTF-8, and what Python's json module adds to it: the numbers NaN,
// Infinity and -Infinity. Escaped lone surrogates ("\ud800") and "\u0000" are allowed, as they are
// by both. All functions run in linear time and without recursion.
//
//     struct gen5_json_value root;
//     struct gen5_json_fault fault;
//     if (!gen5_json_scan(text, size, depth_max, GEN5_JSON_NO_BOM, &root, &fault))
//         … fault.offset, fault.reason …
//     struct gen5_json_value prompt = gen5_json_find(text, root, "prompt");
#ifndef GEN5_JSON_TEXT_H
#define GEN5_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/manifest.h"

enum gen5_json_kind {
    GEN5_JSON_NONE = 0, // no value: what was looked for is not there
    GEN5_JSON_NULL,
    GEN5_JSON_FALSE,
    GEN5_JSON_TRUE,
    GEN5_JSON_NUMBER, // NaN and the infinities too
    GEN5_JSON_STRING, // its span includes the quotes
    GEN5_JSON_ARRAY,  // its span includes the brackets
    GEN5_JSON_OBJECT,
};

struct gen5_json_value {
    enum gen5_json_kind kind;
    struct gen5_span span;
};

// Where a text stops being JSON, and why, as the end of a sentence.
struct gen5_json_fault {
    size_t offset; // in bytes
    bool too_deep; // the text is nested more deeply than was allowed
    const char *reason;
};

// Whatever the caller allows, no text may be nested more deeply.
enum { GEN5_JSON_DEPTH_LIMIT = 4096 };

// What may stand before the text: a byte order mark is no part of JSON (RFC 8259, 8.1), but a
// reader may ignore one.
enum gen5_json_mark { GEN5_JSON_NO_BOM, GEN5_JSON_BOM_IGNORED };

// --- Token by token -----------------------------------------------------------------------------

enum gen5_json_event {
    GEN5_JSON_EVENT_FAULT,  // reader.fault says which; the reader stays there
    GEN5_JSON_EVENT_KEY,    // token: the key, a string
    GEN5_JSON_EVENT_SCALAR, // token: the value
    GEN5_JSON_EVENT_OPEN,   // token: the kind of the container, and its bracket alone
    GEN5_JSON_EVENT_CLOSE,  // the same
    GEN5_JSON_EVENT_END,    // the text is used up
};

enum gen5_json_state {
    GEN5_JSON_STATE_VALUE,       // a value must come
    GEN5_JSON_STATE_FIRST_VALUE, // a value, or the end of an empty array
    GEN5_JSON_STATE_FIRST_KEY,   // a key, or the end of an empty object
    GEN5_JSON_STATE_KEY,         // a key must come
    GEN5_JSON_STATE_NEXT,        // a comma, or the end of the container
    GEN5_JSON_STATE_END,         // nothing may come
};

// Storage is the caller's; nothing needs to be released.
struct gen5_json_reader {
    const char *text; // borrowed, need not end in a NUL
    size_t size;
    size_t at;
    uint32_t depth;
    uint32_t depth_max;
    enum gen5_json_state state;
    struct gen5_json_value token;
    struct gen5_json_fault fault;
    uint64_t objects[GEN5_JSON_DEPTH_LIMIT / 64]; // one bit a level: set where it is an object
};

void gen5_json_reader_init(struct gen5_json_reader *reader, const char *text, size_t size,
                           uint32_t depth_max, enum gen5_json_mark mark);
// The grammar is checked on the way: what stands behind the last event is not known to be JSON.
enum gen5_json_event gen5_json_reader_next(struct gen5_json_reader *reader);

// --- Value by value -----------------------------------------------------------------------------

// Check a whole text and find its value. All functions below want a text that has passed.
bool gen5_json_scan(const char *text, size_t size, uint32_t depth_max, enum gen5_json_mark mark,
                    struct gen5_json_value *root, struct gen5_json_fault *fault);

// The value of a text that has passed before, without checking it again. A byte order mark is
// ignored.
struct gen5_json_value gen5_json_root(const char *text, size_t size);

// The members of an object, or the elements of an array, in the order of the text.
struct gen5_json_walk {
    const char *text;
    size_t at;
    size_t end; // of what is between the brackets
    bool object;
};

struct gen5_json_member {
    size_t lead;          // where the white space in front begins: behind a bracket or a comma
    struct gen5_span key; // with its quotes; empty in an array
    struct gen5_json_value value;
};

// A value that is neither array nor object has no members.
struct gen5_json_walk gen5_json_walk_start(const char *text, struct gen5_json_value container);
bool gen5_json_walk_next(struct gen5_json_walk *walk, struct gen5_json_member *member);

// Look for `count` names at once. values[i] is the value of names[i], GEN5_JSON_NONE where there is
// none or where `object` is no object. Names are compared with the decoded keys, case and all; of
// several values of one name the last is taken, as Python does.
void gen5_json_pick(const char *text, struct gen5_json_value object, const char *const *names,
                    size_t count, struct gen5_json_value *values);
struct gen5_json_value gen5_json_find(const char *text, struct gen5_json_value object,
                                      const char *name);

// The value of the member whose key begins at `key`.
struct gen5_json_value gen5_json_value_of_key(const char *text, size_t size, size_t key);

// The first position from `at` on, below `end`, that is no white space.
size_t gen5_json_skip_space(const char *text, size_t at, size_t end);

// Line and column of an offset as editors count them: from 1, columns in characters.
void gen5_json_position(const char *text, size_t size, size_t offset, size_t *line, size_t *column);

#endif
