// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Threads of the daemon. They take no signals: those are for the thread that mount.c waits with.
// Condition variables run on the monotonic clock, so that a changed wall clock neither hurries nor
// stops them.
#ifndef GEN5FS_THREAD_H
#define GEN5FS_THREAD_H

#include <pthread.h>
#include <stdint.h>

// Start a thread with all signals blocked and a name of at most 15 bytes. 0 or an errno.
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

// 0 or an errno.
int thread_condition_init(pthread_cond_t *condition);

// Wait until signalled, or until clock_ms() reaches `until_ms`; INT64_MAX waits without an end.
void thread_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ms);

#endif
