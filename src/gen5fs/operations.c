// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The table of requests, and what is asked of the kernel before the first.
#define FUSE_USE_VERSION 35
#include "operations.h"

#include <stdbool.h>

#include "descriptors.h"
#include "request.h"

// Requests that the kernel may have under way in the background (readahead, direct I/O of several
// pages).
enum { BACKGROUND_MAX = 64 };

// What is wanted of the kernel.
//  - Listings bring every entry's attributes, always: what lists mostly asks for them next.
//  - The set-id bits are taken away by the kernel at a write: the daemon may be root, and then the
//    source's file system would leave them on.
//  - Pages stay until they are told to be wrong (ordinary_changes.c says why).
//  - Access-control lists are checked by the kernel, and the umask is left to us, since what is
//    made in a folder with a default list is made without it.
static void operation_init(void *userdata, struct fuse_conn_info *connection) {
    struct filesystem *filesystem = userdata;
    const unsigned int wanted =
        FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_EXPLICIT_INVAL_DATA |
        FUSE_CAP_READDIRPLUS | FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS |
        FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK | FUSE_CAP_IOCTL_DIR;
    const unsigned int unwanted =
        FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_WRITEBACK_CACHE;
    connection->want &= ~unwanted;
    connection->want |= wanted & connection->capable;
    if ((connection->capable & FUSE_CAP_EXPLICIT_INVAL_DATA) != 0) {
        connection->want &= ~(unsigned int)FUSE_CAP_AUTO_INVAL_DATA;
    }
    connection->max_background = BACKGROUND_MAX;
    connection->time_gran = 1;
    // Kernels before Linux 5.1 take ENOSYS for a failure.
    filesystem->opens_folders = (connection->capable & FUSE_CAP_NO_OPENDIR_SUPPORT) == 0;
    filesystem->opens_files = !filesystem->read_only || !descriptors_may_be_granted(filesystem) ||
                              (connection->capable & FUSE_CAP_NO_OPEN_SUPPORT) == 0;
}

const struct fuse_lowlevel_ops gen5fs_operations = {
    .init = operation_init,
    .lookup = operation_lookup,
    .forget = operation_forget,
    .forget_multi = operation_forget_multi,
    .getattr = operation_getattr,
    .setattr = operation_setattr,
    .readlink = operation_readlink,
    .mknod = operation_mknod,
    .mkdir = operation_mkdir,
    .unlink = operation_unlink,
    .rmdir = operation_rmdir,
    .symlink = operation_symlink,
    .rename = operation_rename,
    .link = operation_link,
    .open = operation_open,
    .read = operation_read,
    .write = operation_write,
    .flush = operation_flush,
    .release = operation_release,
    .fsync = operation_fsync,
    .fsyncdir = operation_fsyncdir,
    .statfs = operation_statfs,
    .setxattr = operation_setxattr,
    .getxattr = operation_getxattr,
    .listxattr = operation_listxattr,
    .removexattr = operation_removexattr,
    .ioctl = operation_ioctl,
    .create = operation_create,
    .opendir = operation_opendir,
    .readdir = operation_readdir,
    .readdirplus = operation_readdirplus,
    .fallocate = operation_fallocate,
    .lseek = operation_lseek,
    .copy_file_range = operation_copy_file_range,
};
