// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The last close of a file: what was stored is shown from the container again, and what could not
// be stored is rescued.
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "kernel_notices.h"
#include "rescue.h"

// Rescue what was written and never stored. draft_lock is held exclusively.
static void rescue_file(struct filesystem *filesystem, struct file_node *file, const char *name,
                        const char *reason) {
    struct stat attributes;
    if (fstat(file->draft_fd, &attributes) != 0 || attributes.st_size == 0) {
        return; // Nothing was written.
    }
    char *path = container_path(filesystem, file->container);
    (void)rescue_draft(filesystem, path != NULL ? path : "unnamed", name, file->draft_fd, reason);
    free(path);
}

static void give_up_work(struct filesystem *filesystem, void *argument);

// Whether a new member was closed empty, by who may open it again to write: tar makes a file, sets
// its attributes by its name, and then writes. Until then it must not be the old member again.
// draft_lock and container.lock are held.
static bool awaits_content(struct filesystem *filesystem, struct file_node *file) {
    struct stat attributes;
    bool awaits = file->fresh && file->attached && file->changes_committed != file->changes &&
                  fstat(file->draft_fd, &attributes) == 0 && attributes.st_size == 0;
    if (awaits && !file->given_up_later) {
        node_reference(filesystem, file->node);
        file->given_up_later =
            notice_later(filesystem, clock_ms() + REMOVAL_DELAY_MS, give_up_work, file->node) == 0;
        if (!file->given_up_later) {
            node_release(filesystem, file->node); // Never the last one: the caller has it open.
        }
    }
    return awaits && file->given_up_later;
}

// Whether a draft is not needed any more. One that is scratch, or was renamed to a scratch name a
// moment ago, stays. container.lock is held.
static bool is_ended(const struct file_node *file) {
    return file->draft_fd >= 0 && file->writers == 0 &&
           (file->member.kind != MEMBER_NONE || !file->attached);
}

// The last writer has left: what was stored is shown from the container, what was not is rescued.
// Returns whether the kernel's pages of the file are out of date.
static bool end_draft(struct filesystem *filesystem, struct file_node *file, bool gives_up) {
    struct container *container = file->container;
    bool stale = false;
    pthread_rwlock_wrlock(&file->draft_lock);
    pthread_mutex_lock(&container->lock);
    bool ends = is_ended(file) && (gives_up || !awaits_content(filesystem, file));
    bool hides = false;
    bool stored = file->changes_committed == file->changes;
    bool lost = !stored && (file->attached || file->replaced);
    char *reason = strdup(file->error != NULL ? file->error : "it could not be stored");
    char *path = strdup(file->path);
    pthread_mutex_unlock(&container->lock);
    if (ends && lost) {
        rescue_file(filesystem, file, path != NULL ? path : "unnamed",
                    reason != NULL ? reason : "");
    }
    pthread_mutex_lock(&container->lock);
    if (ends && is_ended(file)) {
        close(file->draft_fd);
        file->draft_fd = -1;
        base_release(filesystem, &file->base);
        file->changes_done = file->changes_committed = file->changes;
        stale = file->stale_pages = true;
        snapshot_release(filesystem, file->snapshot);
        file->snapshot = NULL;
        hides = file->fresh && file->attached && lost;
        if (hides) {
            // What the new file was to replace is shown again.
            hidden_drop(container, file->path);
            file_detach(filesystem, file);
        } else if (file->error == NULL || !file->attached) {
            file_keep(filesystem, file, false);
        }
    }
    pthread_mutex_unlock(&container->lock);
    if (hides && path != NULL) {
        view_tell_path(filesystem, container, path);
    }
    free(path);
    free(reason);
    pthread_rwlock_unlock(&file->draft_lock);
    return stale;
}

// A new member that was closed empty is still so.
static void give_up_work(struct filesystem *filesystem, void *argument) {
    struct node *node = argument;
    struct container *container = NULL;
    if (container_enter(filesystem, node, &container) == 0) {
        pthread_mutex_lock(&container->lock);
        node->file->given_up_later = false;
        pthread_mutex_unlock(&container->lock);
        if (end_draft(filesystem, node->file, true)) {
            notice_node_now(filesystem, node, true);
        }
        container_leave(filesystem, container);
    }
    node_release(filesystem, node);
}

void container_release_handle(struct filesystem *filesystem, struct handle *handle) {
    struct node *node = handle->node;
    struct file_node *file = node->file;
    struct container *container = NULL;
    bool stale = false;
    // A file keeps its container in memory.
    int problem = container_enter(filesystem, node, &container);
    assert(problem == 0);
    (void)problem;
    if (handle->writes) {
        // A mapping may have been written to after the descriptor was closed.
        (void)file_commit(filesystem, file, false);
    }
    pthread_mutex_lock(&container->lock);
    if (handle->writes) {
        file->writers--;
        file->writers_flushed -= handle->flushed ? 1 : 0;
    }
    bool last_writer = handle->writes && file->writers == 0;
    file->settling += last_writer ? 1 : 0;
    pthread_mutex_unlock(&container->lock);
    if (last_writer) {
        stale = end_draft(filesystem, file, false);
    }
    struct snapshot *now = NULL;
    if (stale) {
        (void)container_snapshot(filesystem, container, &now);
    }
    pthread_mutex_lock(&container->lock);
    file->opens--;
    if (stale && file->opens > 0) {
        file_pin(file, now);
    }
    if (file->opens == 0 && file->attached && file->member.kind != MEMBER_NONE) {
        snapshot_release(filesystem, file->snapshot);
        file->snapshot = NULL;
    }
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, now);
    if (stale) {
        notice_node_now(filesystem, node, true);
    }
    pthread_mutex_lock(&container->lock);
    file->settling -= last_writer ? 1 : 0;
    pthread_cond_broadcast(&container->released);
    pthread_mutex_unlock(&container->lock);
    node_release(filesystem, node);
    free(handle);
    container_leave(filesystem, container);
}
