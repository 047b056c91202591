// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Living within the limit of open files. The kernel remembers as many nodes of the source as it has
// memory for; a node's descriptor is opened when it is needed and stays open, and past half of the
// limit, open files included, those that were not used for longest are closed again. A node is
// found again by a handle that is open on it, or where it was last found: by its name in its
// parent, which must still lead to the same thing.
//
// So node.fd of a NODE_SOURCE may be read between descriptor_hold and descriptor_release only. What
// a request names is held for it by request_*.c. The root's is always open.
#ifndef GEN5FS_DESCRIPTORS_H
#define GEN5FS_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

struct filesystem;
struct node;
struct node_table;

// node.holds: how often the descriptor is held, and whether it is closed.
#define DESCRIPTOR_CLOSED (UINT32_C(1) << 31)

// 0, ESTALE where the thing is no longer where it was found, or another errno of opening it.
// Takes no lock while the descriptor is open. Nodes that are not of the source are let pass.
int descriptor_hold(struct filesystem *filesystem, struct node *node);
void descriptor_release(struct node *node);

// `problem` is what an open has led to: where too many files are open, close some that can be
// opened again. True where it is worth another try.
bool descriptors_make_room(struct filesystem *filesystem, int problem);

// Whether the limit is one that leaves a quarter for descriptors that are kept in case they are
// needed. Asking for one more of these; what was granted is given back.
bool descriptors_may_be_granted(const struct filesystem *filesystem);
bool descriptors_grant(struct filesystem *filesystem);
void descriptors_give_back(struct filesystem *filesystem);

// Close what is too much. No lock is held.
void descriptors_close_surplus(struct filesystem *filesystem);

// For node.c, with node_table.lock held but for the first:

void descriptors_init(struct node_table *table); // asks for the limit
// The node has this descriptor from now on, unless it has one: false then.
bool descriptors_give(struct node_table *table, struct node *node, int fd);
// The node is about to go; its descriptor is closed by who destroys it.
void descriptors_remove(struct node_table *table, struct node *node);

#endif
