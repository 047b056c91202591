// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The requests of the kernel, as libfuse's low-level API gives them. The session's user data is the
// struct filesystem. This is the only place that answers requests.
#ifndef GEN5FS_OPERATIONS_H
#define GEN5FS_OPERATIONS_H

struct fuse_lowlevel_ops;

extern const struct fuse_lowlevel_ops gen5fs_operations;

#endif
