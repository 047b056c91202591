// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The requests of the kernel, as libfuse's low-level API gives them. The session's user data is the
// struct filesystem. This is the only place that answers requests.
#ifndef GEN5FS_OPERATIONS_H
#define GEN5FS_OPERATIONS_H

struct fuse_lowlevel_ops;

extern const struct fuse_lowlevel_ops gen5fs_operations;

// The connection has ended: release what the kernel had open and has not said that it closed. A
// mount that is detached loses the releases that were on their way.
struct filesystem;
void operations_release_handles(struct filesystem *filesystem);

#endif
