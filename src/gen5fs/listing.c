// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Listing folders.
#define FUSE_USE_VERSION 35
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_operations.h"
#include "control.h"
#include "descriptors.h"
#include "entry.h"
#include "ordinary.h"
#include "watcher.h"

// How much of a source folder is read at once: about what one answer takes, since the rest is read
// again.
enum { CHUNK_MIN = 1024, CHUNK_MAX = 32 * 1024, PLUS_RATIO = 4 };

// The least that an entry takes, and one of a plus listing (fuse.h: struct fuse_dirent and
// fuse_direntplus without a name).
enum { ENTRY_MIN = 24, PLUS_ENTRY_MIN = 152 };

// Cookies of containers' listings are shifted to leave room for "." and "..".
enum { DOT_COOKIE = 1, DOT_DOT_COOKIE = 2, FIRST_COOKIE = 2 };

int listing_init(struct listing *listing, struct fuse_req *request, size_t size, bool plus) {
    *listing = (struct listing){.request = request, .plus = plus, .size = size};
    listing->bytes = malloc(size);
    listing->given_max = plus ? size / PLUS_ENTRY_MIN : 0;
    if (plus) {
        listing->given = calloc(listing->given_max + 1, sizeof *listing->given);
    }
    return listing->bytes == NULL || (plus && listing->given == NULL) ? ENOMEM : 0;
}

void listing_release(struct listing *listing) {
    free(listing->bytes);
    free(listing->given);
}

void listing_take_back(struct filesystem *filesystem, struct listing *listing) {
    for (size_t i = 0; i < listing->given_count; i++) {
        node_forget(filesystem, listing->given[i], 1);
    }
    listing->given_count = 0;
}

static size_t size_of_entry(const struct listing *listing, const char *name) {
    return listing->plus ? fuse_add_direntry_plus(listing->request, NULL, 0, name, NULL, 0)
                         : fuse_add_direntry(listing->request, NULL, 0, name, NULL, 0);
}

static bool fits(const struct listing *listing, const char *name) {
    return size_of_entry(listing, name) <= listing->size - listing->used;
}

// An entry that fits, with its number and type alone.
static void add_plain(struct listing *listing, const char *name, uint64_t ino, mode_t type,
                      off_t cookie) {
    char *at = listing->bytes + listing->used;
    size_t room = listing->size - listing->used;
    const struct fuse_entry_param entry = {.attr = {.st_ino = ino, .st_mode = type}};
    listing->used += listing->plus
                         ? fuse_add_direntry_plus(listing->request, at, room, name, &entry, cookie)
                         : fuse_add_direntry(listing->request, at, room, name, &entry.attr, cookie);
}

// An entry that fits, with its node, which the kernel knows from now on.
static void add_node(struct filesystem *filesystem, struct listing *listing, struct node *folder,
                     const char *name, struct node *node, const struct stat *attributes,
                     off_t cookie) {
    struct fuse_entry_param entry;
    entry_fill(filesystem, folder, name, node, attributes, &entry);
    node_remember(filesystem, node);
    if (listing->given_count < listing->given_max) {
        listing->given[listing->given_count++] = node;
    }
    listing->used += fuse_add_direntry_plus(listing->request, listing->bytes + listing->used,
                                            listing->size - listing->used, name, &entry, cookie);
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void add_source_plainly(struct filesystem *filesystem, struct listing *listing,
                               const struct node *folder, const struct dirent64 *found) {
    struct stat attributes = {
        .st_dev = folder->device, .st_ino = found->d_ino, .st_mode = DTTOIF((mode_t)found->d_type)};
    if (found->d_type == DT_UNKNOWN) {
        struct stat asked;
        if (fstatat(folder->fd, found->d_name, &asked, AT_SYMLINK_NOFOLLOW) == 0) {
            attributes = asked;
        }
    }
    if (ordinary_is_container(filesystem, folder, found->d_name, &attributes)) {
        attributes.st_ino = node_shown_ino(filesystem, &attributes);
        attributes.st_mode = S_IFDIR;
    }
    add_plain(listing, found->d_name, attributes.st_ino, attributes.st_mode & S_IFMT,
              (off_t)found->d_off);
}

static void add_source_node(struct filesystem *filesystem, struct listing *listing,
                            struct node *folder, const struct dirent64 *found) {
    struct node *node = NULL;
    struct stat attributes;
    int problem = ordinary_lookup(filesystem, folder, found->d_name, &node, &attributes);
    if (problem == 0) {
        add_node(filesystem, listing, folder, found->d_name, node, &attributes,
                 (off_t)found->d_off);
        node_release(filesystem, node);
    } else if (problem != ENOENT) { // else it has just gone
        add_source_plainly(filesystem, listing, folder, found);
    }
}

// False where it does not fit any more.
static bool add_source(struct filesystem *filesystem, struct listing *listing, struct node *folder,
                       const struct dirent64 *found) {
    if (name_is_hidden(filesystem, folder, found->d_name) && !is_dots(found->d_name)) {
        return true;
    }
    if (!fits(listing, found->d_name)) {
        return false;
    }
    if (is_dots(found->d_name)) {
        add_plain(listing, found->d_name, found->d_ino, S_IFDIR, (off_t)found->d_off);
    } else if (listing->plus) {
        add_source_node(filesystem, listing, folder, found);
    } else {
        add_source_plainly(filesystem, listing, folder, found);
    }
    return true;
}

static size_t chunk_size(const struct listing *listing) {
    size_t size = listing->plus ? listing->size / PLUS_RATIO : listing->size;
    if (size < CHUNK_MIN) {
        return CHUNK_MIN;
    }
    return size < CHUNK_MAX ? size : CHUNK_MAX;
}

// `fd` is the folder's, at the position from which to list.
static int list_open_folder(struct filesystem *filesystem, struct listing *listing,
                            struct node *folder, int fd) {
    _Alignas(struct dirent64) char chunk[CHUNK_MAX];
    const size_t size = chunk_size(listing);
    for (;;) {
        ssize_t length = getdents64(fd, chunk, size);
        if (length <= 0) {
            return length < 0 && listing->used == 0 ? errno : 0;
        }
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *found = (const struct dirent64 *)(const void *)(chunk + at);
            if (!add_source(filesystem, listing, folder, found)) {
                return 0;
            }
            at += found->d_reclen;
        }
    }
}

static int list_source(struct filesystem *filesystem, struct listing *listing, struct node *folder,
                       off_t offset) {
    watcher_add(filesystem, folder);
    int fd;
    int problem;
    do {
        fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        problem = fd < 0 ? errno : 0;
    } while (descriptors_make_room(filesystem, problem));
    if (problem != 0) {
        return problem;
    }
    problem = offset != 0 && lseek(fd, offset, SEEK_SET) < 0 ? errno : 0;
    if (problem == 0) {
        problem = list_open_folder(filesystem, listing, folder, fd);
    }
    close(fd);
    return problem;
}

static uint64_t parent_ino(struct filesystem *filesystem, const struct node *folder) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    uint64_t ino = folder->parent != NULL ? folder->parent->shown_ino : folder->shown_ino;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return ino;
}

static void add_dots(struct filesystem *filesystem, struct listing *listing,
                     const struct node *folder, off_t offset) {
    if (offset < DOT_COOKIE && fits(listing, ".")) {
        add_plain(listing, ".", folder->shown_ino, S_IFDIR, DOT_COOKIE);
    }
    if (offset < DOT_DOT_COOKIE && fits(listing, "..")) {
        add_plain(listing, "..", parent_ino(filesystem, folder), S_IFDIR, DOT_DOT_COOKIE);
    }
}

static int list_made_up(struct filesystem *filesystem, struct listing *listing, struct node *folder,
                        off_t offset) {
    struct container_listing all = {.entries = NULL};
    const off_t after = offset > FIRST_COOKIE ? offset - FIRST_COOKIE : 0;
    const size_t count_max = listing->size / (listing->plus ? PLUS_ENTRY_MIN : ENTRY_MIN);
    if (after > 0 && container_listing_ends(folder, after)) {
        return 0;
    }
    int problem = folder->kind == NODE_CONTROL
                      ? control_list(filesystem, folder, &all)
                      : container_list(filesystem, folder, after, count_max, &all);
    if (problem != 0) {
        return problem;
    }
    add_dots(filesystem, listing, folder, offset);
    for (size_t i = 0; i < all.count; i++) {
        const struct container_listed *entry = &all.entries[i];
        off_t cookie = entry->cookie + FIRST_COOKIE;
        if (cookie <= offset) {
            continue;
        }
        if (!fits(listing, entry->name)) {
            break;
        }
        if (listing->plus && entry->node != NULL) {
            add_node(filesystem, listing, folder, entry->name, entry->node, &entry->attributes,
                     cookie);
        } else {
            add_plain(listing, entry->name, entry->attributes.st_ino,
                      entry->attributes.st_mode & S_IFMT, cookie);
        }
    }
    container_listing_free(filesystem, &all);
    return 0;
}

int listing_read(struct filesystem *filesystem, struct node *folder, off_t offset,
                 struct listing *listing) {
    switch (folder->kind) {
    case NODE_SOURCE:
        return list_source(filesystem, listing, folder, offset);
    case NODE_CONTAINER:
    case NODE_LATENTS:
    case NODE_CONTROL:
        return list_made_up(filesystem, listing, folder, offset);
    case NODE_FILE:
    case NODE_STATUS:
        break;
    }
    return ENOTDIR;
}
