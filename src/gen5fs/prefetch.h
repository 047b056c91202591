// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Preparing what is going to be looked into and read. Programs go through the containers of a
// folder one after the other, listing each, or reading the same member of each. A container is
// parsed before its directory can be listed, and a payload is hashed as a whole before its first
// byte is served: so while they are busy with one, a thread opens and parses, or verifies, the next
// ones. What it finds is kept with their snapshots, and holds for the states of the files that it
// was found for and no others: who reads meanwhile what another program changes reads as if there
// were no such thread.
//
// It is begun at a folder's first container, or at the second of two that are close to each other,
// by name or as the folder lists them. Up to 64 containers with 4 MiB of manifests are parsed ahead
// of who looks into containers; up to eight are verified ahead of who reads a member, and none
// where those that are ahead have 16 MiB or the next one has more than 128 MiB. Neither is more
// than a quarter of the idle snapshots that are kept (snapshot.h), nor is a container whose
// manifest has more than 1 MiB. Files that nobody has asked for yet keep their times of access.
#ifndef GEN5FS_PREFETCH_H
#define GEN5FS_PREFETCH_H

struct filesystem;
struct member;
struct node;
struct snapshot;

// Sets filesystem->prefetch; leaves it NULL where there can be no thread, which is logged.
void prefetch_start(struct filesystem *filesystem);
void prefetch_stop(struct filesystem *filesystem);

// A container was looked into by somebody's request; `snapshot` is what it is now. No lock is held.
void prefetch_look(struct filesystem *filesystem, struct node *container,
                   struct snapshot *snapshot);

// A member of a container is being read. No lock is held.
void prefetch_hint(struct filesystem *filesystem, struct node *container,
                   const struct member *member);

#endif
