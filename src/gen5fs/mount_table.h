// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The mounts that this process sees, as /proc/self/mountinfo has them. Reading it asks no file
// system anything, so dead and hanging mounts do no harm.
#ifndef GEN5FS_MOUNT_TABLE_H
#define GEN5FS_MOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mount_entry {
    char *mountpoint; // absolute, without symbolic links
    char *type;       // "fuse.gen5fs"
    char *source;     // of a gen5fs mount: the source folder
    dev_t device;     // the same wherever the same mount is shown (mount --bind)
    uid_t user;       // of a FUSE mount: who mounted it, and is let in; root's of others
    gid_t group;
};

// In the order in which they were mounted.
struct mount_table {
    struct mount_entry *entries;
    size_t count;
};

// 0, or an errno; then the table is empty. The caller releases it.
int mount_table_read(struct mount_table *table);
void mount_table_release(struct mount_table *table);

// What is mounted at exactly this path: the topmost where there are several, NULL where nothing is.
const struct mount_entry *mount_table_find(const struct mount_table *table, const char *mountpoint);

// The mount that this absolute path lies in, though it does not exist or cannot be reached. NULL
// where that cannot be told.
const struct mount_entry *mount_table_find_around(const struct mount_table *table,
                                                  const char *path);

bool mount_entry_is_gen5fs(const struct mount_entry *entry);

// The form in which the table has a mount point: absolute, without symbolic links. Works for a dead
// mount, whose root cannot be looked at. New memory, or NULL with errno.
char *mountpoint_resolve(const char *path);

#endif
