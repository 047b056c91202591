// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// JSON documents, such as a manifest's text, for tools that show and compare them: values by their
// paths, with their literals as they are, so that no number is squeezed through a double.
//
// JSON is what gen5/manifest.h reads. A path is made of names and indices, "model_info.tags[2]"; a
// name that is more than letters, digits, "_" and "-" stands as a JSON string in brackets,
// "model_info[\"a.b\"]". The empty path is the document's own value. Of the values of one key that
// an object repeats, a path means the last.
#ifndef GEN5_DOCUMENT_H
#define GEN5_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gen5_leaf_kind {
    GEN5_LEAF_NULL,
    GEN5_LEAF_BOOLEAN,
    GEN5_LEAF_NUMBER, // NaN and the infinities too
    GEN5_LEAF_STRING,
    GEN5_LEAF_EMPTY_ARRAY,
    GEN5_LEAF_EMPTY_OBJECT,
};

// A value that has no others in it.
struct gen5_leaf {
    enum gen5_leaf_kind kind;
    char *path; // from where the search began; ended by a NUL
    char *text; // a string decoded (it may hold NULs, and lone surrogates as in gen5/manifest.h),
                // any other value as its literal; ended by a NUL
    size_t text_length;
};

struct gen5_leaves {
    struct gen5_leaf *items; // in the order of the text; a key that is repeated has several
    size_t count;
};

// All leaves of the value at `path`: none where nothing is there. GEN5_ERROR_DAMAGED where the text
// is no JSON, GEN5_ERROR_LIMIT where it is nested too deeply, or where the paths would take more
// memory than 256 MiB, which only a hostile document wants.
GEN5_EXPORT enum gen5_status gen5_leaves_read(const char *text, size_t size, const char *path,
                                              const struct gen5_limits *limits,
                                              struct gen5_leaves *leaves, struct gen5_error *error);
GEN5_EXPORT void gen5_leaves_release(struct gen5_leaves *leaves);

// Whether two leaves have the same value. Numbers are compared digit by digit, whatever their size:
// 1, 1.0 and 10e-1 are equal. A NaN equals a NaN.
GEN5_EXPORT bool gen5_leaf_equal(const struct gen5_leaf *left, const struct gen5_leaf *right);

// The value at `path` on one line of ASCII that every JSON reader takes (RFC 8259), as new memory
// that the caller frees: numbers as their literals, strings escaped as far as ASCII needs, NaN and
// the infinities, which JSON does not have, as the strings "NaN", "Infinity" and "-Infinity".
// GEN5_ERROR_MISSING where nothing is at the path; else as above.
GEN5_EXPORT enum gen5_status gen5_document_line(const char *text, size_t size, const char *path,
                                                const struct gen5_limits *limits, char **line,
                                                struct gen5_error *error);

// The document with the value at `path` made `literal`, a JSON text, as new memory that the caller
// frees: everything else keeps its bytes, and what is added is laid out as its neighbours are. Of
// the path's end objects may be missing, which are added; elements of arrays must be there.
// GEN5_ERROR_INVALID where the literal is no JSON (a byte order mark is none), or where the path
// leads through what is no object or array. GEN5_ERROR_LIMIT where the outcome would be nested too
// deeply to be read again, GEN5_ERROR_TOO_LARGE where it would pass the limits' manifest_size_max.
GEN5_EXPORT enum gen5_status gen5_document_set(const char *text, size_t size, const char *path,
                                               const char *literal,
                                               const struct gen5_limits *limits, char **changed,
                                               size_t *changed_size, struct gen5_error *error);

// Any bytes, such as a file's name, as a JSON string in ASCII, quotes included: new memory that the
// caller frees, NULL where there is none. A byte that is no UTF-8 becomes the lone surrogate that
// Python's "surrogateescape" makes of it (0xff: "\udcff"), so that os.fsencode gives it back.
GEN5_EXPORT char *gen5_bytes_to_json(const char *bytes, size_t size);

// A list with commas between its words, as user.xdg.tags has it, as a JSON array of strings in
// ASCII: new memory that the caller frees. White space around a word is no part of it, and words
// without a character are left out. GEN5_ERROR_INVALID where the list is no UTF-8; `offset` counts
// in it.
GEN5_EXPORT enum gen5_status gen5_comma_list_to_json(const char *list, size_t size, char **literal,
                                                     struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
