// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What requests ask of containers. Every function returns 0 or an errno. Nodes that are handed
// out come with a reference for the caller. `folder` is a NODE_CONTAINER or NODE_LATENTS.
#ifndef GEN5FS_CONTAINER_OPERATIONS_H
#define GEN5FS_CONTAINER_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "caller.h"
#include "filesystem.h"
#include "handle.h"

// Containers as entries of a source folder (`parent` is a NODE_SOURCE folder, not raw).

// `attributes` are the regular file's (fstatat); *attributes becomes the directory's.
int container_entry(struct filesystem *filesystem, struct node *parent, const char *name,
                    struct stat *attributes, struct node **node);
// mkdir x.gen5: a valid empty container, owned by the caller; `maker` is the calling thread.
int container_entry_make(struct filesystem *filesystem, struct node *parent, const char *name,
                         mode_t mode, uid_t uid, gid_t gid, pid_t maker, struct node **node,
                         struct stat *attributes);
// rmdir x.gen5: ENOTEMPTY while members or scratch files are shown.
int container_entry_remove(struct filesystem *filesystem, struct node *parent, const char *name);
// Rename where the old name is a container's or the new one stands for one, in either folder.
// `flags` as of renameat2.
int container_entry_rename(struct filesystem *filesystem, struct node *old_parent,
                           const char *old_name, struct node *new_parent, const char *new_name,
                           unsigned int flags);
// Turn a container file's attributes into its directory's (mode, nlink, size, st_ino).
void container_attributes(struct filesystem *filesystem, struct stat *attributes);

// Inside a container.
// `caller` is the thread that asks, 0 where nobody does: a container that is being filled hides its
// blank metadata.json from who is about to make one.
int container_lookup(struct filesystem *filesystem, struct node *folder, const char *name,
                     pid_t caller, struct node **child, struct stat *attributes);
int container_getattr(struct filesystem *filesystem, struct node *node, struct stat *attributes);
// What a setattr asks for: the values of FUSE_SET_ATTR_*, named here so that this side needs no
// FUSE header (request_attributes.c asserts that they agree).
enum {
    CONTAINER_SET_MODE = 1 << 0,
    CONTAINER_SET_UID = 1 << 1,
    CONTAINER_SET_GID = 1 << 2,
    CONTAINER_SET_SIZE = 1 << 3,
    CONTAINER_SET_ATIME = 1 << 4,
    CONTAINER_SET_MTIME = 1 << 5,
    CONTAINER_SET_ATIME_NOW = 1 << 7,
    CONTAINER_SET_MTIME_NOW = 1 << 8,
    CONTAINER_SET_TIMES = CONTAINER_SET_ATIME | CONTAINER_SET_MTIME | CONTAINER_SET_ATIME_NOW |
                          CONTAINER_SET_MTIME_NOW,
};
// `to_set` has CONTAINER_SET_* bits; `handle` may be NULL; *attributes goes in and comes out.
int container_setattr(struct filesystem *filesystem, struct node *node, struct handle *handle,
                      struct stat *attributes, int to_set);

// Entries of a folder, in the order in which they are to be listed: those that come after the
// cookie `after` (0 for the first), but no more than `count_max`. The caller frees with
// container_listing_free. `cookie` grows from entry to entry, is never 0, and stays an entry's own
// while others come and go.
struct container_listed {
    char *name;
    struct node *node;
    struct stat attributes;
    off_t cookie;
};
struct container_listing {
    struct container_listed *entries;
    size_t count;
    off_t after; // what was asked for
    size_t count_max;
};
int container_list(struct filesystem *filesystem, struct node *folder, off_t after,
                   size_t count_max, struct container_listing *listing);
// Whether nothing comes behind the entry with this cookie, whatever the directory holds: then it
// need not be listed to say so.
bool container_listing_ends(const struct node *folder, off_t cookie);
void container_listing_free(struct filesystem *filesystem, struct container_listing *listing);

int container_create(struct filesystem *filesystem, struct node *folder, const char *name,
                     mode_t mode, int flags, const struct caller *caller, struct node **child,
                     struct stat *attributes, struct handle **handle);
int container_mkdir(struct filesystem *filesystem, struct node *folder, const char *name,
                    struct node **child, struct stat *attributes);
int container_unlink(struct filesystem *filesystem, struct node *folder, const char *name);
int container_rmdir(struct filesystem *filesystem, struct node *folder, const char *name);
// Both folders belong to containers.
int container_rename(struct filesystem *filesystem, struct node *old_folder, const char *old_name,
                     struct node *new_folder, const char *new_name, unsigned int flags);

// *keep_cache says whether the pages that the kernel has of the node are still right.
int container_open(struct filesystem *filesystem, struct node *node, int flags, pid_t pid,
                   struct handle **handle, bool *keep_cache);
int container_read(struct filesystem *filesystem, struct handle *handle, char *buffer, size_t size,
                   off_t offset, size_t *got);
int container_write(struct filesystem *filesystem, struct handle *handle, const char *buffer,
                    size_t size, off_t offset, size_t *written);
// `pid` is the closing process.
int container_flush(struct filesystem *filesystem, struct handle *handle, pid_t pid);
int container_fsync(struct filesystem *filesystem, struct handle *handle);
void container_release_handle(struct filesystem *filesystem, struct handle *handle);
int container_fallocate(struct filesystem *filesystem, struct handle *handle, int mode,
                        off_t offset, off_t length);
int container_lseek(struct filesystem *filesystem, struct handle *handle, off_t offset, int whence,
                    off_t *found);
// Sync the folder that the container's file is in.
int container_sync_folder(struct filesystem *filesystem, struct node *folder);

// Extended attributes (DESIGN.md 2.1). The value is new memory that the caller frees.
int container_getxattr(struct filesystem *filesystem, struct node *node, const char *name,
                       char **value, size_t *size);
// Names one after the other, each ended by a NUL.
int container_listxattr(struct filesystem *filesystem, struct node *node, char **names,
                        size_t *size);
int container_setxattr(struct filesystem *filesystem, struct node *node, const char *name,
                       const char *value, size_t size, int flags);
int container_removexattr(struct filesystem *filesystem, struct node *node, const char *name);

// The kernel no longer knows the node and nobody refers to it: called by node.c, with no lock held,
// for NODE_CONTAINER, NODE_LATENTS and NODE_FILE, before the node is freed.
void container_node_gone(struct filesystem *filesystem, struct node *node);

// Something may have happened to the container's file: look, and tell the kernel what changed.
void container_refresh(struct filesystem *filesystem, struct node *node);

// Tell the kernel that the names of a NODE_FILE are gone, so that it forgets the file and asks for
// it again. Only as kernel_notices.h has it of notice_name_gone.
void container_drop_name(struct filesystem *filesystem, struct node *node);

// The mount ends: carry out removals, store or rescue drafts, rescue scratch files.
void container_finish_all(struct filesystem *filesystem);

// Lines for `gen5fs status`: which containers have dirty or failed drafts. Appends to a stream.
struct _IO_FILE;
void container_report(struct filesystem *filesystem, struct _IO_FILE *out);

#endif
