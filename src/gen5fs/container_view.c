// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What a container's directory shows: what its file has, less what is hidden, and with the files
// that are only here.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "descriptors.h"
#include "kernel_notices.h"
#include "key_hash.h"
#include "prefetch.h"
#include "watcher.h"

int container_snapshot(struct filesystem *filesystem, struct container *container,
                       struct snapshot **snapshot) {
    struct node *parent = NULL;
    char *name = NULL;
    int problem = node_container_place(filesystem, container->node, &parent, &name);
    if (problem == 0) {
        problem = snapshot_open(filesystem, parent->fd, name, snapshot);
    }
    node_place_release(filesystem, parent, name);
    return problem;
}

bool file_follows_container(const struct file_node *file) {
    return file->attached && !file->fresh && file->draft_fd < 0 && file->member.kind != MEMBER_NONE;
}

bool file_may_adopt(const struct filesystem *filesystem, const struct file_node *file) {
    return filesystem->opens_files && file->opens == 0;
}

// The state that is held, if it has the version that the file shows.
static struct snapshot *held_version(struct filesystem *filesystem, const struct file_node *file) {
    struct snapshot *held = NULL;
    const int fd = file->container->held_fd;
    if (fd < 0 || snapshot_from_fd(filesystem, fd, &held) != 0) {
        return NULL;
    }
    struct version version = member_version(held, &file->member);
    if (!version.present || !version_equal(&version, &file->version)) {
        snapshot_release(filesystem, held);
        return NULL;
    }
    return held;
}

void view_let_go(struct filesystem *filesystem, struct container *container) {
    if (container->held_fd >= 0) {
        close(container->held_fd);
        container->held_fd = -1;
        descriptors_give_back(filesystem);
    }
}

void view_hold(struct filesystem *filesystem, struct container *container,
               struct snapshot *snapshot) {
    if (filesystem->opens_files ||
        (container->held_fd >= 0 && gen5_identity_equal(&container->held, &snapshot->identity))) {
        return;
    }
    for (struct file_node *file = container->files; file != NULL; file = file->next) {
        struct version version = member_version(snapshot, &file->member);
        if (file->snapshot == NULL && !version_equal(&version, &file->version)) {
            file->snapshot = held_version(filesystem, file);
        }
    }
    view_let_go(filesystem, container);
    // Without a descriptor, who has a file open when it is replaced is told so by ESTALE.
    if (descriptors_grant(filesystem)) {
        container->held_fd = fcntl(snapshot->fd, F_DUPFD_CLOEXEC, 0);
        if (container->held_fd < 0) {
            descriptors_give_back(filesystem);
        }
    }
    container->held = snapshot->identity;
}

int view_version(struct filesystem *filesystem, struct file_node *file, struct snapshot *now,
                 struct snapshot **snapshot) {
    if (now != NULL) {
        view_hold(filesystem, file->container, now);
    }
    if (file->snapshot != NULL) {
        *snapshot = snapshot_reference(file->snapshot);
        return 0;
    }
    struct version version = {.present = false};
    if (now != NULL) {
        version = member_version(now, &file->member);
    }
    if (version.present && version_equal(&version, &file->version)) {
        *snapshot = snapshot_reference(now);
        return 0;
    }
    file->snapshot = held_version(filesystem, file);
    if (file->snapshot == NULL) {
        return ESTALE;
    }
    *snapshot = snapshot_reference(file->snapshot);
    return 0;
}

void file_adopt(struct file_node *file, const struct version *version) {
    file->version = *version;
    file->stale_pages = true;
    file->pages_given = false;
}

int view_find_member(struct filesystem *filesystem, struct container *container,
                     struct snapshot *snapshot, const char *path, const struct member *member,
                     struct file_node **file) {
    struct file_node *found = file_find(container, path);
    if (found != NULL && !node_reference_alive(filesystem, found->node)) {
        found->attached = false; // It is being destroyed.
        found = NULL;
    }
    struct version version = member_version(snapshot, member);
    if (found != NULL && file_follows_container(found) &&
        !version_equal(&version, &found->version)) {
        if (file_may_adopt(filesystem, found) && version.present) {
            file_adopt(found, &version);
        } else {
            file_detach(filesystem, found);
            file_release_later(found);
            found = NULL;
        }
    }
    int problem = 0;
    if (found == NULL) {
        problem = hidden_has(container, path, &version) || !version.present ? ENOENT : 0;
        if (problem == 0) {
            problem = file_new(filesystem, container, path, member, &found);
        }
        if (problem == 0) {
            found->version = version;
            file_stay_if_crowded(filesystem, found, snapshot);
        }
    }
    *file = found;
    return problem;
}

int view_find(struct filesystem *filesystem, struct container *container, struct snapshot *snapshot,
              const char *path, struct file_node **file) {
    struct member member;
    *file = NULL;
    int problem = member_of_path(snapshot, path, &member);
    if (problem == 0) {
        problem = view_find_member(filesystem, container, snapshot, path, &member, file);
    }
    member_release(&member);
    return problem;
}

void view_settle(struct container *container, const struct file_node *file) {
    int64_t until = clock_ms() + SETTLE_MS;
    struct timespec deadline = {until / 1000, (until % 1000) * 1000000};
    while (file->settling > 0 || (file->writers > 0 && file->writers == file->writers_flushed &&
                                  file->changes == file->changes_done)) {
        if (pthread_cond_timedwait(&container->released, &container->lock, &deadline) != 0) {
            return;
        }
    }
}

static int latents_node(struct filesystem *filesystem, struct container *container,
                        struct node **node) {
    if (container->latents != NULL && node_reference_alive(filesystem, container->latents)) {
        *node = container->latents;
        return 0;
    }
    int problem = node_new(filesystem, NODE_LATENTS, container->node,
                           inside_ino(container) | UINT64_C(4) << 21, node);
    if (problem == 0) {
        container->latents = *node;
    }
    return problem;
}

int view_latents(struct filesystem *filesystem, struct container *container,
                 struct snapshot *snapshot, struct node **child, struct stat *attributes) {
    if (snapshot->container == NULL) {
        return ENOENT;
    }
    int problem = latents_node(filesystem, container, child);
    if (problem == 0) {
        view_folder_attributes(filesystem, snapshot, *child, attributes);
    }
    return problem;
}

static int lookup_file(struct filesystem *filesystem, struct container *container,
                       struct snapshot *snapshot, struct node *folder, const char *name,
                       struct node **child, struct stat *attributes) {
    char *path = NULL;
    struct file_node *file = NULL;
    int problem = path_of_name(container, snapshot, folder, name, &path);
    if (problem == 0) {
        problem = view_find(filesystem, container, snapshot, path, &file);
    }
    if (problem == 0) {
        view_settle(container, file);
        problem = view_attributes(snapshot, file, attributes);
        if (problem == 0) {
            *child = file->node;
        }
    }
    free(path);
    return problem;
}

int view_begin(struct filesystem *filesystem, struct node *folder, struct container **container,
               struct snapshot **snapshot) {
    int problem = container_enter(filesystem, folder, container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, *container, snapshot);
    if (problem != 0) {
        container_leave(filesystem, *container);
        return problem;
    }
    prefetch_look(filesystem, (*container)->node, *snapshot);
    pthread_mutex_lock(&(*container)->lock);
    view_hold(filesystem, *container, *snapshot);
    return 0;
}

void view_end(struct filesystem *filesystem, struct container *container,
              struct snapshot *snapshot) {
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, snapshot);
    container_leave(filesystem, container);
}

int container_lookup(struct filesystem *filesystem, struct node *folder, const char *name,
                     pid_t caller, struct node **child, struct stat *attributes) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    int problem = view_begin(filesystem, folder, &container, &snapshot);
    if (problem != 0) {
        return problem;
    }
    if (caller != 0 && fresh_hides(filesystem, container, snapshot, folder, name, caller)) {
        problem = ENOENT;
    } else if (folder->kind == NODE_CONTAINER && strcmp(name, LATENTS_NAME) == 0) {
        problem = view_latents(filesystem, container, snapshot, child, attributes);
    } else {
        problem = lookup_file(filesystem, container, snapshot, folder, name, child, attributes);
    }
    view_end(filesystem, container, snapshot);
    return problem;
}
