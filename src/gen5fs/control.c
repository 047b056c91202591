// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The hidden folder .gen5fs: made of nodes that are in no source, and of two source folders shown
// in it.
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "plain_text.h"
#include "rescue.h"

// Numbers that no inode of the source has: file systems count from below.
#define CONTROL_INO UINT64_C(0xffffffffffff0001)
#define STATUS_INO UINT64_C(0xffffffffffff0002)

#define RESCUED_FOLDER CONTROL_NAME "/rescued"

static const char *const entry_names[] = {"raw", "rescued", "status"};
enum { ENTRY_COUNT = sizeof entry_names / sizeof entry_names[0] };

// The node kept in *place, made at the first call, with a reference for the caller.
static int kept_node(struct filesystem *filesystem, struct node **place, enum node_kind kind,
                     struct node *parent, uint64_t ino, struct node **node) {
    struct node *made = NULL;
    int problem = node_new(filesystem, kind, parent, ino, &made);
    if (problem != 0) {
        return problem;
    }
    pthread_mutex_lock(&filesystem->nodes.lock);
    if (*place == NULL) {
        *place = made; // Its first reference stays with it.
        made = NULL;
    }
    (*place)->references++;
    *node = *place;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    node_release(filesystem, made);
    return 0;
}

void control_release(struct filesystem *filesystem) {
    node_release(filesystem, filesystem->status);
    node_release(filesystem, filesystem->control);
    filesystem->status = NULL;
    filesystem->control = NULL;
}

// A source folder, from a descriptor that is taken over.
static int source_node(struct filesystem *filesystem, int fd, bool raw, struct node **node,
                       struct stat *attributes) {
    if (fd < 0) {
        return errno;
    }
    return node_for_descriptor(filesystem, fd, raw, node, attributes);
}

static int make_text(struct filesystem *filesystem, char **text, size_t *size) {
    FILE *out = open_memstream(text, size);
    if (out == NULL) {
        return errno;
    }
    fputs("source: ", out);
    plain_text_print(out, filesystem->source_path);
    fputs("\nmountpoint: ", out);
    plain_text_print(out, filesystem->mount_path);
    fprintf(out, "\ndaemon: %d\nmode: %s\n", (int)getpid(),
            filesystem->read_only ? "read-only" : "read-write");
    container_report(filesystem, out);
    rescue_report(filesystem, out);
    request_counts_print(&filesystem->requests, out);
    bool failed = ferror(out) != 0;
    return fclose(out) != 0 || failed ? ENOMEM : 0;
}

// A status of this moment: who looks again is given another node.
static int new_status_node(struct filesystem *filesystem, struct node *folder, struct node **node) {
    char *text = NULL;
    size_t size = 0;
    int problem = make_text(filesystem, &text, &size);
    if (problem == 0) {
        problem = node_new(filesystem, NODE_STATUS, folder, STATUS_INO, node);
    }
    if (problem != 0) {
        free(text);
        return problem;
    }
    (*node)->text = text;
    return 0;
}

static int status_node(struct filesystem *filesystem, struct node *folder, struct node **node,
                       struct stat *attributes) {
    int problem = filesystem->opens_files ? kept_node(filesystem, &filesystem->status, NODE_STATUS,
                                                      folder, STATUS_INO, node)
                                          : new_status_node(filesystem, folder, node);
    if (problem != 0) {
        return problem;
    }
    problem = control_getattr(filesystem, *node, attributes);
    if (problem != 0) {
        node_release(filesystem, *node);
    }
    return problem;
}

static int control_node(struct filesystem *filesystem, struct node **node,
                        struct stat *attributes) {
    int problem = kept_node(filesystem, &filesystem->control, NODE_CONTROL, filesystem->root,
                            CONTROL_INO, node);
    if (problem != 0) {
        return problem;
    }
    problem = control_getattr(filesystem, *node, attributes);
    if (problem != 0) {
        node_release(filesystem, *node);
    }
    return problem;
}

int control_lookup(struct filesystem *filesystem, struct node *folder, const char *name,
                   struct node **child, struct stat *attributes) {
    static const int folder_flags = O_PATH | O_DIRECTORY;
    *child = NULL;
    if (folder == filesystem->root) {
        return strcmp(name, CONTROL_NAME) == 0 ? control_node(filesystem, child, attributes)
                                               : ENOENT;
    }
    if (strcmp(name, "raw") == 0) {
        int fd = open_beneath(filesystem->source_fd, ".", folder_flags);
        return source_node(filesystem, fd, true, child, attributes);
    }
    if (strcmp(name, "rescued") == 0) {
        int fd = open_beneath(filesystem->source_fd, RESCUED_FOLDER, folder_flags);
        return source_node(filesystem, fd, false, child, attributes);
    }
    return strcmp(name, "status") == 0 ? status_node(filesystem, folder, child, attributes)
                                       : ENOENT;
}

int control_getattr(struct filesystem *filesystem, struct node *node, struct stat *attributes) {
    struct stat source;
    if (fstat(filesystem->source_fd, &source) != 0) {
        return errno;
    }
    *attributes = (struct stat){
        .st_ino = node->shown_ino,
        .st_mode = node->kind == NODE_STATUS ? S_IFREG | 0444 : S_IFDIR | 0555,
        .st_nlink = 1,
        .st_uid = source.st_uid,
        .st_gid = source.st_gid,
        .st_size = node->kind == NODE_STATUS && node->text != NULL ? (off_t)strlen(node->text) : 0,
        .st_blksize = source.st_blksize,
        .st_atim = source.st_atim,
        .st_mtim = source.st_mtim,
        .st_ctim = source.st_ctim,
    };
    return 0;
}

int control_list(struct filesystem *filesystem, struct node *folder,
                 struct container_listing *listing) {
    *listing = (struct container_listing){.entries = NULL};
    listing->entries = calloc(ENTRY_COUNT, sizeof *listing->entries);
    if (listing->entries == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        struct container_listed *entry = &listing->entries[listing->count];
        // "rescued" is not always there.
        if (control_lookup(filesystem, folder, entry_names[i], &entry->node, &entry->attributes) !=
            0) {
            continue;
        }
        entry->name = strdup(entry_names[i]);
        entry->cookie = (off_t)i + 1;
        listing->count++;
        if (entry->name == NULL) {
            container_listing_free(filesystem, listing);
            return ENOMEM;
        }
    }
    return 0;
}

int control_open_status(struct filesystem *filesystem, struct node *node, struct handle **handle) {
    struct handle *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ENOMEM;
    }
    int problem = make_text(filesystem, &made->text, &made->text_size);
    if (problem != 0) {
        free(made->text);
        free(made);
        return problem;
    }
    made->kind = HANDLE_STATUS;
    made->fd = -1;
    made->node = node;
    node_reference(filesystem, node);
    *handle = made;
    return 0;
}
