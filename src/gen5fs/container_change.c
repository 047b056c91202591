// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One change of a container's file: lock it against other writers, look what it is now, repack,
// replace (DESIGN.md 2.2 rules 2 and 10).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "container.h"

enum { LOCK_WAIT_MS = 30000, LOCK_POLL_MS = 5, CHANGE_WAIT_MS = 10000 };

static const char BEING_WRITTEN[] = "another program keeps the container open for writing";

// A container's file, opened and locked.
struct locked_file {
    int folder_fd; // of the folder, for reading, so that it can be synced
    char *name;
    int fd;
    struct stat attributes;
};

static void locked_file_close(struct locked_file *file) {
    if (file->fd >= 0) {
        // Unlocked by itself: a snapshot that was made of the descriptor shares its lock.
        (void)flock(file->fd, LOCK_UN);
        close(file->fd);
    }
    if (file->folder_fd >= 0) {
        close(file->folder_fd);
    }
    free(file->name);
}

// Where the file system has no locks, identity alone is checked again before the rename.
static int lock_patiently(int fd, struct gen5_error *error) {
    int64_t deadline = clock_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EOPNOTSUPP || errno == ENOLCK || errno == EINVAL || errno == ENOSYS) {
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int problem = errno;
            gen5_error_set_system(error, problem, "cannot lock the container");
            return problem;
        }
        if (clock_ms() > deadline) {
            gen5_error_set_system(error, EBUSY, "another program keeps the container locked");
            return EBUSY;
        }
        nanosleep(&(struct timespec){0, LOCK_POLL_MS * 1000000L}, NULL);
    }
    return 0;
}

// Whether another program has the file open for writing, and may not be done: the kernel gives no
// lease then. Where it cannot tell (others' files, network file systems) it is taken for no.
static bool is_being_written(int fd) {
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
        return errno == EAGAIN;
    }
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

static int locked_file_open(struct filesystem *filesystem, struct container *container,
                            struct locked_file *file, struct gen5_error *error) {
    struct node *parent = NULL;
    *file = (struct locked_file){.folder_fd = -1, .fd = -1};
    int problem = node_container_place(filesystem, container->node, &parent, &file->name);
    if (problem == 0) {
        file->folder_fd = openat(parent->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        problem = file->folder_fd < 0 ? errno : 0;
    }
    node_place_release(filesystem, parent, NULL);
    while (problem == 0) {
        struct stat named = {0};
        file->fd =
            openat(file->folder_fd, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (file->fd < 0) {
            problem = errno;
            break;
        }
        problem = lock_patiently(file->fd, error);
        if (problem == 0 &&
            (fstat(file->fd, &file->attributes) != 0 ||
             fstatat(file->folder_fd, file->name, &named, AT_SYMLINK_NOFOLLOW) != 0)) {
            problem = errno;
        }
        if (problem != 0 ||
            (named.st_ino == file->attributes.st_ino && named.st_dev == file->attributes.st_dev)) {
            break;
        }
        // Another writer replaced the file while we waited for the lock on the old one.
        close(file->fd);
        file->fd = -1;
    }
    if (problem != 0) {
        if (error->status == GEN5_OK) {
            gen5_error_set_system(error, problem, "cannot open the container");
        }
        locked_file_close(file);
    }
    return problem;
}

int change_refused(struct gen5_error *error) {
    gen5_error_set(error, GEN5_ERROR_CHANGED, GEN5_OFFSET_NONE,
                   "another program changed the same member in the meantime");
    return ESTALE;
}

static int check_conditions(const struct snapshot *snapshot, const struct condition *conditions,
                            size_t count, struct gen5_error *error) {
    int problem = 0;
    for (size_t i = 0; i < count && problem == 0; i++) {
        problem = base_check(conditions[i].base, conditions[i].member, snapshot, error);
    }
    return problem;
}

// Write the new file beside the old one and put it in its place. EAGAIN where the old one has
// changed.
static int replace_file(struct filesystem *filesystem, const struct container *container,
                        const struct locked_file *file, const struct snapshot *before,
                        const struct gen5_edit *edits, size_t edit_count,
                        struct gen5_error *error) {
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    struct stat committed;
    enum gen5_status status =
        gen5_replacement_begin(&replacement, file->folder_fd, file->fd, error);
    if (status == GEN5_OK) {
        status = gen5_repack(before->container, edits, edit_count, &filesystem->limits,
                             replacement.fd, error);
    }
    if (status == GEN5_OK) {
        // What takes long comes first, so that little time is left for others to come in between.
        status = gen5_file_sync(replacement.fd, error);
    }
    if (status == GEN5_OK && is_being_written(file->fd)) {
        status = gen5_error_set(error, GEN5_ERROR_CHANGED, GEN5_OFFSET_NONE, "%s", BEING_WRITTEN);
    }
    if (status == GEN5_OK) {
        status = gen5_replacement_commit(&replacement, file->name, &before->identity,
                                         GEN5_SYNC_DONE, &committed, error);
    }
    if (status == GEN5_OK) {
        // Without memory for the alias the number changes, which is no reason to fail a save.
        (void)node_inode_replaced(filesystem, container->node, &file->attributes, &committed);
    } else if (replacement.fd >= 0 && replacement.name[0] == '\0') {
        status = GEN5_OK; // It is in place; only its attributes could not be had.
    }
    gen5_replacement_release(&replacement);
    if (status == GEN5_ERROR_CHANGED) {
        return EAGAIN;
    }
    return status == GEN5_OK ? 0 : gen5_error_errno(error);
}

static int change_once(struct filesystem *filesystem, struct container *container,
                       const struct gen5_edit *edits, size_t edit_count,
                       const struct condition *conditions, size_t condition_count,
                       struct snapshot **after, struct gen5_error *error) {
    struct locked_file file;
    struct snapshot *before = NULL;
    int problem = locked_file_open(filesystem, container, &file, error);
    if (problem != 0) {
        return problem;
    }
    if (is_being_written(file.fd)) {
        locked_file_close(&file);
        gen5_error_set_system(error, EBUSY, "%s", BEING_WRITTEN);
        nanosleep(&(struct timespec){0, LOCK_POLL_MS * 1000000L}, NULL);
        return EAGAIN;
    }
    problem = snapshot_from_fd(filesystem, file.fd, &before);
    if (problem == 0 && before->container == NULL) {
        *error = before->error;
        problem = EIO;
    }
    if (problem == 0) {
        problem = check_conditions(before, conditions, condition_count, error);
    }
    if (problem == 0) {
        problem = replace_file(filesystem, container, &file, before, edits, edit_count, error);
    }
    if (problem == 0) {
        snapshot_retire(filesystem, before);
        (void)snapshot_open(filesystem, file.folder_fd, file.name, after);
    }
    snapshot_release(filesystem, before);
    locked_file_close(&file);
    return problem;
}

int change_make(struct filesystem *filesystem, struct container *container,
                const struct gen5_edit *edits, size_t edit_count,
                const struct condition *conditions, size_t condition_count, struct snapshot **after,
                struct gen5_error *error) {
    // Who changes the container again and again without a lock leaves a gap some time.
    const int64_t deadline = clock_ms() + CHANGE_WAIT_MS;
    int problem;
    do {
        *error = (struct gen5_error)GEN5_ERROR_NONE;
        problem = change_once(filesystem, container, edits, edit_count, conditions, condition_count,
                              after, error);
    } while ((problem == EAGAIN || problem == EINTR) && clock_ms() < deadline);
    if (problem == EAGAIN) {
        problem = error->status == GEN5_ERROR_CHANGED ? ESTALE : EBUSY;
    }
    // Programs take EINTR for the success of a close, and repeat an fsync for as long as it says
    // so.
    return problem == EINTR ? EIO : problem;
}

char *container_path(struct filesystem *filesystem, struct container *container) {
    struct node *parent = NULL;
    char *name = NULL;
    char link[64];
    char folder[4096] = "";
    if (node_container_last_place(filesystem, container->node, &parent, &name) != 0) {
        return NULL;
    }
    int length = snprintf(link, sizeof link, "/proc/self/fd/%d", parent->fd);
    ssize_t got = length > 0 ? readlink(link, folder, sizeof folder - 1) : -1;
    folder[got > 0 ? got : 0] = '\0';
    size_t root = strlen(filesystem->source_path);
    const char *below = strncmp(folder, filesystem->source_path, root) == 0 ? folder + root : "";
    while (*below == '/') {
        below++;
    }
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", below, *below != '\0' ? "/" : "", name) < 0) {
        path = NULL;
    }
    node_place_release(filesystem, parent, name);
    return path;
}

void container_note(struct filesystem *filesystem, struct container *container, const char *path,
                    const char *what, const char *why) {
    char *where = container_path(filesystem, container);
    note("%s/%s %s: %s", where != NULL ? where : "?", path, what, why);
    free(where);
}

void file_note(struct filesystem *filesystem, struct file_node *file, const char *what,
               const char *why) {
    pthread_mutex_lock(&file->container->lock);
    char *path = strdup(file->path);
    pthread_mutex_unlock(&file->container->lock);
    container_note(filesystem, file->container, path != NULL ? path : "?", what, why);
    free(path);
}
