// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Open files of a container. What a descriptor writes goes to the file's draft, which all
// descriptors share; a close or fsync commits it, and the last close ends it (DESIGN.md 2.2 rules 2
// to 4).
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "kernel_notices.h"
#include "prefetch.h"
#include "rescue.h"

// A file of so many bytes is given to the kernel when it is opened first.
enum { GIVEN_SIZE_MAX = 96 * 1024 };

static struct handle *handle_new(struct filesystem *filesystem, struct file_node *file, int flags,
                                 pid_t pid) {
    struct handle *handle = calloc(1, sizeof *handle);
    if (handle != NULL) {
        handle->kind = HANDLE_FILE;
        handle->node = file->node;
        handle->flags = flags;
        handle->fd = -1;
        handle->opener = pid;
        handle->writes = (flags & O_ACCMODE) != O_RDONLY;
        node_reference(filesystem, file->node);
    }
    return handle;
}

void file_pin(struct file_node *file, struct snapshot *snapshot) {
    if (file->snapshot == NULL && file->member.kind != MEMBER_NONE && snapshot != NULL) {
        file->snapshot = snapshot_reference(snapshot);
        struct version version = member_version(snapshot, &file->member);
        if (!file->fresh && file->draft_fd < 0 && version.present &&
            !version_equal(&version, &file->version)) {
            file->version = version;
            file->stale_pages = true;
            file->pages_given = false;
        }
    }
}

// Keep why a state of the container could not be read: `snapshot`, or NULL for the one that is held
// while the file is open. Returns whether that is news.
static bool explain(struct file_node *file, const struct snapshot *snapshot, int problem,
                    const struct gen5_error *error) {
    const char *why = error->status != GEN5_OK ? error->message : strerror(problem);
    pthread_mutex_lock(&file->container->lock);
    bool news = file->error == NULL || strcmp(file->error, why) != 0;
    snapshot = snapshot != NULL ? snapshot : file->snapshot;
    if (snapshot != NULL) {
        file_set_read_error(file, problem, why, snapshot);
    } else {
        file_set_error(file, problem, why);
    }
    pthread_mutex_unlock(&file->container->lock);
    return news;
}

// Read a member of a snapshot. What is damaged says why in its attribute and, once, in the log.
static int read_member(struct filesystem *filesystem, struct file_node *file,
                       struct snapshot *snapshot, const struct member *member, char *buffer,
                       size_t size, off_t offset, size_t *got) {
    struct gen5_error error = GEN5_ERROR_NONE;
    int problem =
        content_read(filesystem, snapshot, member, buffer, size, (uint64_t)offset, got, &error);
    if (problem != 0 && explain(file, snapshot, problem, &error)) {
        file_note(filesystem, file, "cannot be read", error.message);
    }
    return problem;
}

// Whether the container is one without the member by now, of which the kernel is yet to be told.
static bool has_left(const struct file_node *file, const struct snapshot *snapshot) {
    return file->snapshot == NULL && snapshot != NULL && file->draft_fd < 0 && !file->fresh &&
           file->member.kind != MEMBER_NONE && !member_version(snapshot, &file->member).present;
}

static int open_file(struct filesystem *filesystem, struct file_node *file, int flags, pid_t pid,
                     struct handle **handle, bool *keep_cache) {
    struct container *container = file->container;
    struct snapshot *snapshot = NULL;
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    pthread_mutex_lock(&container->lock);
    view_settle(container, file);
    pthread_mutex_unlock(&container->lock);
    (void)container_snapshot(filesystem, container, &snapshot);
    *handle = handle_new(filesystem, file, flags, pid);
    int problem = *handle == NULL ? ENOMEM : 0;
    pthread_mutex_lock(&container->lock);
    while (writes && file->giving) {
        pthread_cond_wait(&container->released, &container->lock);
    }
    if (problem == 0 && snapshot == NULL && file->snapshot == NULL && file->draft_fd < 0) {
        problem = ESTALE;
    }
    if (problem == 0 && (!file->attached || has_left(file, snapshot))) {
        problem = ESTALE; // The kernel came by a name that leads elsewhere now; it looks again.
    }
    if (problem == 0 && writes && file->member.kind == MEMBER_NOTICE) {
        problem = EACCES;
    }
    if (problem == 0) {
        file_pin(file, snapshot);
        file->opens++;
        file->writers += writes ? 1 : 0;
        *keep_cache = !file->stale_pages;
        file->stale_pages = false;
    }
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, snapshot);
    if (problem != 0 && *handle != NULL) {
        node_release(filesystem, file->node);
        free(*handle);
        *handle = NULL;
    }
    return problem;
}

static void count_change(struct file_node *file, struct handle *handle) {
    struct container *container = file->container;
    pthread_mutex_lock(&container->lock);
    file->changes++;
    if (handle != NULL && handle->flushed) {
        handle->flushed = false;
        file->writers_flushed--;
    }
    pthread_mutex_unlock(&container->lock);
}

// Make sure there is a draft. Leaves draft_lock held, shared, on success.
static int draft_ready(struct filesystem *filesystem, struct file_node *file) {
    struct gen5_error error = GEN5_ERROR_NONE;
    for (;;) {
        pthread_rwlock_rdlock(&file->draft_lock);
        if (file->draft_fd >= 0) {
            return 0;
        }
        pthread_rwlock_unlock(&file->draft_lock);
        pthread_rwlock_wrlock(&file->draft_lock);
        int problem = draft_make(filesystem, file, false, &error);
        pthread_rwlock_unlock(&file->draft_lock);
        if (problem != 0) {
            (void)explain(file, NULL, problem, &error);
            return problem;
        }
    }
}

static int truncate_draft(struct filesystem *filesystem, struct file_node *file,
                          struct handle *handle, off_t size) {
    int problem = 0;
    if (size == 0) {
        struct gen5_error error = GEN5_ERROR_NONE;
        pthread_rwlock_wrlock(&file->draft_lock);
        problem = draft_make(filesystem, file, true, &error);
        pthread_rwlock_unlock(&file->draft_lock);
    } else {
        problem = draft_ready(filesystem, file);
        if (problem == 0) {
            problem = ftruncate(file->draft_fd, size) != 0 ? errno : 0;
            pthread_rwlock_unlock(&file->draft_lock);
        }
    }
    if (problem == 0) {
        count_change(file, handle);
    }
    return problem;
}

// Whether a small file that is opened for reading is given to the kernel with the answer, which
// saves the request for it. Only where nobody else has it open, and nobody else who wants to write
// opens it until that is done: what somebody writes must not be overwritten in the kernel's memory
// by what was there before. And once a version: what the kernel has forgotten since it asks for.
static bool gives_content(struct file_node *file, const struct handle *handle) {
    pthread_mutex_lock(&file->container->lock);
    bool gives = !handle->writes && !file->pages_given && file->opens == 1 && file->draft_fd < 0 &&
                 file->member.kind != MEMBER_NONE && file->version.size <= GIVEN_SIZE_MAX;
    file->pages_given = true;
    file->giving = gives;
    pthread_mutex_unlock(&file->container->lock);
    return gives;
}

static void give_content(struct filesystem *filesystem, struct handle *handle) {
    struct file_node *file = handle->node->file;
    char *content = malloc(GIVEN_SIZE_MAX);
    size_t size = 0;
    // What cannot be read says so when it is asked for.
    if (content != NULL &&
        container_read(filesystem, handle, content, GIVEN_SIZE_MAX, 0, &size) == 0 && size > 0) {
        notice_content(filesystem, handle->node, content, size);
    }
    free(content);
    pthread_mutex_lock(&file->container->lock);
    file->giving = false;
    pthread_cond_broadcast(&file->container->released);
    pthread_mutex_unlock(&file->container->lock);
}

int container_open(struct filesystem *filesystem, struct node *node, int flags, pid_t pid,
                   struct handle **handle, bool *keep_cache) {
    struct container *container = NULL;
    int problem = container_enter(filesystem, node, &container);
    if (problem != 0) {
        return problem;
    }
    problem = open_file(filesystem, node->file, flags, pid, handle, keep_cache);
    if (problem == 0 && !*keep_cache) {
        // The kernel drops old pages when it is told to at an open, but not an old size. That may
        // have come with the answer to a look-up that a save has overtaken.
        notice_node_now(filesystem, node, false);
    }
    if (problem == 0 && *keep_cache && gives_content(node->file, *handle)) {
        give_content(filesystem, *handle);
    }
    if (problem == 0 && (flags & O_TRUNC) != 0 && (*handle)->writes) {
        problem = truncate_draft(filesystem, node->file, *handle, 0);
        if (problem != 0) {
            container_release_handle(filesystem, *handle);
            *handle = NULL;
        }
    }
    container_leave(filesystem, container);
    return problem;
}

// The path of a name that is to be made. In a container that is being filled, a new latent.npy is
// another file than the first latent that is there.
static int path_to_make(struct container *container, const struct snapshot *snapshot,
                        const struct node *folder, const char *name, int flags, char **path) {
    if ((flags & O_EXCL) == 0 || folder->kind != NODE_CONTAINER || strcmp(name, LATENT_NAME) != 0 ||
        !fresh_is(container)) {
        return path_of_name(container, snapshot, folder, name, path);
    }
    *path = strdup(PLACEHOLDER_PATH);
    return *path == NULL ? ENOMEM : 0;
}

// A file that is not there yet: a new member, or scratch. container.lock is held.
static int make_file(struct filesystem *filesystem, struct container *container,
                     struct snapshot *snapshot, const char *path, struct file_node **file) {
    struct member member;
    int problem = member_of_path(snapshot, path, &member);
    if (problem == 0 && member.kind == MEMBER_NONE) {
        (void)fresh_member(filesystem, container, path, &member);
    }
    if (problem == 0) {
        problem = file_new(filesystem, container, path, &member, file);
    }
    if (problem == 0) {
        (*file)->fresh = member.kind != MEMBER_NONE;
        (*file)->version = member_version(snapshot, &member);
        file_stay_if_crowded(filesystem, *file, snapshot);
        file_set_base(filesystem, *file, snapshot);
        file_keep(filesystem, *file, true);
    }
    member_release(&member);
    return problem;
}

// The file to create, found or made, with a node reference, and whether one that was found is to be
// emptied. EEXIST by O_EXCL. container.lock is held.
static int find_or_make(struct filesystem *filesystem, struct container *container,
                        struct snapshot *snapshot, struct node *folder, const char *name, int flags,
                        struct file_node **file, bool *made, bool *empties) {
    char *path = NULL;
    int problem = path_to_make(container, snapshot, folder, name, flags, &path);
    if (problem == 0) {
        problem = view_find(filesystem, container, snapshot, path, file);
        *made = problem == ENOENT;
        *empties = (flags & O_TRUNC) != 0;
        if (*made) {
            problem = make_file(filesystem, container, snapshot, path, file);
        } else if (problem == 0 && (flags & O_EXCL) != 0) {
            problem = fresh_gives_way(container, snapshot, path) ? 0 : EEXIST;
            container->fresh_first = container->fresh_first && folder->kind != NODE_LATENTS;
            *empties = true;
        }
    }
    free(path);
    return problem;
}

// A new member that nobody writes to is an empty one, which its check will have to refuse. It
// belongs to who made it.
static int begin_new(struct filesystem *filesystem, struct file_node *file, mode_t mode,
                     const struct caller *caller, struct handle *handle) {
    int problem = truncate_draft(filesystem, file, handle, 0);
    if (problem == 0) {
        problem = draft_ready(filesystem, file);
    }
    if (problem == 0) {
        problem =
            draft_belongs_to(filesystem, file->draft_fd, caller->uid, caller->gid, mode & 0777);
        pthread_rwlock_unlock(&file->draft_lock);
    }
    return problem;
}

// A file that could not be created leaves no trace, and what a new one was to replace is shown
// again. `handle` is NULL where the file could not be opened.
static void create_undo(struct filesystem *filesystem, struct file_node *file, bool made,
                        struct handle *handle) {
    struct container *container = file->container;
    pthread_mutex_lock(&container->lock);
    // Somebody else may have opened it meanwhile.
    if (made && file->attached && file->opens == (handle != NULL ? 1 : 0)) {
        hidden_drop(container, file->path);
        file_detach(filesystem, file);
    }
    pthread_mutex_unlock(&container->lock);
    if (handle != NULL) {
        container_release_handle(filesystem, handle);
    }
    node_release(filesystem, file->node);
}

int container_create(struct filesystem *filesystem, struct node *folder, const char *name,
                     mode_t mode, int flags, const struct caller *caller, struct node **child,
                     struct stat *attributes, struct handle **handle) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    struct file_node *file = NULL;
    char *path = NULL; // of one that was made
    bool keep_cache = true;
    bool made = false;
    bool empties = false;
    *handle = NULL;
    int problem = container_enter(filesystem, folder, &container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, container, &snapshot);
    if (problem == 0) {
        pthread_mutex_lock(&container->lock);
        problem = find_or_make(filesystem, container, snapshot, folder, name, flags, &file, &made,
                               &empties);
        pthread_mutex_unlock(&container->lock);
    }
    if (problem == 0) {
        problem = open_file(filesystem, file, flags, caller->pid, handle, &keep_cache);
    }
    if (problem == 0 && made) {
        problem = begin_new(filesystem, file, mode, caller, *handle);
    } else if (problem == 0 && empties) {
        problem = truncate_draft(filesystem, file, *handle, 0);
    }
    if (problem == 0) {
        pthread_mutex_lock(&container->lock);
        problem = view_attributes(snapshot, file, attributes);
        path = made ? strdup(file->path) : NULL;
        pthread_mutex_unlock(&container->lock);
    }
    if (problem == 0) {
        *child = file->node;
    } else if (file != NULL) {
        create_undo(filesystem, file, made, *handle);
        *handle = NULL;
    }
    if (path != NULL) {
        view_tell_latent(filesystem, container, path);
    }
    free(path);
    snapshot_release(filesystem, snapshot);
    container_leave(filesystem, container);
    return problem;
}

// What a descriptor reads that has no draft: which member of which snapshot. The caller releases
// both.
static int content_pinned(struct filesystem *filesystem, struct file_node *file,
                          struct snapshot **snapshot, struct member *origin) {
    struct container *container = file->container;
    struct snapshot *now = NULL;
    pthread_mutex_lock(&container->lock);
    if (file->snapshot == NULL) {
        pthread_mutex_unlock(&container->lock);
        // A save ended a moment ago: what the container is now is what the file shows.
        int missing = container_snapshot(filesystem, container, &now);
        if (missing != 0) {
            return missing == ENOENT ? ESTALE : missing;
        }
        pthread_mutex_lock(&container->lock);
        file_pin(file, now);
    }
    *snapshot = snapshot_reference(file->snapshot != NULL ? file->snapshot : now);
    int problem = member_copy(origin, &file->origin);
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, now);
    if (problem != 0) {
        snapshot_release(filesystem, *snapshot);
    }
    return problem;
}

// The same where the kernel opens no files: what the node stands for.
static int content_of_node(struct filesystem *filesystem, struct file_node *file,
                           struct snapshot **snapshot, struct member *member) {
    struct container *container = file->container;
    struct snapshot *now = NULL;
    (void)container_snapshot(filesystem, container, &now);
    pthread_mutex_lock(&container->lock);
    int problem = view_version(filesystem, file, now, snapshot);
    if (problem == 0) {
        problem = member_copy(member, &file->member);
        if (problem != 0) {
            snapshot_release(filesystem, *snapshot);
        }
    }
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, now);
    return problem;
}

int container_read(struct filesystem *filesystem, struct handle *handle, char *buffer, size_t size,
                   off_t offset, size_t *got) {
    struct file_node *file = handle->node->file;
    *got = 0;
    pthread_rwlock_rdlock(&file->draft_lock);
    if (file->draft_fd >= 0) {
        ssize_t read = pread(file->draft_fd, buffer, size, offset);
        int problem = read < 0 ? errno : 0;
        pthread_rwlock_unlock(&file->draft_lock);
        *got = read > 0 ? (size_t)read : 0;
        return problem;
    }
    pthread_rwlock_unlock(&file->draft_lock);
    struct snapshot *snapshot = NULL;
    struct member origin;
    int problem = filesystem->opens_files ? content_pinned(filesystem, file, &snapshot, &origin)
                                          : content_of_node(filesystem, file, &snapshot, &origin);
    if (problem != 0) {
        return problem;
    }
    prefetch_hint(filesystem, file->container->node, &origin);
    problem = read_member(filesystem, file, snapshot, &origin, buffer, size, offset, got);
    member_release(&origin);
    snapshot_release(filesystem, snapshot);
    return problem;
}

int container_write(struct filesystem *filesystem, struct handle *handle, const char *buffer,
                    size_t size, off_t offset, size_t *written) {
    struct file_node *file = handle->node->file;
    *written = 0;
    int problem = draft_ready(filesystem, file);
    if (problem != 0) {
        return problem;
    }
    while (problem == 0 && *written < size) {
        ssize_t wrote =
            pwrite(file->draft_fd, buffer + *written, size - *written, offset + (off_t)*written);
        if (wrote < 0 && errno != EINTR) {
            problem = errno;
        }
        *written += wrote > 0 ? (size_t)wrote : 0;
    }
    pthread_rwlock_unlock(&file->draft_lock);
    if (*written > 0) {
        count_change(file, handle);
    }
    return *written > 0 ? 0 : problem;
}

static void mark_flushed(struct file_node *file, struct handle *handle) {
    pthread_mutex_lock(&file->container->lock);
    if (handle->writes && !handle->flushed) {
        handle->flushed = true;
        file->writers_flushed++;
    }
    pthread_mutex_unlock(&file->container->lock);
}

int container_flush(struct filesystem *filesystem, struct handle *handle, pid_t pid) {
    (void)pid;
    if (!handle->writes) {
        return 0;
    }
    int problem = file_commit(filesystem, handle->node->file, true);
    mark_flushed(handle->node->file, handle);
    return problem;
}

static int sync_folder(struct filesystem *filesystem, struct node *container,
                       struct gen5_error *error) {
    struct node *parent = NULL;
    char *name = NULL;
    int problem = node_container_place(filesystem, container, &parent, &name);
    if (problem == ESTALE) {
        return 0; // It was removed.
    }
    if (problem != 0) {
        gen5_error_set_system(error, problem, "cannot sync the folder");
    } else if (gen5_folder_sync(parent->fd, error) != GEN5_OK) {
        problem = gen5_error_errno(error);
    }
    node_place_release(filesystem, parent, name);
    return problem;
}

int container_sync_folder(struct filesystem *filesystem, struct node *folder) {
    struct gen5_error error = GEN5_ERROR_NONE;
    return sync_folder(filesystem, folder->kind == NODE_LATENTS ? folder->parent : folder, &error);
}

int container_fsync(struct filesystem *filesystem, struct handle *handle) {
    struct file_node *file = handle->node->file;
    struct gen5_error error = GEN5_ERROR_NONE;
    int problem = file_commit(filesystem, file, true);
    if (problem != 0) {
        return problem;
    }
    // Not a part of the commit: an earlier close may have made that, and when the folder cannot be
    // synced what was written is stored nevertheless. The next fsync tries again.
    problem = sync_folder(filesystem, file->container->node, &error);
    if (problem != 0) {
        container_note(filesystem, file->container, file->path,
                       "is stored, but may not survive a power cut", error.message);
    }
    return problem;
}

int container_fallocate(struct filesystem *filesystem, struct handle *handle, int mode,
                        off_t offset, off_t length) {
    struct file_node *file = handle->node->file;
    int problem = draft_ready(filesystem, file);
    if (problem == 0) {
        problem = fallocate(file->draft_fd, mode, offset, length) != 0 ? errno : 0;
        pthread_rwlock_unlock(&file->draft_lock);
    }
    if (problem == 0) {
        count_change(file, handle);
    }
    return problem;
}

int container_lseek(struct filesystem *filesystem, struct handle *handle, off_t offset, int whence,
                    off_t *found) {
    struct stat attributes;
    int problem = container_getattr(filesystem, handle->node, &attributes);
    if (problem != 0) {
        return problem;
    }
    // A member is data from its start to its end, and behind that is the one hole.
    if (offset < 0 || offset >= attributes.st_size) {
        return ENXIO;
    }
    *found = whence == SEEK_HOLE ? attributes.st_size : offset;
    return 0;
}

int file_set_size(struct filesystem *filesystem, struct file_node *file, struct handle *handle,
                  off_t size) {
    bool keep_cache = true;
    struct handle *own = NULL;
    if (handle == NULL) {
        // truncate(2) by path is a write session of its own.
        int problem = open_file(filesystem, file, O_WRONLY, 0, &own, &keep_cache);
        if (problem != 0) {
            return problem;
        }
    }
    int problem = truncate_draft(filesystem, file, own != NULL ? own : handle, size);
    if (own != NULL) {
        pthread_mutex_lock(&file->container->lock);
        bool alone = file->writers == 1;
        pthread_mutex_unlock(&file->container->lock);
        if (problem == 0 && alone) {
            problem = container_flush(filesystem, own, 0);
        }
        container_release_handle(filesystem, own);
    }
    return problem;
}
