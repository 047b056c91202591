// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Names inside a container: removing and renaming. A member that is removed or renamed away leaves
// the container only when it is clear that nothing takes its place (DESIGN.md 2.2 rules 5 and 9).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "kernel_notices.h"

// linux/fs.h has these too, but collides with sys/mount.h; glibc has them in stdio.h.
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1U
#endif

int container_mkdir(struct filesystem *filesystem, struct node *folder, const char *name,
                    struct node **child, struct stat *attributes) {
    int problem = container_lookup(filesystem, folder, name, 0, child, attributes);
    if (problem == 0) {
        // latents/ is there for who asks. A copy that makes it finds it, empty or not, as `mkdir
        // -p` does.
        struct container *container = NULL;
        bool fresh = false;
        if ((*child)->kind == NODE_LATENTS &&
            container_enter(filesystem, folder, &container) == 0) {
            pthread_mutex_lock(&container->lock);
            fresh = fresh_is(container);
            pthread_mutex_unlock(&container->lock);
            container_leave(filesystem, container);
        }
        if (fresh) {
            return 0;
        }
        node_release(filesystem, *child);
        return EEXIST;
    }
    return problem == ENOENT ? EPERM : problem;
}

// A member whose name is given up: hidden until `due_ms`.
static int hide_member(struct container *container, const struct snapshot *snapshot,
                       const struct file_node *file, int64_t due_ms) {
    struct version version = member_version(snapshot, &file->member);
    return hidden_add(container, file->path, &file->member, &version, due_ms);
}

// Whether a file is the copy of a member that was renamed away.
static bool is_copy(const struct file_node *file) {
    return file->member.kind == MEMBER_NONE && file->origin.kind != MEMBER_NONE &&
           file->origin.kind != MEMBER_METADATA;
}

// Such a copy is deleted or replaced on purpose, and with it the member, unless something took its
// place. Nothing for other files. The removal has been scheduled. container.lock is held.
static void remove_with_copy(const struct container *container, const struct file_node *file,
                             int64_t due_ms) {
    if (!is_copy(file)) {
        return;
    }
    for (struct hidden *at = container->hidden; at != NULL; at = at->next) {
        if (at->due_ms < 0 && member_equal(&at->member, &file->origin) &&
            version_equal(&at->version, &file->version) && file_find(container, at->path) == NULL) {
            at->due_ms = due_ms;
        }
    }
}

static int unlink_file(struct filesystem *filesystem, struct container *container,
                       struct snapshot *snapshot, struct file_node *file) {
    const bool stored =
        file->member.kind != MEMBER_NONE && member_version(snapshot, &file->member).present;
    const bool stays = file->member.kind == MEMBER_METADATA;
    const int64_t due_ms = clock_ms() + REMOVAL_DELAY_MS;
    int problem = 0;
    if ((stored && !stays) || is_copy(file)) {
        problem = removal_schedule(filesystem, container);
    }
    if (problem == 0 && stored) {
        problem = hide_member(container, snapshot, file, stays ? -1 : due_ms);
    }
    if (problem != 0) {
        return problem;
    }
    remove_with_copy(container, file, due_ms);
    if (file->snapshot == NULL && file->opens > 0) {
        file->snapshot = snapshot_reference(snapshot);
    }
    file_detach(filesystem, file);
    return 0;
}

// A removal is carried out later, so that it must be known now that it may be.
static int may_change(struct filesystem *filesystem, struct container *container) {
    struct node *parent = NULL;
    char *name = NULL;
    int problem = node_container_place(filesystem, container->node, &parent, &name);
    if (problem == 0 && faccessat(parent->fd, ".", W_OK, AT_EACCESS) != 0) {
        problem = errno;
    }
    node_place_release(filesystem, parent, name);
    return problem;
}

int container_unlink(struct filesystem *filesystem, struct node *folder, const char *name) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    struct file_node *file = NULL;
    char *path = NULL;
    int problem = container_enter(filesystem, folder, &container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, container, &snapshot);
    pthread_mutex_lock(&container->lock);
    if (problem == 0) {
        problem = may_change(filesystem, container);
    }
    if (problem == 0 && folder->kind == NODE_CONTAINER && strcmp(name, LATENTS_NAME) == 0) {
        problem = EISDIR;
    }
    if (problem == 0) {
        problem = path_of_name(container, snapshot, folder, name, &path);
    }
    if (problem == 0) {
        problem = view_find(filesystem, container, snapshot, path, &file);
    }
    if (problem == 0) {
        problem = unlink_file(filesystem, container, snapshot, file);
    }
    pthread_mutex_unlock(&container->lock);
    if (file != NULL) {
        if (problem == 0) {
            view_tell_latent(filesystem, container, path);
        }
        node_release(filesystem, file->node);
    }
    free(path);
    snapshot_release(filesystem, snapshot);
    container_leave(filesystem, container);
    return problem;
}

int container_rmdir(struct filesystem *filesystem, struct node *folder, const char *name) {
    struct node *child = NULL;
    struct stat attributes;
    int problem = container_lookup(filesystem, folder, name, 0, &child, &attributes);
    if (problem != 0) {
        return problem;
    }
    if (child->kind != NODE_LATENTS) {
        problem = ENOTDIR;
    } else {
        struct container_listing listing;
        problem = container_list(filesystem, child, 0, 1, &listing);
        if (problem == 0) {
            problem = listing.count > 0 ? ENOTEMPTY : 0; // Gone when empty: it is not listed then.
            container_listing_free(filesystem, &listing);
        }
    }
    node_release(filesystem, child);
    return problem;
}

// A rename within one container, with its locks taken step by step.
struct renaming {
    struct filesystem *filesystem;
    struct container *container;
    struct snapshot *snapshot;
    char *old_path;
    char *new_path;
    struct file_node *file;     // with a node reference
    struct file_node *replaced; // likewise; NULL where there is none
    struct member target;       // what the new path stands for
    struct file_name name;      // for the file to take; what it was the copy of stays known
};

static int renaming_begin(struct renaming *renaming, struct node *old_folder, const char *old_name,
                          struct node *new_folder, const char *new_name, unsigned int flags) {
    struct filesystem *filesystem = renaming->filesystem;
    struct container *container = renaming->container;
    struct snapshot *snapshot = renaming->snapshot;
    int problem = path_of_name(container, snapshot, old_folder, old_name, &renaming->old_path);
    if (problem == 0) {
        problem = path_of_name(container, snapshot, new_folder, new_name, &renaming->new_path);
    }
    if (problem == 0) {
        problem = view_find(filesystem, container, snapshot, renaming->old_path, &renaming->file);
    }
    if (problem == 0) {
        problem =
            view_find(filesystem, container, snapshot, renaming->new_path, &renaming->replaced);
        problem = problem == ENOENT ? 0 : problem;
    }
    if (problem == 0) {
        problem = member_of_path(snapshot, renaming->new_path, &renaming->target);
    }
    if (problem != 0) {
        return problem;
    }
    if (renaming->replaced != NULL && (flags & (unsigned int)RENAME_NOREPLACE) != 0) {
        return EEXIST;
    }
    if (renaming->file->member.kind == MEMBER_NOTICE || renaming->target.kind == MEMBER_NOTICE) {
        return EACCES;
    }
    const bool scratch = renaming->target.kind == MEMBER_NONE;
    return file_name_make(&renaming->name, renaming->new_path, &renaming->target,
                          scratch ? &renaming->file->origin : &renaming->target);
}

static void renaming_end(struct renaming *renaming) {
    if (renaming->file != NULL) {
        node_release(renaming->filesystem, renaming->file->node);
    }
    if (renaming->replaced != NULL) {
        node_release(renaming->filesystem, renaming->replaced->node);
    }
    member_release(&renaming->target);
    file_name_release(&renaming->name);
    free(renaming->old_path);
    free(renaming->new_path);
}

// Onto a scratch name. container.lock is held.
static int rename_to_scratch(struct renaming *renaming) {
    struct file_node *file = renaming->file;
    bool was_member = file->member.kind != MEMBER_NONE;
    const int64_t due_ms = clock_ms() + REMOVAL_DELAY_MS;
    int problem = 0;
    if (renaming->replaced != NULL && is_copy(renaming->replaced)) {
        problem = removal_schedule(renaming->filesystem, renaming->container);
    }
    if (problem == 0 && was_member && member_version(renaming->snapshot, &file->member).present) {
        problem = hide_member(renaming->container, renaming->snapshot, file, -1);
    }
    if (problem != 0) {
        return problem;
    }
    if (was_member && file->snapshot == NULL) {
        file->snapshot = snapshot_reference(renaming->snapshot);
    }
    if (renaming->replaced != NULL) {
        remove_with_copy(renaming->container, renaming->replaced, due_ms);
        file_detach(renaming->filesystem, renaming->replaced);
    }
    file_take_name(file, &renaming->name);
    file->fresh = false;
    file_keep(renaming->filesystem, file, true);
    return 0;
}

// A member that comes back to the name that it was renamed away from, unchanged.
static bool renames_back(const struct renaming *renaming) {
    const struct file_node *file = renaming->file;
    struct version now = member_version(renaming->snapshot, &renaming->target);
    return file->member.kind == MEMBER_NONE && file->draft_fd < 0 && renaming->replaced == NULL &&
           member_equal(&file->origin, &renaming->target) && version_equal(&now, &file->version);
}

static void become_member(struct renaming *renaming, bool fresh) {
    struct file_node *file = renaming->file;
    file_take_name(file, &renaming->name);
    file->fresh = fresh;
    if (renaming->replaced != NULL) {
        struct file_node *replaced = renaming->replaced;
        if (replaced->snapshot == NULL && replaced->opens > 0) {
            replaced->snapshot = snapshot_reference(renaming->snapshot);
        }
        file_replace(renaming->filesystem, replaced);
    }
}

// What a file was before a rename onto a member's name was tried.
struct former {
    struct member member;
    struct version version;
    struct base base;
    bool fresh;
};

// Let the file stand for the target while it is being stored; nothing has changed where that fails.
// draft_lock is held exclusively.
static int take_target(struct renaming *renaming, struct former *former) {
    struct file_node *file = renaming->file;
    struct member target = {0};
    int problem = member_copy(&target, &renaming->target);
    if (problem == 0) {
        pthread_mutex_lock(&renaming->container->lock);
        *former = (struct former){.member = file->member,
                                  .version = file->version,
                                  .base = file->base,
                                  .fresh = file->fresh};
        file->member = target;
        file->version = member_version(renaming->snapshot, &renaming->target);
        file->base = base_of(renaming->snapshot, &renaming->target);
        pthread_mutex_unlock(&renaming->container->lock);
    }
    return problem;
}

// It was stored: it is the member now. container.lock and, exclusively, draft_lock are held.
static void target_stored(struct renaming *renaming) {
    struct file_node *file = renaming->file;
    become_member(renaming, false);
    hidden_drop(renaming->container, renaming->new_path);
    file->changes_done = file->changes_committed = file->changes;
    if (file->writers <= file->writers_flushed) {
        close(file->draft_fd);
        file->draft_fd = -1;
        file_keep(renaming->filesystem, file, false);
        base_release(renaming->filesystem, &file->base);
    }
    snapshot_release(renaming->filesystem, file->snapshot);
    file->snapshot = NULL;
    file->stale_pages = true;
}

// It was refused, and nobody writes to it any more: it stays what it was. container.lock is held.
static void target_refused(struct renaming *renaming, struct former *former, int problem,
                           const char *why) {
    struct file_node *file = renaming->file;
    struct file_node *replaced = renaming->replaced;
    member_release(&file->member);
    file->member = former->member;
    former->member = (struct member){0};
    file->version = former->version;
    base_release(renaming->filesystem, &file->base);
    file->base = former->base;
    former->base = (struct base){.snapshot = NULL};
    file->fresh = former->fresh;
    file_set_error(file, problem, why);
    if (replaced != NULL) {
        file_set_error(replaced, problem, why);
        file_keep(renaming->filesystem, replaced, true);
    }
}

// Onto a member's name: commit the content. commit_lock is held.
static int rename_to_member(struct renaming *renaming) {
    struct filesystem *filesystem = renaming->filesystem;
    struct container *container = renaming->container;
    struct file_node *file = renaming->file;
    struct gen5_error error = GEN5_ERROR_NONE;
    struct former former = {0};
    pthread_rwlock_wrlock(&file->draft_lock);
    pthread_mutex_lock(&container->lock);
    if (file->snapshot == NULL && file->draft_fd < 0) {
        file->snapshot = snapshot_reference(renaming->snapshot);
    }
    pthread_mutex_unlock(&container->lock);
    int problem = draft_make(filesystem, file, false, &error);
    if (problem == 0) {
        // Until it is stored, a reader of the name still finds the old member.
        problem = take_target(renaming, &former);
    }
    bool taken = problem == 0;
    if (taken) {
        bool moves = former.member.kind != MEMBER_NONE && former.member.kind != MEMBER_METADATA &&
                     member_version(renaming->snapshot, &former.member).present;
        problem = draft_commit(filesystem, file, moves ? &former.member : NULL, &error);
    }
    if (problem != 0 && error.status == GEN5_OK) {
        gen5_error_set_system(&error, problem, "cannot store %s", renaming->new_path);
    }
    pthread_mutex_lock(&container->lock);
    if (problem == 0) {
        target_stored(renaming);
    } else if (problem == EINVAL && file->writers > file->writers_flushed) {
        // Still being written: it is the member's draft from now on, and its last close decides.
        problem = 0;
        file->changes++;
        become_member(renaming, true);
    } else if (taken) {
        target_refused(renaming, &former, problem, error.message);
    } else {
        file_set_error(file, problem, error.message);
    }
    pthread_mutex_unlock(&container->lock);
    pthread_rwlock_unlock(&file->draft_lock);
    if (problem != 0) {
        container_note(filesystem, container, renaming->new_path, "was not stored", error.message);
    }
    member_release(&former.member);
    base_release(filesystem, &former.base);
    return problem;
}

static int rename_locked(struct renaming *renaming) {
    struct container *container = renaming->container;
    if (renaming->replaced == renaming->file) {
        return 0;
    }
    if (renaming->target.kind != MEMBER_NONE) {
        pthread_mutex_lock(&container->lock);
        bool back = renames_back(renaming);
        if (back) {
            become_member(renaming, false);
            hidden_drop(container, renaming->new_path);
            file_keep(renaming->filesystem, renaming->file, false);
        }
        pthread_mutex_unlock(&container->lock);
        return back ? 0 : rename_to_member(renaming);
    }
    pthread_mutex_lock(&container->lock);
    int problem = rename_to_scratch(renaming);
    pthread_mutex_unlock(&container->lock);
    return problem;
}

int container_rename(struct filesystem *filesystem, struct node *old_folder, const char *old_name,
                     struct node *new_folder, const char *new_name, unsigned int flags) {
    struct node *old_container = old_folder->kind == NODE_LATENTS ? old_folder->parent : old_folder;
    struct node *new_container = new_folder->kind == NODE_LATENTS ? new_folder->parent : new_folder;
    if (old_container != new_container) {
        return EXDEV; // mv copies then, and each container is changed by itself
    }
    if ((flags & ~(unsigned int)RENAME_NOREPLACE) != 0) {
        return EINVAL;
    }
    if ((old_folder->kind == NODE_CONTAINER && strcmp(old_name, LATENTS_NAME) == 0) ||
        (new_folder->kind == NODE_CONTAINER && strcmp(new_name, LATENTS_NAME) == 0)) {
        return EPERM;
    }
    struct renaming renaming = {.filesystem = filesystem};
    int problem = container_enter(filesystem, old_folder, &renaming.container);
    if (problem != 0) {
        return problem;
    }
    pthread_mutex_lock(&renaming.container->commit_lock);
    problem = container_snapshot(filesystem, renaming.container, &renaming.snapshot);
    if (problem == 0) {
        pthread_mutex_lock(&renaming.container->lock);
        problem = renaming_begin(&renaming, old_folder, old_name, new_folder, new_name, flags);
        pthread_mutex_unlock(&renaming.container->lock);
    }
    if (problem == 0) {
        problem = rename_locked(&renaming);
    }
    pthread_mutex_unlock(&renaming.container->commit_lock);
    if (problem == 0) {
        notice_node_now(filesystem, renaming.file->node, true);
        view_tell_latent(filesystem, renaming.container, renaming.old_path);
        view_tell_latent(filesystem, renaming.container, renaming.new_path);
    }
    renaming_end(&renaming);
    snapshot_release(filesystem, renaming.snapshot);
    container_leave(filesystem, renaming.container);
    return problem;
}
