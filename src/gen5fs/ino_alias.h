// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// st_ino of containers. A repack gives a container's file another inode, but the container is the
// same: it goes on being shown with the number that it had first. A number that is shown so is not
// given to another container whose file happens to get the inode that became free.
#ifndef GEN5FS_INO_ALIAS_H
#define GEN5FS_INO_ALIAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ino_alias {
    dev_t device;
    ino_t inode; // of the file that is there now
    uint64_t shown;
    size_t next_by_inode; // index + 1 of the next in the bucket, 0 for none
    size_t next_by_shown;
};

// Zero-initialised is empty. The caller has a lock for it.
struct ino_aliases {
    struct ino_alias *entries;
    size_t count;
    size_t capacity;
    size_t *by_inode; // heads of buckets, as many as `capacity`
    size_t *by_shown;
    uint64_t spare; // numbers handed out where an inode's own was taken
};

// The number of one name of a file that has several, each of which is a container of its own.
uint64_t ino_of_name(dev_t device, ino_t folder, const char *name);

void ino_aliases_release(struct ino_aliases *aliases);

// The number to show for a container's file. Without memory its own inode is good enough.
uint64_t ino_aliases_shown(struct ino_aliases *aliases, dev_t device, ino_t inode);

// The file with `inode` is to be shown with a number that no other file is shown with. 0 or ENOMEM.
int ino_aliases_give(struct ino_aliases *aliases, dev_t device, ino_t inode, uint64_t shown);

// The file with `old_inode` was replaced by one with `new_inode`. 0 or ENOMEM.
int ino_aliases_replace(struct ino_aliases *aliases, dev_t device, ino_t old_inode,
                        ino_t new_inode);

#endif
