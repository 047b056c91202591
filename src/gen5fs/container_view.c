// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What a container's directory shows: what its file has, less what is hidden, and with the files
// that are only here.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "descriptors.h"
#include "kernel_notices.h"
#include "key_hash.h"
#include "watcher.h"

#define LATENTS_PREFIX LATENTS_NAME "/"

int container_snapshot(struct filesystem *filesystem, struct container *container,
                       struct snapshot **snapshot) {
    struct node *parent = NULL;
    char *name = NULL;
    int problem = node_container_place(filesystem, container->node, &parent, &name);
    if (problem == 0) {
        problem = snapshot_open(filesystem, parent->fd, name, snapshot);
    }
    node_place_release(filesystem, parent, name);
    return problem;
}

static struct hidden *hidden_find(const struct container *container, const char *path) {
    struct hidden *at = container->hidden;
    while (at != NULL && strcmp(at->path, path) != 0) {
        at = at->next;
    }
    return at;
}

bool hidden_has(const struct container *container, const char *path,
                const struct version *version) {
    const struct hidden *at = hidden_find(container, path);
    return at != NULL &&
           (at->member.kind == MEMBER_METADATA || version_equal(&at->version, version));
}

int hidden_add(struct container *container, const char *path, const struct member *member,
               const struct version *version, int64_t due_ms) {
    struct hidden *at = hidden_find(container, path);
    if (at != NULL) {
        at->version = *version;
        at->due_ms = due_ms;
        return 0;
    }
    at = calloc(1, sizeof *at);
    if (at == NULL || (at->path = strdup(path)) == NULL || member_copy(&at->member, member) != 0) {
        free(at != NULL ? at->path : NULL);
        free(at);
        return ENOMEM;
    }
    at->version = *version;
    at->due_ms = due_ms;
    at->next = container->hidden;
    container->hidden = at;
    return 0;
}

void hidden_drop(struct container *container, const char *path) {
    for (struct hidden **at = &container->hidden; *at != NULL; at = &(*at)->next) {
        struct hidden *found = *at;
        if (strcmp(found->path, path) == 0) {
            *at = found->next;
            member_release(&found->member);
            free(found->path);
            free(found);
            return;
        }
    }
}

// Whether a file's bytes come from the container as it is now, and not from a draft or an older
// state.
static bool follows_container(const struct file_node *file) {
    return file->attached && !file->fresh && file->draft_fd < 0 && file->member.kind != MEMBER_NONE;
}

// Whether such a file may go on to another version, with the same node: nobody has it open.
static bool may_adopt(const struct filesystem *filesystem, const struct file_node *file) {
    return filesystem->opens_files && file->opens == 0;
}

// The state that is held, if it has the version that the file shows.
static struct snapshot *held_version(struct filesystem *filesystem, const struct file_node *file) {
    struct snapshot *held = NULL;
    const int fd = file->container->held_fd;
    if (fd < 0 || snapshot_from_fd(filesystem, fd, &held) != 0) {
        return NULL;
    }
    struct version version = member_version(held, &file->member);
    if (!version.present || !version_equal(&version, &file->version)) {
        snapshot_release(filesystem, held);
        return NULL;
    }
    return held;
}

void view_let_go(struct filesystem *filesystem, struct container *container) {
    if (container->held_fd >= 0) {
        close(container->held_fd);
        container->held_fd = -1;
        descriptors_give_back(filesystem);
    }
}

void view_hold(struct filesystem *filesystem, struct container *container,
               struct snapshot *snapshot) {
    if (filesystem->opens_files ||
        (container->held_fd >= 0 && gen5_identity_equal(&container->held, &snapshot->identity))) {
        return;
    }
    for (struct file_node *file = container->files; file != NULL; file = file->next) {
        struct version version = member_version(snapshot, &file->member);
        if (file->snapshot == NULL && !version_equal(&version, &file->version)) {
            file->snapshot = held_version(filesystem, file);
        }
    }
    view_let_go(filesystem, container);
    // Without a descriptor, who has a file open when it is replaced is told so by ESTALE.
    if (descriptors_grant(filesystem)) {
        container->held_fd = fcntl(snapshot->fd, F_DUPFD_CLOEXEC, 0);
        if (container->held_fd < 0) {
            descriptors_give_back(filesystem);
        }
    }
    container->held = snapshot->identity;
}

int view_version(struct filesystem *filesystem, struct file_node *file, struct snapshot *now,
                 struct snapshot **snapshot) {
    if (now != NULL) {
        view_hold(filesystem, file->container, now);
    }
    if (file->snapshot != NULL) {
        *snapshot = snapshot_reference(file->snapshot);
        return 0;
    }
    struct version version = {.present = false};
    if (now != NULL) {
        version = member_version(now, &file->member);
    }
    if (version.present && version_equal(&version, &file->version)) {
        *snapshot = snapshot_reference(now);
        return 0;
    }
    file->snapshot = held_version(filesystem, file);
    if (file->snapshot == NULL) {
        return ESTALE;
    }
    *snapshot = snapshot_reference(file->snapshot);
    return 0;
}

// Let a file that nobody has open follow the container to another version. The lock is held.
static void file_adopt(struct file_node *file, const struct version *version) {
    file->version = *version;
    file->stale_pages = true;
    file->pages_given = false;
}

// The same where it is known what the path stands for.
static int find_member(struct filesystem *filesystem, struct container *container,
                       struct snapshot *snapshot, const char *path, const struct member *member,
                       struct file_node **file) {
    struct file_node *found = file_find(container, path);
    if (found != NULL && !node_reference_alive(filesystem, found->node)) {
        found->attached = false; // It is being destroyed.
        found = NULL;
    }
    struct version version = member_version(snapshot, member);
    if (found != NULL && follows_container(found) && !version_equal(&version, &found->version)) {
        if (may_adopt(filesystem, found) && version.present) {
            file_adopt(found, &version);
        } else {
            file_detach(filesystem, found);
            file_release_later(found);
            found = NULL;
        }
    }
    int problem = 0;
    if (found == NULL) {
        problem = hidden_has(container, path, &version) || !version.present ? ENOENT : 0;
        if (problem == 0) {
            problem = file_new(filesystem, container, path, member, &found);
        }
        if (problem == 0) {
            found->version = version;
        }
    }
    *file = found;
    return problem;
}

int view_find(struct filesystem *filesystem, struct container *container, struct snapshot *snapshot,
              const char *path, struct file_node **file) {
    struct member member;
    *file = NULL;
    int problem = member_of_path(snapshot, path, &member);
    if (problem == 0) {
        problem = find_member(filesystem, container, snapshot, path, &member, file);
    }
    member_release(&member);
    return problem;
}

void container_attributes(struct filesystem *filesystem, struct stat *attributes) {
    mode_t read = attributes->st_mode & (S_IRUSR | S_IRGRP | S_IROTH);
    attributes->st_ino = node_shown_ino(filesystem, attributes);
    attributes->st_mode = S_IFDIR | (attributes->st_mode & 0777) | (read >> 2);
    attributes->st_nlink = 1;
    attributes->st_size = 4096;
    attributes->st_blocks = 0;
    attributes->st_rdev = 0;
}

int view_attributes(const struct snapshot *snapshot, const struct file_node *file,
                    struct stat *attributes) {
    struct stat draft = {0};
    const struct snapshot *shown = file->snapshot != NULL ? file->snapshot : snapshot;
    *attributes =
        (file->attached || file->snapshot == NULL) ? snapshot->attributes : shown->attributes;
    attributes->st_size = (off_t)file->version.size;
    attributes->st_mode = S_IFREG | (attributes->st_mode & 0666);
    if (file->draft_fd >= 0) {
        if (fstat(file->draft_fd, &draft) != 0) {
            return errno;
        }
        attributes->st_size = draft.st_size;
        attributes->st_mtim = draft.st_mtim;
        attributes->st_ctim = draft.st_ctim;
        attributes->st_atim = draft.st_atim;
        if (file->member.kind == MEMBER_NONE) {
            attributes->st_mode = S_IFREG | (draft.st_mode & 0777);
            attributes->st_uid = draft.st_uid;
            attributes->st_gid = draft.st_gid;
        }
    }
    attributes->st_ino = file->node->shown_ino;
    attributes->st_nlink = file->attached ? 1 : 0;
    attributes->st_rdev = 0;
    attributes->st_blocks = (attributes->st_size + 511) / 512;
    return 0;
}

void view_settle(struct container *container, const struct file_node *file) {
    int64_t until = clock_ms() + SETTLE_MS;
    struct timespec deadline = {until / 1000, (until % 1000) * 1000000};
    while (file->settling > 0 || (file->writers > 0 && file->writers == file->writers_flushed &&
                                  file->changes == file->changes_done)) {
        if (pthread_cond_timedwait(&container->released, &container->lock, &deadline) != 0) {
            return;
        }
    }
}

static int latents_node(struct filesystem *filesystem, struct container *container,
                        struct node **node) {
    if (container->latents != NULL && node_reference_alive(filesystem, container->latents)) {
        *node = container->latents;
        return 0;
    }
    int problem = node_new(filesystem, NODE_LATENTS, container->node,
                           inside_ino(container) | UINT64_C(4) << 21, node);
    if (problem == 0) {
        container->latents = *node;
    }
    return problem;
}

// Whether two latents or more are shown: of those of the snapshot that are not hidden, and new
// ones.
static bool latents_are_listed(struct container *container, const struct snapshot *snapshot) {
    size_t count = 0;
    const struct gen5_container *stored = snapshot->container;
    for (size_t i = 0; stored != NULL && i < stored->latent_count && count < 2; i++) {
        struct member member = {.kind = MEMBER_LATENT,
                                .key = stored->latents[i]->key,
                                .key_length = stored->latents[i]->key_length};
        char *path = NULL;
        struct version version = member_version(snapshot, &member);
        if (member_path(snapshot, &member, &path) == 0 &&
            (!hidden_has(container, path, &version) || file_find(container, path) != NULL)) {
            count++;
        }
        free(path);
    }
    for (const struct file_node *file = container->files; file != NULL && count < 2;
         file = file->next) {
        if (file->attached && strncmp(file->path, LATENTS_PREFIX, strlen(LATENTS_PREFIX)) == 0 &&
            (file->fresh || file->member.kind == MEMBER_NONE)) {
            count++;
        }
    }
    return count >= 2;
}

static void latents_attributes(const struct snapshot *snapshot, const struct node *node,
                               struct filesystem *filesystem, struct stat *attributes) {
    *attributes = snapshot->attributes;
    container_attributes(filesystem, attributes);
    attributes->st_ino = node->shown_ino;
}

static int lookup_latents(struct filesystem *filesystem, struct container *container,
                          struct snapshot *snapshot, struct node **child, struct stat *attributes) {
    if (snapshot->container == NULL) {
        return ENOENT;
    }
    int problem = latents_node(filesystem, container, child);
    if (problem == 0) {
        latents_attributes(snapshot, *child, filesystem, attributes);
    }
    return problem;
}

static int lookup_file(struct filesystem *filesystem, struct container *container,
                       struct snapshot *snapshot, struct node *folder, const char *name,
                       struct node **child, struct stat *attributes) {
    char *path = NULL;
    struct file_node *file = NULL;
    int problem = path_of_name(container, snapshot, folder, name, &path);
    if (problem == 0) {
        problem = view_find(filesystem, container, snapshot, path, &file);
    }
    if (problem == 0) {
        view_settle(container, file);
        problem = view_attributes(snapshot, file, attributes);
        if (problem == 0) {
            *child = file->node;
        }
    }
    free(path);
    return problem;
}

int container_lookup(struct filesystem *filesystem, struct node *folder, const char *name,
                     pid_t caller, struct node **child, struct stat *attributes) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    int problem = container_enter(filesystem, folder, &container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, container, &snapshot);
    if (problem == 0) {
        pthread_mutex_lock(&container->lock);
        view_hold(filesystem, container, snapshot);
        if (caller != 0 && fresh_hides(filesystem, container, snapshot, folder, name, caller)) {
            problem = ENOENT;
        } else if (folder->kind == NODE_CONTAINER && strcmp(name, LATENTS_NAME) == 0) {
            problem = lookup_latents(filesystem, container, snapshot, child, attributes);
        } else {
            problem = lookup_file(filesystem, container, snapshot, folder, name, child, attributes);
        }
        pthread_mutex_unlock(&container->lock);
    }
    snapshot_release(filesystem, snapshot);
    container_leave(filesystem, container);
    return problem;
}

int container_getattr(struct filesystem *filesystem, struct node *node, struct stat *attributes) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    int problem = container_enter(filesystem, node, &container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, container, &snapshot);
    pthread_mutex_lock(&container->lock);
    if (problem != 0 && node->kind == NODE_FILE && node->file->snapshot != NULL) {
        // The container is gone; whoever has the file open still has it.
        snapshot = snapshot_reference(node->file->snapshot);
        problem = 0;
    } else if (problem != 0 && node->kind == NODE_FILE && !filesystem->opens_files) {
        problem = view_version(filesystem, node->file, NULL, &snapshot);
    } else if (problem == 0) {
        view_hold(filesystem, container, snapshot);
    }
    if (problem != 0) {
        problem = problem == ENOENT ? ESTALE : problem;
    } else if (node->kind == NODE_CONTAINER) {
        *attributes = snapshot->attributes;
        container_attributes(filesystem, attributes);
        attributes->st_ino = node->shown_ino;
    } else if (node->kind == NODE_LATENTS) {
        latents_attributes(snapshot, node, filesystem, attributes);
    } else {
        struct version version = member_version(snapshot, &node->file->member);
        if (follows_container(node->file) && may_adopt(filesystem, node->file) && version.present &&
            !version_equal(&version, &node->file->version)) {
            file_adopt(node->file, &version);
        }
        view_settle(container, node->file);
        problem = view_attributes(snapshot, node->file, attributes);
    }
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, snapshot);
    container_leave(filesystem, container);
    return problem;
}

// Listing

// Entries are in the order of their cookies. The rank comes first, then a hash of the name, which
// stays when other entries come and go.
static off_t cookie_of(const char *name, off_t rank) {
    return (rank + 1) << 32 | (off_t)(key_hash_text(0, name) & UINT64_C(0x7fffffff));
}

// The least rank of which entries are asked for.
static uint64_t first_rank(const struct container_listing *listing) {
    return listing->after >> 32 > 0 ? (uint64_t)(listing->after >> 32) - 1 : 0;
}

static int listing_add(struct container_listing *listing, const char *name, struct node *node,
                       const struct stat *attributes, off_t cookie) {
    struct container_listed *grown =
        reallocarray(listing->entries, listing->count + 1, sizeof *grown);
    char *copy = strdup(name);
    if (grown != NULL) {
        listing->entries = grown;
    }
    if (grown == NULL || copy == NULL) {
        free(copy);
        return ENOMEM;
    }
    listing->entries[listing->count++] = (struct container_listed){
        .name = copy, .node = node, .attributes = *attributes, .cookie = cookie};
    return 0;
}

void container_listing_free(struct filesystem *filesystem, struct container_listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        node_release(filesystem, listing->entries[i].node);
        free(listing->entries[i].name);
    }
    free(listing->entries);
    *listing = (struct container_listing){0};
}

// `member` may be NULL for what the path itself tells.
static int list_path(struct filesystem *filesystem, struct container *container,
                     struct snapshot *snapshot, const char *path, const struct member *member,
                     const char *name, off_t rank, struct container_listing *listing) {
    off_t cookie = cookie_of(name, rank);
    if (cookie <= listing->after) {
        return 0;
    }
    struct file_node *file = NULL;
    int problem = member != NULL ? find_member(filesystem, container, snapshot, path, member, &file)
                                 : view_find(filesystem, container, snapshot, path, &file);
    if (problem != 0) {
        return problem == ENOENT ? 0 : problem;
    }
    struct stat attributes;
    problem = view_attributes(snapshot, file, &attributes);
    if (problem == 0) {
        problem = listing_add(listing, name, file->node, &attributes, cookie);
    }
    if (problem != 0) {
        file_release_later(file);
    }
    return problem;
}

// The order is the one in which a copy is best written: metadata.json last, when the chunks that it
// speaks of are there.
enum { RANK_IMAGE, RANK_LATENT, RANK_LATENTS, RANK_ENVIRONMENT, RANK_SCRATCH, RANK_METADATA };
// In latents/, new and scratch files come behind the stored ones, whose ranks are their places in
// the container's order.
enum { RANK_LATENT_FILES = 0x7ffffffe };

static int list_member(struct filesystem *filesystem, struct container *container,
                       struct snapshot *snapshot, enum member_kind kind, off_t rank,
                       struct container_listing *listing) {
    struct member member = {.kind = kind};
    char *path = NULL;
    int problem = member_path(snapshot, &member, &path);
    if (problem == ENOENT) {
        return 0;
    }
    if (problem == 0) {
        problem = list_path(filesystem, container, snapshot, path, NULL, path, rank, listing);
    }
    free(path);
    return problem;
}

static int list_first_latent(struct filesystem *filesystem, struct container *container,
                             struct snapshot *snapshot, struct container_listing *listing) {
    char *path = NULL;
    int problem = path_of_name(container, snapshot, container->node, LATENT_NAME, &path);
    if (problem == 0) {
        problem = list_path(filesystem, container, snapshot, path, NULL, LATENT_NAME, RANK_LATENT,
                            listing);
    }
    free(path);
    return problem;
}

static int list_latents_folder(struct filesystem *filesystem, struct container *container,
                               struct snapshot *snapshot, struct container_listing *listing) {
    if (cookie_of(LATENTS_NAME, RANK_LATENTS) <= listing->after ||
        !latents_are_listed(container, snapshot)) {
        return 0;
    }
    struct node *node = NULL;
    struct stat attributes;
    int problem = lookup_latents(filesystem, container, snapshot, &node, &attributes);
    if (problem == 0) {
        problem = listing_add(listing, LATENTS_NAME, node, &attributes,
                              cookie_of(LATENTS_NAME, RANK_LATENTS));
        if (problem != 0) {
            node_release(filesystem, node);
        }
    }
    return problem;
}

// An entry keeps its place in the listing, and so its cookie, when its draft is stored meanwhile.
static off_t rank_of(enum member_kind kind) {
    switch (kind) {
    case MEMBER_IMAGE:
    case MEMBER_NOTICE:
        return RANK_IMAGE;
    case MEMBER_LATENT:
        return RANK_LATENT;
    case MEMBER_ENVIRONMENT:
        return RANK_ENVIRONMENT;
    case MEMBER_METADATA:
        return RANK_METADATA;
    case MEMBER_NONE:
        break;
    }
    return RANK_SCRATCH;
}

// Whether a file is listed for the sake of what is stored: of the folder's stored entries, those
// that were asked for are in the listing.
static bool is_listed_as_stored(const struct snapshot *snapshot, const struct file_node *file,
                                const struct container_listing *listing) {
    if (file->member.kind != MEMBER_NONE && !file->fresh && file->draft_fd < 0) {
        return true;
    }
    if (file->member.kind == MEMBER_LATENT) {
        return member_version(snapshot, &file->member).present;
    }
    for (size_t i = 0; i < listing->count; i++) {
        if (listing->entries[i].node == file->node) {
            return true;
        }
    }
    return false;
}

struct candidate {
    const struct file_node *file;
    const char *name;
    off_t rank;
    off_t cookie;
};

static int by_cookie_of_candidate(const void *left, const void *right) {
    off_t a = ((const struct candidate *)left)->cookie;
    off_t b = ((const struct candidate *)right)->cookie;
    return a < b ? -1 : a > b;
}

static size_t find_candidates(const struct container *container, const struct snapshot *snapshot,
                              bool in_latents, const struct container_listing *listing,
                              struct candidate *candidates) {
    const size_t prefix = strlen(LATENTS_PREFIX);
    size_t count = 0;
    for (const struct file_node *file = container->files; file != NULL; file = file->next) {
        bool inside = strncmp(file->path, LATENTS_PREFIX, prefix) == 0;
        if (!file->attached || inside != in_latents ||
            is_listed_as_stored(snapshot, file, listing)) {
            continue;
        }
        const char *name = file->path + (inside ? prefix : 0);
        const off_t rank = inside ? RANK_LATENT_FILES : rank_of(file->member.kind);
        candidates[count] = (struct candidate){
            .file = file, .name = name, .rank = rank, .cookie = cookie_of(name, rank)};
        count += candidates[count].cookie > listing->after ? 1 : 0;
    }
    qsort(candidates, count, sizeof *candidates, by_cookie_of_candidate);
    return count;
}

// Scratch files and new members of one folder.
static int list_files(struct filesystem *filesystem, struct container *container,
                      struct snapshot *snapshot, bool in_latents,
                      struct container_listing *listing) {
    struct candidate *candidates =
        calloc(container->index.file_count + 1, sizeof(struct candidate));
    if (candidates == NULL) {
        return ENOMEM;
    }
    size_t count = find_candidates(container, snapshot, in_latents, listing, candidates);
    int problem = 0;
    for (size_t i = 0; problem == 0 && i < count && i < listing->count_max; i++) {
        problem = list_path(filesystem, container, snapshot, candidates[i].file->path, NULL,
                            candidates[i].name, candidates[i].rank, listing);
    }
    free(candidates);
    return problem;
}

static int list_latents(struct filesystem *filesystem, struct container *container,
                        struct snapshot *snapshot, struct container_listing *listing) {
    const struct gen5_container *stored = snapshot->container;
    int problem = stored != NULL ? latent_order_follow(&container->order, snapshot) : 0;
    size_t i = problem == 0 ? latent_order_index(&container->order, first_rank(listing)) : 0;
    for (; problem == 0 && stored != NULL && i < stored->latent_count &&
           listing->count < listing->count_max;
         i++) {
        struct member member = {.kind = MEMBER_LATENT,
                                .key = stored->latents[i]->key,
                                .key_length = stored->latents[i]->key_length};
        char *path = NULL;
        problem = member_path(snapshot, &member, &path);
        if (problem == 0) {
            problem = list_path(filesystem, container, snapshot, path, &member,
                                path + strlen(LATENTS_PREFIX),
                                latent_order_place(&container->order, i), listing);
        }
        free(path);
    }
    if (problem == 0 && listing->count < listing->count_max) {
        problem = list_files(filesystem, container, snapshot, true, listing);
    }
    return problem;
}

static int list_top(struct filesystem *filesystem, struct container *container,
                    struct snapshot *snapshot, struct container_listing *listing) {
    if (snapshot->container == NULL) {
        int problem = list_path(filesystem, container, snapshot, NOTICE_NAME, NULL, NOTICE_NAME,
                                RANK_IMAGE, listing);
        return problem == 0 ? list_files(filesystem, container, snapshot, false, listing) : problem;
    }
    int problem = list_member(filesystem, container, snapshot, MEMBER_IMAGE, RANK_IMAGE, listing);
    if (problem == 0) {
        problem = list_first_latent(filesystem, container, snapshot, listing);
    }
    if (problem == 0) {
        problem = list_latents_folder(filesystem, container, snapshot, listing);
    }
    if (problem == 0) {
        problem = list_member(filesystem, container, snapshot, MEMBER_ENVIRONMENT, RANK_ENVIRONMENT,
                              listing);
    }
    if (problem == 0) {
        problem =
            list_member(filesystem, container, snapshot, MEMBER_METADATA, RANK_METADATA, listing);
    }
    return problem == 0 ? list_files(filesystem, container, snapshot, false, listing) : problem;
}

bool container_listing_ends(const struct node *folder, off_t cookie) {
    return folder->kind == NODE_CONTAINER && cookie >> 32 == RANK_METADATA + 1;
}

static int by_cookie(const void *left, const void *right) {
    off_t a = ((const struct container_listed *)left)->cookie;
    off_t b = ((const struct container_listed *)right)->cookie;
    return a < b ? -1 : a > b;
}

// In order, and no more than were asked for.
static void listing_arrange(struct filesystem *filesystem, struct container_listing *listing) {
    if (listing->count > 0) {
        qsort(listing->entries, listing->count, sizeof *listing->entries, by_cookie);
    }
    while (listing->count > listing->count_max) {
        listing->count--;
        node_release(filesystem, listing->entries[listing->count].node);
        free(listing->entries[listing->count].name);
    }
}

int container_list(struct filesystem *filesystem, struct node *folder, off_t after,
                   size_t count_max, struct container_listing *listing) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    *listing = (struct container_listing){.after = after, .count_max = count_max};
    int problem = container_enter(filesystem, folder, &container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, container, &snapshot);
    if (problem == 0) {
        pthread_mutex_lock(&container->lock);
        view_hold(filesystem, container, snapshot);
        problem = folder->kind == NODE_LATENTS
                      ? list_latents(filesystem, container, snapshot, listing)
                      : list_top(filesystem, container, snapshot, listing);
        pthread_mutex_unlock(&container->lock);
        snapshot_release(filesystem, snapshot);
        listing_arrange(filesystem, listing);
    }
    container_leave(filesystem, container);
    if (problem != 0) {
        container_listing_free(filesystem, listing);
    }
    return problem;
}

// Telling the kernel

// What became of one file of the view, decided under the lock and told without it.
struct told {
    struct node *node; // with a reference
    bool pages;
    char *expired; // a name that leads elsewhere now, NULL for none
};

static struct told file_update(struct filesystem *filesystem, struct file_node *file,
                               const struct snapshot *snapshot) {
    struct told told = {.node = file->node};
    if (file_error_is_over(file, snapshot)) {
        file_set_error(file, 0, NULL);
    }
    if (!follows_container(file)) {
        return told;
    }
    struct version version = member_version(snapshot, &file->member);
    if (version_equal(&version, &file->version)) {
        return told;
    }
    if (may_adopt(filesystem, file) && version.present) {
        file_adopt(file, &version);
        told.pages = true;
    } else {
        told.expired = strdup(file->path);
        file_detach(filesystem, file);
    }
    return told;
}

static size_t files_update(struct filesystem *filesystem, struct container *container,
                           const struct snapshot *snapshot, struct told **told) {
    size_t count = 0;
    for (struct file_node *file = container->files; file != NULL; file = file->next) {
        count++;
    }
    *told = count > 0 ? calloc(count, sizeof **told) : NULL;
    if (*told == NULL) {
        return 0;
    }
    count = 0;
    for (struct file_node *file = container->files; file != NULL; file = file->next) {
        if (file->attached && node_reference_alive(filesystem, file->node)) {
            (*told)[count++] = file_update(filesystem, file, snapshot);
        }
    }
    return count;
}

// The node of latents/ with a reference, NULL where the kernel does not know it.
static struct node *latents_known(struct filesystem *filesystem, struct container *container) {
    pthread_mutex_lock(&container->lock);
    struct node *latents = container->latents;
    if (latents != NULL && !node_reference_alive(filesystem, latents)) {
        latents = NULL;
    }
    pthread_mutex_unlock(&container->lock);
    return latents;
}

static void tell_listing(struct filesystem *filesystem, struct node *folder) {
    notice_node_now(filesystem, folder, true);
    notice_listing_later(filesystem, folder);
}

void view_tell_listings(struct filesystem *filesystem, struct container *container) {
    tell_listing(filesystem, container->node);
    struct node *latents = latents_known(filesystem, container);
    if (latents != NULL) {
        tell_listing(filesystem, latents);
        node_release(filesystem, latents);
    }
}

static bool is_in_latents(const char *path) {
    return strncmp(path, LATENTS_PREFIX, strlen(LATENTS_PREFIX)) == 0;
}

static void tell_entry(struct filesystem *filesystem, struct container *container,
                       const char *path) {
    if (!is_in_latents(path)) {
        notice_entry(filesystem, container->node, path, 0);
        return;
    }
    notice_entry(filesystem, container->node, LATENT_NAME, 0);
    struct node *latents = latents_known(filesystem, container);
    if (latents != NULL) {
        notice_entry(filesystem, latents, path + strlen(LATENTS_PREFIX), 0);
        node_release(filesystem, latents);
    }
}

void view_tell_path(struct filesystem *filesystem, struct container *container, const char *path) {
    view_tell_listings(filesystem, container);
    tell_entry(filesystem, container, path);
}

void view_tell_latent(struct filesystem *filesystem, struct container *container,
                      const char *path) {
    if (is_in_latents(path)) {
        view_tell_path(filesystem, container, path);
    }
}

// Whether LATENT_NAME leads elsewhere than when this was asked last. The lock is held.
static bool first_latent_moved(struct container *container, const struct snapshot *snapshot) {
    char *path = NULL;
    if (path_of_name(container, snapshot, container->node, LATENT_NAME, &path) != 0) {
        return true;
    }
    bool moved = container->first_latent == NULL || strcmp(container->first_latent, path) != 0;
    free(container->first_latent);
    container->first_latent = path;
    return moved;
}

static void tell_latents(struct filesystem *filesystem, struct container *container,
                         const struct snapshot *snapshot) {
    struct node *latents = latents_known(filesystem, container);
    if (latents == NULL) {
        return;
    }
    if (snapshot->container == NULL) {
        notice_entry(filesystem, container->node, LATENTS_NAME, 0);
    }
    notice_node_now(filesystem, latents, true);
    node_release(filesystem, latents);
}

void view_update(struct filesystem *filesystem, struct container *container,
                 struct snapshot *snapshot) {
    struct told *told = NULL;
    pthread_mutex_lock(&container->lock);
    bool news = !gen5_identity_equal(&container->seen, &snapshot->identity);
    container->seen = snapshot->identity;
    view_hold(filesystem, container, snapshot);
    size_t count = news ? files_update(filesystem, container, snapshot, &told) : 0;
    bool first_moved = news && first_latent_moved(container, snapshot);
    pthread_mutex_unlock(&container->lock);
    if (!news) {
        return;
    }
    notice_node_now(filesystem, container->node, true);
    for (size_t i = 0; i < count; i++) {
        if (told[i].expired != NULL) {
            view_tell_path(filesystem, container, told[i].expired);
            free(told[i].expired);
        }
        notice_node_now(filesystem, told[i].node, told[i].pages);
        node_release(filesystem, told[i].node);
    }
    free(told);
    if (first_moved) {
        notice_entry(filesystem, container->node, LATENT_NAME, 0);
    }
    tell_latents(filesystem, container, snapshot);
}

void container_refresh(struct filesystem *filesystem, struct node *node) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool inside = node->container != NULL;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    if (!inside) {
        notice_listing(filesystem, node);
        return;
    }
    if (container_enter(filesystem, node, &container) != 0) {
        return;
    }
    if (container_snapshot(filesystem, container, &snapshot) == 0) {
        view_update(filesystem, container, snapshot);
        snapshot_release(filesystem, snapshot);
    } else {
        notice_listing(filesystem, node);
    }
    container_leave(filesystem, container);
}
