// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The process behind a mount.
#ifndef GEN5FS_MOUNT_DAEMON_H
#define GEN5FS_MOUNT_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

struct mount_entry;

// The process that serves a mount of gen5fs, as it says itself; 0 with errno where it does not
// answer: see mount_daemon_has_ended; ETIMEDOUT: not within some seconds. The entry has to be the
// topmost of its mount point. Root is told of the mounts of other users too.
pid_t mount_daemon_of(const struct mount_entry *entry);

// Whether that is what an errno says that something in a FUSE mount was answered with.
bool mount_daemon_has_ended(int os_error);

#endif
