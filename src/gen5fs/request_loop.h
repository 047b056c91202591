// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The threads that take requests from the kernel and have them answered.
//
// A single client sends one request after the other, and is served fastest by one thread that stays
// on its core; libfuse's own loop has two take turns. Here one thread has the turn: it reads a
// request and, if that is a short one, answers it and reads the next. It passes the turn to another
// thread before a request that may take long, when more requests are waiting already, and (a
// watching thread sees to it) when a request turns out to take more than a millisecond or two. So
// requests that block never keep others waiting.
#ifndef GEN5FS_REQUEST_LOOP_H
#define GEN5FS_REQUEST_LOOP_H

struct fuse_session;
struct request_counts;
struct request_loop;

// Start answering, and count in `counts`, which must outlive the loop. 0 or an errno. `ended_fd` is
// an eventfd, written to once the connection has ended (unmounted or aborted) and no request is
// under way.
int request_loop_start(struct fuse_session *session, struct request_counts *counts, int ended_fd,
                       struct request_loop **loop);

// The request that this thread is answering is about to do what takes a good part of a millisecond
// or waits for somebody: another thread takes the next one. Does nothing where that is the case
// already, and in threads that answer no request. Takes no lock but the loop's own.
void request_takes_long(void);

// Wait for the end of all threads and free the loop; after the end, or it waits until then.
void request_loop_join(struct request_loop *loop);

#endif
