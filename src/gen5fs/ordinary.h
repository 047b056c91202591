// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What is in the source and is no container: passed through as it is. Every function returns 0 or
// an errno; nodes that are handed out come with a reference for the caller. Things are reached
// through their node's O_PATH descriptor and single names, never through a path that somebody could
// bend.
//
// Folders given here are NODE_SOURCE, and their descriptors held (descriptors.h); so are those of
// the nodes themselves but for ordinary_open and ordinary_getattr. What changes something gives
// EROFS where the mount or the folder (raw) is read-only.
//
// A regular file with a container's name is a container, except while somebody writes it through
// the mount: then it is a plain file until the last writer has closed it (DESIGN.md 2.2 rule 9).
#ifndef GEN5FS_ORDINARY_H
#define GEN5FS_ORDINARY_H

#include <sys/statvfs.h>

#include "caller.h"
#include "filesystem.h"
#include "handle.h"

// ordinary.c: finding things.

// Look a name up in a source folder: an ordinary thing or a container, which the caller need not
// tell apart. Hidden names give ENOENT.
int ordinary_lookup(struct filesystem *filesystem, struct node *parent, const char *name,
                    struct node **child, struct stat *attributes);

// Whether the file with these attributes is shown as a container under this name. Waits for a
// moment where its last writer is just closing it.
bool ordinary_is_container(struct filesystem *filesystem, const struct node *parent,
                           const char *name, const struct stat *attributes);

// The same, of what has the name now; not where nothing has. 0, or why it cannot be told.
int ordinary_name_leads_to_container(struct filesystem *filesystem, const struct node *parent,
                                     const char *name, bool *leads);

// The node of what has a name, which is taken for no container.
int ordinary_node_of_name(struct filesystem *filesystem, struct node *parent, const char *name,
                          struct node **node, struct stat *attributes);

// Remember that a file is being written under a container's name, to tell the kernel when that
// ends.
void ordinary_written_as(struct filesystem *filesystem, struct node *node, struct node *parent,
                         const char *name);

// The file was renamed to a container's name: until it is looked up again, requests for it give
// ESTALE, which makes the kernel look. Not while somebody has it open.
void ordinary_became_container(struct filesystem *filesystem, struct node *node);
int ordinary_check_kind(struct filesystem *filesystem, struct node *node);

// ESTALE where a file is no longer where it was last found: the kernel may be taking it for what
// has its name since, until an event tells it. So it looks the name up again; if it comes back with
// the same file it came by none (/proc/self/fd), and that is 0. Not for requests that may come by a
// descriptor and name no handle: for them the kernel does not look again.
int ordinary_check_place(struct filesystem *filesystem, struct node *node,
                         const struct caller *caller);

// EROFS, EPERM for a name that is hidden, or 0.
int ordinary_check_change(const struct filesystem *filesystem, const struct node *node);
int ordinary_check_name(const struct filesystem *filesystem, const struct node *parent,
                        const char *name);

// "/proc/self/fd/N": the one way to reach the thing itself from an O_PATH descriptor.
struct descriptor_path {
    char text[32];
};
struct descriptor_path descriptor_path_of(int fd);

// ordinary_names.c: what belongs to a name.

// Create and open. Fills *handle; the file belongs to the caller.
int ordinary_create(struct filesystem *filesystem, struct node *parent, const char *name,
                    mode_t mode, int flags, const struct caller *caller, struct node **child,
                    struct stat *attributes, struct handle **handle);
int ordinary_mkdir(struct filesystem *filesystem, struct node *parent, const char *name,
                   mode_t mode, const struct caller *caller, struct node **child,
                   struct stat *attributes);
int ordinary_mknod(struct filesystem *filesystem, struct node *parent, const char *name,
                   mode_t mode, dev_t device, const struct caller *caller, struct node **child,
                   struct stat *attributes);
int ordinary_symlink(struct filesystem *filesystem, struct node *parent, const char *name,
                     const char *target, const struct caller *caller, struct node **child,
                     struct stat *attributes);
int ordinary_link(struct filesystem *filesystem, struct node *node, struct node *new_parent,
                  const char *new_name, const struct caller *caller, struct stat *attributes);
int ordinary_unlink(struct filesystem *filesystem, struct node *parent, const char *name);
int ordinary_rmdir(struct filesystem *filesystem, struct node *parent, const char *name);
int ordinary_rename(struct filesystem *filesystem, struct node *old_parent, const char *old_name,
                    struct node *new_parent, const char *new_name, unsigned int flags);

// ordinary_file.c: open files. The caller of ordinary_open and ordinary_create owns the handle and
// gives it back with ordinary_release.
int ordinary_open(struct filesystem *filesystem, struct node *node, int flags,
                  const struct caller *caller, struct handle **handle, bool *keep_cache);
// A handle on an open descriptor, which it takes over in every case.
int ordinary_handle_new(struct filesystem *filesystem, struct node *node, int fd, int flags,
                        struct handle **handle);
// A handle for one request of a kernel that opens no files. The caller closes its descriptor; it
// holds no reference.
int ordinary_lend(struct filesystem *filesystem, struct node *node, struct handle *handle);
int ordinary_read(struct handle *handle, char *buffer, size_t size, off_t offset, size_t *got);
// `append`: at the end of the file as it is now, wherever the caller believes it to be.
int ordinary_write(struct filesystem *filesystem, struct handle *handle, const char *buffer,
                   size_t size, off_t offset, bool append, size_t *written);
int ordinary_flush(struct filesystem *filesystem, struct handle *handle);
int ordinary_fsync(struct handle *handle, bool data_only);
void ordinary_release(struct filesystem *filesystem, struct handle *handle);
int ordinary_fallocate(struct filesystem *filesystem, struct handle *handle, int mode, off_t offset,
                       off_t length);
int ordinary_lseek(struct handle *handle, off_t offset, int whence, off_t *found);
int ordinary_copy(struct filesystem *filesystem, struct handle *from, off_t offset_from,
                  struct handle *into, off_t offset_into, size_t size, size_t *copied);
int ordinary_sync_folder(struct node *folder, bool data_only);

// ordinary_changes.c: own changes of a regular file told from those of others.

enum ordinary_state {
    ORDINARY_STATE_UNKNOWN, // the kernel has nothing of it yet
    ORDINARY_STATE_SEEN,    // what the kernel has of it is right
    ORDINARY_STATE_FOREIGN, // somebody else has changed it
};

// Around each change of a regular file's bytes, size or times, and around opening it, which is how
// the kernel comes to have pages of it. Others wait meanwhile. _tell after _end, with what _begin
// said: drops pages that are wrong. Other kinds of things are let through. _end returns the file's
// size, 0 where it is not known.
enum ordinary_state ordinary_change_begin(struct filesystem *filesystem, struct node *node);
off_t ordinary_change_end(struct filesystem *filesystem, struct node *node);
void ordinary_change_tell(struct filesystem *filesystem, struct node *node,
                          enum ordinary_state before);
// After _end: the kernel has put what was written into other pages than it belongs to.
void ordinary_change_misplaced(struct filesystem *filesystem, struct node *node);
// In place of _end and _tell where the change was one that leaves bytes and st_mtime alone, and
// st_ctime is all that it makes differ.
void ordinary_change_end_same_bytes(struct filesystem *filesystem, struct node *node,
                                    enum ordinary_state before);

// A handle for writing is about to be opened, or closed: in between, changes by others are told
// from ours even where they come in the same moment.
void ordinary_writer_comes(struct filesystem *filesystem, struct node *node);
void ordinary_writer_leaves(struct filesystem *filesystem, struct node *node);

// Drop the kernel's pages, at once, if there was a change by somebody else since they were dropped.
// No lock is held, and no read or write of the file is being answered.
void ordinary_drop_foreign(struct filesystem *filesystem, struct node *node);
// The same after a look at attributes that were just got.
void ordinary_looked_at(struct filesystem *filesystem, struct node *node,
                        const struct stat *attributes);

// Something may have happened to a thing in the source (watcher.c), whose attributes are these now,
// and if it is a file, a write to it may have ended (`written`): tell the kernel.
void ordinary_look_again(struct filesystem *filesystem, struct node *node,
                         const struct stat *attributes, bool written);

// ordinary_attributes.c

// `handle` may be NULL.
int ordinary_getattr(struct filesystem *filesystem, struct node *node, struct handle *handle,
                     struct stat *attributes);
// `to_set` has FUSE_SET_ATTR_* bits; *attributes goes in and comes out.
int ordinary_setattr(struct filesystem *filesystem, struct node *node, struct handle *handle,
                     const struct caller *caller, struct stat *attributes, int to_set);
// After the caller has changed the bytes of a file, which is open as `fd`.
void ordinary_drop_set_id_bits(struct filesystem *filesystem, struct node *node, int fd,
                               const struct caller *caller);
int ordinary_readlink(struct node *node, char *target, size_t size);
// Of the file system that the node is in; for what is in no source folder, of the source.
int ordinary_statfs(struct filesystem *filesystem, struct node *node, struct statvfs *about);

// As getxattr(2) and its kin, for names that are not ordinary_xattr_unsupported. A "security." name
// that a file does not have gives EOPNOTSUPP, an access-control list always ENODATA. *got is the
// length, also where `size` is 0.
int ordinary_getxattr(struct node *node, const char *name, char *value, size_t size, size_t *got);
// Names that only root may know are told to root alone.
int ordinary_listxattr(struct node *node, const struct caller *caller, char *names, size_t size,
                       size_t *got);
int ordinary_setxattr(struct filesystem *filesystem, struct node *node, const struct caller *caller,
                      const char *name, const char *value, size_t size, int flags);
int ordinary_removexattr(struct filesystem *filesystem, struct node *node,
                         const struct caller *caller, const char *name);
// Names that are answered with EOPNOTSUPP: those of "system." but for access-control lists, and
// "security." for what is in containers.
bool ordinary_xattr_unsupported(const struct node *node, const char *name);

// ordinary_flags.c

// ioctl(2), of which FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_IOC_FSGETXATTR are answered; others
// get ENOTTY. `out` has room for `out_size` bytes and says in it how many there are. `handle` is
// NULL for a folder.
struct ordinary_ioctl {
    unsigned int request;
    const void *in;
    size_t in_size;
    void *out;
    size_t out_size;
};
int ordinary_ioctl(struct filesystem *filesystem, struct node *node, struct handle *handle,
                   const struct caller *caller, struct ordinary_ioctl *call);

#endif
