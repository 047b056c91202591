// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Changing a container: a list of edits, applied to an open container, makes the bytes of a new
// one. What is not edited is copied as it is stored (FORMAT.md, DESIGN.md 2.2 rule 6): chunks of
// every type by their stored bytes, the manifest's JSON by its text.
#ifndef GEN5_REPACK_H
#define GEN5_REPACK_H

#include <stddef.h>

#include "gen5/container.h"
#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/image.h"
#include "gen5/limits.h"
#include "gen5/source.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gen5_edit_kind {
    GEN5_PUT_IMAGE,       // content: the image file
    GEN5_PUT_LATENT,      // content: a .npy file; key names the latent
    GEN5_PUT_ENVIRONMENT, // content: the environment's JSON
    GEN5_PUT_METADATA,    // content: the manifest's JSON as a user writes it
    GEN5_REMOVE_IMAGE,
    GEN5_REMOVE_LATENT,
    GEN5_REMOVE_ENVIRONMENT,
};

struct gen5_edit {
    enum gen5_edit_kind kind;
    const char *key; // GEN5_PUT_LATENT, GEN5_REMOVE_LATENT
    size_t key_length;
    struct gen5_source content;      // GEN5_PUT_*
    enum gen5_image_kind image_kind; // GEN5_PUT_IMAGE: what the member's name promises
};

// Check one edit's content in full, apart from any container: GEN5_ERROR_INVALID says why it can
// not be stored. `old` may be NULL; with it, faults of metadata that the container already has are
// let through (see gen5_metadata_check).
GEN5_EXPORT enum gen5_status gen5_edit_check(const struct gen5_edit *edit,
                                             const struct gen5_container *old,
                                             const struct gen5_limits *limits,
                                             struct gen5_error *error);

// Write the container that `old` becomes by the edits to the empty file `fd_out`, which must be
// open for reading too: what has been stored is read back for its digest. Edits must have been
// checked. Each member may be named by one edit (GEN5_ERROR_INVALID), and there may be one of
// metadata.
//
// A put replaces the member's chunk where it is, or adds one: LATN behind the last LATN, DATA
// behind those, ENVC behind that. Removing what is not there is GEN5_ERROR_MISSING. A payload is
// compressed (zstd level 3, one frame with content size) unless that gains under 2 %; large images
// are judged by samples.
//
// Records that are not edited keep their order and their bytes. Dropped are only: records whose
// bytes do not lie in the file; damaged ones, and ones that another record of the same member
// shadows, where they share a byte with another record; and shadowed records of a member that is
// put or removed.
//
// Does not sync. GEN5_ERROR_TOO_LARGE where the result would pass GEN5_FILE_SIZE_MAX or the limits;
// where what is kept alone would, nothing has been written. After any failure the file is for the
// caller to throw away.
GEN5_EXPORT enum gen5_status gen5_repack(const struct gen5_container *old,
                                         const struct gen5_edit *edits, size_t edit_count,
                                         const struct gen5_limits *limits, int fd_out,
                                         struct gen5_error *error);

// Write a valid container without members (FORMAT.md's schema with empty strings and tags, and the
// date of now) to the empty file `fd_out`. Does not sync.
GEN5_EXPORT enum gen5_status gen5_repack_blank(int fd_out, struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
