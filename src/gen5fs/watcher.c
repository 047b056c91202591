// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The live source, by inotify. One thread reads events and turns them into notices, which is cheap,
// so that the kernel's queue of events does not run over; another looks at containers again, which
// is not.
//
// What inotify does not see: stores through a shared mapping, and changes by another name of a file
// (a hard link in a folder that is not watched).
#include "watcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "container_operations.h"
#include "descriptors.h"
#include "filesystem.h"
#include "kernel_notices.h"
#include "notice_queue.h"
#include "ordinary.h"
#include "thread.h"

// node.watch of a folder that shall not be watched, or cannot be.
enum { WATCH_REFUSED = -2 };

// How long the kernel may trust what a watched folder's entries are: until it is told otherwise.
#define WATCHED_SECONDS 3600.0

// A name that was told of is told of once more, for an answer that was on its way to the kernel.
enum { AGAIN_MS = 1000 };

// A container is looked at again this long after its first event: a copy into it makes hundreds.
enum { REFRESH_DELAY_MS = 2 };

enum { BUCKET_COUNT = 1024 };

static const uint32_t watched_events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                       IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF |
                                       IN_MOVE_SELF | IN_EXCL_UNLINK | IN_ONLYDIR;
static const uint32_t name_events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

struct watch {
    struct watch *next;
    int number;        // inotify's watch descriptor
    struct node *node; // not a reference: watcher_drop comes before the node goes
};

struct watcher {
    struct filesystem *filesystem;
    int fd;
    int stop_fd; // an eventfd that ends the reader
    pthread_t reader;
    pthread_t refresher;
    // Taken after node_table.lock, never before it: watcher_drop comes with that lock held.
    pthread_mutex_t lock;
    struct watch *buckets[BUCKET_COUNT]; // protected by lock, like every node.watch
    bool limit_reported;                 // protected by lock
    // Containers to be looked at.
    pthread_mutex_t refresh_lock;
    pthread_cond_t refresh_changed;
    struct notice_queue refreshes; // protected by refresh_lock
    bool stopping;                 // protected by refresh_lock
};

static struct watch **bucket_of(struct watcher *watcher, int number) {
    return &watcher->buckets[(unsigned int)number % BUCKET_COUNT];
}

// File systems whose every change goes through this machine's kernel and so makes an event. Network
// and FUSE file systems are changed elsewhere. An overlay counts: what changes below its back is
// undefined by its own manual, and containers live on one.
static bool is_local(int fd) {
    static const long local_types[] = {
        EXT4_SUPER_MAGIC,     XFS_SUPER_MAGIC,   BTRFS_SUPER_MAGIC,
        TMPFS_MAGIC,          F2FS_SUPER_MAGIC,  OVERLAYFS_SUPER_MAGIC,
        REISERFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC, RAMFS_MAGIC,
        0x2fc12fc1, // ZFS
        0xca451a4e, // bcachefs
        0x2011bab0, // exFAT
        0x7366746e, // NTFS3
        0x3153464a, // JFS
    };
    struct statfs about;
    if (fstatfs(fd, &about) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof local_types / sizeof local_types[0]; i++) {
        if ((long)about.f_type == local_types[i]) {
            return true;
        }
    }
    return false;
}

// The folder of a watch, with a reference; NULL where it has gone.
static struct node *watched_folder(struct watcher *watcher, int number) {
    struct node *folder = NULL;
    pthread_mutex_lock(&watcher->filesystem->nodes.lock);
    pthread_mutex_lock(&watcher->lock);
    for (struct watch *watch = *bucket_of(watcher, number); watch != NULL; watch = watch->next) {
        if (watch->number == number) {
            folder = watch->node;
            folder->references++;
        }
    }
    pthread_mutex_unlock(&watcher->lock);
    pthread_mutex_unlock(&watcher->filesystem->nodes.lock);
    return folder;
}

// Take a watch out of the table. The lock is held.
static void forget_watch(struct watcher *watcher, int number) {
    for (struct watch **at = bucket_of(watcher, number); *at != NULL; at = &(*at)->next) {
        if ((*at)->number == number) {
            struct watch *watch = *at;
            *at = watch->next;
            __atomic_store_n(&watch->node->watch, -1, __ATOMIC_RELAXED);
            free(watch);
            return;
        }
    }
}

// Takes over the reference to `container`.
static void queue_refresh(struct watcher *watcher, struct node *container) {
    struct notice *notice = notice_new(NOTICE_REFRESH, container, "");
    int problem = 0;
    bool queued = false;
    if (notice != NULL) {
        notice->due_ms = clock_ms() + REFRESH_DELAY_MS;
        pthread_mutex_lock(&watcher->refresh_lock);
        queued = notice_queue_put(&watcher->refreshes, notice, &problem);
        pthread_cond_signal(&watcher->refresh_changed);
        pthread_mutex_unlock(&watcher->refresh_lock);
    }
    if (!queued) {
        node_release(watcher->filesystem, container);
        free(notice);
    }
}

// Where something is by an event's word. Of a file that was found elsewhere the kernel may still
// have that name, and only by it ordinary_check_place can tell.
static void place_found(struct filesystem *filesystem, struct node *node, struct node *folder,
                        const char *name) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool keeps = S_ISREG(node->type) && node->parent != NULL;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    if (!keeps) {
        node_set_place(filesystem, node, folder, name);
    }
}

// What happened to the bytes (`written`) or attributes of an ordinary file, whose name still leads
// to it.
static void notice_ordinary(struct filesystem *filesystem, struct node *folder, const char *name,
                            bool written) {
    struct stat attributes;
    if (descriptor_hold(filesystem, folder) != 0) {
        return;
    }
    struct node *node =
        fstatat(folder->fd, name, &attributes, AT_SYMLINK_NOFOLLOW) == 0
            ? node_find_source(filesystem, attributes.st_dev, attributes.st_ino, folder->raw)
            : NULL;
    descriptor_release(folder);
    if (node != NULL) {
        place_found(filesystem, node, folder, name);
        ordinary_look_again(filesystem, node, &attributes, written);
        node_release(filesystem, node);
    }
}

static void name_changed(struct watcher *watcher, struct node *folder, const char *name,
                         uint32_t mask) {
    struct filesystem *filesystem = watcher->filesystem;
    // Temporaries come and go with every commit of ours.
    if (name_is_hidden(filesystem, folder, name)) {
        return;
    }
    if ((mask & name_events) != 0) {
        notice_entry(filesystem, folder, name, AGAIN_MS);
        notice_listing(filesystem, folder);
    }
    struct node *container = node_find_container(filesystem, folder, name);
    if (container != NULL) {
        queue_refresh(watcher, container);
    } else {
        // A replaced file is still open somewhere: its link count has changed.
        notice_ordinary(filesystem, folder, name, (mask & IN_MODIFY) != 0);
    }
}

// Events were lost: look at everything that is known in a folder, and at every name that is there.
static void refresh_folder(struct watcher *watcher, struct node *folder) {
    struct filesystem *filesystem = watcher->filesystem;
    struct node **containers = NULL;
    size_t count = 0;
    node_list_containers(filesystem, folder, &containers, &count);
    for (size_t i = 0; i < count; i++) {
        queue_refresh(watcher, containers[i]);
    }
    free(containers);
    notice_listing(filesystem, folder);
    if (descriptor_hold(filesystem, folder) != 0) {
        return;
    }
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    descriptor_release(folder);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (listing == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (!name_is_hidden(filesystem, folder, entry->d_name)) {
            notice_entry(filesystem, folder, entry->d_name, 0);
            notice_ordinary(filesystem, folder, entry->d_name, true);
        }
    }
    closedir(listing);
}

// The folders that are watched now, each with a reference.
static struct node **all_folders(struct watcher *watcher, size_t *count) {
    size_t capacity = 0;
    struct node **folders = NULL;
    *count = 0;
    pthread_mutex_lock(&watcher->filesystem->nodes.lock);
    pthread_mutex_lock(&watcher->lock);
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        for (struct watch *watch = watcher->buckets[i]; watch != NULL; watch = watch->next) {
            if (*count == capacity) {
                capacity = capacity == 0 ? 64 : capacity * 2;
                struct node **grown = reallocarray(folders, capacity, sizeof(struct node *));
                if (grown == NULL) {
                    goto full; // Those that were found are better than none.
                }
                folders = grown;
            }
            watch->node->references++;
            folders[(*count)++] = watch->node;
        }
    }
full:
    pthread_mutex_unlock(&watcher->lock);
    pthread_mutex_unlock(&watcher->filesystem->nodes.lock);
    return folders;
}

static void refresh_everything(struct watcher *watcher) {
    size_t count = 0;
    struct node **folders = all_folders(watcher, &count);
    note("the source changed faster than it could be followed; looking at all of it again");
    for (size_t i = 0; i < count; i++) {
        refresh_folder(watcher, folders[i]);
        node_release(watcher->filesystem, folders[i]);
    }
    free(folders);
}

static void handle_event(struct watcher *watcher, const struct inotify_event *event) {
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        refresh_everything(watcher);
        return;
    }
    struct node *folder = watched_folder(watcher, event->wd);
    if (folder == NULL) {
        return;
    }
    if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_UNMOUNT)) != 0) {
        pthread_mutex_lock(&watcher->lock);
        forget_watch(watcher, event->wd);
        pthread_mutex_unlock(&watcher->lock);
        notice_listing(watcher->filesystem, folder);
    } else if (event->len > 0) {
        name_changed(watcher, folder, event->name, event->mask);
    } else {
        notice_node(watcher->filesystem, folder, false);
    }
    node_release(watcher->filesystem, folder);
}

static void *read_events(void *argument) {
    struct watcher *watcher = argument;
    // inotify(7): the buffer is aligned for the events that it takes.
    static const size_t size = (size_t)64 * 1024;
    char *buffer = aligned_alloc(__alignof__(struct inotify_event), size);
    struct pollfd polled[2] = {{.fd = watcher->fd, .events = POLLIN},
                               {.fd = watcher->stop_fd, .events = POLLIN}};
    while (buffer != NULL && (poll(polled, 2, -1) >= 0 || errno == EINTR)) {
        if (polled[1].revents != 0) {
            break;
        }
        ssize_t got = read(watcher->fd, buffer, size);
        for (char *at = buffer; got > 0 && at < buffer + got;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            handle_event(watcher, event);
            at += sizeof *event + event->len;
        }
    }
    free(buffer);
    return NULL;
}

static struct notice *next_refresh(struct watcher *watcher) {
    struct notice *notice = NULL;
    pthread_mutex_lock(&watcher->refresh_lock);
    while (!watcher->stopping && notice == NULL) {
        int64_t due = notice_queue_due(&watcher->refreshes);
        if (due <= clock_ms()) {
            notice = notice_queue_take(&watcher->refreshes);
        } else {
            thread_condition_wait(&watcher->refresh_changed, &watcher->refresh_lock, due);
        }
    }
    pthread_mutex_unlock(&watcher->refresh_lock);
    return notice;
}

static void *refresh_containers(void *argument) {
    struct watcher *watcher = argument;
    for (struct notice *notice = next_refresh(watcher); notice != NULL;
         notice = next_refresh(watcher)) {
        container_refresh(watcher->filesystem, notice->node);
        node_release(watcher->filesystem, notice->node);
        free(notice);
    }
    return NULL;
}

// While folders are still there: those that go afterwards find no watcher to tell. The node table's
// lock is held. inotify's own watches end with `fd`.
static void forget_all_watches(struct watcher *watcher) {
    pthread_mutex_lock(&watcher->lock);
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        while (watcher->buckets[i] != NULL) {
            forget_watch(watcher, watcher->buckets[i]->number);
        }
    }
    pthread_mutex_unlock(&watcher->lock);
}

static void watcher_free(struct watcher *watcher) {
    struct notice *notice;
    while ((notice = notice_queue_take(&watcher->refreshes)) != NULL) {
        node_release(watcher->filesystem, notice->node);
        free(notice);
    }
    notice_queue_release(&watcher->refreshes);
    if (watcher->fd >= 0) {
        close(watcher->fd);
    }
    if (watcher->stop_fd >= 0) {
        close(watcher->stop_fd);
    }
    pthread_cond_destroy(&watcher->refresh_changed);
    pthread_mutex_destroy(&watcher->refresh_lock);
    pthread_mutex_destroy(&watcher->lock);
    free(watcher);
}

static void stop_refresher(struct watcher *watcher) {
    pthread_mutex_lock(&watcher->refresh_lock);
    watcher->stopping = true;
    pthread_cond_signal(&watcher->refresh_changed);
    pthread_mutex_unlock(&watcher->refresh_lock);
    pthread_join(watcher->refresher, NULL);
}

static int start_threads(struct watcher *watcher) {
    int problem = thread_start(&watcher->refresher, "refresher", refresh_containers, watcher);
    if (problem != 0) {
        return problem;
    }
    problem = thread_start(&watcher->reader, "watcher", read_events, watcher);
    if (problem != 0) {
        stop_refresher(watcher);
    }
    return problem;
}

int watcher_start(struct filesystem *filesystem) {
    struct watcher *watcher = calloc(1, sizeof *watcher);
    if (watcher == NULL) {
        return ENOMEM;
    }
    watcher->filesystem = filesystem;
    pthread_mutex_init(&watcher->lock, NULL);
    pthread_mutex_init(&watcher->refresh_lock, NULL);
    thread_condition_init(&watcher->refresh_changed);
    int problem = notice_queue_init(&watcher->refreshes);
    watcher->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watcher->stop_fd = watcher->fd >= 0 ? eventfd(0, EFD_CLOEXEC) : -1;
    if (problem == 0 && watcher->stop_fd < 0) {
        problem = errno;
    }
    if (problem == 0) {
        problem = start_threads(watcher);
    }
    if (problem != 0) {
        note("the source cannot be watched (%s): changes that others make are seen after %.0f s",
             strerror(problem), CACHE_SECONDS);
        watcher_free(watcher);
        return problem;
    }
    filesystem->watcher = watcher;
    return 0;
}

void watcher_stop(struct filesystem *filesystem) {
    struct watcher *watcher = filesystem->watcher;
    if (watcher == NULL) {
        return;
    }
    uint64_t one = 1;
    ssize_t written = write(watcher->stop_fd, &one, sizeof one);
    (void)written; // An eventfd takes its first 8 bytes always.
    pthread_join(watcher->reader, NULL);
    stop_refresher(watcher);
    pthread_mutex_lock(&filesystem->nodes.lock);
    forget_all_watches(watcher);
    filesystem->watcher = NULL;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    watcher_free(watcher);
}

// Ask inotify. The lock is held.
static int add_watch(struct watcher *watcher, struct node *folder) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", folder->fd);
    struct watch *watch = malloc(sizeof *watch);
    int number = watch == NULL ? -1 : inotify_add_watch(watcher->fd, path, watched_events);
    if (number < 0) {
        if (errno == ENOSPC && !watcher->limit_reported) {
            watcher->limit_reported = true;
            note("the limit of watched folders is reached (fs.inotify.max_user_watches): changes "
                 "that others make in further folders are seen after %.0f s",
                 CACHE_SECONDS);
        }
        free(watch);
        return WATCH_REFUSED;
    }
    struct watch **bucket = bucket_of(watcher, number);
    *watch = (struct watch){.next = *bucket, .number = number, .node = folder};
    *bucket = watch;
    return number;
}

void watcher_add(struct filesystem *filesystem, struct node *folder) {
    struct watcher *watcher = filesystem->watcher;
    if (watcher == NULL || __atomic_load_n(&folder->watch, __ATOMIC_RELAXED) != -1 ||
        folder->kind != NODE_SOURCE || !S_ISDIR(folder->type)) {
        return;
    }
    // The raw view's folders are the same inodes: inotify would give both one watch, which has one
    // node.
    bool watchable = !folder->raw && is_local(folder->fd);
    pthread_mutex_lock(&watcher->lock);
    if (folder->watch == -1) {
        int number = watchable ? add_watch(watcher, folder) : WATCH_REFUSED;
        __atomic_store_n(&folder->watch, number, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&watcher->lock);
}

void watcher_drop(struct filesystem *filesystem, struct node *folder) {
    struct watcher *watcher = filesystem->watcher;
    if (watcher == NULL || __atomic_load_n(&folder->watch, __ATOMIC_RELAXED) < 0) {
        return;
    }
    pthread_mutex_lock(&watcher->lock);
    int number = folder->watch;
    if (number >= 0) {
        forget_watch(watcher, number);
        inotify_rm_watch(watcher->fd, number);
    }
    pthread_mutex_unlock(&watcher->lock);
}

double watcher_entry_seconds(const struct filesystem *filesystem, const struct node *folder) {
    bool watched =
        filesystem->watcher != NULL && __atomic_load_n(&folder->watch, __ATOMIC_RELAXED) >= 0;
    return watched ? WATCHED_SECONDS : CACHE_SECONDS;
}
