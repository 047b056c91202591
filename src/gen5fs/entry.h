// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the kernel is told of a node, and for how long it may believe it.
#ifndef GEN5FS_ENTRY_H
#define GEN5FS_ENTRY_H

#include "filesystem.h"

struct fuse_entry_param;

// Everything of an answer that gives the kernel `node` as `name` in `folder`. Counts nothing.
void entry_fill(struct filesystem *filesystem, struct node *folder, const char *name,
                const struct node *node, const struct stat *attributes,
                struct fuse_entry_param *entry);

// Seconds for which attributes of a node may be believed.
double entry_attribute_seconds(struct filesystem *filesystem, const struct node *node);

#endif
