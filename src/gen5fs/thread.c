// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Threads of the daemon, and waiting by the monotonic clock.
#include "thread.h"

#include <signal.h>
#include <time.h>

// pthread_setname_np(3): 15 characters and a zero.
enum { NAME_SIZE = 16 };

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument) {
    char own_name[NAME_SIZE] = "";
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    // A thread inherits the mask; blocking before it starts leaves no moment in which it takes one.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // It inherits the name, too. To name another thread takes writing to a file of proc(5), which
    // privileges.c forbids.
    pthread_getname_np(pthread_self(), own_name, sizeof own_name);
    pthread_setname_np(pthread_self(), name);
    int problem = pthread_create(thread, NULL, run, argument);
    pthread_setname_np(pthread_self(), own_name);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

int thread_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    int problem = pthread_condattr_init(&attributes);
    if (problem != 0) {
        return problem;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    problem = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return problem;
}

void thread_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ms) {
    if (until_ms == INT64_MAX) {
        pthread_cond_wait(condition, lock);
        return;
    }
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = (until_ms % 1000) * 1000000};
    pthread_cond_timedwait(condition, lock, &until);
}
