// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The hidden folder .gen5fs at the mount's root: "raw" (the source as it is, read-only), "rescued"
// (the source's own .gen5fs/rescued, where there is one) and "status" (what `gen5fs status`
// prints).
#ifndef GEN5FS_CONTROL_H
#define GEN5FS_CONTROL_H

#include "container_operations.h"

// What control_list lists, and nothing else, is in the folder; it cannot be changed. Every function
// returns 0 or an errno.

// `folder` is the root, for CONTROL_NAME, or the NODE_CONTROL. The child has a reference for the
// caller.
int control_lookup(struct filesystem *filesystem, struct node *folder, const char *name,
                   struct node **child, struct stat *attributes);
// Of a NODE_CONTROL or NODE_STATUS. The status has size 0 and is read with direct I/O, as in /proc;
// where files are not opened, each look-up gives a new node with a text of its own.
int control_getattr(struct filesystem *filesystem, struct node *node, struct stat *attributes);
int control_list(struct filesystem *filesystem, struct node *folder,
                 struct container_listing *listing);
// The text is made when it is opened. The handle is the caller's, with its text and a reference to
// the node.
int control_open_status(struct filesystem *filesystem, struct node *node, struct handle **handle);

// Drop the folder's own nodes, at the end.
void control_release(struct filesystem *filesystem);

#endif
