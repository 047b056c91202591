// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The tags of a container as an extended attribute of its directory (DESIGN.md 2.1): what is
// written there becomes model_info.tags, by a commit under the rules of a save of metadata.json.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "container.h"
#include "gen5/document.h"

// How often it is tried where other programs change the metadata all the time.
enum { ATTEMPTS_MAX = 8 };

static const char TAGS_PATH[] = "gen5_metadata.model_info.tags";

static const struct member metadata = {.kind = MEMBER_METADATA};

// What the attribute is to become.
struct tags_change {
    const char *value; // NULL to remove it
    size_t size;
    int flags;     // of setxattr(2)
    char *literal; // the value as JSON
};

int tags_value(const struct snapshot *snapshot, char **value, size_t *size) {
    enum gen5_status status =
        gen5_manifest_value(snapshot->container->manifest, "tags", value, size, NULL);
    if (status == GEN5_OK && *size == 0) {
        free(*value);
        *value = NULL;
        return ENODATA;
    }
    return status == GEN5_OK ? 0 : status == GEN5_ERROR_MEMORY ? ENOMEM : ENODATA;
}

// Whether the change may be made by its flags, and whether it is one.
static int compare(const struct tags_change *change, const struct snapshot *now, bool *same) {
    char *value = NULL;
    size_t size = 0;
    int problem = tags_value(now, &value, &size);
    if (problem == ENOMEM) {
        return problem;
    }
    const bool there = problem == 0;
    *same = size == change->size && (size == 0 || memcmp(value, change->value, size) == 0);
    free(value);
    if (there && (change->flags & XATTR_CREATE) != 0) {
        return EEXIST;
    }
    return !there && (change->flags & XATTR_REPLACE) != 0 ? ENODATA : 0;
}

static int store(struct filesystem *filesystem, struct container *container,
                 const struct tags_change *change, struct snapshot *now, struct snapshot **after,
                 struct gen5_error *error) {
    const struct gen5_manifest *manifest = now->container->manifest;
    char *text = NULL;
    size_t size = 0;
    if (gen5_document_set(manifest->text, manifest->size, TAGS_PATH, change->literal,
                          &filesystem->limits, &text, &size, error) != GEN5_OK) {
        return gen5_error_errno(error);
    }
    if (size == manifest->size && memcmp(text, manifest->text, size) == 0) {
        free(text);
        return 0;
    }
    const struct gen5_edit edit = {.kind = GEN5_PUT_METADATA,
                                   .content = gen5_source_from_memory(text, size)};
    struct base base = base_of(now, &metadata);
    const struct condition condition = {.member = &metadata, .base = &base};
    int problem = gen5_edit_check(&edit, now->container, &filesystem->limits, error) == GEN5_OK
                      ? 0
                      : gen5_error_errno(error);
    if (problem == 0) {
        problem = change_make(filesystem, container, &edit, 1, &condition, 1, after, error);
    }
    base_release(filesystem, &base);
    free(text);
    return problem;
}

// ESTALE where the metadata changed while it was looked at.
static int set_once(struct filesystem *filesystem, struct container *container,
                    const struct tags_change *change, struct gen5_error *error) {
    struct snapshot *now = NULL;
    struct snapshot *after = NULL;
    bool same = false;
    int problem = container_snapshot(filesystem, container, &now);
    if (problem != 0) {
        return problem;
    }
    if (now->container == NULL) {
        *error = now->error;
        problem = EIO;
    } else {
        problem = compare(change, now, &same);
    }
    if (problem == 0 && !same) {
        problem = store(filesystem, container, change, now, &after, error);
    }
    snapshot_release(filesystem, now);
    if (after != NULL) {
        view_update(filesystem, container, after);
        snapshot_release(filesystem, after);
    }
    return problem;
}

// user.gen5.error of metadata.json says why, as after a save that was refused; a draft has its own
// reason to give.
static void remember_error(struct filesystem *filesystem, struct container *container, int problem,
                           const char *reason) {
    struct snapshot *now = NULL;
    struct file_node *file = NULL;
    if (container_snapshot(filesystem, container, &now) != 0) {
        return;
    }
    pthread_mutex_lock(&container->lock);
    if (view_find(filesystem, container, now, METADATA_NAME, &file) == 0 && file->draft_fd < 0) {
        file_set_error(file, problem, reason);
        file_keep(filesystem, file, problem != 0);
    }
    pthread_mutex_unlock(&container->lock);
    node_release(filesystem, file != NULL ? file->node : NULL);
    snapshot_release(filesystem, now);
}

static void tell(struct filesystem *filesystem, struct container *container, int problem,
                 const struct gen5_error *error) {
    // What the flags ask for is no fault of the value.
    if (problem == 0 || error->status != GEN5_OK) {
        remember_error(filesystem, container, problem, error->message);
    }
    if (problem != 0 && error->status != GEN5_OK) {
        container_note(filesystem, container, TAGS_NAME, "was not stored", error->message);
    }
}

static int set(struct filesystem *filesystem, struct container *container,
               struct tags_change *change, struct gen5_error *error) {
    if (gen5_comma_list_to_json(change->value != NULL ? change->value : "", change->size,
                                &change->literal, error) != GEN5_OK) {
        return gen5_error_errno(error);
    }
    int problem = ESTALE;
    for (int attempt = 0; problem == ESTALE && attempt < ATTEMPTS_MAX; attempt++) {
        problem = set_once(filesystem, container, change, error);
    }
    if (problem == 0) {
        fresh_change_text(filesystem, container, TAGS_PATH, change->literal);
    }
    return problem;
}

int container_tags_set(struct filesystem *filesystem, struct node *node, const char *value,
                       size_t size, int flags) {
    struct container *container = NULL;
    struct gen5_error error = GEN5_ERROR_NONE;
    struct tags_change change = {.value = value, .size = size, .flags = flags};
    int problem = container_enter(filesystem, node, &container);
    if (problem != 0) {
        return problem;
    }
    pthread_mutex_lock(&container->commit_lock);
    problem = set(filesystem, container, &change, &error);
    tell(filesystem, container, problem, &error);
    pthread_mutex_unlock(&container->commit_lock);
    free(change.literal);
    container_leave(filesystem, container);
    return problem;
}
