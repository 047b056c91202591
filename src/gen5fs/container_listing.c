// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The entries of a container's directory and of latents/.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "key_hash.h"

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
    int problem = member != NULL
                      ? view_find_member(filesystem, container, snapshot, path, member, &file)
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
        if (file->attached && path_in_latents(file->path) != NULL &&
            (file->fresh || file->member.kind == MEMBER_NONE)) {
            count++;
        }
    }
    return count >= 2;
}

static int list_latents_folder(struct filesystem *filesystem, struct container *container,
                               struct snapshot *snapshot, struct container_listing *listing) {
    if (cookie_of(LATENTS_NAME, RANK_LATENTS) <= listing->after ||
        !latents_are_listed(container, snapshot)) {
        return 0;
    }
    struct node *node = NULL;
    struct stat attributes;
    int problem = view_latents(filesystem, container, snapshot, &node, &attributes);
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
    size_t count = 0;
    for (const struct file_node *file = container->files; file != NULL; file = file->next) {
        const char *const latent = path_in_latents(file->path);
        if (!file->attached || (latent != NULL) != in_latents ||
            is_listed_as_stored(snapshot, file, listing)) {
            continue;
        }
        const char *name = in_latents ? latent : file->path;
        const off_t rank = in_latents ? RANK_LATENT_FILES : rank_of(file->member.kind);
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
            problem =
                list_path(filesystem, container, snapshot, path, &member, path_in_latents(path),
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
    int problem = view_begin(filesystem, folder, &container, &snapshot);
    if (problem != 0) {
        return problem;
    }
    problem = folder->kind == NODE_LATENTS ? list_latents(filesystem, container, snapshot, listing)
                                           : list_top(filesystem, container, snapshot, listing);
    view_end(filesystem, container, snapshot);
    listing_arrange(filesystem, listing);
    if (problem != 0) {
        container_listing_free(filesystem, listing);
    }
    return problem;
}
