// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The manifest: the JSON text of the META chunk, and the typed records that it lists
// (FORMAT.md "The manifest"). The text is kept as it is stored, bit for bit; records point into it.
//
// Reading is lenient, as FORMAT.md "Reading what exists" asks: a record whose fields cannot be used
// is kept and marked, so that its neighbours stay readable. Only a text that is no JSON, or that
// has no "gen5_metadata" object with a "chunks" array, is refused as a whole. JSON is RFC 8259 in
// UTF-8, with Python's NaN, Infinity and -Infinity. When reading, a byte order mark is ignored, the
// last of repeated keys counts, and 1.0 and 1e3 are integers.
#ifndef GEN5_MANIFEST_H
#define GEN5_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/digest.h"
#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/header.h"
#include "gen5/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

// More dimensions than numpy allows are damage (numpy's NPY_MAXDIMS of the reference's time).
enum { GEN5_RANK_MAX = 32 };

enum gen5_dtype { GEN5_DTYPE_NONE = 0, GEN5_DTYPE_FLOAT16, GEN5_DTYPE_FLOAT32 };

// Bytes an element: 2, 4, or 0 for GEN5_DTYPE_NONE.
GEN5_EXPORT size_t gen5_dtype_size(enum gen5_dtype dtype);

// "float16" or "float32", as FORMAT.md and numpy have it; NULL for GEN5_DTYPE_NONE.
GEN5_EXPORT const char *gen5_dtype_name(enum gen5_dtype dtype);

// A part of a text: bytes [begin, end).
struct gen5_span {
    size_t begin;
    size_t end;
};

struct gen5_record {
    char type[GEN5_TAG_SIZE]; // "LATN", "DATA", "ENVC" or what else the file says
    char flags[GEN5_TAG_SIZE];
    uint64_t offset;       // of the stored chunk, from the start of the file
    uint64_t stored_size;  // of the stored chunk, its 12-byte header included ("compressed_size")
    uint64_t payload_size; // of the decoded payload without the header ("uncompressed_size")
    struct gen5_digest digest;
    bool compressed;
    enum gen5_dtype dtype; // LATN only
    uint32_t rank;         // LATN only: number of dimensions in shape
    uint64_t shape[GEN5_RANK_MAX];
    // LATN only: the key in UTF-8, ended by a NUL; may hold NULs. Lone surrogates, which JSON can
    // escape and UTF-8 cannot hold, are the three bytes ED A0 80 to ED BF BF (WTF-8), so that
    // different keys stay different.
    char *key;
    size_t key_length;     // in bytes
    struct gen5_span text; // the record's object in the manifest's text
    char *damage;          // NULL, or why the chunk cannot be read, in words
};

struct gen5_manifest {
    char *text; // ended by a NUL that is not counted
    size_t size;
    struct gen5_record *records; // in the order of the text
    size_t record_count;
};

// Parse a copy of `text`. A record's `damage` is set where a field is missing or has the wrong type
// ("index" aside, and "extra" in what is no LATN: neither is needed to read a chunk), where a
// number is negative, fractional or out of 32 bits, where a LATN's dtype, shape and payload size
// contradict each other, or where a raw record's sizes do. Whether a span lies in the file is for
// the container to say. Fields that can be used are filled in a damaged record too; the others are
// zero, or NULL. GEN5_ERROR_DAMAGED, with line and column where the text is no JSON, and
// GEN5_ERROR_LIMIT where it is too large, nested too deeply or has too many records; `offset`
// counts in the text.
GEN5_EXPORT enum gen5_status gen5_manifest_parse(const char *text, size_t size,
                                                 const struct gen5_limits *limits,
                                                 struct gen5_manifest **manifest,
                                                 struct gen5_error *error);
// NULL is allowed.
GEN5_EXPORT void gen5_manifest_free(struct gen5_manifest *manifest);

// One value below gen5_metadata.model_info as a person reads it: a string decoded from JSON, an
// array's strings joined by "," (as user.xdg.tags has it), any other value as its literal. `path`
// is a dotted path such as "prompt" or "generation_settings.seed". The caller frees *value.
// GEN5_ERROR_MISSING where it is not there.
GEN5_EXPORT enum gen5_status gen5_manifest_value(const struct gen5_manifest *manifest,
                                                 const char *path, char **value, size_t *length,
                                                 struct gen5_error *error);

// Whether two manifests say the same where the user has the say: in all but the fields of
// file_info, what of each record follows from its chunk, and white space. Records that only one of
// the two has are no difference, nor is their order: they come and go with their chunks. A latent
// that has another key is one. GEN5_ERROR_MEMORY.
GEN5_EXPORT enum gen5_status gen5_manifest_user_part_equal(const struct gen5_manifest *left,
                                                           const struct gen5_manifest *right,
                                                           bool *equal, struct gen5_error *error);

// Check a metadata document that someone wants to store: JSON (RFC 8259, and Python's NaN,
// Infinity, -Infinity), UTF-8 without a byte order mark, no duplicate keys in an object, no integer
// of more than 4300 digits (Python reads none), no deeper than the limit, and FORMAT.md's schema
// for model_info. file_info and chunks may be missing or stale, but not of another JSON type, nor
// may a record's "extra" or a latent's key. A fault that stands in `old_text` at the same path with
// the same literal is let through, so that a lenient file can still be edited; old_text may be
// NULL. GEN5_ERROR_INVALID names the JSON path, or line and column where the text is no JSON;
// `offset` is that of the value in the text, or of the object that lacks one. GEN5_ERROR_TOO_LARGE
// for a text over the limit.
GEN5_EXPORT enum gen5_status gen5_metadata_check(const char *text, size_t size,
                                                 const char *old_text, size_t old_size,
                                                 const struct gen5_limits *limits,
                                                 struct gen5_error *error);

// Check an environment document that someone wants to store: JSON as above, exactly env_version (1)
// and components, each component with its three strings and the digest, in lower case, that its
// canonical string has. Errors as above.
GEN5_EXPORT enum gen5_status gen5_environment_check(const char *text, size_t size,
                                                    const struct gen5_limits *limits,
                                                    struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
