// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A ring of pieces between the thread that reads and the one that hashes.
#include "digest_ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

enum { PIECES = 4 };

struct gen5_digest_ahead {
    struct gen5_digest_stream *stream; // borrowed; the thread's until it has ended
    size_t piece_size;
    char *pieces; // PIECES of them
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Protected by lock:
    size_t sizes[PIECES];
    size_t added;
    size_t hashed;
    bool ended; // nothing is added any more
    // The thread's until it has ended:
    enum gen5_status status;
    struct gen5_error error;
};

static char *piece_of(const struct gen5_digest_ahead *ahead, size_t number) {
    return ahead->pieces + number % PIECES * ahead->piece_size;
}

// The size of the next piece that is there; 0 at the end.
static size_t wait_for_piece(struct gen5_digest_ahead *ahead, size_t number) {
    pthread_mutex_lock(&ahead->lock);
    while (ahead->added == number && !ahead->ended) {
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    }
    size_t size = ahead->added > number ? ahead->sizes[number % PIECES] : 0;
    pthread_mutex_unlock(&ahead->lock);
    return size;
}

static void *hash(void *argument) {
    struct gen5_digest_ahead *ahead = argument;
    size_t size;
    for (size_t number = 0; (size = wait_for_piece(ahead, number)) > 0; number++) {
        if (ahead->status == GEN5_OK) {
            ahead->status = gen5_digest_stream_update(ahead->stream, piece_of(ahead, number), size,
                                                      &ahead->error);
        }
        pthread_mutex_lock(&ahead->lock);
        ahead->hashed++;
        pthread_cond_signal(&ahead->changed);
        pthread_mutex_unlock(&ahead->lock);
    }
    return NULL;
}

static void release(struct gen5_digest_ahead *ahead) {
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead->pieces);
    free(ahead);
}

// Signals are for the program's own threads.
static bool start_thread(struct gen5_digest_ahead *ahead) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&ahead->thread, NULL, hash, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

enum gen5_status gen5_digest_ahead_new(struct gen5_digest_stream *stream, size_t piece_size,
                                       struct gen5_digest_ahead **ahead, struct gen5_error *error) {
    struct gen5_digest_ahead *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return gen5_error_set_memory(error);
    }
    made->stream = stream;
    made->piece_size = piece_size;
    made->error = (struct gen5_error)GEN5_ERROR_NONE;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    made->pieces = malloc(PIECES * piece_size);
    if (made->pieces == NULL || !start_thread(made)) {
        release(made);
        return gen5_error_set_memory(error);
    }
    *ahead = made;
    return GEN5_OK;
}

char *gen5_digest_ahead_piece(struct gen5_digest_ahead *ahead) {
    pthread_mutex_lock(&ahead->lock);
    while (ahead->added - ahead->hashed == PIECES) {
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    }
    char *piece = piece_of(ahead, ahead->added);
    pthread_mutex_unlock(&ahead->lock);
    return piece;
}

void gen5_digest_ahead_add(struct gen5_digest_ahead *ahead, size_t size) {
    pthread_mutex_lock(&ahead->lock);
    ahead->sizes[ahead->added % PIECES] = size;
    ahead->added++;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

enum gen5_status gen5_digest_ahead_end(struct gen5_digest_ahead *ahead, struct gen5_error *error) {
    if (ahead == NULL) {
        return GEN5_OK;
    }
    pthread_mutex_lock(&ahead->lock);
    ahead->ended = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
    enum gen5_status status = ahead->status;
    if (status != GEN5_OK && error != NULL) {
        *error = ahead->error;
    }
    release(ahead);
    return status;
}
