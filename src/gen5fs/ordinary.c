// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Finding ordinary things, and telling them from containers.
#include "ordinary.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "container_operations.h"
#include "descriptors.h"
#include "thread.h"
#include "watcher.h"

// A close is two requests, and the program goes on after the first (flush): how long a look-up
// waits for the second (release) before it takes the file for one that is still being written.
enum { CLOSING_WAIT_MS = 200 };

struct descriptor_path descriptor_path_of(int fd) {
    struct descriptor_path path;
    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", fd);
    return path;
}

int ordinary_check_change(const struct filesystem *filesystem, const struct node *node) {
    return filesystem->read_only || node->raw ? EROFS : 0;
}

int ordinary_check_name(const struct filesystem *filesystem, const struct node *parent,
                        const char *name) {
    int problem = ordinary_check_change(filesystem, parent);
    return problem == 0 && name_is_hidden(filesystem, parent, name) ? EPERM : problem;
}

// Whether a file is open for writing through the mount, after a wait for a writer that is just
// leaving.
static bool is_being_written(struct filesystem *filesystem, const struct stat *attributes) {
    struct node *node = node_find_source(filesystem, attributes->st_dev, attributes->st_ino, false);
    if (node == NULL) {
        return false;
    }
    struct node_table *table = &filesystem->nodes;
    int64_t until_ms = clock_ms() + CLOSING_WAIT_MS;
    pthread_mutex_lock(&table->lock);
    while (node->writers > 0 && node->writers_flushed == node->writers && clock_ms() < until_ms) {
        thread_condition_wait(&table->writer_left, &table->lock, until_ms);
    }
    bool written = node->writers > 0;
    pthread_mutex_unlock(&table->lock);
    node_release(filesystem, node);
    return written;
}

bool ordinary_is_container(struct filesystem *filesystem, const struct node *parent,
                           const char *name, const struct stat *attributes) {
    return S_ISREG(attributes->st_mode) && !parent->raw && name_is_container(name) &&
           !is_being_written(filesystem, attributes);
}

int ordinary_name_leads_to_container(struct filesystem *filesystem, const struct node *parent,
                                     const char *name, bool *leads) {
    struct stat attributes;
    *leads = false;
    if (!name_is_container(name)) {
        return 0;
    }
    if (fstatat(parent->fd, name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    *leads = ordinary_is_container(filesystem, parent, name, &attributes);
    return 0;
}

void ordinary_written_as(struct filesystem *filesystem, struct node *node, struct node *parent,
                         const char *name) {
    node_set_place(filesystem, node, parent, name);
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->passing = true;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

void ordinary_became_container(struct filesystem *filesystem, struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->became_container = true;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

int ordinary_check_kind(struct filesystem *filesystem, struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    // A program that has it open goes on with its file.
    bool stale =
        node->became_container && node->readers == 0 && node->writers == node->writers_flushed;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return stale ? ESTALE : 0;
}

// Whether a name leads elsewhere now, or nowhere. What cannot be looked at is taken to be there.
static bool leads_elsewhere(struct filesystem *filesystem, struct node *folder, const char *name,
                            const struct node *node) {
    struct stat attributes;
    if (descriptor_hold(filesystem, folder) != 0) {
        return false;
    }
    bool elsewhere = fstatat(folder->fd, name, &attributes, AT_SYMLINK_NOFOLLOW) != 0
                         ? errno == ENOENT
                         : attributes.st_ino != node->inode || attributes.st_dev != node->device;
    descriptor_release(folder);
    return elsewhere;
}

// A file that is found nowhere, and has names: one of several was removed.
static bool has_other_names(const struct node *node) {
    struct stat attributes;
    return fstat(node->fd, &attributes) == 0 && attributes.st_nlink > 0;
}

// The kernel may be wrong about a file's name: send it back, unless that has been done for this
// thread and it came here again. The kernel does not tell threads of other process namespaces
// apart.
static int send_back(struct filesystem *filesystem, struct node *node,
                     const struct caller *caller) {
    const pid_t thread = caller->pid != 0 ? caller->pid : -1;
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool again = node->sent_back == thread;
    node->sent_back = again ? 0 : thread;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return again ? 0 : ESTALE;
}

static int let_through(struct filesystem *filesystem, struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->sent_back = 0;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return 0;
}

int ordinary_check_place(struct filesystem *filesystem, struct node *node,
                         const struct caller *caller) {
    struct node *folder = NULL;
    char *name = NULL;
    if (!S_ISREG(node->type)) {
        return 0;
    }
    int problem = node_source_place(filesystem, node, &folder, &name);
    if (problem == 0) {
        bool lost = folder != NULL ? leads_elsewhere(filesystem, folder, name, node)
                                   : has_other_names(node);
        problem = lost ? send_back(filesystem, node, caller) : let_through(filesystem, node);
    }
    node_release(filesystem, folder);
    free(name);
    return problem;
}

// A file was found under a name that does not make it a container.
static void is_file_again(struct filesystem *filesystem, struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->became_container = false;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

int ordinary_node_of_name(struct filesystem *filesystem, struct node *parent, const char *name,
                          struct node **node, struct stat *attributes) {
    struct source_identity identity;
    int problem = source_look(parent->fd, name, attributes, &identity);
    if (problem == 0) {
        problem = node_for_source(filesystem, &identity, parent, name, node);
    }
    // A process may come to work in a folder, wherever that is moved, and the kernel may open files
    // by itself; the rest is opened when it is used.
    const bool opens = problem == 0 && (S_ISDIR(attributes->st_mode) || !filesystem->opens_files);
    if (opens && descriptor_hold(filesystem, *node) == 0) {
        descriptor_release(*node);
    }
    return problem;
}

int ordinary_lookup(struct filesystem *filesystem, struct node *parent, const char *name,
                    struct node **child, struct stat *attributes) {
    if (name_is_hidden(filesystem, parent, name)) {
        return ENOENT;
    }
    watcher_add(filesystem, parent);
    if (!parent->raw && name_is_container(name)) {
        if (fstatat(parent->fd, name, attributes, AT_SYMLINK_NOFOLLOW) != 0) {
            return errno;
        }
        if (ordinary_is_container(filesystem, parent, name, attributes)) {
            return container_entry(filesystem, parent, name, attributes, child);
        }
    }
    int problem = ordinary_node_of_name(filesystem, parent, name, child, attributes);
    if (problem == 0 && S_ISREG(attributes->st_mode)) {
        is_file_again(filesystem, *child);
        if (!parent->raw && name_is_container(name)) {
            ordinary_written_as(filesystem, *child, parent, name);
        }
        ordinary_looked_at(filesystem, *child, attributes);
    }
    return problem;
}
