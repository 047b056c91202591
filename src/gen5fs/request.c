// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the requests of every kind begin and end with.
#define FUSE_USE_VERSION 35
#include "request.h"

#include <errno.h>

#include "access_list.h"
#include "descriptors.h"
#include "entry.h"

struct filesystem *request_filesystem(fuse_req_t request) {
    return fuse_req_userdata(request);
}

struct node *request_node(fuse_req_t request, fuse_ino_t number) {
    return node_of(request_filesystem(request), number);
}

struct caller request_caller(fuse_req_t request) {
    const struct fuse_ctx *context = fuse_req_ctx(request);
    return (struct caller){
        .uid = context->uid, .gid = context->gid, .pid = context->pid, .umask = context->umask};
}

mode_t request_new_mode(const struct node *folder, mode_t mode, const struct caller *caller) {
    return folder->kind == NODE_SOURCE ? access_list_new_mode(folder->fd, mode, caller->umask)
                                       : mode & ~caller->umask;
}

struct handle *handle_of(const struct fuse_file_info *file) {
    return file != NULL ? (struct handle *)(uintptr_t)file->fh
                        : NULL; // NOLINT(performance-no-int-to-ptr)
}

bool node_is_inside(const struct node *node) {
    return node->kind == NODE_CONTAINER || node->kind == NODE_LATENTS;
}

bool node_is_control(const struct node *node) {
    return node->kind == NODE_CONTROL || node->kind == NODE_STATUS;
}

int request_check_change(const struct filesystem *filesystem, const struct node *node) {
    return filesystem->read_only || node->raw || node_is_control(node) ? EROFS : 0;
}

int request_begin_change(struct filesystem *filesystem, struct node *node) {
    int problem = request_check_change(filesystem, node);
    return problem != 0 ? problem : descriptor_hold(filesystem, node);
}

int request_unexpected(const struct node *node, const char *what) {
    note("unexpected request: %s for a node of kind %d", what, (int)node->kind);
    return EIO;
}

// ENOSYS from below would tell the kernel that no such request is ever to be sent again: every
// later close, for one, would be taken for a success unasked.
void reply_error(fuse_req_t request, int problem) {
    fuse_reply_err(request, problem == ENOSYS ? EOPNOTSUPP : problem);
}

void reply_entry(fuse_req_t request, struct node *folder, const char *name, struct node *node,
                 const struct stat *attributes, int problem) {
    struct filesystem *filesystem = request_filesystem(request);
    if (problem != 0) {
        reply_error(request, problem);
        return;
    }
    struct fuse_entry_param entry;
    entry_fill(filesystem, folder, name, node, attributes, &entry);
    node_remember(filesystem, node);
    if (fuse_reply_entry(request, &entry) != 0) {
        node_forget(filesystem, node, 1); // The request was interrupted: the kernel has not got it.
    }
    node_release(filesystem, node);
}

void reply_attributes(fuse_req_t request, const struct node *node, const struct stat *attributes,
                      int problem) {
    if (problem != 0) {
        reply_error(request, problem);
        return;
    }
    fuse_reply_attr(request, attributes,
                    entry_attribute_seconds(request_filesystem(request), node));
}
