// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A second, small process that ends the mount where the daemon cannot die, and does what the daemon
// has given up the privilege for (privileges.h).
//
// The kernel lets a thread that tells it of a change wait, uninterruptibly, until a program's
// request in the same folder or page is answered. If the daemon is killed in that moment, nobody is
// left to answer: the thread waits for the program, the program for the daemon, and since the
// thread keeps the connection open, every other program that looks into the mount hangs with them,
// for ever. The guard is told when the daemon's main thread dies; if the rest of the daemon does
// not follow, it aborts the connection, and all of them go on with an error, as after any other
// crash.
#ifndef GEN5FS_GUARD_H
#define GEN5FS_GUARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "connection.h"

struct guard {
    pid_t process;        // -1: there is none
    int fd;               // of a socket whose other end the guard has
    pthread_mutex_t lock; // one asks at a time
};
#define GUARD_NONE                                                                                 \
    { -1, -1, PTHREAD_MUTEX_INITIALIZER }

// By the thread that lives as long as the daemon does, before there are others and before the
// connection is open. Without a guard, of which the log then tells, everything else works.
void guard_start(struct guard *guard, const char *mount_path);

// Wait until it can do its work: before the mount is live. false where there is no guard.
bool guard_await(struct guard *guard);

// The mount is live: this is the connection that it may have to end.
void guard_watch(const struct guard *guard, const struct connection *connection);

// Take the mount away from where it is, as connection_detach does. false where there is no guard.
bool guard_detach(struct guard *guard);

// The line that proc(5)'s /proc/TID/syscall has about a thread of another process; "" where the
// daemon's user may not know. false where there is no guard. `size` is at most GUARD_LINE_SIZE.
enum { GUARD_LINE_SIZE = 256 };
bool guard_read_call(struct guard *guard, pid_t thread, char *line, size_t size);

// The mount has ended, and with it all threads that the kernel may hold up; returns when the guard
// is gone. Where a thread had to be left behind, the guard outlives the daemon's end instead.
void guard_end(struct guard *guard);

#endif
