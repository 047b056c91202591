// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container that has been opened for reading: its header, its manifest, and which record stands
// for which member. Nothing of a payload is read until it is asked for. A container is never
// changed after it was opened, so threads may share one.
#ifndef GEN5_CONTAINER_H
#define GEN5_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/header.h"
#include "gen5/limits.h"
#include "gen5/manifest.h"
#include "gen5/source.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gen5_container {
    struct gen5_source source; // borrowed: the caller keeps the descriptor or memory
    struct gen5_limits limits;
    struct gen5_header header;
    struct gen5_manifest *manifest;
    // Which records are members (FORMAT.md "Reading what exists"): the last DATA, the last ENVC,
    // and for each latent key the last LATN, in the order in which the keys first appear.
    const struct gen5_record *image;       // NULL where there is none
    const struct gen5_record *environment; // NULL where there is none
    const struct gen5_record **latents;
    const struct gen5_record **latents_by_key; // the same, for gen5_container_latent
    size_t latent_count;
};

// Open a container, with two reads. Records whose span lies outside the chunks' part of the file,
// or that declare more than the limits, get `damage`; a chunk_count that disagrees and records that
// overlap do not. GEN5_ERROR_DAMAGED says which field of the header or manifest is wrong, at which
// offset of the file; GEN5_ERROR_LIMIT that the manifest is too large, before it is unpacked.
GEN5_EXPORT enum gen5_status gen5_container_open(const struct gen5_source *source,
                                                 const struct gen5_limits *limits,
                                                 struct gen5_container **container,
                                                 struct gen5_error *error);
// NULL is allowed.
GEN5_EXPORT void gen5_container_free(struct gen5_container *container);

// The latent with this key, or NULL.
GEN5_EXPORT const struct gen5_record *gen5_container_latent(const struct gen5_container *container,
                                                            const char *key, size_t key_length);

// True where the record's inner header and payload lie in the file as they are (no zstd frame), so
// that payload byte N is file byte offset + 12 + N.
GEN5_EXPORT bool gen5_record_is_raw(const struct gen5_record *record);

#ifdef __cplusplus
}
#endif

#endif
