// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Checking what an edit wants to store, before anything is written.
#include <assert.h>
#include <stdlib.h>

#include "gen5/npy.h"
#include "gen5/repack.h"
#include "ownership.h"

// What a user hands in is not damaged, but too large.
static enum gen5_status read_content(const struct gen5_edit *edit, uint64_t size_max, char **text,
                                     size_t *size, struct gen5_error *error) {
    if (edit->content.size > size_max) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "%llu bytes are more than the limit of %llu",
                              (unsigned long long)edit->content.size, (unsigned long long)size_max);
    }
    return gen5_source_read_all(&edit->content, size_max, text, size, error);
}

static enum gen5_status check_size(const struct gen5_edit *edit, const struct gen5_limits *limits,
                                   struct gen5_error *error) {
    uint64_t size_max = GEN5_FILE_SIZE_MAX - GEN5_HEADER_SIZE - GEN5_CHUNK_HEADER_SIZE;
    if (size_max > limits->payload_size_max) {
        size_max = limits->payload_size_max;
    }
    if (edit->content.size <= size_max) {
        return GEN5_OK;
    }
    return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                          "%llu bytes are more than a container can hold (%llu)",
                          (unsigned long long)edit->content.size, (unsigned long long)size_max);
}

static enum gen5_status check_image(const struct gen5_edit *edit, const struct gen5_limits *limits,
                                    struct gen5_error *error) {
    enum gen5_status status = check_size(edit, limits, error);
    if (status != GEN5_OK) {
        return status;
    }
    return gen5_image_check(&edit->content, edit->image_kind, limits, error);
}

static enum gen5_status check_latent(const struct gen5_edit *edit, const struct gen5_limits *limits,
                                     struct gen5_error *error) {
    struct gen5_npy npy;
    enum gen5_status status = check_size(edit, limits, error);
    if (status == GEN5_OK) {
        status = gen5_npy_open(&edit->content, limits, &npy, error);
    }
    return status == GEN5_OK ? gen5_npy_check_values(&edit->content, &npy, error) : status;
}

static enum gen5_status check_environment(const struct gen5_edit *edit,
                                          const struct gen5_limits *limits,
                                          struct gen5_error *error) {
    GEN5_AUTO_FREE char *text = NULL;
    size_t size = 0;
    enum gen5_status status = read_content(edit, limits->environment_size_max, &text, &size, error);
    return status == GEN5_OK ? gen5_environment_check(text, size, limits, error) : status;
}

static enum gen5_status check_metadata(const struct gen5_edit *edit,
                                       const struct gen5_container *old,
                                       const struct gen5_limits *limits, struct gen5_error *error) {
    GEN5_AUTO_FREE char *text = NULL;
    size_t size = 0;
    enum gen5_status status = read_content(edit, limits->manifest_size_max, &text, &size, error);
    if (status != GEN5_OK) {
        return status;
    }
    const char *old_text = old != NULL ? old->manifest->text : NULL;
    size_t old_size = old != NULL ? old->manifest->size : 0;
    return gen5_metadata_check(text, size, old_text, old_size, limits, error);
}

enum gen5_status gen5_edit_check(const struct gen5_edit *edit, const struct gen5_container *old,
                                 const struct gen5_limits *limits, struct gen5_error *error) {
    switch (edit->kind) {
    case GEN5_PUT_IMAGE:
        return check_image(edit, limits, error);
    case GEN5_PUT_LATENT:
        return check_latent(edit, limits, error);
    case GEN5_PUT_ENVIRONMENT:
        return check_environment(edit, limits, error);
    case GEN5_PUT_METADATA:
        return check_metadata(edit, old, limits, error);
    case GEN5_REMOVE_IMAGE:
    case GEN5_REMOVE_LATENT:
    case GEN5_REMOVE_ENVIRONMENT:
        break; // nothing is stored
    }
    return GEN5_OK;
}
