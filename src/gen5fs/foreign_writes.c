// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Telling our own writes from those of others, by fanotify (fanotify(7)). Nobody waits for events:
// the kernel queues one before a write returns, and whoever asks reads them all first. Writes of
// one process to one file are one event as long as it is not read, so that the queue stays short.
#include "foreign_writes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "descriptors.h"
#include "filesystem.h"
#include "key_hash.h"
#include "ordinary.h"

enum { BUCKET_COUNT = 256, EVENTS_SIZE = 4096, HANDLE_SIZE_MAX = 128 };

union room_for_handle {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + HANDLE_SIZE_MAX];
};

// The name of a file that events bear: a file handle (name_to_handle_at(2)). Another file system's
// may be equal; then both files are taken to be written to.
struct foreign_watch {
    struct foreign_watch *next;
    unsigned int watches;
    bool written; // by another process, and not taken yet
    unsigned int size;
    int type;
    unsigned char handle[HANDLE_SIZE_MAX];
};

struct foreign_writes {
    int fd;
    pid_t own;
    pthread_mutex_t lock; // protects what follows, and every node.foreign_watch
    struct foreign_watch *buckets[BUCKET_COUNT];
};

static struct foreign_watch **bucket_of(struct foreign_writes *writes, const unsigned char *handle,
                                        unsigned int size) {
    uint64_t hash = size;
    for (unsigned int i = 0; i < size; i++) {
        hash = key_hash_number(hash, handle[i]);
    }
    return &writes->buckets[hash % BUCKET_COUNT];
}

static bool is_handle_of(const struct foreign_watch *watch, const struct file_handle *handle) {
    return watch->size == handle->handle_bytes && watch->type == handle->handle_type &&
           memcmp(watch->handle, handle->f_handle, watch->size) == 0;
}

static void mark_written(struct foreign_writes *writes, const struct file_handle *handle) {
    for (struct foreign_watch *watch = *bucket_of(writes, handle->f_handle, handle->handle_bytes);
         watch != NULL; watch = watch->next) {
        watch->written = watch->written || is_handle_of(watch, handle);
    }
}

static void mark_all_written(struct foreign_writes *writes) {
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        for (struct foreign_watch *watch = writes->buckets[i]; watch != NULL; watch = watch->next) {
            watch->written = true;
        }
    }
}

// Copy as much as there is: events are as long as they need to be, so that the next one, and what
// is in it, may stand at any address.
static void copy_part(void *to, size_t to_size, const char *from, size_t from_size) {
    memcpy(to, from, from_size < to_size ? from_size : to_size);
}

// `rest` is what follows the event's fixed part.
static void handle_event(struct foreign_writes *writes, const struct fanotify_event_metadata *event,
                         const char *rest, size_t size) {
    struct fanotify_event_info_fid info = {.hdr = {.info_type = 0}};
    union room_for_handle named = {.handle = {.handle_bytes = 0}};
    if ((event->mask & FAN_Q_OVERFLOW) != 0) {
        mark_all_written(writes);
        return;
    }
    // The processes of others have no number for those who are not root.
    if (event->pid == writes->own || size < sizeof info + sizeof named.handle) {
        return;
    }
    copy_part(&info, sizeof info, rest, size);
    copy_part(&named, sizeof named, rest + sizeof info, size - sizeof info);
    if (info.hdr.info_type == FAN_EVENT_INFO_TYPE_FID &&
        named.handle.handle_bytes <= HANDLE_SIZE_MAX &&
        named.handle.handle_bytes <= size - sizeof info - sizeof named.handle) {
        mark_written(writes, &named.handle);
    }
}

// Everything that happened until now. The lock is held.
static void read_events(struct foreign_writes *writes) {
    char buffer[EVENTS_SIZE];
    ssize_t got;
    do {
        got = read(writes->fd, buffer, sizeof buffer);
        const char *at = buffer;
        for (size_t left = got > 0 ? (size_t)got : 0; left > 0;) {
            struct fanotify_event_metadata event = {.event_len = 0};
            copy_part(&event, sizeof event, at, left);
            if (event.event_len < sizeof event || event.event_len > left) {
                break;
            }
            handle_event(writes, &event, at + sizeof event, event.event_len - sizeof event);
            at += event.event_len;
            left -= event.event_len;
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
}

void foreign_writes_start(struct filesystem *filesystem) {
    struct foreign_writes *writes = calloc(1, sizeof *writes);
    if (writes == NULL) {
        return;
    }
    // What those may have who are not root.
    writes->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC | FAN_NONBLOCK,
                               O_RDONLY | O_CLOEXEC);
    if (writes->fd < 0) {
        note_debug(filesystem, "writes of others are told by times alone: fanotify: %s",
                   strerror(errno));
        free(writes);
        return;
    }
    writes->own = getpid();
    pthread_mutex_init(&writes->lock, NULL);
    filesystem->foreign_writes = writes;
}

void foreign_writes_stop(struct filesystem *filesystem) {
    struct foreign_writes *writes = filesystem->foreign_writes;
    if (writes == NULL) {
        return;
    }
    // No file is open any more.
    filesystem->foreign_writes = NULL;
    close(writes->fd);
    pthread_mutex_destroy(&writes->lock);
    free(writes);
}

// A new watch of a node; NULL where it cannot be watched. The lock is held.
static struct foreign_watch *watch_new(struct foreign_writes *writes, const struct node *node) {
    union room_for_handle named = {.handle = {.handle_bytes = HANDLE_SIZE_MAX}};
    int mount_number;
    if (name_to_handle_at(node->fd, "", &named.handle, &mount_number, AT_EMPTY_PATH) != 0) {
        return NULL;
    }
    struct foreign_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL || fanotify_mark(writes->fd, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD,
                                       descriptor_path_of(node->fd).text) != 0) {
        free(watch);
        return NULL;
    }
    watch->size = named.handle.handle_bytes;
    watch->type = named.handle.handle_type;
    memcpy(watch->handle, named.handle.f_handle, watch->size);
    struct foreign_watch **bucket = bucket_of(writes, watch->handle, watch->size);
    watch->next = *bucket;
    *bucket = watch;
    return watch;
}

void foreign_writes_begin(struct filesystem *filesystem, struct node *node) {
    struct foreign_writes *writes = filesystem->foreign_writes;
    if (writes == NULL || !S_ISREG(node->type)) {
        return;
    }
    if (descriptor_hold(filesystem, node) != 0) {
        return;
    }
    pthread_mutex_lock(&writes->lock);
    if (node->foreign_watch == NULL) {
        node->foreign_watch = watch_new(writes, node);
    }
    if (node->foreign_watch != NULL) {
        node->foreign_watch->watches++;
    }
    pthread_mutex_unlock(&writes->lock);
    descriptor_release(node);
}

// The last writer has left. The lock is held, and the node's descriptor, where it could be had:
// what is lost needs no end.
static void watch_end(struct foreign_writes *writes, struct node *node, bool held) {
    struct foreign_watch *watch = node->foreign_watch;
    if (held) {
        (void)fanotify_mark(writes->fd, FAN_MARK_REMOVE, FAN_MODIFY, AT_FDCWD,
                            descriptor_path_of(node->fd).text);
    }
    struct foreign_watch **at = bucket_of(writes, watch->handle, watch->size);
    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    node->foreign_watch = NULL;
    free(watch);
}

bool foreign_writes_end(struct filesystem *filesystem, struct node *node) {
    struct foreign_writes *writes = filesystem->foreign_writes;
    bool written = false;
    if (writes == NULL) {
        return false;
    }
    bool held = descriptor_hold(filesystem, node) == 0;
    pthread_mutex_lock(&writes->lock);
    if (node->foreign_watch != NULL && --node->foreign_watch->watches == 0) {
        read_events(writes);
        written = node->foreign_watch->written;
        watch_end(writes, node, held);
    }
    pthread_mutex_unlock(&writes->lock);
    if (held) {
        descriptor_release(node);
    }
    return written;
}

bool foreign_writes_take(struct filesystem *filesystem, struct node *node) {
    struct foreign_writes *writes = filesystem->foreign_writes;
    bool written = false;
    if (writes == NULL) {
        return false;
    }
    pthread_mutex_lock(&writes->lock);
    if (node->foreign_watch != NULL) {
        read_events(writes);
        written = node->foreign_watch->written;
        node->foreign_watch->written = false;
    }
    pthread_mutex_unlock(&writes->lock);
    return written;
}
