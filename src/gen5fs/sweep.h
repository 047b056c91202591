// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Removing what a daemon left behind when it was killed: temporaries (gen5_temporary_name_is) below
// the source, on its own device, that nobody holds a lock on (flock). It runs beside the mount,
// which hides them.
#ifndef GEN5FS_SWEEP_H
#define GEN5FS_SWEEP_H

struct filesystem;
struct sweep;

// Start on a thread of its own. NULL where that cannot be, which is logged, or where the mount is
// read-only.
struct sweep *sweep_start(struct filesystem *filesystem);
// End it, done or not. NULL is allowed.
void sweep_stop(struct sweep *sweep);

#endif
