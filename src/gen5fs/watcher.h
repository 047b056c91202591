// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The live source: inotify on the folders that the kernel knows, so that what other programs change
// in the source is seen at once (DESIGN.md 2.2 rule 11). Where it cannot tell (network file
// systems, the limit of watches reached), the kernel's caches are trusted for a second only.
#ifndef GEN5FS_WATCHER_H
#define GEN5FS_WATCHER_H

#include <stdbool.h>

struct filesystem;
struct node;

int watcher_start(
    struct filesystem *filesystem); // sets filesystem->watcher; failure is no error for the mount
void watcher_stop(struct filesystem *filesystem);

// Watch a NODE_SOURCE folder from now on (idempotent, cheap when done already).
void watcher_add(struct filesystem *filesystem, struct node *folder);
// The folder's node goes away: called by node.c with node_table.lock held, so it takes no other
// lock.
void watcher_drop(struct filesystem *filesystem, struct node *folder);

// Seconds for which the kernel may trust what it was told of entries of this folder.
double watcher_entry_seconds(const struct filesystem *filesystem, const struct node *folder);

#endif
