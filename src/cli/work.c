// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Work side by side: threads take the next piece that nobody has.
#include "work.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "gen5fs/filesystem.h"
#include "gen5fs/thread.h"

enum { THREADS_MAX = 64, TICK_MS = 100 };

struct crew {
    const struct work *work;
    pthread_mutex_t lock;
    pthread_cond_t done_changed;
    size_t next; // the piece that is taken next. Under the lock.
    bool *done;  // one a piece: it was run. Under the lock.
    // Of the caller's thread alone:
    size_t threads;
    int64_t tick_ms; // when the next tick is due
    pthread_t ids[THREADS_MAX];
};

// Take and do one piece. False where none is left.
static bool do_next(struct crew *crew) {
    pthread_mutex_lock(&crew->lock);
    size_t piece = crew->next;
    bool left = piece < crew->work->count;
    crew->next += left ? 1 : 0;
    pthread_mutex_unlock(&crew->lock);
    if (!left) {
        return false;
    }
    crew->work->run(crew->work->context, piece);
    pthread_mutex_lock(&crew->lock);
    crew->done[piece] = true;
    pthread_cond_signal(&crew->done_changed);
    pthread_mutex_unlock(&crew->lock);
    return true;
}

static void *run_thread(void *context) {
    struct crew *crew = context;
    while (do_next(crew)) {
    }
    return NULL;
}

// As many as processors that this process may use, and not more than there is work.
static size_t threads_wanted(size_t pieces) {
    cpu_set_t processors;
    CPU_ZERO(&processors);
    int count =
        sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
    size_t wanted = count < THREADS_MAX ? (size_t)count : THREADS_MAX;
    return wanted < pieces ? wanted : pieces;
}

static void tick_if_due(struct crew *crew) {
    if (crew->work->tick != NULL && clock_ms() >= crew->tick_ms) {
        crew->work->tick(crew->work->context);
        crew->tick_ms = clock_ms() + TICK_MS;
    }
}

// Whether the piece is done, after a wait until it is or a tick is due.
static bool await(struct crew *crew, size_t piece) {
    pthread_mutex_lock(&crew->lock);
    if (!crew->done[piece]) {
        thread_condition_wait(&crew->done_changed, &crew->lock,
                              crew->work->tick != NULL ? crew->tick_ms : INT64_MAX);
    }
    bool done = crew->done[piece];
    pthread_mutex_unlock(&crew->lock);
    return done;
}

static void do_together(struct crew *crew) {
    const struct work *work = crew->work;
    for (size_t i = threads_wanted(work->count); i > 0; i--) {
        if (pthread_create(&crew->ids[crew->threads], NULL, run_thread, crew) == 0) {
            crew->threads++;
        }
    }
    for (size_t piece = 0; piece < work->count; piece++) {
        // Where no thread could be had, this one does the work.
        while (crew->threads == 0 && !crew->done[piece] && do_next(crew)) {
        }
        bool done;
        do {
            done = await(crew, piece);
            tick_if_due(crew);
        } while (!done);
        work->finish(work->context, piece);
    }
    for (size_t i = 0; i < crew->threads; i++) {
        pthread_join(crew->ids[i], NULL);
    }
}

static void do_alone(const struct work *work) {
    for (size_t piece = 0; piece < work->count; piece++) {
        work->run(work->context, piece);
        if (work->tick != NULL) {
            work->tick(work->context);
        }
        work->finish(work->context, piece);
    }
}

void work_do(const struct work *work) {
    struct crew crew = {.work = work,
                        .done = calloc(work->count + 1, sizeof(bool)),
                        .tick_ms = clock_ms() + TICK_MS};
    if (crew.done == NULL) {
        do_alone(work);
        return;
    }
    thread_condition_init(&crew.done_changed);
    pthread_mutex_init(&crew.lock, NULL);
    do_together(&crew);
    pthread_mutex_destroy(&crew.lock);
    pthread_cond_destroy(&crew.done_changed);
    free(crew.done);
}
