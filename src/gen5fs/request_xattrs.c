// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Requests about extended attributes.
#define FUSE_USE_VERSION 35
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_operations.h"
#include "descriptors.h"
#include "mount.h"
#include "ordinary.h"

// Answer with a value, or with its length where that is what was asked.
static void reply_xattr(fuse_req_t request, const char *value, size_t length, size_t size,
                        int problem) {
    if (problem == 0 && size > 0 && length > size) {
        problem = ERANGE;
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else if (size == 0) {
        fuse_reply_xattr(request, length);
    } else {
        fuse_reply_buf(request, value, length);
    }
}

static int get_pid(char **value, size_t *length) {
    const int printed = asprintf(value, "%d", (int)getpid());
    if (printed < 0) {
        *value = NULL;
        return ENOMEM;
    }
    *length = (size_t)printed;
    return 0;
}

static int get_xattr(struct filesystem *filesystem, struct node *node, const char *name,
                     size_t size, char **value, size_t *length) {
    // Of everything, since any part of the mount may be bound elsewhere.
    if (strcmp(name, GEN5FS_PID_ATTRIBUTE) == 0) {
        return get_pid(value, length);
    }
    if (node_is_control(node)) {
        return ENODATA;
    }
    if (node->kind != NODE_SOURCE) {
        return container_getxattr(filesystem, node, name, value, length);
    }
    *value = size > 0 ? malloc(size) : NULL;
    if (size > 0 && *value == NULL) {
        return ENOMEM;
    }
    int problem = descriptor_hold(filesystem, node);
    if (problem == 0) {
        problem = ordinary_getxattr(node, name, *value, size, length);
        descriptor_release(node);
    }
    return problem;
}

void operation_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size) {
    struct node *node = request_node(request, number);
    // First of all, since the kernel asks for security.capability at every write.
    if (ordinary_xattr_unsupported(node, name)) {
        reply_error(request, EOPNOTSUPP);
        return;
    }
    char *value = NULL;
    size_t length = 0;
    int problem = get_xattr(request_filesystem(request), node, name, size, &value, &length);
    reply_xattr(request, value, length, size, problem);
    free(value);
}

static int list_xattr(struct filesystem *filesystem, struct node *node, const struct caller *caller,
                      size_t size, char **names, size_t *length) {
    if (node_is_control(node)) {
        return 0;
    }
    if (node->kind != NODE_SOURCE) {
        return container_listxattr(filesystem, node, names, length);
    }
    *names = size > 0 ? malloc(size) : NULL;
    if (size > 0 && *names == NULL) {
        return ENOMEM;
    }
    int problem = descriptor_hold(filesystem, node);
    if (problem == 0) {
        problem = ordinary_listxattr(node, caller, *names, size, length);
        descriptor_release(node);
    }
    return problem;
}

void operation_listxattr(fuse_req_t request, fuse_ino_t number, size_t size) {
    const struct caller caller = request_caller(request);
    char *names = NULL;
    size_t length = 0;
    int problem = list_xattr(request_filesystem(request), request_node(request, number), &caller,
                             size, &names, &length);
    reply_xattr(request, names, length, size, problem);
    free(names);
}

// What a request that changes an attribute begins with: request_begin_change, where there can be
// such an attribute.
static int begin_xattr_change(struct filesystem *filesystem, struct node *node, const char *name) {
    int problem = request_check_change(filesystem, node);
    if (problem != 0) {
        return problem;
    }
    return ordinary_xattr_unsupported(node, name) ? EOPNOTSUPP : descriptor_hold(filesystem, node);
}

void operation_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
                        size_t size, int flags) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *node = request_node(request, number);
    int problem = begin_xattr_change(filesystem, node, name);
    if (problem == 0) {
        const struct caller caller = request_caller(request);
        problem = node->kind == NODE_SOURCE
                      ? ordinary_setxattr(filesystem, node, &caller, name, value, size, flags)
                      : container_setxattr(filesystem, node, name, value, size, flags);
        descriptor_release(node);
    }
    reply_error(request, problem);
}

void operation_removexattr(fuse_req_t request, fuse_ino_t number, const char *name) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *node = request_node(request, number);
    int problem = begin_xattr_change(filesystem, node, name);
    if (problem == 0) {
        const struct caller caller = request_caller(request);
        problem = node->kind == NODE_SOURCE ? ordinary_removexattr(filesystem, node, &caller, name)
                                            : container_removexattr(filesystem, node, name);
        descriptor_release(node);
    }
    reply_error(request, problem);
}
