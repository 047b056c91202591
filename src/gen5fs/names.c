// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which names of the source mean something to gen5fs (filesystem.h).
#include <string.h>

#include "filesystem.h"
#include "gen5/replace.h"

#define CONTAINER_SUFFIX ".gen5"

bool name_is_container(const char *name) {
    const size_t suffix = sizeof CONTAINER_SUFFIX - 1;
    size_t length = strlen(name);
    return length > suffix && strcmp(name + length - suffix, CONTAINER_SUFFIX) == 0;
}

// The source folder, as the mount's root or as the root of its raw view.
static bool is_source_folder(const struct filesystem *filesystem, const struct node *node) {
    const struct node *root = filesystem->root;
    return node->kind == NODE_SOURCE && root != NULL && node->device == root->device &&
           node->inode == root->inode;
}

bool name_is_hidden(const struct filesystem *filesystem, const struct node *parent,
                    const char *name) {
    if (gen5_temporary_name_is(name)) {
        return true;
    }
    if (filesystem->mount_name != NULL && parent->kind == NODE_SOURCE &&
        parent->device == filesystem->mount_parent_device &&
        parent->inode == filesystem->mount_parent_inode &&
        strcmp(name, filesystem->mount_name) == 0) {
        return true;
    }
    if (!is_source_folder(filesystem, parent)) {
        return false;
    }
    if (filesystem->only_name != NULL && strcmp(name, filesystem->only_name) != 0) {
        return true;
    }
    return !parent->raw && strcmp(name, CONTROL_NAME) == 0;
}
