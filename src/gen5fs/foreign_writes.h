// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Who wrote to an ordinary file. What another program writes in the very moment in which the mount
// changes the same file leaves no trace in its size and times (ordinary_changes.c): so files that
// are open for writing through the mount are watched by fanotify, which tells the process of every
// write. Where it is not to be had (Linux before 5.13, some file systems, its limits), nothing is
// ever told here.
#ifndef GEN5FS_FOREIGN_WRITES_H
#define GEN5FS_FOREIGN_WRITES_H

#include <stdbool.h>

struct filesystem;
struct node;
struct foreign_writes;
struct foreign_watch;

// Sets filesystem->foreign_writes; to NULL where it is not to be had.
void foreign_writes_start(struct filesystem *filesystem);
void foreign_writes_stop(struct filesystem *filesystem);

// Watch a regular file from now on. Counted: as many _end follow. The node lives until then.
void foreign_writes_begin(struct filesystem *filesystem, struct node *node);
// Whether another process wrote since foreign_writes_take, as far as that was the last watch.
bool foreign_writes_end(struct filesystem *filesystem, struct node *node);

// Whether another process has written to the file since the last time that this was asked. A write
// that has returned to its caller is known.
bool foreign_writes_take(struct filesystem *filesystem, struct node *node);

#endif
