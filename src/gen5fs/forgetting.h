// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the kernel remembers by a number has a node here for as long. Past the cap
// (node_table.bytes_max) it is asked to forget what it was given longest ago and nobody uses; its
// forgets then free the nodes. Nothing is refused meanwhile, and what is forgotten is found again.
#ifndef GEN5FS_FORGETTING_H
#define GEN5FS_FORGETTING_H

struct filesystem;

// Ask soon, from the thread that tells the kernel. Called by node.c, for each time that
// node_take_oldest is to be called. 0 or ENOMEM.
int forgetting_schedule(struct filesystem *filesystem);

#endif
