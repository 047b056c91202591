// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Verifying what is going to be read. A payload is hashed as a whole before its first byte is
// served, and programs go through the containers of a folder one after the other, reading the same
// member of each: so while they are busy with one, a thread opens, parses and hashes the next ones.
// What it finds is kept with their snapshots, and holds for the states of the files that it was
// found for and no others: who reads meanwhile what another program changes reads as if there were
// no such thread.
//
// It is begun at a folder's first container, or at the second of two that are close to each other,
// by name or as the folder lists them; at most eight containers ahead, and none where those that
// are ahead have 16 MiB, the next one has more than 128 MiB, or its manifest more than 1 MiB. Files
// that nobody has asked for yet keep their times of access.
#ifndef GEN5FS_PREFETCH_H
#define GEN5FS_PREFETCH_H

struct filesystem;
struct member;
struct node;

// Sets filesystem->prefetch; leaves it NULL where there can be no thread, which is logged, or where
// nothing is verified.
void prefetch_start(struct filesystem *filesystem);
void prefetch_stop(struct filesystem *filesystem);

// A member of a container is being read. No lock is held.
void prefetch_hint(struct filesystem *filesystem, struct node *container,
                   const struct member *member);

#endif
