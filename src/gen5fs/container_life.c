// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// How long a container and its files stay in memory: a container while somebody is inside it, while
// the kernel knows a file of it, or while it has something that is nowhere else (a draft, a scratch
// file).
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "key_hash.h"

// The directory that a node of a container belongs to.
static struct node *folder_of(struct node *node) {
    return node->kind == NODE_CONTAINER ? node : node->parent;
}

static struct container *container_new(struct node *node) {
    struct container *container = calloc(1, sizeof *container);
    if (container != NULL) {
        container->node = node;
        container->held_fd = -1;
        pthread_mutex_init(&container->commit_lock, NULL);
        pthread_mutex_init(&container->lock, NULL);
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&container->released, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    return container;
}

static void container_free(struct filesystem *filesystem, struct container *container) {
    if (container == NULL) {
        return;
    }
    while (container->hidden != NULL) {
        hidden_drop(container, container->hidden->path);
    }
    view_let_go(filesystem, container);
    file_index_release(&container->index);
    latent_order_release(&container->order);
    free(container->first_latent);
    free(container->fresh_text);
    pthread_cond_destroy(&container->released);
    pthread_mutex_destroy(&container->lock);
    pthread_mutex_destroy(&container->commit_lock);
    free(container);
}

int container_enter(struct filesystem *filesystem, struct node *node,
                    struct container **container) {
    struct node *folder = folder_of(node);
    assert(folder->kind == NODE_CONTAINER);
    pthread_mutex_lock(&filesystem->nodes.lock);
    if (folder->container == NULL) {
        folder->container = container_new(folder);
    }
    *container = folder->container;
    if (*container != NULL) {
        (*container)->pins++;
        folder->references++;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return *container != NULL ? 0 : ENOMEM;
}

// Release one node that was to be released later; false where there is none.
static bool release_leaving(struct filesystem *filesystem, struct container *container) {
    pthread_mutex_lock(&container->lock);
    struct file_node *file = container->leaving;
    struct node *node = file != NULL ? file->node : NULL;
    if (file != NULL && --file->leaving == 0) {
        container->leaving = file->leaving_next;
    }
    pthread_mutex_unlock(&container->lock);
    node_release(filesystem, node);
    return node != NULL;
}

void container_leave(struct filesystem *filesystem, struct container *container) {
    struct node *folder = container->node;
    while (release_leaving(filesystem, container)) {
    }
    struct container *idle = NULL;
    pthread_mutex_lock(&container->lock);
    bool needed =
        container->files != NULL || container->hidden != NULL || container->fresh_until_ms != 0;
    pthread_mutex_unlock(&container->lock);
    pthread_mutex_lock(&filesystem->nodes.lock);
    // Files are attached only by callers who are inside, so with the last pin nothing can be added.
    if (--container->pins == 0 && !needed && container->latents == NULL) {
        folder->container = NULL;
        idle = container;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    container_free(filesystem, idle);
    node_release(filesystem, folder);
}

struct file_node *file_of(const struct node *node) {
    assert(node->kind == NODE_FILE);
    return node->file;
}

uint64_t inside_ino(const struct container *container) {
    // Bit 63 keeps them apart from the source's own numbers, bit 62 those of spare numbers from
    // others.
    uint64_t shown = container->node->shown_ino;
    return (UINT64_C(1) << 63) | (shown >> 61 & 1) << 62 |
           (shown & ((UINT64_C(1) << 38) - 1)) << 24;
}

// Members are numbered in the order in which they are listed, so that tools that copy in the order
// of inode numbers copy them in that order too. A file that was renamed keeps its number, and who
// makes one with its former name gets another.
static uint64_t file_ino(const struct container *container, const char *path) {
    static const char *const first[] = {"image.", NOTICE_NAME, NULL, ENVIRONMENT_NAME};
    const uint64_t hash_mask = (UINT64_C(1) << 21) - 1;
    uint64_t hash = key_hash_text(container->node->shown_ino, path);
    uint64_t rank = 6;
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        if (first[i] != NULL && strncmp(path, first[i], strlen(first[i])) == 0) {
            rank = i + 1;
        }
    }
    if (strncmp(path, LATENTS_NAME "/", strlen(LATENTS_NAME) + 1) == 0) {
        rank = 3;
    } else if (strcmp(path, METADATA_NAME) == 0) {
        rank = 7;
    }
    const uint64_t base = inside_ino(container) | rank << 21;
    while (file_index_has_number(&container->index, base | (hash & hash_mask))) {
        hash++;
    }
    return base | (hash & hash_mask);
}

int file_new(struct filesystem *filesystem, struct container *container, const char *path,
             const struct member *member, struct file_node **file) {
    struct file_node *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ENOMEM;
    }
    made->container = container;
    made->draft_fd = -1;
    struct file_name name;
    int problem = file_name_make(&name, path, member, member);
    if (problem == 0) {
        problem = file_index_reserve(&container->index);
    }
    if (problem == 0) {
        problem = node_new(filesystem, NODE_FILE, container->node, file_ino(container, path),
                           &made->node);
    }
    if (problem != 0) {
        file_name_release(&name);
        free(made);
        return problem;
    }
    made->path = name.path;
    made->member = name.member;
    made->origin = name.origin;
    pthread_rwlock_init(&made->draft_lock, NULL);
    made->node->file = made;
    made->attached = true;
    made->next = container->files;
    if (made->next != NULL) {
        made->next->previous = made;
    }
    container->files = made;
    file_index_add(&container->index, made);
    *file = made;
    return 0;
}

// Of so many, two have the same hash in one of a thousand containers.
enum { UNCROWDED_LATENTS_MAX = 64 };

void file_stay_if_crowded(struct filesystem *filesystem, const struct file_node *file,
                          const struct snapshot *snapshot) {
    if (snapshot->container != NULL && snapshot->container->latent_count > UNCROWDED_LATENTS_MAX) {
        node_stay(filesystem, file->node);
    }
}

struct file_node *file_find(const struct container *container, const char *path) {
    return file_index_find(&container->index, path);
}

int file_name_make(struct file_name *name, const char *path, const struct member *member,
                   const struct member *origin) {
    *name = (struct file_name){.path = strdup(path)};
    if (name->path == NULL || member_copy(&name->member, member) != 0 ||
        member_copy(&name->origin, origin) != 0) {
        file_name_release(name);
        return ENOMEM;
    }
    return 0;
}

void file_name_release(struct file_name *name) {
    free(name->path);
    member_release(&name->member);
    member_release(&name->origin);
    *name = (struct file_name){.path = NULL};
}

void file_take_name(struct file_node *file, struct file_name *name) {
    file_index_rename(&file->container->index, file, name->path);
    member_release(&file->member);
    member_release(&file->origin);
    file->member = name->member;
    file->origin = name->origin;
    *name = (struct file_name){.path = NULL};
}

void file_set_error(struct file_node *file, int number, const char *text) {
    char *copy = number != 0 ? strdup(text) : NULL;
    free(file->error);
    file->error = copy;
    file->error_number = number;
    file->error_of_reading = false;
}

void file_set_read_error(struct file_node *file, int number, const char *text,
                         const struct snapshot *snapshot) {
    file_set_error(file, number, text);
    file->error_of_reading = true;
    file->error_state = snapshot->identity;
}

bool file_error_is_over(const struct file_node *file, const struct snapshot *snapshot) {
    return file->error_of_reading && !gen5_identity_equal(&file->error_state, &snapshot->identity);
}

void file_set_base(struct filesystem *filesystem, struct file_node *file,
                   struct snapshot *snapshot) {
    base_release(filesystem, &file->base);
    file->base = base_of(snapshot, &file->member);
}

// The caller holds container.lock and a reference of its own, so that neither function frees the
// node.
void file_keep(struct filesystem *filesystem, struct file_node *file, bool keep) {
    if (file->kept == keep) {
        return;
    }
    file->kept = keep;
    pthread_mutex_lock(&filesystem->nodes.lock);
    if (keep) {
        file->node->references++;
    } else {
        assert(file->node->references > 1);
        file->node->references--;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

void file_detach(struct filesystem *filesystem, struct file_node *file) {
    file->attached = false;
    file_keep(filesystem, file, false);
}

void file_replace(struct filesystem *filesystem, struct file_node *file) {
    file->attached = false;
    file->replaced = file->writers > 0;
    if (!file->replaced || file->draft_fd < 0) {
        file_keep(filesystem, file, false);
    }
}

void file_release_later(struct file_node *file) {
    struct container *container = file->container;
    if (file->leaving++ == 0) {
        file->leaving_next = container->leaving;
        container->leaving = file;
    }
}

static void file_free(struct filesystem *filesystem, struct file_node *file) {
    if (file->draft_fd >= 0) {
        close(file->draft_fd);
    }
    snapshot_release(filesystem, file->snapshot);
    base_release(filesystem, &file->base);
    member_release(&file->member);
    member_release(&file->origin);
    pthread_rwlock_destroy(&file->draft_lock);
    free(file->error);
    free(file->path);
    free(file);
}

static void file_unlist(struct container *container, struct file_node *file) {
    *(file->previous != NULL ? &file->previous->next : &container->files) = file->next;
    if (file->next != NULL) {
        file->next->previous = file->previous;
    }
    file_index_remove(&container->index, file);
}

static void file_gone(struct filesystem *filesystem, struct node *node) {
    struct container *container = NULL;
    if (container_enter(filesystem, node, &container) != 0) {
        return; // Cannot be: the file keeps its container in memory.
    }
    pthread_mutex_lock(&container->lock);
    file_unlist(container, node->file);
    pthread_mutex_unlock(&container->lock);
    file_free(filesystem, node->file);
    node->file = NULL;
    container_leave(filesystem, container);
}

void container_node_gone(struct filesystem *filesystem, struct node *node) {
    if (node->kind == NODE_FILE) {
        file_gone(filesystem, node);
        return;
    }
    struct node *folder = folder_of(node);
    if (node->kind == NODE_LATENTS) {
        struct container *container = NULL;
        if (container_enter(filesystem, node, &container) == 0) {
            pthread_mutex_lock(&container->lock);
            if (container->latents == node) {
                container->latents = NULL;
            }
            pthread_mutex_unlock(&container->lock);
            container_leave(filesystem, container);
        }
        return;
    }
    container_free(filesystem, folder->container);
    folder->container = NULL;
}
