// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The moment of mounting: what the system says against it is put into one line.
#ifndef GEN5FS_MOUNT_ATTEMPT_H
#define GEN5FS_MOUNT_ATTEMPT_H

#include <stdbool.h>

struct fuse_session;

// Mount, or say why not and return false. libfuse and fusermount3 write what they have to say to
// standard error, which is caught meanwhile; before there is a thread that logs a lot.
bool mount_attempt(struct fuse_session *session, const char *mount_path);

#endif
