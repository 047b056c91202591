// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The filesystem's entry point: what the command `gen5fs mount` calls once it has read its
// arguments.
#ifndef GEN5FS_MOUNT_H
#define GEN5FS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

// What a mount keeps in memory because it may be asked for again, in MiB. What is over a cap is
// dropped, the longest unused first, and made again when it is asked for.
struct gen5fs_caps {
    uint32_t decoded;   // payloads that were decoded
    uint32_t manifests; // of containers that nobody uses
    uint32_t names;     // what the kernel knows of names, files and folders, about
};
#define GEN5FS_CAPS_DEFAULT ((struct gen5fs_caps){.decoded = 32, .manifests = 16, .names = 32})

// All strings are the caller's and have to live until gen5fs_mount returns.
struct gen5fs_mount_options {
    const char *source;     // a folder, or one .gen5 file; absolute, or from the working directory
    const char *mountpoint; // a folder; likewise
    bool foreground;        // serve in the calling process instead of in the background
    bool debug;             // say what is done; implies foreground
    bool read_only;
    bool allow_other; // let other users in, as far as the permissions of the files let them
    bool no_verify;   // serve payloads without checking their stored hashes
    bool no_sandbox;  // give up no privileges (privileges.h)
    struct gen5fs_caps caps;
    const char
        *kernel_options; // for the mount system call, a comma list such as "ro,noexec", or ""
};

// The statuses with which the process ends; those from 10 on come with one line to standard error,
// which names cause and cure, and before anything was mounted.
enum gen5fs_mount_status {
    GEN5FS_MOUNT_DONE = 0,     // in the background: the mount is live; in the foreground: it ended
                               // cleanly, by unmount or signal
    GEN5FS_MOUNT_USAGE = 2,    // the command line is wrong (the command's own; never returned here)
    GEN5FS_MOUNT_SOURCE = 10,  // the source is missing or cannot be used
    GEN5FS_MOUNT_POINT = 11,   // the mount point is missing, no folder, in use or not accessible
    GEN5FS_MOUNT_NO_FUSE = 12, // /dev/fuse is absent or may not be opened
    GEN5FS_MOUNT_NO_HELPER = 13, // fusermount3 is missing, which users other than root need
    GEN5FS_MOUNT_REFUSED = 14,   // the system refused the mount, or the daemon failed to start
};

// Mounts. In the background it returns once the mount is live (the daemon is another process then),
// in the foreground when it has ended. Returns one of the statuses above, for the process to exit
// with.
//
// Everything in the mount has an attribute "user.gen5fs.pid", which is not listed: the daemon's
// process id in decimal, by which `gen5fs umount` waits for its end. MOUNTPOINT/.gen5fs/status is
// what `gen5fs status` prints.
int gen5fs_mount(const struct gen5fs_mount_options *options);

#define GEN5FS_PID_ATTRIBUTE "user.gen5fs.pid"
#define GEN5FS_STATUS_FILE ".gen5fs/status"

#endif
