// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which chunks a container has after its edits, in which order, and where each comes from. Private
// to libgen5.
#ifndef GEN5_REPACK_PLAN_H
#define GEN5_REPACK_PLAN_H

#include <stddef.h>

#include "gen5/container.h"
#include "gen5/error.h"
#include "gen5/repack.h"

struct gen5_planned_chunk {
    const struct gen5_record *record; // of the old container; NULL where the chunk is added
    const struct gen5_edit *edit;     // what is put there; NULL where the stored bytes are copied
};

struct gen5_repack_plan {
    struct gen5_planned_chunk *chunks;
    size_t chunk_count;
    const struct gen5_edit *metadata; // the GEN5_PUT_METADATA edit, or NULL
};
#define GEN5_REPACK_PLAN_NONE                                                                      \
    { NULL, 0, NULL }

// Make a plan as gen5/repack.h describes: kept records in the manifest's order, what is put where
// its member was, additions behind the last chunk of their kind. GEN5_ERROR_MISSING where an edit
// removes what is not there, GEN5_ERROR_INVALID where two edits name one member.
enum gen5_status gen5_repack_plan_make(const struct gen5_container *old,
                                       const struct gen5_edit *edits, size_t edit_count,
                                       struct gen5_repack_plan *plan, struct gen5_error *error);
void gen5_repack_plan_release(struct gen5_repack_plan *plan);

// The type of the chunk that an edit puts or removes; NULL for GEN5_PUT_METADATA, which has none.
const char *gen5_edit_chunk_type(const struct gen5_edit *edit);

#endif
