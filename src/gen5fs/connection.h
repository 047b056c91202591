// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The mount as the kernel has it: its device number, by which sysfs lets us tune and abort it, and
// its end.
#ifndef GEN5FS_CONNECTION_H
#define GEN5FS_CONNECTION_H

#include <stdbool.h>

struct fuse_session;

struct connection {
    const char *mount_path; // borrowed
    unsigned int device_major;
    unsigned int device_minor;
    bool known; // the device is
};

// Answer the kernel's first request (FUSE_INIT), on this thread. When this returns 0, the kernel
// has taken the answer and the mount is live. An errno otherwise.
int connection_open(struct fuse_session *session);

// Find the device. Somebody else must be answering requests.
struct connection connection_of(const char *mount_path);

// Let the kernel read ahead so many KiB; where that is not permitted it stays as it is.
void connection_set_read_ahead(const struct connection *connection, unsigned int kib);

// Unmount lazily: no new path leads into the mount, open files go on. Another mount that has taken
// the place meanwhile is left alone.
void connection_detach(const struct connection *connection);

// End it now: every request that waits gets an error. false where that is not permitted. Where
// only unmounting does it and nobody uses the mount, it is unmounted.
bool connection_abort(const struct connection *connection);

#endif
