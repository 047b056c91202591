// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A bar that shows how far a command is, how fast, and how long it will take: the last line of
// standard error, where that is a terminal and nothing is piped on. Elsewhere nothing is shown.
#ifndef GEN5FS_CLI_PROGRESS_H
#define GEN5FS_CLI_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;
    bool drawn; // the bar is on the screen. Of the thread that draws.
    size_t files;
    uint64_t bytes;
    int64_t begin_ms;
    // Any thread may count.
    atomic_size_t files_done;
    atomic_uint_least64_t bytes_done;
};

void progress_start(struct progress *progress, size_t files, uint64_t bytes);
void progress_add_bytes(struct progress *progress, uint64_t bytes);
void progress_add_file(struct progress *progress);

// By one thread alone: draw the bar as it is now, and take it away, so that a line can be printed
// in its place. It is taken away at the end too.
void progress_draw(struct progress *progress);
void progress_hide(struct progress *progress);

// Since the start, in seconds.
double progress_seconds(const struct progress *progress);

#endif
