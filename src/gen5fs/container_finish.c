// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What is left to do with containers when the mount ends, and what `gen5fs status` says of them
// meanwhile.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "plain_text.h"
#include "rescue.h"

// Whether a file that is still here at the end has bytes that the container has not, and why. The
// caller frees the reason. commit_lock is held.
static bool is_lost(struct filesystem *filesystem, struct file_node *file, char **reason) {
    struct container *container = file->container;
    struct snapshot *now = NULL;
    (void)container_snapshot(filesystem, container, &now);
    pthread_mutex_lock(&container->lock);
    bool scratch = file->attached && file->member.kind == MEMBER_NONE;
    bool draft = (file->attached || file->replaced) && file->draft_fd >= 0;
    bool lost = scratch || (draft && file->changes_committed != file->changes);
    // The copy that a program made by renaming a member away is only of use where that was
    // replaced.
    if (scratch && !draft && file->origin.kind != MEMBER_NONE && file->snapshot != NULL &&
        now != NULL) {
        struct version version = member_version(now, &file->origin);
        lost = !version_equal(&version, &file->version);
    }
    *reason = strdup(scratch               ? "a scratch file that was there when the mount ended"
                     : file->error != NULL ? file->error
                                           : "it could not be stored");
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, now);
    return lost;
}

// One file that is still here at the end: stored if it can be, else kept aside.
static void finish_file(struct filesystem *filesystem, struct file_node *file, const char *path) {
    struct container *container = file->container;
    struct gen5_error error = GEN5_ERROR_NONE;
    char *reason = NULL;
    (void)file_commit(filesystem, file, true);
    pthread_mutex_lock(&container->commit_lock);
    pthread_rwlock_wrlock(&file->draft_lock);
    if (is_lost(filesystem, file, &reason) && draft_make(filesystem, file, false, &error) == 0) {
        struct stat attributes;
        if (fstat(file->draft_fd, &attributes) == 0 && attributes.st_size > 0) {
            (void)rescue_draft(filesystem, path, file->path, file->draft_fd,
                               reason != NULL ? reason : "");
        }
        if (file->fresh && file->attached) {
            // What the new file was to replace is not removed either.
            pthread_mutex_lock(&container->lock);
            hidden_drop(container, file->path);
            pthread_mutex_unlock(&container->lock);
        }
    }
    draft_drop(file);
    pthread_rwlock_unlock(&file->draft_lock);
    pthread_mutex_unlock(&container->commit_lock);
    free(reason);
}

static struct file_node *next_kept(struct filesystem *filesystem, struct container *container) {
    for (struct file_node *file = container->files; file != NULL; file = file->next) {
        if (file->kept && node_reference_alive(filesystem, file->node)) {
            return file;
        }
    }
    return NULL;
}

static void finish_container(struct filesystem *filesystem, struct container *container) {
    char *path = container_path(filesystem, container);
    pthread_mutex_lock(&container->lock);
    struct file_node *file;
    while ((file = next_kept(filesystem, container)) != NULL) {
        pthread_mutex_unlock(&container->lock);
        finish_file(filesystem, file, path != NULL ? path : "unnamed");
        pthread_mutex_lock(&container->lock);
        file_detach(filesystem, file);
        pthread_mutex_unlock(&container->lock);
        node_release(filesystem, file->node);
        pthread_mutex_lock(&container->lock);
    }
    pthread_mutex_unlock(&container->lock);
    pthread_mutex_lock(&container->commit_lock);
    pthread_mutex_lock(&container->lock);
    fresh_end(container);
    pthread_mutex_unlock(&container->lock);
    pthread_mutex_unlock(&container->commit_lock);
    removals_commit(filesystem, container, true);
    free(path);
}

void container_finish_all(struct filesystem *filesystem) {
    struct node **nodes = NULL;
    size_t count = 0;
    (void)node_list_containers(filesystem, NULL, &nodes, &count);
    for (size_t i = 0; i < count; i++) {
        struct container *container = NULL;
        if (container_enter(filesystem, nodes[i], &container) == 0) {
            finish_container(filesystem, container);
            container_leave(filesystem, container);
        }
        node_release(filesystem, nodes[i]);
    }
    free(nodes);
}

static void report_file(FILE *out, const char *state, const char *container,
                        const struct file_node *file) {
    fprintf(out, "%s: ", state);
    plain_text_print(out, container != NULL ? container : "?");
    fputc('/', out);
    plain_text_print(out, file->path);
}

static void report_container(struct filesystem *filesystem, struct container *container,
                             FILE *out) {
    char *path = container_path(filesystem, container);
    pthread_mutex_lock(&container->lock);
    for (const struct file_node *file = container->files; file != NULL; file = file->next) {
        if (!file->attached && !file->replaced) {
            continue;
        }
        if (file->draft_fd >= 0 && file->changes != file->changes_committed) {
            report_file(out, "dirty", path, file);
            fputc('\n', out);
        }
        if (file->error_number != 0) {
            report_file(out, "failed", path, file);
            fputs(": ", out);
            plain_text_print(out, file->error != NULL ? file->error : "");
            fputc('\n', out);
        }
    }
    pthread_mutex_unlock(&container->lock);
    free(path);
}

void container_report(struct filesystem *filesystem, FILE *out) {
    struct node **nodes = NULL;
    size_t count = 0;
    (void)node_list_containers(filesystem, NULL, &nodes, &count);
    for (size_t i = 0; i < count; i++) {
        struct container *container = NULL;
        pthread_mutex_lock(&filesystem->nodes.lock);
        bool inside = nodes[i]->container != NULL;
        pthread_mutex_unlock(&filesystem->nodes.lock);
        if (inside && container_enter(filesystem, nodes[i], &container) == 0) {
            report_container(filesystem, container, out);
            container_leave(filesystem, container);
        }
        node_release(filesystem, nodes[i]);
    }
    free(nodes);
}
