// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Acting as the caller: what a daemon that is root creates belongs to who asked for it from its
// first moment, so that there is no change of owner afterwards that somebody could aim at another
// file, and quotas and set-group-id folders work by themselves. The kernel has checked the caller's
// permission already (default_permissions), with all groups, which the daemon does not know: so the
// thread keeps its capabilities. A daemon that is not root creates as itself.
#ifndef GEN5FS_CALLER_H
#define GEN5FS_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

struct filesystem;

struct caller {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    mode_t umask;
};

// Between the two, this thread's new files are the caller's. They do not nest. errno is kept by the
// second.
void caller_begin(const struct filesystem *filesystem, const struct caller *caller);
void caller_end(const struct filesystem *filesystem, const struct caller *caller);

// Whether the daemon may do what the caller may not, so that the source's file system does not hold
// it to the caller's limits.
bool caller_is_limited(const struct filesystem *filesystem, const struct caller *caller);
// Whether the caller is in a group, by its first group or any other.
bool caller_is_in_group(const struct caller *caller, gid_t gid);

#endif
