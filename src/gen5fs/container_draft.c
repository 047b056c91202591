// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Drafts: what is being written, in an unnamed file of the source's own file system, so that a
// payload can go from draft to container without a copy, and so that it goes away with the daemon.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "access_list.h"
#include "container.h"

int draft_new(struct filesystem *filesystem, struct container *container) {
    struct node *parent = NULL;
    char *name = NULL;
    int problem = node_container_place(filesystem, container->node, &parent, &name);
    int folder_fd = problem == 0 ? parent->fd : filesystem->source_fd;
    int fd = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        // No unnamed files on this file system; in memory it is then, at the price of a copy.
        fd = memfd_create("gen5fs-draft", MFD_CLOEXEC);
        if (fd >= 0) {
            (void)fchmod(fd, 0600); // As the other; a rescued draft keeps it.
        }
    }
    problem = fd < 0 ? errno : 0;
    if (fd >= 0) {
        // What a container's directory shows has no list from the folder that it is in.
        (void)fremovexattr(fd, ACCESS_LIST_NAME);
    }
    node_place_release(filesystem, parent, name);
    return problem != 0 ? -problem : fd;
}

int draft_belongs_to(const struct filesystem *filesystem, int fd, uid_t uid, gid_t gid,
                     mode_t mode) {
    if (filesystem->daemon_uid == 0 && fchown(fd, uid, gid) != 0) {
        return errno;
    }
    return fchmod(fd, mode) != 0 ? errno : 0;
}

// Write a member's whole content to the start of an empty file.
static int content_copy(struct filesystem *filesystem, struct snapshot *snapshot,
                        const struct member *member, int fd, struct gen5_error *error) {
    struct content content;
    if (!member_content(snapshot, member, &content)) {
        return EIO;
    }
    if (content.record != NULL && content.record->damage != NULL) {
        gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)content.record->offset, "%s",
                       content.record->damage);
        return EIO;
    }
    const struct gen5_source head = gen5_source_from_memory(content.head, content.head_size);
    int problem = gen5_source_copy(&head, fd, 0, error) == GEN5_OK ? 0 : gen5_error_errno(error);
    if (problem == 0 && content.record != NULL) {
        problem = snapshot_copy(filesystem, snapshot, content.record, fd, content.head_size, error);
    }
    return problem;
}

int draft_make(struct filesystem *filesystem, struct file_node *file, bool empty,
               struct gen5_error *error) {
    if (file->draft_fd >= 0) {
        return empty && ftruncate(file->draft_fd, 0) != 0 ? errno : 0;
    }
    int fd = draft_new(filesystem, file->container);
    if (fd < 0) {
        return -fd;
    }
    struct member origin;
    pthread_mutex_lock(&file->container->lock);
    struct snapshot *snapshot = file->snapshot != NULL ? snapshot_reference(file->snapshot) : NULL;
    int problem = member_copy(&origin, &file->origin);
    bool scratch = file->member.kind == MEMBER_NONE;
    pthread_mutex_unlock(&file->container->lock);
    if (problem == 0 && scratch && snapshot != NULL) {
        // A member that was renamed away has been the container's owner's.
        const struct stat *shown = &snapshot->attributes;
        problem =
            draft_belongs_to(filesystem, fd, shown->st_uid, shown->st_gid, shown->st_mode & 0666);
    }
    if (problem == 0 && !empty && snapshot != NULL) {
        problem = content_copy(filesystem, snapshot, &origin, fd, error);
    }
    member_release(&origin);
    snapshot_release(filesystem, snapshot);
    if (problem != 0) {
        close(fd);
        return problem;
    }
    pthread_mutex_lock(&file->container->lock);
    file->draft_fd = fd;
    if (file->snapshot != NULL && !file->fresh && file->member.kind != MEMBER_NONE) {
        file_set_base(filesystem, file, file->snapshot);
    }
    file_keep(filesystem, file, true);
    pthread_mutex_unlock(&file->container->lock);
    return 0;
}

void draft_drop(struct file_node *file) {
    pthread_mutex_lock(&file->container->lock);
    if (file->draft_fd >= 0) {
        close(file->draft_fd);
        file->draft_fd = -1;
    }
    pthread_mutex_unlock(&file->container->lock);
}
