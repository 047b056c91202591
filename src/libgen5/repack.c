// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Writing a container anew, with its edits: kept chunks by their stored bytes, new ones from their
// content, the manifest last.
#include "gen5/repack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chunk_write.h"
#include "file_write.h"
#include "gen5/npy.h"
#include "manifest_write.h"
#include "ownership.h"
#include "repack_plan.h"
#include "scratch_file.h"
#include "size_arithmetic.h"
#include "table_write.h"

// Kept chunks that follow one another in the old file and in the new one, copied at once.
struct run {
    uint64_t old_offset;
    uint64_t new_offset;
    uint64_t size;
};

struct repacking {
    const struct gen5_container *old;
    const struct gen5_limits *limits;
    const struct gen5_repack_plan *plan;
    int fd;
    uint64_t position; // of the next chunk in the new file
    struct run run;
    struct gen5_chunk_facts *facts; // one a planned chunk
    struct gen5_npy *tensors; // the same, used for new latents alone: the facts point to shapes
};

static enum gen5_status too_large(struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                          "the container would be larger than %llu bytes",
                          (unsigned long long)GEN5_FILE_SIZE_MAX);
}

// --- Kept chunks ---

// What is kept must fit before a byte is written: records that overlap may ask for far more than
// the old file has.
static enum gen5_status check_kept_size(const struct gen5_repack_plan *plan,
                                        struct gen5_error *error) {
    uint64_t size = GEN5_HEADER_SIZE;
    for (size_t i = 0; i < plan->chunk_count; i++) {
        const struct gen5_planned_chunk *chunk = &plan->chunks[i];
        if (chunk->edit == NULL && !gen5_size_add(size, chunk->record->stored_size, &size)) {
            return too_large(error);
        }
    }
    return size <= GEN5_FILE_SIZE_MAX ? GEN5_OK : too_large(error);
}

static enum gen5_status copy_run(struct repacking *repacking, struct gen5_error *error) {
    struct run *run = &repacking->run;
    struct gen5_source source =
        gen5_source_window(&repacking->old->source, run->old_offset, run->size);
    enum gen5_status status = gen5_source_copy(&source, repacking->fd, run->new_offset, error);
    gen5_file_begin_sync(repacking->fd, run->new_offset, run->size);
    *run = (struct run){0, 0, 0};
    return status;
}

// Take a kept chunk into the run, or begin a new run with it.
static enum gen5_status keep_chunk(struct repacking *repacking, const struct gen5_record *record,
                                   struct gen5_chunk_facts *facts, struct gen5_error *error) {
    struct run *run = &repacking->run;
    enum gen5_status status = GEN5_OK;
    if (run->size > 0 && run->old_offset + run->size != record->offset) {
        status = copy_run(repacking, error);
    }
    if (run->size == 0) {
        run->old_offset = record->offset;
        run->new_offset = repacking->position;
    }
    run->size += record->stored_size;
    *facts = gen5_chunk_facts_of(record);
    facts->offset = repacking->position;
    return status;
}

// --- New chunks ---

static struct gen5_chunk_header tags_for(const struct gen5_edit *edit, const struct gen5_npy *npy) {
    struct gen5_chunk_header tags = {.payload_size = 0};
    const char *flags = "0000";
    if (edit->kind == GEN5_PUT_LATENT) {
        flags = npy->dtype == GEN5_DTYPE_FLOAT16 ? "F16" : "F32";
    }
    memcpy(tags.type, gen5_edit_chunk_type(edit), GEN5_TAG_SIZE);
    memcpy(tags.flags, flags, GEN5_TAG_SIZE); // three characters and the NUL
    return tags;
}

// Store a payload at the present position, and describe it but for what a latent has more.
static enum gen5_status store_payload(struct repacking *repacking,
                                      const struct gen5_chunk_header *tags,
                                      const struct gen5_source *payload,
                                      struct gen5_chunk_facts *facts, struct gen5_error *error) {
    struct gen5_stored_chunk stored;
    enum gen5_status status =
        gen5_chunk_write(tags, payload, repacking->fd, repacking->position, &stored, error);
    if (status != GEN5_OK) {
        return status;
    }
    *facts = (struct gen5_chunk_facts){
        .offset = repacking->position,
        .stored_size = stored.size,
        .payload_size = payload->size,
        .digest = stored.digest,
        .compressed = stored.compressed,
        .changed = true,
    };
    memcpy(facts->type, tags->type, GEN5_TAG_SIZE);
    memcpy(facts->flags, tags->flags, GEN5_TAG_SIZE);
    return GEN5_OK;
}

// Bring the elements into a payload's form by way of a scratch file, which *scratch then has.
static enum gen5_status convert_latent(const struct repacking *repacking,
                                       const struct gen5_edit *edit, const struct gen5_npy *npy,
                                       int *scratch, struct gen5_source *payload,
                                       struct gen5_error *error) {
    enum gen5_status status = gen5_scratch_file_new(repacking->fd, npy->data_size, scratch, error);
    if (status == GEN5_OK) {
        status = gen5_npy_convert(&edit->content, npy, *scratch, error);
    }
    return status == GEN5_OK ? gen5_source_from_fd(*scratch, payload, error) : status;
}

static enum gen5_status store_latent(struct repacking *repacking, const struct gen5_edit *edit,
                                     struct gen5_npy *npy, struct gen5_chunk_facts *facts,
                                     struct gen5_error *error) {
    GEN5_AUTO_CLOSE int scratch = -1;
    struct gen5_source payload;
    enum gen5_status status = gen5_npy_open(&edit->content, repacking->limits, npy, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (gen5_npy_is_payload(npy)) {
        payload = gen5_source_window(&edit->content, npy->data_offset, npy->data_size);
    } else {
        status = convert_latent(repacking, edit, npy, &scratch, &payload, error);
    }
    struct gen5_chunk_header tags = tags_for(edit, npy);
    if (status == GEN5_OK) {
        status = store_payload(repacking, &tags, &payload, facts, error);
    }
    facts->dtype = npy->dtype;
    facts->rank = npy->rank;
    facts->shape = npy->shape;
    facts->key = edit->key;
    facts->key_length = edit->key_length;
    return status;
}

static enum gen5_status put_chunk(struct repacking *repacking, size_t index,
                                  struct gen5_error *error) {
    const struct gen5_planned_chunk *chunk = &repacking->plan->chunks[index];
    struct gen5_chunk_facts *facts = &repacking->facts[index];
    enum gen5_status status = copy_run(repacking, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (chunk->edit->kind == GEN5_PUT_LATENT) {
        status = store_latent(repacking, chunk->edit, &repacking->tensors[index], facts, error);
    } else {
        struct gen5_chunk_header tags = tags_for(chunk->edit, NULL);
        status = store_payload(repacking, &tags, &chunk->edit->content, facts, error);
    }
    facts->record = chunk->record;
    return status;
}

// --- All of it ---

static enum gen5_status write_chunks(struct repacking *repacking, struct gen5_error *error) {
    const struct gen5_repack_plan *plan = repacking->plan;
    enum gen5_status status = check_kept_size(plan, error);
    for (size_t i = 0; status == GEN5_OK && i < plan->chunk_count; i++) {
        const struct gen5_planned_chunk *chunk = &plan->chunks[i];
        if (chunk->edit != NULL) {
            status = put_chunk(repacking, i, error);
        } else {
            status = keep_chunk(repacking, chunk->record, &repacking->facts[i], error);
        }
        repacking->position += repacking->facts[i].stored_size;
        if (status == GEN5_OK && repacking->position > GEN5_FILE_SIZE_MAX) {
            status = too_large(error);
        }
    }
    return status == GEN5_OK ? copy_run(repacking, error) : status;
}

// Read what the user wrote as metadata, if there is an edit of it.
static enum gen5_status read_metadata(const struct repacking *repacking, char **text, size_t *size,
                                      struct gen5_error *error) {
    const struct gen5_edit *metadata = repacking->plan->metadata;
    if (metadata == NULL) {
        return GEN5_OK;
    }
    return gen5_source_read_all(&metadata->content, repacking->limits->manifest_size_max, text,
                                size, error);
}

static enum gen5_status write_table(struct repacking *repacking, struct gen5_error *error) {
    GEN5_AUTO_FREE char *user_text = NULL;
    size_t user_size = 0;
    enum gen5_status status = read_metadata(repacking, &user_text, &user_size, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_table table = {
        .fd = repacking->fd,
        .offset = repacking->position,
        .old = repacking->old->manifest,
        .user_text = user_text,
        .user_size = user_size,
        .chunks = repacking->facts,
        .chunk_count = repacking->plan->chunk_count,
        .limits = repacking->limits,
    };
    return gen5_table_write(&table, error);
}

static enum gen5_status check_plan(const struct gen5_repack_plan *plan,
                                   const struct gen5_limits *limits, struct gen5_error *error) {
    if (plan->chunk_count <= limits->record_count_max) {
        return GEN5_OK;
    }
    return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                          "%zu chunks are more than the limit of %u", plan->chunk_count,
                          limits->record_count_max);
}

static enum gen5_status carry_out(const struct gen5_container *old,
                                  const struct gen5_repack_plan *plan,
                                  const struct gen5_limits *limits, int fd_out,
                                  struct gen5_error *error) {
    enum gen5_status status = check_plan(plan, limits, error);
    if (status != GEN5_OK) {
        return status;
    }
    GEN5_AUTO_FREE struct gen5_chunk_facts *facts = calloc(plan->chunk_count + 1, sizeof *facts);
    GEN5_AUTO_FREE struct gen5_npy *tensors = calloc(plan->chunk_count + 1, sizeof *tensors);
    if (facts == NULL || tensors == NULL) {
        return gen5_error_set_memory(error);
    }
    struct repacking repacking = {
        .old = old,
        .limits = limits,
        .plan = plan,
        .fd = fd_out,
        .position = GEN5_HEADER_SIZE,
        .facts = facts,
        .tensors = tensors,
    };
    status = write_chunks(&repacking, error);
    return status == GEN5_OK ? write_table(&repacking, error) : status;
}

enum gen5_status gen5_repack(const struct gen5_container *old, const struct gen5_edit *edits,
                             size_t edit_count, const struct gen5_limits *limits, int fd_out,
                             struct gen5_error *error) {
    struct gen5_repack_plan plan = GEN5_REPACK_PLAN_NONE;
    enum gen5_status status = gen5_repack_plan_make(old, edits, edit_count, &plan, error);
    if (status == GEN5_OK) {
        status = carry_out(old, &plan, limits, fd_out, error);
    }
    gen5_repack_plan_release(&plan);
    return status;
}
