// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What can be known to be wrong with a mount before it is tried: checked in the calling process,
// while somebody still reads its standard error.
#ifndef GEN5FS_MOUNT_CHECK_H
#define GEN5FS_MOUNT_CHECK_H

#include <limits.h>

#include "mount.h"

// What is to be mounted where, as found by mount_check.
struct mount_target {
    char *source_path; // absolute: the folder as the user named it, or the one that holds the
                       // container
    char *only_name;   // SOURCE was one container: its name in that folder; else NULL
    char *mount_path;  // absolute, without symbolic links, as the kernel's mount table will show it
    int source_fd;     // O_PATH descriptor of the source folder, opened before anything covers it
};

struct mount_problem {
    enum gen5fs_mount_status status;
    char message[4 * PATH_MAX +
                 400]; // one line without "gen5fs: ", which names the path, cause and cure
};

// Checks source, mount point, /dev/fuse, fusermount3 and allow_other, in this order. Returns
// GEN5FS_MOUNT_DONE and fills `target` for the caller to release, or returns the status of the
// first problem, fills `problem` and leaves `target` released.
enum gen5fs_mount_status mount_check(const struct gen5fs_mount_options *options,
                                     struct mount_target *target, struct mount_problem *problem);

// Frees the strings and closes the descriptor. A released target may be released again.
void mount_target_release(struct mount_target *target);

#endif
