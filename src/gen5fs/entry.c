// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Times for the kernel's caches. Where the watcher is told of every change they are long; ordinary
// files are believed for a moment only, since stores through another program's shared mapping make
// no event.
#define FUSE_USE_VERSION 35
#include "entry.h"

#include <fuse_lowlevel.h>
#include <pthread.h>

#include "watcher.h"

// The source folder that a container's directory, or something in it, is in; with a reference. NULL
// where the container was removed.
static struct node *source_folder_of(struct filesystem *filesystem, const struct node *node) {
    struct node *folder = NULL;
    pthread_mutex_lock(&filesystem->nodes.lock);
    while (node->parent != NULL && node->parent->kind != NODE_SOURCE) {
        node = node->parent;
    }
    folder = node->parent;
    if (folder != NULL) {
        folder->references++;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return folder;
}

static double seconds_inside(struct filesystem *filesystem, const struct node *node) {
    struct node *folder = source_folder_of(filesystem, node);
    double seconds = folder != NULL ? watcher_entry_seconds(filesystem, folder) : CACHE_SECONDS;
    node_release(filesystem, folder);
    return seconds;
}

// A file that will be a container as soon as its writers have closed it.
static bool is_passing(struct filesystem *filesystem, const struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool passing = node->passing || node->became_container;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return passing;
}

double entry_attribute_seconds(struct filesystem *filesystem, const struct node *node) {
    switch (node->kind) {
    case NODE_SOURCE:
        if (S_ISDIR(node->type)) {
            return watcher_entry_seconds(filesystem, node);
        }
        return is_passing(filesystem, node) ? 0 : CACHE_SECONDS;
    case NODE_CONTAINER:
    case NODE_LATENTS:
    case NODE_FILE:
        return seconds_inside(filesystem, node);
    case NODE_CONTROL:
        return CACHE_SECONDS;
    case NODE_STATUS:
        break; // What it reads is new each time.
    }
    return 0;
}

static double name_seconds(struct filesystem *filesystem, const struct node *folder,
                           const char *name, const struct node *node) {
    if (node->kind == NODE_STATUS) {
        return 0;
    }
    if (folder->kind == NODE_CONTROL || node->kind == NODE_CONTROL) {
        return CACHE_SECONDS;
    }
    if (folder->kind != NODE_SOURCE) {
        return seconds_inside(filesystem, folder);
    }
    if (node->kind == NODE_SOURCE && S_ISREG(node->type) && !node->raw && name_is_container(name)) {
        return 0;
    }
    return watcher_entry_seconds(filesystem, folder);
}

void entry_fill(struct filesystem *filesystem, struct node *folder, const char *name,
                const struct node *node, const struct stat *attributes,
                struct fuse_entry_param *entry) {
    double seconds = name_seconds(filesystem, folder, name, node);
    double attribute_seconds = entry_attribute_seconds(filesystem, node);
    *entry = (struct fuse_entry_param){
        .ino = node_number(filesystem, node),
        .attr = *attributes,
        .entry_timeout = seconds,
        // The folder's watch tells of its entries' attributes.
        .attr_timeout = attribute_seconds < seconds ? attribute_seconds : seconds,
    };
}
