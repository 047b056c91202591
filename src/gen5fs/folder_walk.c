// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Walking through folders with a list of those still to be visited, instead of by recursion.
#include "folder_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"

struct pending {
    struct pending *next;
    char path[];
};

// Without memory a folder is left out, like one that cannot be opened.
static void push(struct pending **list, const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    struct pending *made = malloc(sizeof *made + size);
    if (made == NULL) {
        return;
    }
    if (strcmp(folder, ".") == 0) {
        snprintf(made->path, size, "%s", name);
    } else {
        snprintf(made->path, size, "%s/%s", folder, name);
    }
    made->next = *list;
    *list = made;
}

static bool is_folder(int folder_fd, const struct dirent *entry) {
    struct stat attributes;
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == DT_DIR;
    }
    return fstatat(folder_fd, entry->d_name, &attributes, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(attributes.st_mode);
}

static bool is_stopped(const atomic_bool *stop) {
    return stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
}

struct walk {
    int folder_fd;
    bool below;
    folder_walk_entry entry;
    void *context;
    const atomic_bool *stop;
    struct pending *list;
};

static DIR *open_listing(const struct walk *walk, const char *path) {
    int fd = open_beneath(walk->folder_fd, path, O_RDONLY | O_DIRECTORY | O_NOATIME);
    if (fd < 0) {
        // O_NOATIME is for the owner alone.
        fd = open_beneath(walk->folder_fd, path, O_RDONLY | O_DIRECTORY);
    }
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (listing == NULL && fd >= 0) {
        close(fd);
    }
    return listing;
}

static void visit(struct walk *walk, const char *path) {
    DIR *listing = open_listing(walk, path);
    if (listing == NULL) {
        return;
    }
    for (const struct dirent *found = readdir(listing); found != NULL && !is_stopped(walk->stop);
         found = readdir(listing)) {
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0) {
            continue;
        }
        if (!is_folder(dirfd(listing), found)) {
            walk->entry(walk->context, dirfd(listing), path, found->d_name);
        } else if (walk->below) {
            push(&walk->list, path, found->d_name);
        }
    }
    closedir(listing);
}

void folder_walk(int folder_fd, const char *path, bool below, folder_walk_entry entry,
                 void *context, const atomic_bool *stop) {
    struct walk walk = {.folder_fd = folder_fd,
                        .below = below,
                        .entry = entry,
                        .context = context,
                        .stop = stop,
                        .list = NULL};
    push(&walk.list, ".", path);
    while (walk.list != NULL) {
        struct pending *first = walk.list;
        walk.list = first->next;
        if (!is_stopped(stop)) {
            visit(&walk, first->path);
        }
        free(first);
    }
}
