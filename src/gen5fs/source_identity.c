// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Attributes by statx(2), which knows more than stat(2).
#include "source_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

static struct timespec time_of(const struct statx_timestamp *time) {
    return (struct timespec){.tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec};
}

static struct stat stat_of(const struct statx *found) {
    return (struct stat){.st_dev = makedev(found->stx_dev_major, found->stx_dev_minor),
                         .st_ino = found->stx_ino,
                         .st_mode = found->stx_mode,
                         .st_nlink = found->stx_nlink,
                         .st_uid = found->stx_uid,
                         .st_gid = found->stx_gid,
                         .st_rdev = makedev(found->stx_rdev_major, found->stx_rdev_minor),
                         .st_size = (off_t)found->stx_size,
                         .st_blksize = (blksize_t)found->stx_blksize,
                         .st_blocks = (blkcnt_t)found->stx_blocks,
                         .st_atim = time_of(&found->stx_atime),
                         .st_mtim = time_of(&found->stx_mtime),
                         .st_ctim = time_of(&found->stx_ctime)};
}

int source_look(int folder_fd, const char *name, struct stat *attributes,
                struct source_identity *identity) {
    struct statx found;
    const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    if (statx(folder_fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) {
        return errno;
    }
    *attributes = stat_of(&found);
    *identity = (struct source_identity){.device = attributes->st_dev,
                                         .inode = attributes->st_ino,
                                         .type = attributes->st_mode & S_IFMT};
    if ((found.stx_mask & STATX_BTIME) != 0) {
        identity->born = time_of(&found.stx_btime);
    }
    return 0;
}

bool source_identity_equal(const struct source_identity *left,
                           const struct source_identity *right) {
    return left->inode == right->inode && left->device == right->device &&
           left->type == right->type && left->born.tv_sec == right->born.tv_sec &&
           left->born.tv_nsec == right->born.tv_nsec;
}
