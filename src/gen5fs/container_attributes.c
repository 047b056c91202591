// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Attributes of containers and of their files.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"

void container_attributes(struct filesystem *filesystem, struct stat *attributes) {
    mode_t read = attributes->st_mode & (S_IRUSR | S_IRGRP | S_IROTH);
    attributes->st_ino = node_shown_ino(filesystem, attributes);
    attributes->st_mode = S_IFDIR | (attributes->st_mode & 0777) | (read >> 2);
    attributes->st_nlink = 1;
    attributes->st_size = 4096;
    attributes->st_blocks = 0;
    attributes->st_rdev = 0;
}

int view_attributes(const struct snapshot *snapshot, const struct file_node *file,
                    struct stat *attributes) {
    struct stat draft = {0};
    const struct snapshot *shown = file->snapshot != NULL ? file->snapshot : snapshot;
    *attributes =
        (file->attached || file->snapshot == NULL) ? snapshot->attributes : shown->attributes;
    attributes->st_size = (off_t)file->version.size;
    attributes->st_mode = S_IFREG | (attributes->st_mode & 0666);
    if (file->draft_fd >= 0) {
        if (fstat(file->draft_fd, &draft) != 0) {
            return errno;
        }
        attributes->st_size = draft.st_size;
        attributes->st_mtim = draft.st_mtim;
        attributes->st_ctim = draft.st_ctim;
        attributes->st_atim = draft.st_atim;
        if (file->member.kind == MEMBER_NONE) {
            attributes->st_mode = S_IFREG | (draft.st_mode & 0777);
            attributes->st_uid = draft.st_uid;
            attributes->st_gid = draft.st_gid;
        }
    }
    attributes->st_ino = file->node->shown_ino;
    attributes->st_nlink = file->attached ? 1 : 0;
    attributes->st_rdev = 0;
    attributes->st_blocks = (attributes->st_size + 511) / 512;
    return 0;
}

void view_folder_attributes(struct filesystem *filesystem, const struct snapshot *snapshot,
                            const struct node *node, struct stat *attributes) {
    *attributes = snapshot->attributes;
    container_attributes(filesystem, attributes);
    attributes->st_ino = node->shown_ino;
}

int container_getattr(struct filesystem *filesystem, struct node *node, struct stat *attributes) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    int problem = container_enter(filesystem, node, &container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, container, &snapshot);
    pthread_mutex_lock(&container->lock);
    if (problem != 0 && node->kind == NODE_FILE && node->file->snapshot != NULL) {
        // The container is gone; whoever has the file open still has it.
        snapshot = snapshot_reference(node->file->snapshot);
        problem = 0;
    } else if (problem != 0 && node->kind == NODE_FILE && !filesystem->opens_files) {
        problem = view_version(filesystem, node->file, NULL, &snapshot);
    } else if (problem == 0) {
        view_hold(filesystem, container, snapshot);
    }
    if (problem != 0) {
        problem = problem == ENOENT ? ESTALE : problem;
    } else if (node->kind != NODE_FILE) {
        view_folder_attributes(filesystem, snapshot, node, attributes);
    } else {
        struct version version = member_version(snapshot, &node->file->member);
        if (file_follows_container(node->file) && file_may_adopt(filesystem, node->file) &&
            version.present && !version_equal(&version, &node->file->version)) {
            file_adopt(node->file, &version);
        }
        view_settle(container, node->file);
        problem = view_attributes(snapshot, node->file, attributes);
    }
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, snapshot);
    container_leave(filesystem, container);
    return problem;
}

// chmod, chown and utimens act on the container's file, and on a scratch file itself.
static int set_attributes_of(int fd, const struct stat *attributes, int to_set) {
    char link[64];
    int length = snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (length < 0) {
        return EIO;
    }
    if ((to_set & CONTAINER_SET_MODE) != 0 && chmod(link, attributes->st_mode & 0666) != 0) {
        return errno;
    }
    if ((to_set & (CONTAINER_SET_UID | CONTAINER_SET_GID)) != 0) {
        uid_t uid = (to_set & CONTAINER_SET_UID) != 0 ? attributes->st_uid : (uid_t)-1;
        gid_t gid = (to_set & CONTAINER_SET_GID) != 0 ? attributes->st_gid : (gid_t)-1;
        if (chown(link, uid, gid) != 0) {
            return errno;
        }
    }
    if ((to_set & CONTAINER_SET_TIMES) != 0) {
        struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
        if ((to_set & CONTAINER_SET_ATIME) != 0) {
            times[0] = attributes->st_atim;
        }
        if ((to_set & CONTAINER_SET_ATIME_NOW) != 0) {
            times[0].tv_nsec = UTIME_NOW;
        }
        if ((to_set & CONTAINER_SET_MTIME) != 0) {
            times[1] = attributes->st_mtim;
        }
        if ((to_set & CONTAINER_SET_MTIME_NOW) != 0) {
            times[1].tv_nsec = UTIME_NOW;
        }
        if (utimensat(AT_FDCWD, link, times, 0) != 0) {
            return errno;
        }
    }
    return 0;
}

// Times set on what is being written (cp -p, rsync -t) are the draft's until it is stored.
static int set_draft_attributes(struct file_node *file, const struct stat *attributes, int to_set) {
    pthread_rwlock_rdlock(&file->draft_lock);
    int problem = file->draft_fd >= 0 ? set_attributes_of(file->draft_fd, attributes, to_set) : 0;
    pthread_rwlock_unlock(&file->draft_lock);
    return problem;
}

// Whether a file is only here, and its attributes its own.
static bool has_own_attributes(struct file_node *file) {
    pthread_mutex_lock(&file->container->lock);
    bool own = file->member.kind == MEMBER_NONE || file->fresh;
    pthread_mutex_unlock(&file->container->lock);
    return own;
}

int container_source_open(struct filesystem *filesystem, struct container *container, int *fd) {
    struct node *parent = NULL;
    char *name = NULL;
    int problem = node_container_place(filesystem, container->node, &parent, &name);
    if (problem != 0) {
        return problem;
    }
    *fd = openat(parent->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    problem = *fd < 0 ? errno : 0;
    node_place_release(filesystem, parent, name);
    return problem;
}

void container_source_changed(struct filesystem *filesystem, struct container *container) {
    struct snapshot *now = NULL;
    if (container_snapshot(filesystem, container, &now) == 0) {
        view_update(filesystem, container, now);
        snapshot_release(filesystem, now);
    }
}

static int set_container_attributes(struct filesystem *filesystem, struct container *container,
                                    const struct stat *attributes, int to_set) {
    int fd = -1;
    int problem = container_source_open(filesystem, container, &fd);
    if (problem != 0) {
        return problem;
    }
    problem = set_attributes_of(fd, attributes, to_set);
    close(fd);
    if (problem == 0) {
        container_source_changed(filesystem, container);
    }
    return problem;
}

int container_setattr(struct filesystem *filesystem, struct node *node, struct handle *handle,
                      struct stat *attributes, int to_set) {
    struct container *container = NULL;
    int problem = container_enter(filesystem, node, &container);
    if (problem != 0) {
        return problem;
    }
    if ((to_set & CONTAINER_SET_SIZE) != 0) {
        problem = node->kind != NODE_FILE
                      ? EISDIR
                      : file_set_size(filesystem, node->file, handle, attributes->st_size);
    }
    const int others =
        CONTAINER_SET_MODE | CONTAINER_SET_UID | CONTAINER_SET_GID | CONTAINER_SET_TIMES;
    if (problem == 0 && (to_set & others) != 0) {
        if (node->kind == NODE_FILE) {
            problem = set_draft_attributes(node->file, attributes, to_set);
        }
        if (problem == 0 && !(node->kind == NODE_FILE && has_own_attributes(node->file))) {
            problem = set_container_attributes(filesystem, container, attributes, to_set);
        }
    }
    if (problem == 0) {
        problem = container_getattr(filesystem, node, attributes);
    }
    container_leave(filesystem, container);
    return problem;
}
