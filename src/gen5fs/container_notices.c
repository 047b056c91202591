// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the kernel is told of a container: what another program changed in its file, and what a
// request changed beside the name that it was about.
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "kernel_notices.h"

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
    if (!file_follows_container(file)) {
        return told;
    }
    struct version version = member_version(snapshot, &file->member);
    if (version_equal(&version, &file->version)) {
        return told;
    }
    if (file_may_adopt(filesystem, file) && version.present) {
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

static void tell_entry(struct filesystem *filesystem, struct container *container,
                       const char *path) {
    const char *const latent = path_in_latents(path);
    if (latent == NULL) {
        notice_entry(filesystem, container->node, path, 0);
        return;
    }
    notice_entry(filesystem, container->node, LATENT_NAME, 0);
    struct node *latents = latents_known(filesystem, container);
    if (latents != NULL) {
        notice_entry(filesystem, latents, latent, 0);
        node_release(filesystem, latents);
    }
}

void container_drop_name(struct filesystem *filesystem, struct node *node) {
    struct container *container = NULL;
    if (container_enter(filesystem, node, &container) != 0) {
        return;
    }
    pthread_mutex_lock(&container->lock);
    char *path = strdup(file_of(node)->path);
    pthread_mutex_unlock(&container->lock);
    const char *const latent = path != NULL ? path_in_latents(path) : NULL;
    if (latent != NULL) {
        struct node *latents = latents_known(filesystem, container);
        if (latents != NULL) {
            notice_name_gone(filesystem, latents, latent);
            node_release(filesystem, latents);
        }
        notice_name_gone(filesystem, container->node, LATENT_NAME);
    } else if (path != NULL) {
        notice_name_gone(filesystem, container->node, path);
    }
    free(path);
    container_leave(filesystem, container);
}

void view_tell_path(struct filesystem *filesystem, struct container *container, const char *path) {
    view_tell_listings(filesystem, container);
    tell_entry(filesystem, container, path);
}

void view_tell_latent(struct filesystem *filesystem, struct container *container,
                      const char *path) {
    if (path_in_latents(path) != NULL) {
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
