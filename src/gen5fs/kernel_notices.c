// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Telling the kernel what is out of date. Two threads: one tells, and never waits for anything but
// the kernel; the other does the work of notice_later, which may take as long as a repack.
#define FUSE_USE_VERSION 314
#include "kernel_notices.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "filesystem.h"
#include "notice_queue.h"
#include "thread.h"

// Beyond so many queued notices no second telling is remembered: the first is what keeps us right,
// and the memory of a storm stays bounded by the names that it is about.
enum { SECOND_TELLING_MAX = 100000 };

// A listing that may be out of date is told of so late, when the kernel has it for certain.
static const int64_t listing_ms = (int64_t)(CACHE_SECONDS * 1000);

// What the kernel is not told of, it may never ask for: so many notices, each with the longest
// name, are there for when there is no memory.
enum { SPARE_NOTICES = 64 };

// linux/fuse.h of Linux 6.18: FUSE_NOTIFY_PRUNE, and struct fuse_notify_prune_out, behind which
// `count` numbers follow.
enum { NOTIFY_PRUNE = 9, PRUNED_MAX = 512 };
struct notify_prune {
    struct fuse_out_header header;
    uint32_t count;
    uint32_t padding;
    uint64_t spare;
    uint64_t numbers[PRUNED_MAX];
};

// How long to wait, at the end, for a thread that the kernel holds up.
enum { STOP_SECONDS = 5 };

struct notice_thread {
    struct filesystem *filesystem;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct notice_queue queue; // protected by lock
    struct notice *spare;      // a list by bucket_next; protected by lock
    bool stopping;             // protected by lock
    void (*perform)(struct filesystem *filesystem, const struct notice *notice);
};

struct kernel_notices {
    struct notice_thread teller;
    struct notice_thread worker;
};

static bool kernel_knows(struct filesystem *filesystem, const struct node *node) {
    if (node == filesystem->root) {
        return true; // It is never looked up.
    }
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool known = node->lookups > 0;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return known;
}

// Errors are not looked at here and below: ENOENT says that the kernel had forgotten already,
// ENODEV and ENOTCONN that there is nobody left to tell, and there is nothing to do about any
// other.
static void tell_node(struct filesystem *filesystem, struct node *node, bool pages) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    const uint32_t changes = node->foreign_changes;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    if (kernel_knows(filesystem, node)) {
        // A negative offset stands for the attributes alone.
        fuse_lowlevel_notify_inval_inode(filesystem->session, node_number(filesystem, node),
                                         pages ? 0 : -1, 0);
    }
    if (pages) {
        pthread_mutex_lock(&filesystem->nodes.lock);
        // Another thread may have dropped them for more.
        if ((int32_t)(changes - node->foreign_dropped) > 0) {
            node->foreign_dropped = changes;
        }
        pthread_mutex_unlock(&filesystem->nodes.lock);
    }
}

static void tell(struct filesystem *filesystem, const struct notice *notice) {
    if (notice->kind == NOTICE_WORK) {
        notice->work(filesystem, notice->argument);
    } else if (notice->kind != NOTICE_ENTRY) {
        tell_node(filesystem, notice->node, notice->kind == NOTICE_PAGES);
    } else if (kernel_knows(filesystem, notice->node)) {
        // Expired and not dropped: a process that works inside the folder stays there. A kernel
        // that does not know the flag takes it for padding and drops the entry.
        fuse_lowlevel_notify_expire_entry(filesystem->session,
                                          node_number(filesystem, notice->node), notice->name,
                                          strlen(notice->name), FUSE_LL_EXPIRE_ONLY);
    }
}

static void work(struct filesystem *filesystem, const struct notice *notice) {
    notice->work(filesystem, notice->argument);
}

static void keep_spare(struct notice_thread *thread, struct notice *notice) {
    notice->bucket_next = thread->spare;
    thread->spare = notice;
}

// NULL where all are in use.
static struct notice *take_spare(struct notice_thread *thread) {
    struct notice *notice = thread->spare;
    if (notice != NULL) {
        thread->spare = notice->bucket_next;
        notice->bucket_next = NULL;
    }
    return notice;
}

static bool lay_in_spare(struct notice_thread *thread) {
    for (int i = 0; i < SPARE_NOTICES; i++) {
        struct notice *notice = calloc(1, sizeof *notice + NAME_MAX + 1);
        if (notice == NULL) {
            return false;
        }
        notice->spare = true;
        keep_spare(thread, notice);
    }
    return true;
}

static void free_spare(struct notice_thread *thread) {
    struct notice *notice;
    while ((notice = take_spare(thread)) != NULL) {
        free(notice);
    }
}

// A notice, or NULL where there is no memory at all.
static struct notice *make_notice(struct notice_thread *thread, enum notice_kind kind,
                                  struct node *node, const char *name) {
    struct notice *notice = notice_new(kind, node, name);
    if (notice == NULL && strlen(name) <= NAME_MAX) {
        pthread_mutex_lock(&thread->lock);
        notice = take_spare(thread);
        pthread_mutex_unlock(&thread->lock);
        if (notice != NULL) {
            *notice = (struct notice){.kind = kind, .node = node, .spare = true};
            memcpy(notice->name, name, strlen(name) + 1);
        }
    }
    return notice;
}

static void dispose(struct notice_thread *thread, struct notice *notice) {
    node_release(thread->filesystem, notice->node);
    if (notice->spare) {
        pthread_mutex_lock(&thread->lock);
        keep_spare(thread, notice);
        pthread_mutex_unlock(&thread->lock);
    } else {
        free(notice);
    }
}

// Queue a notice and take it over; with it the reference on its node.
static int queue_notice(struct notice_thread *thread, struct notice *notice) {
    int problem = 0;
    pthread_mutex_lock(&thread->lock);
    if (thread->queue.count > SECOND_TELLING_MAX) {
        notice->again_ms = 0;
    }
    bool queued = notice_queue_put(&thread->queue, notice, &problem);
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
    if (!queued) {
        dispose(thread, notice);
    }
    return problem;
}

// The next notice that is due; NULL at the end.
static struct notice *next_notice(struct notice_thread *thread) {
    struct notice *notice = NULL;
    pthread_mutex_lock(&thread->lock);
    while (!thread->stopping && notice == NULL) {
        int64_t due = notice_queue_due(&thread->queue);
        if (due <= clock_ms()) {
            notice = notice_queue_take(&thread->queue);
        } else {
            thread_condition_wait(&thread->changed, &thread->lock, due);
        }
    }
    pthread_mutex_unlock(&thread->lock);
    return notice;
}

static void *run(void *argument) {
    struct notice_thread *thread = argument;
    for (struct notice *notice = next_notice(thread); notice != NULL;
         notice = next_notice(thread)) {
        thread->perform(thread->filesystem, notice);
        if (notice->again_ms > clock_ms()) {
            notice->due_ms = notice->again_ms;
            notice->again_ms = 0;
            queue_notice(thread, notice);
        } else {
            dispose(thread, notice);
        }
    }
    return NULL;
}

static int start(struct notice_thread *thread, struct filesystem *filesystem, const char *name,
                 void (*perform)(struct filesystem *, const struct notice *)) {
    *thread = (struct notice_thread){.filesystem = filesystem, .perform = perform};
    int problem = notice_queue_init(&thread->queue);
    if (problem != 0) {
        return problem;
    }
    if (!lay_in_spare(thread)) {
        free_spare(thread);
        notice_queue_release(&thread->queue);
        return ENOMEM;
    }
    pthread_mutex_init(&thread->lock, NULL);
    thread_condition_init(&thread->changed);
    problem = thread_start(&thread->thread, name, run, thread);
    if (problem != 0) {
        pthread_cond_destroy(&thread->changed);
        pthread_mutex_destroy(&thread->lock);
        free_spare(thread);
        notice_queue_release(&thread->queue);
    }
    return problem;
}

// false where the thread does not end: the kernel holds it up, and its memory must stay.
static bool stop(struct notice_thread *thread) {
    pthread_mutex_lock(&thread->lock);
    thread->stopping = true;
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    if (pthread_timedjoin_np(thread->thread, NULL, &until) != 0) {
        note("a thread does not end (the kernel holds it up); leaving without it");
        return false;
    }
    struct notice *notice;
    while ((notice = notice_queue_take(&thread->queue)) != NULL) {
        if (notice->kind == NOTICE_WORK) {
            thread->perform(thread->filesystem, notice); // It may own what its argument leads to.
        }
        dispose(thread, notice);
    }
    free_spare(thread);
    notice_queue_release(&thread->queue);
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->lock);
    return true;
}

int kernel_notices_start(struct filesystem *filesystem) {
    struct kernel_notices *notices = calloc(1, sizeof *notices);
    if (notices == NULL) {
        return ENOMEM;
    }
    int problem = start(&notices->teller, filesystem, "notices", tell);
    if (problem == 0) {
        problem = start(&notices->worker, filesystem, "later", work);
        if (problem != 0) {
            stop(&notices->teller);
        }
    }
    if (problem != 0) {
        free(notices);
        return problem;
    }
    filesystem->notices = notices;
    return 0;
}

bool kernel_notices_stop(struct filesystem *filesystem) {
    struct kernel_notices *notices = filesystem->notices;
    if (notices == NULL) {
        return true;
    }
    // The worker first: its work may have something to tell.
    bool worker_ended = stop(&notices->worker);
    if (worker_ended) {
        // What the teller still holds may, when it is let go, have work for later: there is no
        // later.
        filesystem->notices = NULL;
    }
    bool teller_ended = stop(&notices->teller);
    if (!worker_ended || !teller_ended) {
        return false;
    }
    free(notices);
    return true;
}

// `due_ms` and `again_ms` as in struct notice.
static void queue_for_kernel(struct filesystem *filesystem, enum notice_kind kind,
                             struct node *node, const char *name, int64_t due_ms,
                             int64_t again_ms) {
    if (!kernel_knows(filesystem, node)) {
        return;
    }
    struct notice *notice = make_notice(&filesystem->notices->teller, kind, node, name);
    if (notice == NULL) {
        note("out of memory: the kernel was not told of a change");
        return;
    }
    node_reference(filesystem, node);
    notice->due_ms = due_ms;
    notice->again_ms = again_ms;
    queue_notice(&filesystem->notices->teller, notice);
}

void notice_entry(struct filesystem *filesystem, struct node *folder, const char *name,
                  int64_t again_ms) {
    queue_for_kernel(filesystem, NOTICE_ENTRY, folder, name, INT64_MIN,
                     again_ms > 0 ? clock_ms() + again_ms : 0);
}

void notice_node(struct filesystem *filesystem, struct node *node, bool pages) {
    queue_for_kernel(filesystem, pages ? NOTICE_PAGES : NOTICE_ATTRIBUTES, node, "", INT64_MIN, 0);
}

void notice_listing(struct filesystem *filesystem, struct node *folder) {
    queue_for_kernel(filesystem, NOTICE_PAGES, folder, "", INT64_MIN, clock_ms() + listing_ms);
}

void notice_listing_later(struct filesystem *filesystem, struct node *folder) {
    // Where one is due already that comes sooner, the queue makes this the second telling.
    const int64_t due_ms = clock_ms() + listing_ms;
    queue_for_kernel(filesystem, NOTICE_PAGES, folder, "", due_ms, due_ms);
}

void notice_node_now(struct filesystem *filesystem, struct node *node, bool pages) {
    tell_node(filesystem, node, pages);
}

void notice_content(struct filesystem *filesystem, struct node *node, void *bytes, size_t size) {
    struct fuse_bufvec content = FUSE_BUFVEC_INIT(size);
    content.buf[0].mem = bytes;
    // Where it fails, the kernel asks.
    (void)fuse_lowlevel_notify_store(filesystem->session, node_number(filesystem, node), 0,
                                     &content, 0);
}

static int queue_work(struct notice_thread *thread, int64_t due_ms,
                      void (*later)(struct filesystem *filesystem, void *argument),
                      void *argument) {
    struct notice *notice = make_notice(thread, NOTICE_WORK, NULL, "");
    if (notice == NULL) {
        return ENOMEM;
    }
    notice->work = later;
    notice->argument = argument;
    notice->due_ms = due_ms;
    return queue_notice(thread, notice);
}

int notice_later(struct filesystem *filesystem, int64_t due_ms,
                 void (*later)(struct filesystem *filesystem, void *argument), void *argument) {
    return queue_work(&filesystem->notices->worker, due_ms, later, argument);
}

int notice_telling(struct filesystem *filesystem, int64_t due_ms,
                   void (*later)(struct filesystem *filesystem, void *argument)) {
    return queue_work(&filesystem->notices->teller, due_ms, later, NULL);
}

bool notice_prune(struct filesystem *filesystem, struct node *const *nodes, size_t count) {
    struct notify_prune notify = {.header = {.error = NOTIFY_PRUNE}};
    for (size_t done = 0; done < count; done += notify.count) {
        size_t size = offsetof(struct notify_prune, numbers);
        for (notify.count = 0; notify.count < PRUNED_MAX && done + notify.count < count;
             notify.count++) {
            notify.numbers[notify.count] = node_number(filesystem, nodes[done + notify.count]);
        }
        size += notify.count * sizeof notify.numbers[0];
        notify.header.len = (uint32_t)size;
        const struct iovec whole = {&notify, size};
        if (writev(fuse_session_fd(filesystem->session), &whole, 1) < 0 && errno == EINVAL) {
            return false;
        }
    }
    return true;
}

void notice_name_gone(struct filesystem *filesystem, struct node *folder, const char *name) {
    if (kernel_knows(filesystem, folder)) {
        fuse_lowlevel_notify_inval_entry(filesystem->session, node_number(filesystem, folder), name,
                                         strlen(name));
    }
}
