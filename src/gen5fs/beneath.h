// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Opening what lies below a folder, whatever somebody puts in the way meanwhile.
#ifndef GEN5FS_BENEATH_H
#define GEN5FS_BENEATH_H

#include <sys/types.h>

// open(2) of a relative path that leaves neither the folder nor its file system and follows no
// symlink. A descriptor, or -1 and errno. O_CLOEXEC is added. Kernels before 5.6 walk it component
// by component.
int open_beneath(int folder_fd, const char *path, int flags);

// Open a relative path of folders, making those that are missing with this mode and owner (as far
// as the daemon may give them away) so that they survive a power cut. A descriptor, or -1 and
// errno.
int make_folders_beneath(int folder_fd, const char *path, mode_t mode, uid_t uid, gid_t gid);

#endif
