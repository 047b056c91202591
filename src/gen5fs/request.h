// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The kernel's requests, in the form of fuse_lowlevel_ops. Each operation_* answers its request
// exactly once; nobody else answers any. What it is to do it gives to the side that knows, by the
// kind of its node: ordinary.h, container_operations.h or control.h.
#ifndef GEN5FS_REQUEST_H
#define GEN5FS_REQUEST_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "caller.h"
#include "filesystem.h"
#include "handle.h"
#include "node.h"

// request.c: what requests of every kind begin and end with.

struct filesystem *request_filesystem(fuse_req_t request);
struct node *request_node(fuse_req_t request, fuse_ino_t number);
struct caller request_caller(fuse_req_t request);
// The mode with which the caller makes something in a folder: less its umask, or as the folder's
// default access list says.
mode_t request_new_mode(const struct node *folder, mode_t mode, const struct caller *caller);
// The kernel's handle; NULL where it opens no files, or asks without one.
struct handle *handle_of(const struct fuse_file_info *file);
bool node_is_inside(const struct node *node); // a folder of a container
bool node_is_control(const struct node *node);
// Whether anything about a node can be changed at all: 0 or EROFS.
int request_check_change(const struct filesystem *filesystem, const struct node *node);
// What a request that changes a node begins with: its descriptor is held, until descriptor_release
// where this gave 0.
int request_begin_change(struct filesystem *filesystem, struct node *node);
// A kind of node that the request makes no sense for, which the kernel should have known: EIO, and
// a line in the log.
int request_unexpected(const struct node *node, const char *what);

// Answers. `problem` is 0 for success, or an errno that is answered instead.
void reply_error(fuse_req_t request, int problem);
// Takes over the reference to `node`.
void reply_entry(fuse_req_t request, struct node *folder, const char *name, struct node *node,
                 const struct stat *attributes, int problem);
void reply_attributes(fuse_req_t request, const struct node *node, const struct stat *attributes,
                      int problem);

// request_names.c
void operation_lookup(fuse_req_t request, fuse_ino_t parent, const char *name);
void operation_forget(fuse_req_t request, fuse_ino_t number, uint64_t count);
void operation_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets);
void operation_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode);
void operation_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                     dev_t device);
void operation_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name);
void operation_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent,
                    const char *new_name);
void operation_unlink(fuse_req_t request, fuse_ino_t parent, const char *name);
void operation_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name);
void operation_rename(fuse_req_t request, fuse_ino_t old_parent, const char *old_name,
                      fuse_ino_t new_parent, const char *new_name, unsigned int flags);
void operation_readlink(fuse_req_t request, fuse_ino_t number);
void operation_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void operation_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                       struct fuse_file_info *file);
void operation_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                           struct fuse_file_info *file);
void operation_fsyncdir(fuse_req_t request, fuse_ino_t number, int data_only,
                        struct fuse_file_info *file);

// request_attributes.c
void operation_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void operation_setattr(fuse_req_t request, fuse_ino_t number, struct stat *given, int to_set,
                       struct fuse_file_info *file);
void operation_statfs(fuse_req_t request, fuse_ino_t number);
void operation_ioctl(fuse_req_t request, fuse_ino_t number, unsigned int what, void *argument,
                     struct fuse_file_info *file, unsigned int flags, const void *in,
                     size_t in_size, size_t out_size);

// request_xattrs.c
void operation_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size);
void operation_listxattr(fuse_req_t request, fuse_ino_t number, size_t size);
void operation_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
                        size_t size, int flags);
void operation_removexattr(fuse_req_t request, fuse_ino_t number, const char *name);

// request_files.c
void operation_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *file);
void operation_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void operation_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void operation_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                    struct fuse_file_info *file);
void operation_write(fuse_req_t request, fuse_ino_t number, const char *buffer, size_t size,
                     off_t offset, struct fuse_file_info *file);
void operation_flush(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void operation_fsync(fuse_req_t request, fuse_ino_t number, int data_only,
                     struct fuse_file_info *file);
void operation_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset,
                         off_t length, struct fuse_file_info *file);
void operation_lseek(fuse_req_t request, fuse_ino_t number, off_t offset, int whence,
                     struct fuse_file_info *file);
void operation_copy_file_range(fuse_req_t request, fuse_ino_t number_in, off_t offset_in,
                               struct fuse_file_info *file_in, fuse_ino_t number_out,
                               off_t offset_out, struct fuse_file_info *file_out, size_t size,
                               int flags);

#endif
