// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Open files of the source.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "descriptors.h"
#include "kernel_notices.h"
#include "ordinary.h"

// One copy_file_range at a time, so that an answer comes while a caller may still want to be
// interrupted, and fits the 32 bits that it is told in.
enum { COPY_SIZE_MAX = 1 << 30 };

int ordinary_handle_new(struct filesystem *filesystem, struct node *node, int fd, int flags,
                        struct handle **handle) {
    struct handle *made = malloc(sizeof *made);
    if (made == NULL) {
        close(fd);
        return ENOMEM;
    }
    *made = (struct handle){.kind = HANDLE_ORDINARY,
                            .node = node,
                            .flags = flags,
                            .fd = fd,
                            .writes = (flags & O_ACCMODE) != O_RDONLY};
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->references++;
    node->writers += made->writes ? 1 : 0;
    node->readers += made->writes ? 0 : 1;
    made->next_of_node = node->handles;
    node->handles = made;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    __atomic_fetch_add(&filesystem->nodes.handle_count, 1, __ATOMIC_RELAXED);
    descriptors_close_surplus(filesystem);
    *handle = made;
    return 0;
}

// open(2) of a node whose descriptor is held: what is open, or -1 and errno.
static int open_node(struct filesystem *filesystem, const struct node *node, int flags) {
    int fd;
    do {
        fd = open(descriptor_path_of(node->fd).text, flags);
    } while (fd < 0 && descriptors_make_room(filesystem, errno));
    return fd;
}

int ordinary_open(struct filesystem *filesystem, struct node *node, int flags,
                  const struct caller *caller, struct handle **handle, bool *keep_cache) {
    bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
    int problem = changes ? ordinary_check_change(filesystem, node) : 0;
    if (problem == 0) {
        problem = ordinary_check_kind(filesystem, node);
    }
    if (problem == 0) {
        problem = descriptor_hold(filesystem, node);
    }
    if (problem != 0) {
        return problem;
    }
    problem = ordinary_check_place(filesystem, node, caller);
    if (problem != 0) {
        descriptor_release(node);
        return problem;
    }
    // Not O_NOFOLLOW: the path is a link, to the file itself.
    int kept = flags & ~(O_DIRECT | O_APPEND | O_CREAT | O_EXCL | O_NOCTTY | O_NOFOLLOW);
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes) {
        ordinary_writer_comes(filesystem, node);
    }
    enum ordinary_state before = ordinary_change_begin(filesystem, node);
    int fd = open_node(filesystem, node, kept | O_CLOEXEC);
    if (fd < 0 && errno == EPERM && (flags & O_APPEND) != 0) {
        // A file that is for appending alone (chattr +a).
        fd = open_node(filesystem, node, kept | O_APPEND | O_CLOEXEC);
    }
    problem = fd < 0 ? errno : 0;
    if ((flags & O_TRUNC) != 0) {
        ordinary_change_end(filesystem, node);
    } else {
        ordinary_change_end_same_bytes(filesystem, node, before);
    }
    if (problem == 0 && (flags & O_TRUNC) != 0) {
        ordinary_drop_set_id_bits(filesystem, node, fd, caller);
    }
    if (problem == 0) {
        problem = ordinary_handle_new(filesystem, node, fd, flags, handle);
    }
    if (problem != 0 && writes) {
        ordinary_writer_leaves(filesystem, node);
    }
    descriptor_release(node);
    // What the kernel has after this is right, if it has anything.
    ordinary_drop_foreign(filesystem, node);
    *keep_cache = before != ORDINARY_STATE_UNKNOWN;
    return problem;
}

int ordinary_lend(struct filesystem *filesystem, struct node *node, struct handle *handle) {
    int problem = ordinary_check_kind(filesystem, node);
    if (problem == 0) {
        problem = descriptor_hold(filesystem, node);
    }
    if (problem != 0) {
        return problem;
    }
    // What was seen before the bytes are read is never newer than they are.
    enum ordinary_state before = ordinary_change_begin(filesystem, node);
    int fd = open_node(filesystem, node, O_RDONLY | O_CLOEXEC);
    problem = fd < 0 ? errno : 0;
    ordinary_change_end_same_bytes(filesystem, node, before);
    descriptor_release(node);
    *handle = (struct handle){.kind = HANDLE_ORDINARY, .node = node, .flags = O_RDONLY, .fd = fd};
    return problem;
}

int ordinary_read(struct handle *handle, char *buffer, size_t size, off_t offset, size_t *got) {
    *got = 0;
    while (*got < size) {
        ssize_t part = pread(handle->fd, buffer + *got, size - *got, offset + (off_t)*got);
        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part < 0) {
            return *got > 0 ? 0 : errno;
        }
        if (part == 0) {
            break;
        }
        *got += (size_t)part;
    }
    return 0;
}

// The file is being written again: a look-up need not wait for its release.
static void not_flushed(struct filesystem *filesystem, struct handle *handle) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    if (handle->flushed) {
        handle->flushed = false;
        handle->node->writers_flushed--;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

// One write, or as many as it takes. RWF_APPEND ignores the offset.
static int write_all(int fd, const char *buffer, size_t size, off_t offset, int flags,
                     size_t *written) {
    *written = 0;
    while (*written < size) {
        struct iovec rest = {.iov_base = (char *)(uintptr_t)(buffer + *written),
                             .iov_len = size - *written};
        ssize_t part = pwritev2(fd, &rest, 1, offset + (off_t)*written, flags);
        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part < 0) {
            return *written > 0 ? 0 : errno;
        }
        *written += (size_t)part;
    }
    return 0;
}

int ordinary_write(struct filesystem *filesystem, struct handle *handle, const char *buffer,
                   size_t size, off_t offset, bool append, size_t *written) {
    not_flushed(filesystem, handle);
    enum ordinary_state before = ordinary_change_begin(filesystem, handle->node);
    int problem = write_all(handle->fd, buffer, size, offset, append ? RWF_APPEND : 0, written);
    off_t end = ordinary_change_end(filesystem, handle->node);
    ordinary_change_tell(filesystem, handle->node, before);
    // To the kernel the end is where it saw it last: before somebody else appended, or where
    // another open that empties the file was answered late.
    if (append && *written > 0 && end - (off_t)*written != offset) {
        ordinary_change_misplaced(filesystem, handle->node);
    }
    return problem;
}

int ordinary_flush(struct filesystem *filesystem, struct handle *handle) {
    if (!handle->writes) {
        return 0;
    }
    pthread_mutex_lock(&filesystem->nodes.lock);
    if (!handle->flushed) {
        handle->flushed = true;
        handle->node->writers_flushed++;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    // Network file systems tell what went wrong with earlier writes at close.
    int copy = fcntl(handle->fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 || close(copy) != 0 ? errno : 0;
}

int ordinary_fsync(struct handle *handle, bool data_only) {
    return (data_only ? fdatasync(handle->fd) : fsync(handle->fd)) != 0 ? errno : 0;
}

// Take a handle from its node's list. The node table's lock is held.
static void unlist_handle(struct node *node, const struct handle *handle) {
    struct handle **at = &node->handles;
    while (*at != handle) {
        at = &(*at)->next_of_node;
    }
    *at = handle->next_of_node;
}

// A writer leaves. With the last one, the name that the file was written under is a container's.
static void writer_leaves(struct filesystem *filesystem, struct handle *handle) {
    struct node *node = handle->node;
    struct node *parent = NULL;
    char *name = NULL;
    ordinary_writer_leaves(filesystem, node);
    pthread_mutex_lock(&filesystem->nodes.lock);
    unlist_handle(node, handle);
    node->writers--;
    node->writers_flushed -= handle->flushed ? 1 : 0;
    if (node->writers == 0 && node->passing) {
        node->passing = false;
        name = node->name != NULL ? strdup(node->name) : NULL;
        parent = name != NULL ? node->parent : NULL;
        if (parent != NULL) {
            parent->references++;
        }
    }
    pthread_cond_broadcast(&filesystem->nodes.writer_left);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    if (name != NULL) {
        notice_entry(filesystem, parent, name, 0);
        notice_listing(filesystem, parent);
    }
    node_release(filesystem, parent);
    free(name);
}

static void reader_leaves(struct filesystem *filesystem, struct handle *handle) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    unlist_handle(handle->node, handle);
    handle->node->readers--;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

void ordinary_release(struct filesystem *filesystem, struct handle *handle) {
    if (handle->writes) {
        writer_leaves(filesystem, handle);
    } else {
        reader_leaves(filesystem, handle);
    }
    close(handle->fd);
    __atomic_fetch_sub(&filesystem->nodes.handle_count, 1, __ATOMIC_RELAXED);
    node_release(filesystem, handle->node);
    free(handle);
}

int ordinary_fallocate(struct filesystem *filesystem, struct handle *handle, int mode, off_t offset,
                       off_t length) {
    not_flushed(filesystem, handle);
    enum ordinary_state before = ordinary_change_begin(filesystem, handle->node);
    int problem;
    do {
        problem = fallocate(handle->fd, mode, offset, length) != 0 ? errno : 0;
    } while (problem == EINTR);
    ordinary_change_end(filesystem, handle->node);
    ordinary_change_tell(filesystem, handle->node, before);
    return problem;
}

int ordinary_lseek(struct handle *handle, off_t offset, int whence, off_t *found) {
    *found = lseek(handle->fd, offset, whence);
    return *found < 0 ? errno : 0;
}

int ordinary_copy(struct filesystem *filesystem, struct handle *from, off_t offset_from,
                  struct handle *into, off_t offset_into, size_t size, size_t *copied) {
    not_flushed(filesystem, into);
    if (size > COPY_SIZE_MAX) {
        size = COPY_SIZE_MAX;
    }
    enum ordinary_state before = ordinary_change_begin(filesystem, into->node);
    ssize_t got;
    do {
        got = copy_file_range(from->fd, &offset_from, into->fd, &offset_into, size, 0);
    } while (got < 0 && errno == EINTR);
    int problem = got < 0 ? errno : 0;
    ordinary_change_end(filesystem, into->node);
    ordinary_change_tell(filesystem, into->node, before);
    *copied = got < 0 ? 0 : (size_t)got;
    return problem;
}

int ordinary_sync_folder(struct node *folder, bool data_only) {
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int problem = (data_only ? fdatasync(fd) : fsync(fd)) != 0 ? errno : 0;
    close(fd);
    return problem;
}
