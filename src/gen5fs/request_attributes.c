// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Requests about attributes, the file system and its flags.
#define FUSE_USE_VERSION 35
#include "request.h"

#include <errno.h>
#include <string.h>

#include "container_operations.h"
#include "control.h"
#include "descriptors.h"
#include "ordinary.h"

_Static_assert(CONTAINER_SET_MODE == FUSE_SET_ATTR_MODE && CONTAINER_SET_UID == FUSE_SET_ATTR_UID &&
                   CONTAINER_SET_GID == FUSE_SET_ATTR_GID &&
                   CONTAINER_SET_SIZE == FUSE_SET_ATTR_SIZE &&
                   CONTAINER_SET_ATIME == FUSE_SET_ATTR_ATIME &&
                   CONTAINER_SET_MTIME == FUSE_SET_ATTR_MTIME &&
                   CONTAINER_SET_ATIME_NOW == FUSE_SET_ATTR_ATIME_NOW &&
                   CONTAINER_SET_MTIME_NOW == FUSE_SET_ATTR_MTIME_NOW,
               "setattr's bits are passed on as they are");

static int get_attributes(struct filesystem *filesystem, struct node *node, struct handle *handle,
                          struct stat *attributes) {
    switch (node->kind) {
    case NODE_SOURCE:
        return ordinary_getattr(filesystem, node, handle, attributes);
    case NODE_CONTAINER:
    case NODE_LATENTS:
    case NODE_FILE:
        return container_getattr(filesystem, node, attributes);
    case NODE_CONTROL:
    case NODE_STATUS:
        return control_getattr(filesystem, node, attributes);
    }
    return request_unexpected(node, "getattr");
}

void operation_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    struct node *node = request_node(request, number);
    struct stat attributes;
    int problem = get_attributes(request_filesystem(request), node, handle_of(file), &attributes);
    reply_attributes(request, node, &attributes, problem);
}

void operation_setattr(fuse_req_t request, fuse_ino_t number, struct stat *given, int to_set,
                       struct fuse_file_info *file) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *node = request_node(request, number);
    const struct caller caller = request_caller(request);
    struct stat attributes = *given;
    int problem = request_begin_change(filesystem, node);
    if (problem == 0) {
        problem =
            node->kind == NODE_SOURCE
                ? ordinary_setattr(filesystem, node, handle_of(file), &caller, &attributes, to_set)
                : container_setattr(filesystem, node, handle_of(file), &attributes, to_set);
        descriptor_release(node);
    }
    reply_attributes(request, node, &attributes, problem);
}

void operation_statfs(fuse_req_t request, fuse_ino_t number) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *node = number != 0 ? request_node(request, number) : NULL;
    struct statvfs about;
    // Any other folder of the source is as good.
    bool held = node != NULL && descriptor_hold(filesystem, node) == 0;
    int problem = ordinary_statfs(filesystem, held ? node : NULL, &about);
    if (held) {
        descriptor_release(node);
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_statfs(request, &about);
    }
}

// Answers of what is asked here are small.
enum { IOCTL_OUT_SIZE = 64 };

void operation_ioctl(fuse_req_t request, fuse_ino_t number, unsigned int what, void *argument,
                     struct fuse_file_info *file, unsigned int flags, const void *in,
                     size_t in_size, size_t out_size) {
    (void)argument;
    struct node *node = request_node(request, number);
    const struct caller caller = request_caller(request);
    unsigned char out[IOCTL_OUT_SIZE] = {0};
    struct ordinary_ioctl call = {.request = what,
                                  .in = in,
                                  .in_size = in_size,
                                  .out = out,
                                  .out_size = out_size < sizeof out ? out_size : sizeof out};
    struct handle *handle = (flags & FUSE_IOCTL_DIR) == 0 ? handle_of(file) : NULL;
    int problem =
        node->kind == NODE_SOURCE ? descriptor_hold(request_filesystem(request), node) : ENOTTY;
    if (problem == 0) {
        problem = ordinary_ioctl(request_filesystem(request), node, handle, &caller, &call);
        descriptor_release(node);
    }
    if (problem != 0) {
        fuse_reply_err(request, problem);
    } else {
        fuse_reply_ioctl(request, 0, call.out, call.out_size);
    }
}
