// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Walking through a folder and all folders below it, on its own file system and without following
// symlinks.
#ifndef GEN5FS_FOLDER_WALK_H
#define GEN5FS_FOLDER_WALK_H

#include <stdatomic.h>
#include <stdbool.h>

// Called for everything but folders: `folder` is the path of its folder below the start (no '/' at
// its end). It may remove the entry.
typedef void (*folder_walk_entry)(void *context, int folder_fd, const char *folder,
                                  const char *name);

// Walk `path` ("." for all) below `folder_fd`. One folder is open at a time, however deep they
// nest; the entries come in no order. Folders that cannot be opened are left out; those below
// `path` are too, unless `below`. Ends early once *stop is true (NULL: never).
void folder_walk(int folder_fd, const char *path, bool below, folder_walk_entry entry,
                 void *context, const atomic_bool *stop);

#endif
