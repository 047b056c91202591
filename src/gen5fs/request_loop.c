// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Taking turns at the kernel's queue of requests (request_loop.h says why).
#define FUSE_USE_VERSION 314
#include "request_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "filesystem.h"
#include "thread.h"

enum {
    THREADS_MAX = 1000,   // as many requests can be blocked at a time
    IDLE_THREADS_MAX = 8, // more are let go
    TICK_MS = 1,
    MEMORY_WAIT_MS = 10,
    QUIET_TICKS = 50, // after so many without a request the watching thread sleeps
};

struct request_loop {
    struct fuse_session *session;
    struct request_counts *counts;
    int ended_fd;
    pthread_t watching;
    // Odd while whoever has the turn answers a request, even while it waits for one.
    atomic_uint_fast64_t progress;
    atomic_bool watching_sleeps;
    pthread_mutex_t lock;
    pthread_cond_t turn_is_free;
    pthread_cond_t wake_watching;
    pthread_cond_t thread_left;
    // Protected by lock:
    uint64_t turn; // the number of the turn that is taken now; 0: free
    uint64_t last_turn;
    unsigned int threads;
    unsigned int waiting; // for the turn
    bool ended;
};

// The turn that this thread answers a request in, while it does: 0 where it has none.
struct own_turn {
    struct request_loop *loop;
    uint64_t turn;
};
static _Thread_local struct own_turn own_turn;

static void *serve(void *argument);

// Start a thread that waits for the turn. The lock is held.
static void add_thread(struct request_loop *loop) {
    pthread_t thread;
    if (loop->threads >= THREADS_MAX || thread_start(&thread, "request", serve, loop) != 0) {
        return; // Those that there are go on; the turn is taken by the next that is done.
    }
    pthread_detach(thread);
    loop->threads++;
}

// Let another thread read, if the turn is still `turn`. The lock is held.
static void pass_turn(struct request_loop *loop, uint64_t turn) {
    if (turn == 0 || loop->turn != turn || loop->ended) {
        return;
    }
    loop->turn = 0;
    if (loop->waiting == 0) {
        add_thread(loop);
    } else {
        pthread_cond_signal(&loop->turn_is_free);
    }
}

// Wait for the turn; false where this thread is to leave. The lock is held.
static bool take_turn(struct request_loop *loop, uint64_t *turn) {
    if (loop->turn != 0 && loop->waiting >= IDLE_THREADS_MAX) {
        return false;
    }
    loop->waiting++;
    while (loop->turn != 0 && !loop->ended) {
        pthread_cond_wait(&loop->turn_is_free, &loop->lock);
    }
    loop->waiting--;
    if (loop->ended) {
        return false;
    }
    *turn = loop->turn = ++loop->last_turn;
    atomic_store(&loop->progress, 0);
    return true;
}

static bool more_is_waiting(const struct request_loop *loop) {
    struct pollfd device = {.fd = fuse_session_fd(loop->session), .events = POLLIN};
    return poll(&device, 1, 0) == 1 && (device.revents & POLLIN) != 0;
}

static struct fuse_in_header head_of(const struct fuse_buf *request) {
    struct fuse_in_header head = {.opcode = 0};
    if ((request->flags & FUSE_BUF_IS_FD) == 0 && request->size >= sizeof head) {
        memcpy(&head, request->mem, sizeof head);
    }
    return head;
}

// What is answered from memory or by a few system calls. A read is not always, but then
// request_takes_long is called.
static bool is_short(const struct fuse_buf *request) {
    static const uint8_t short_operations[] = {
        FUSE_LOOKUP,      FUSE_FORGET,     FUSE_GETATTR,  FUSE_READLINK,  FUSE_OPEN,
        FUSE_STATFS,      FUSE_RELEASE,    FUSE_GETXATTR, FUSE_LISTXATTR, FUSE_OPENDIR,
        FUSE_READDIR,     FUSE_RELEASEDIR, FUSE_ACCESS,   FUSE_INTERRUPT, FUSE_BATCH_FORGET,
        FUSE_READDIRPLUS, FUSE_IOCTL,      FUSE_LSEEK,    FUSE_READ};
    struct fuse_in_header head = head_of(request);
    return head.opcode <= UINT8_MAX &&
           memchr(short_operations, (int)head.opcode, sizeof short_operations) != NULL;
}

// What nobody waits for and next to nothing is done about: it never keeps another request waiting
// for as long as it takes to wake a thread up. The last close of a writer may have to store what it
// wrote.
static bool is_trifle(const struct fuse_buf *request) {
    struct fuse_in_header head = head_of(request);
    if (head.opcode == FUSE_RELEASE) {
        struct fuse_release_in release = {.flags = O_RDWR};
        if (request->size >= sizeof head + sizeof release) {
            memcpy(&release, (const char *)request->mem + sizeof head, sizeof release);
        }
        return (release.flags & O_ACCMODE) == O_RDONLY;
    }
    return head.opcode == FUSE_FORGET || head.opcode == FUSE_BATCH_FORGET;
}

static void wake_watching(struct request_loop *loop) {
    if (atomic_exchange(&loop->watching_sleeps, false)) {
        pthread_mutex_lock(&loop->lock);
        pthread_cond_signal(&loop->wake_watching);
        pthread_mutex_unlock(&loop->lock);
    }
}

// Answer one request. false where the turn was passed on before or meanwhile.
static bool answer(struct request_loop *loop, uint64_t turn, const struct fuse_buf *request) {
    bool keeps = is_trifle(request) || (is_short(request) && !more_is_waiting(loop));
    if (keeps) {
        atomic_fetch_add(&loop->progress, 1);
        if (atomic_load(&loop->watching_sleeps)) {
            wake_watching(loop);
        }
    } else {
        pthread_mutex_lock(&loop->lock);
        pass_turn(loop, turn);
        pthread_mutex_unlock(&loop->lock);
    }
    own_turn = (struct own_turn){loop, keeps ? turn : 0};
    fuse_session_process_buf(loop->session, request);
    own_turn = (struct own_turn){NULL, 0};
    if (!keeps) {
        return false;
    }
    pthread_mutex_lock(&loop->lock);
    keeps = loop->turn == turn;
    if (keeps) {
        atomic_fetch_add(&loop->progress, 1);
    }
    pthread_mutex_unlock(&loop->lock);
    return keeps;
}

// Read and answer for as long as the turn is ours. false at the end of the connection.
static bool serve_turn(struct request_loop *loop, uint64_t turn, struct fuse_buf *request) {
    bool mine = true;
    // Without the turn, what waits already is taken too: other threads may all be busy.
    while (mine || more_is_waiting(loop)) {
        int got = fuse_session_receive_buf(loop->session, request);
        if (got == -EINTR || got == -EAGAIN) {
            continue;
        }
        if (got == -ENOMEM) {
            // A thread's first request needs a buffer. That there is no memory for it now is no
            // reason to end the mount.
            nanosleep(&(struct timespec){0, MEMORY_WAIT_MS * 1000000L}, NULL);
            continue;
        }
        if (got <= 0) {
            return false;
        }
        request_counts_add(loop->counts, head_of(request).opcode);
        if (mine) {
            mine = answer(loop, turn, request);
        } else {
            fuse_session_process_buf(loop->session, request);
        }
    }
    return true;
}

void request_takes_long(void) {
    const struct own_turn own = own_turn;
    if (own.turn != 0) {
        pthread_mutex_lock(&own.loop->lock);
        pass_turn(own.loop, own.turn);
        pthread_mutex_unlock(&own.loop->lock);
        own_turn.turn = 0;
    }
}

static void end(struct request_loop *loop) {
    loop->ended = true;
    pthread_cond_broadcast(&loop->turn_is_free);
    pthread_cond_signal(&loop->wake_watching);
}

static void *serve(void *argument) {
    struct request_loop *loop = argument;
    struct fuse_buf request = {.mem = NULL};
    uint64_t turn = 0;
    pthread_mutex_lock(&loop->lock);
    while (take_turn(loop, &turn)) {
        pthread_mutex_unlock(&loop->lock);
        bool connected = serve_turn(loop, turn, &request);
        pthread_mutex_lock(&loop->lock);
        if (!connected) {
            end(loop);
        }
    }
    free(request.mem);
    loop->threads--;
    if (loop->ended && loop->threads == 0) {
        uint64_t one = 1;
        ssize_t written = write(loop->ended_fd, &one, sizeof one);
        (void)written; // An eventfd takes its first 8 bytes always.
    }
    pthread_cond_signal(&loop->thread_left);
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

// A request that began before `watching_sleeps` was set has not looked at it: then there is no
// sleep. The lock is held.
static void sleep_until_request(struct request_loop *loop, uint64_t seen_progress) {
    atomic_store(&loop->watching_sleeps, true);
    if (atomic_load(&loop->progress) != seen_progress) {
        atomic_store(&loop->watching_sleeps, false);
    }
    while (atomic_load(&loop->watching_sleeps) && !loop->ended) {
        pthread_cond_wait(&loop->wake_watching, &loop->lock);
    }
}

// Pass the turn on where a request has been under way for a whole tick.
static void *watch(void *argument) {
    struct request_loop *loop = argument;
    uint64_t seen_progress = 0;
    uint64_t seen_turn = 0;
    unsigned int quiet = 0;
    pthread_mutex_lock(&loop->lock);
    while (!loop->ended) {
        thread_condition_wait(&loop->wake_watching, &loop->lock, clock_ms() + TICK_MS);
        uint64_t progress = atomic_load(&loop->progress);
        bool same = progress == seen_progress && loop->turn == seen_turn;
        seen_progress = progress;
        seen_turn = loop->turn;
        if (!same) {
            quiet = 0;
        } else if (progress % 2 == 1) {
            pass_turn(loop, seen_turn);
        } else if (++quiet >= QUIET_TICKS && !loop->ended) {
            sleep_until_request(loop, progress);
            quiet = 0;
        }
    }
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

static void loop_free(struct request_loop *loop) {
    pthread_cond_destroy(&loop->turn_is_free);
    pthread_cond_destroy(&loop->wake_watching);
    pthread_cond_destroy(&loop->thread_left);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

int request_loop_start(struct fuse_session *session, struct request_counts *counts, int ended_fd,
                       struct request_loop **loop) {
    struct request_loop *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ENOMEM;
    }
    made->session = session;
    made->counts = counts;
    made->ended_fd = ended_fd;
    pthread_mutex_init(&made->lock, NULL);
    thread_condition_init(&made->turn_is_free);
    thread_condition_init(&made->wake_watching);
    thread_condition_init(&made->thread_left);
    int problem = thread_start(&made->watching, "watching", watch, made);
    if (problem != 0) {
        loop_free(made);
        return problem;
    }
    pthread_mutex_lock(&made->lock);
    add_thread(made);
    if (made->threads == 0) {
        problem = EAGAIN;
        end(made);
    }
    pthread_mutex_unlock(&made->lock);
    if (problem != 0) {
        pthread_join(made->watching, NULL);
        loop_free(made);
        return problem;
    }
    *loop = made;
    return 0;
}

void request_loop_join(struct request_loop *loop) {
    pthread_join(loop->watching, NULL);
    pthread_mutex_lock(&loop->lock);
    while (loop->threads > 0) {
        pthread_cond_wait(&loop->thread_left, &loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
    loop_free(loop);
}
