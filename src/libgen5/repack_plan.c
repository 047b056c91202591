// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Deciding what becomes of each record.
#include "repack_plan.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "manifest_record.h"
#include "ownership.h"
#include "size_arithmetic.h"

const char *gen5_edit_chunk_type(const struct gen5_edit *edit) {
    switch (edit->kind) {
    case GEN5_PUT_IMAGE:
    case GEN5_REMOVE_IMAGE:
        return "DATA";
    case GEN5_PUT_LATENT:
    case GEN5_REMOVE_LATENT:
        return "LATN";
    case GEN5_PUT_ENVIRONMENT:
    case GEN5_REMOVE_ENVIRONMENT:
        return "ENVC";
    case GEN5_PUT_METADATA:
        break;
    }
    return NULL;
}

static bool is_put(const struct gen5_edit *edit) {
    return edit->kind == GEN5_PUT_IMAGE || edit->kind == GEN5_PUT_LATENT ||
           edit->kind == GEN5_PUT_ENVIRONMENT;
}

// What is known of one record while the plan is made.
struct fate {
    bool member;                  // one that the container shows
    bool dropped;                 // its chunk is left out
    const struct gen5_edit *edit; // what is put in its place
};

struct planning {
    const struct gen5_container *old;
    struct fate *fates; // one a record
};

static size_t index_of(const struct planning *planning, const struct gen5_record *record) {
    return (size_t)(record - planning->old->manifest->records);
}

static void mark_members(struct planning *planning) {
    const struct gen5_container *old = planning->old;
    for (size_t i = 0; i < old->latent_count; i++) {
        planning->fates[index_of(planning, old->latents[i])].member = true;
    }
    if (old->image != NULL) {
        planning->fates[index_of(planning, old->image)].member = true;
    }
    if (old->environment != NULL) {
        planning->fates[index_of(planning, old->environment)].member = true;
    }
}

// --- Records that cannot be kept ---

// True where the record's bytes can be copied: they lie between the header and the end of the file
// and are no part of the META chunk.
static bool has_bytes(const struct gen5_container *old, const struct gen5_record *record) {
    const struct gen5_header *header = &old->header;
    return record->stored_size > 0 && record->offset >= GEN5_HEADER_SIZE &&
           gen5_size_lies_within(record->offset, record->stored_size, old->source.size) &&
           (record->offset >= (uint64_t)header->table_offset + header->table_size ||
            record->offset + record->stored_size <= header->table_offset);
}

// A shadowed record: of a member's type, but another one stands for the member.
static bool is_shadowed(const struct planning *planning, const struct gen5_record *record) {
    return !planning->fates[index_of(planning, record)].member &&
           (gen5_tag_is(record->type, "LATN") || gen5_tag_is(record->type, "DATA") ||
            gen5_tag_is(record->type, "ENVC"));
}

static bool is_damaged(const struct planning *planning, const struct gen5_record *record) {
    (void)planning;
    return record->damage != NULL;
}

// Among the records that are not dropped yet, drop those that are `doubtful` and share a byte with
// another. In the order of offsets, one does so exactly where one before it reaches behind its
// start or the next one starts before its end.
static void
drop_overlapping(struct planning *planning, const struct gen5_record **by_offset, size_t count,
                 bool (*doubtful)(const struct planning *, const struct gen5_record *)) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!planning->fates[index_of(planning, by_offset[i])].dropped) {
            by_offset[kept++] = by_offset[i];
        }
    }
    uint64_t reached = 0;
    for (size_t i = 0; i < kept; i++) {
        const struct gen5_record *record = by_offset[i];
        uint64_t end = record->offset + record->stored_size;
        bool overlaps =
            reached > record->offset || (i + 1 < kept && by_offset[i + 1]->offset < end);
        if (overlaps && doubtful(planning, record)) {
            planning->fates[index_of(planning, record)].dropped = true;
        }
        reached = end > reached ? end : reached;
    }
}

// Stale records point to bytes that are other records' (FORMAT.md "Reading what exists"): kept,
// they would double these bytes under a hash that never fits.
static enum gen5_status drop_what_has_no_bytes(struct planning *planning,
                                               struct gen5_error *error) {
    const struct gen5_manifest *manifest = planning->old->manifest;
    GEN5_AUTO_FREE const struct gen5_record **by_offset =
        calloc(manifest->record_count + 1, sizeof *by_offset);
    if (by_offset == NULL) {
        return gen5_error_set_memory(error);
    }
    size_t count = 0;
    for (size_t i = 0; i < manifest->record_count; i++) {
        if (has_bytes(planning->old, &manifest->records[i])) {
            by_offset[count++] = &manifest->records[i];
        } else {
            planning->fates[i].dropped = true;
        }
    }
    qsort(by_offset, count, sizeof *by_offset, gen5_record_compare_offsets);
    drop_overlapping(planning, by_offset, count, is_shadowed);
    drop_overlapping(planning, by_offset, count, is_damaged);
    return GEN5_OK;
}

// --- Edits ---

// The record that stands for the member that an edit names, or NULL.
static const struct gen5_record *member_of(const struct gen5_container *old,
                                           const struct gen5_edit *edit) {
    switch (edit->kind) {
    case GEN5_PUT_IMAGE:
    case GEN5_REMOVE_IMAGE:
        return old->image;
    case GEN5_PUT_ENVIRONMENT:
    case GEN5_REMOVE_ENVIRONMENT:
        return old->environment;
    case GEN5_PUT_LATENT:
    case GEN5_REMOVE_LATENT:
        return gen5_container_latent(old, edit->key, edit->key_length);
    case GEN5_PUT_METADATA:
        break;
    }
    return NULL;
}

static bool names_same_member(const struct gen5_record *left, const struct gen5_record *right) {
    if (memcmp(left->type, right->type, GEN5_TAG_SIZE) != 0) {
        return false;
    }
    if (!gen5_tag_is(left->type, "LATN")) {
        return true;
    }
    return left->key != NULL && right->key != NULL && left->key_length == right->key_length &&
           memcmp(left->key, right->key, left->key_length) == 0;
}

static enum gen5_status named_twice(struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                          "two edits of one member at once");
}

static bool edits_same_member(const struct gen5_edit *left, const struct gen5_edit *right) {
    const char *left_type = gen5_edit_chunk_type(left);
    const char *right_type = gen5_edit_chunk_type(right);
    if (left_type == NULL || right_type == NULL || strcmp(left_type, right_type) != 0) {
        return left_type == right_type;
    }
    return strcmp(left_type, "LATN") != 0 || (left->key_length == right->key_length &&
                                              memcmp(left->key, right->key, left->key_length) == 0);
}

// Let an edit act on the records of its member, shadowed ones included.
static enum gen5_status apply_edit(struct planning *planning, const struct gen5_edit *edit,
                                   struct gen5_error *error) {
    const struct gen5_record *member = member_of(planning->old, edit);
    if (member == NULL) {
        return is_put(edit) ? GEN5_OK
                            : gen5_error_set(error, GEN5_ERROR_MISSING, GEN5_OFFSET_NONE,
                                             "the container has no such %s chunk to remove",
                                             gen5_edit_chunk_type(edit));
    }
    const struct gen5_manifest *manifest = planning->old->manifest;
    for (size_t i = 0; i < manifest->record_count; i++) {
        if (names_same_member(&manifest->records[i], member)) {
            planning->fates[i].dropped = true;
        }
    }
    if (is_put(edit)) {
        struct fate *fate = &planning->fates[index_of(planning, member)];
        fate->dropped = false;
        fate->edit = edit;
    }
    return GEN5_OK;
}

static enum gen5_status apply_edits(struct planning *planning, const struct gen5_edit *edits,
                                    size_t edit_count, struct gen5_repack_plan *plan,
                                    struct gen5_error *error) {
    for (size_t i = 0; i < edit_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (edits_same_member(&edits[i], &edits[j])) {
                return named_twice(error);
            }
        }
        if (edits[i].kind == GEN5_PUT_METADATA) {
            plan->metadata = &edits[i];
            continue;
        }
        enum gen5_status status = apply_edit(planning, &edits[i], error);
        if (status != GEN5_OK) {
            return status;
        }
    }
    return GEN5_OK;
}

// --- The order ---

static const char *type_of(const struct gen5_planned_chunk *chunk) {
    return chunk->record != NULL ? chunk->record->type : gen5_edit_chunk_type(chunk->edit);
}

// The position behind the last chunk of a type that an added one of `type` follows: LATN follows
// LATN, DATA those, ENVC all three; the start where there is none.
static size_t place_for(const struct gen5_repack_plan *plan, const char *type) {
    static const char *const order[] = {"LATN", "DATA", "ENVC"};
    for (size_t i = plan->chunk_count; i > 0; i--) {
        for (size_t j = 0; j < sizeof order / sizeof *order; j++) {
            if (gen5_tag_is(type_of(&plan->chunks[i - 1]), order[j])) {
                return i;
            }
            if (strcmp(order[j], type) == 0) {
                break;
            }
        }
    }
    return 0;
}

static void insert(struct gen5_repack_plan *plan, const struct gen5_edit *edit) {
    size_t place = place_for(plan, gen5_edit_chunk_type(edit));
    memmove(&plan->chunks[place + 1], &plan->chunks[place],
            (plan->chunk_count - place) * sizeof *plan->chunks);
    plan->chunks[place] = (struct gen5_planned_chunk){.record = NULL, .edit = edit};
    plan->chunk_count++;
}

static void insert_additions(const struct planning *planning, const struct gen5_edit *edits,
                             size_t edit_count, enum gen5_edit_kind kind,
                             struct gen5_repack_plan *plan) {
    for (size_t i = 0; i < edit_count; i++) {
        if (edits[i].kind == kind && member_of(planning->old, &edits[i]) == NULL) {
            insert(plan, &edits[i]);
        }
    }
}

static enum gen5_status fill_plan(const struct planning *planning, const struct gen5_edit *edits,
                                  size_t edit_count, struct gen5_repack_plan *plan,
                                  struct gen5_error *error) {
    const struct gen5_manifest *manifest = planning->old->manifest;
    plan->chunks = calloc(manifest->record_count + edit_count + 1, sizeof *plan->chunks);
    if (plan->chunks == NULL) {
        return gen5_error_set_memory(error);
    }
    for (size_t i = 0; i < manifest->record_count; i++) {
        if (!planning->fates[i].dropped) {
            plan->chunks[plan->chunk_count++] = (struct gen5_planned_chunk){
                .record = &manifest->records[i], .edit = planning->fates[i].edit};
        }
    }
    insert_additions(planning, edits, edit_count, GEN5_PUT_LATENT, plan);
    insert_additions(planning, edits, edit_count, GEN5_PUT_IMAGE, plan);
    insert_additions(planning, edits, edit_count, GEN5_PUT_ENVIRONMENT, plan);
    return GEN5_OK;
}

enum gen5_status gen5_repack_plan_make(const struct gen5_container *old,
                                       const struct gen5_edit *edits, size_t edit_count,
                                       struct gen5_repack_plan *plan, struct gen5_error *error) {
    GEN5_AUTO_FREE struct fate *fates =
        calloc(old->manifest->record_count + 1, sizeof(struct fate));
    if (fates == NULL) {
        return gen5_error_set_memory(error);
    }
    struct planning planning = {.old = old, .fates = fates};
    mark_members(&planning);
    enum gen5_status status = drop_what_has_no_bytes(&planning, error);
    if (status == GEN5_OK) {
        status = apply_edits(&planning, edits, edit_count, plan, error);
    }
    if (status == GEN5_OK) {
        status = fill_plan(&planning, edits, edit_count, plan, error);
    }
    return status;
}

void gen5_repack_plan_release(struct gen5_repack_plan *plan) {
    free(plan->chunks);
    *plan = (struct gen5_repack_plan)GEN5_REPACK_PLAN_NONE;
}
