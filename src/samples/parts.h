// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What one container is made of.
#ifndef GEN5FS_SAMPLES_PARTS_H
#define GEN5FS_SAMPLES_PARTS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "bytes.h"
#include "gen5/repack.h"

enum { LATENT_COUNT_MAX = 4, EDIT_COUNT_MAX = LATENT_COUNT_MAX + 3 };

// The contents, and the edits that put them in. Zero-initialised is empty.
struct parts {
    struct bytes contents[EDIT_COUNT_MAX];
    struct gen5_edit edits[EDIT_COUNT_MAX];
    size_t count;
};

// Takes the content over. `edit` says what it is beside its kind: a latent's key, an image's kind.
void parts_add(struct parts *parts, enum gen5_edit_kind kind, struct bytes content,
               struct gen5_edit edit);
void parts_release(struct parts *parts);

// Checks the edits, writes what an empty container becomes by them to a temporary and gives it its
// name. `damaged`: cut in the middle, as by a download that stopped. `written` gets its attributes.
enum gen5_status parts_store(const struct parts *parts, int folder_fd, const char *name,
                             bool damaged, struct stat *written, struct gen5_error *error);

#endif
