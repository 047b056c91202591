// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The environment of a container (FORMAT.md "The environment"): what was installed where its image
// was made, component by component, and how that differs from another machine's.
#ifndef GEN5_ENVIRONMENT_H
#define GEN5_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "gen5/digest.h"
#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gen5_component {
    char *id;                  // "torch", in UTF-8
    char *canonical;           // "name=torch;version=2.4.0;cuda=12.1", in UTF-8
    struct gen5_digest digest; // the one that is stated; of `canonical` where none is
};

struct gen5_environment {
    struct gen5_component *components; // in the order of the text; ids may repeat
    size_t count;
};
#define GEN5_ENVIRONMENT_NONE                                                                      \
    { NULL, 0 }

// Read an ENVC payload, leniently: what is no component with an id and a canonical string is passed
// over. GEN5_ERROR_DAMAGED where the text is no JSON or has no array of components,
// GEN5_ERROR_LIMIT where it is nested too deeply or larger than the limits' environment_size_max.
GEN5_EXPORT enum gen5_status gen5_environment_read(const char *text, size_t size,
                                                   const struct gen5_limits *limits,
                                                   struct gen5_environment *environment,
                                                   struct gen5_error *error);
GEN5_EXPORT void gen5_environment_release(struct gen5_environment *environment);

// Append a component, with copies of both strings and the digest of the second.
GEN5_EXPORT enum gen5_status gen5_environment_add(struct gen5_environment *environment,
                                                  const char *id, const char *canonical,
                                                  struct gen5_error *error);

// The environment as the reference writes it (two keys, indented by two, in ASCII), as new memory
// that the caller frees. gen5_environment_check takes it. GEN5_ERROR_INVALID where a string is no
// UTF-8.
GEN5_EXPORT enum gen5_status gen5_environment_write(const struct gen5_environment *environment,
                                                    char **text, size_t *size,
                                                    struct gen5_error *error);

// The three findings of the reference, for the first environment ("the file's") against the second
// ("the system's").
enum gen5_drift_kind {
    GEN5_DRIFT_DIFFERS,
    GEN5_DRIFT_MISSING_IN_SECOND, // "missing in current system"
    GEN5_DRIFT_MISSING_IN_FIRST,  // "missing in file"
};

struct gen5_drift {
    enum gen5_drift_kind kind;
    const struct gen5_component *first;  // borrowed; NULL where it is missing
    const struct gen5_component *second; // borrowed; NULL where it is missing
};

// Compare by id and digest. Of components that share an id, such as two GPUs, those with equal
// digests are pairs, wherever they stand; of the others the first of one is held against the first
// of the other, and so on. New memory that the caller frees, in the order of the first environment,
// then of the second.
GEN5_EXPORT enum gen5_status gen5_environment_compare(const struct gen5_environment *first,
                                                      const struct gen5_environment *second,
                                                      struct gen5_drift **drifts, size_t *count,
                                                      struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
