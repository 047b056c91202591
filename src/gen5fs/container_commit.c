// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Committing: a draft becomes a member's bytes in the container, a removal takes them out.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "gen5/latent_name.h"
#include "kernel_notices.h"

// Describe the draft as an edit. The key is borrowed from `member`.
static int edit_of(const struct file_node *file, const struct member *member,
                   struct gen5_edit *edit, struct gen5_error *error) {
    static const enum gen5_edit_kind kinds[] = {
        [MEMBER_IMAGE] = GEN5_PUT_IMAGE,
        [MEMBER_LATENT] = GEN5_PUT_LATENT,
        [MEMBER_ENVIRONMENT] = GEN5_PUT_ENVIRONMENT,
        [MEMBER_METADATA] = GEN5_PUT_METADATA,
    };
    if (member->kind == MEMBER_NONE || member->kind == MEMBER_NOTICE) {
        return EPERM;
    }
    *edit = (struct gen5_edit){.kind = kinds[member->kind],
                               .key = member->key,
                               .key_length = member->key_length,
                               .image_kind = member->image_kind};
    return gen5_source_from_fd(file->draft_fd, &edit->content, error) == GEN5_OK
               ? 0
               : gen5_error_errno(error);
}

static struct gen5_edit removal_of(const struct member *member) {
    return (struct gen5_edit){.kind = member->kind == MEMBER_IMAGE    ? GEN5_REMOVE_IMAGE
                                      : member->kind == MEMBER_LATENT ? GEN5_REMOVE_LATENT
                                                                      : GEN5_REMOVE_ENVIRONMENT,
                              .key = member->key,
                              .key_length = member->key_length};
}

// Check what is in the draft before any lock on the container's file is taken.
static int check_edit(struct filesystem *filesystem, struct container *container,
                      const struct gen5_edit *edit, struct gen5_error *error) {
    struct snapshot *now = NULL;
    if (edit->kind == GEN5_PUT_METADATA) {
        int problem = container_snapshot(filesystem, container, &now);
        if (problem != 0) {
            return problem;
        }
    }
    enum gen5_status status =
        gen5_edit_check(edit, now != NULL ? now->container : NULL, &filesystem->limits, error);
    snapshot_release(filesystem, now);
    return status == GEN5_OK ? 0 : gen5_error_errno(error);
}

// The file shows what was committed from now on. container.lock is held.
static void show_committed(struct filesystem *filesystem, struct file_node *file,
                           struct snapshot *after) {
    if (after != NULL) {
        file->version = member_version(after, &file->member);
        file_set_base(filesystem, file, after);
    }
    file->fresh = false;
    file->changes_committed = file->changes;
    file_set_error(file, 0, NULL);
}

// The file was stored under a better key than its own: its other name, latent.npy, leads to it
// still.
static void follow_key(struct filesystem *filesystem, struct file_node *file,
                       struct file_name *name) {
    struct container *container = file->container;
    pthread_mutex_lock(&container->lock);
    if (file_find(container, name->path) != NULL) {
        file_detach(filesystem, file);
    } else {
        file_take_name(file, name);
    }
    pthread_mutex_unlock(&container->lock);
    view_tell_path(filesystem, container, name->path != NULL ? name->path : file->path);
}

// Into a container that is being filled. *after stays NULL where there is nothing to store.
static int commit_fresh(struct filesystem *filesystem, struct file_node *file,
                        struct gen5_edit *put, struct snapshot **after, struct gen5_error *error) {
    struct container *container = file->container;
    struct snapshot *now = NULL;
    struct fresh_plan plan;
    int problem = container_snapshot(filesystem, container, &now);
    if (problem != 0) {
        return problem;
    }
    problem = fresh_plan(filesystem, file, now, &plan);
    snapshot_release(filesystem, now);
    if (problem != 0) {
        return problem;
    }
    struct gen5_edit edits[3] = {*put};
    size_t count = 1;
    edits[0].key = plan.member.key;
    edits[0].key_length = plan.member.key_length;
    if (plan.removes_placeholder) {
        edits[count++] = (struct gen5_edit){.kind = GEN5_REMOVE_LATENT,
                                            .key = PLACEHOLDER_KEY,
                                            .key_length = strlen(PLACEHOLDER_KEY)};
    }
    if (plan.text != NULL && file->member.kind != MEMBER_METADATA) {
        edits[count++] =
            (struct gen5_edit){.kind = GEN5_PUT_METADATA,
                               .content = gen5_source_from_memory(plan.text, plan.text_size)};
    }
    // Metadata may have been applied along with another member since. What goes to another key than
    // the file's replaces nothing that the draft was begun from.
    const struct condition condition = {.member = &file->member, .base = &file->base};
    bool conditional = file->member.kind != MEMBER_METADATA && plan.name.path == NULL;
    if (!plan.nothing_to_do) {
        problem = change_make(filesystem, container, edits, count, &condition, conditional ? 1 : 0,
                              after, error);
    }
    if (problem == 0 && file->member.kind == MEMBER_METADATA) {
        fresh_remember_text(container, file);
    }
    if (problem == 0 && plan.name.path != NULL) {
        follow_key(filesystem, file, &plan.name);
    }
    fresh_plan_release(&plan);
    return problem;
}

// The member was removed while it was being stored: what is stored now is what is to be removed.
// container.lock is held.
static void remove_stored(struct filesystem *filesystem, struct file_node *file) {
    struct container *container = file->container;
    bool stays = file->member.kind == MEMBER_METADATA;
    if (hidden_add(container, file->path, &file->member, &file->version,
                   stays ? -1 : clock_ms() + REMOVAL_DELAY_MS) == 0 &&
        !stays) {
        (void)removal_schedule(filesystem, container);
    }
}

int draft_commit(struct filesystem *filesystem, struct file_node *file, const struct member *old,
                 struct gen5_error *error) {
    struct container *container = file->container;
    struct gen5_edit edits[2];
    struct snapshot *after = NULL;
    size_t count = 1;
    pthread_mutex_lock(&container->lock);
    bool fresh = fresh_is(container);
    pthread_mutex_unlock(&container->lock);
    int problem = edit_of(file, &file->member, &edits[0], error);
    if (problem == 0) {
        problem = check_edit(filesystem, container, &edits[0], error);
    }
    if (problem == 0 && old != NULL) {
        edits[count++] = removal_of(old);
    }
    if (problem == 0 && fresh && old == NULL) {
        problem = commit_fresh(filesystem, file, &edits[0], &after, error);
    } else if (problem == 0) {
        const struct condition condition = {.member = &file->member, .base = &file->base};
        problem = change_make(filesystem, container, edits, count, &condition, 1, &after, error);
    }
    if (problem != 0) {
        return problem;
    }
    if (after == NULL) {
        // Where it cannot be looked at now, it is stored all the same.
        (void)container_snapshot(filesystem, container, &after);
    }
    pthread_mutex_lock(&container->lock);
    show_committed(filesystem, file, after);
    if (file->attached) {
        hidden_drop(container, file->path);
    } else {
        remove_stored(filesystem, file);
    }
    fresh_touch(container);
    pthread_mutex_unlock(&container->lock);
    if (after != NULL) {
        view_update(filesystem, container, after);
        snapshot_release(filesystem, after);
    }
    if (fresh && file->member.kind == MEMBER_METADATA) {
        fresh_adopt_scratch(filesystem, container);
    }
    return 0;
}

// Whether a draft that was not stored may be, as it is, another time: there may be room by then.
// What is not valid, or was overtaken, gets the same answer again without another look.
static bool may_be_stored_later(int problem) {
    return problem != EINVAL && problem != EFBIG && problem != ESTALE;
}

int file_commit(struct filesystem *filesystem, struct file_node *file, bool again) {
    struct container *container = file->container;
    struct gen5_error error = GEN5_ERROR_NONE;
    pthread_mutex_lock(&container->commit_lock);
    pthread_rwlock_wrlock(&file->draft_lock);
    pthread_mutex_lock(&container->lock);
    bool replaced = file->replaced;
    uint64_t changes = file->changes;
    bool refused = file->changes_done == changes && file->changes_committed != changes;
    bool due = file->draft_fd >= 0 && (file->attached || replaced) &&
               file->member.kind != MEMBER_NONE &&
               (file->changes_done != changes ||
                (refused && again && may_be_stored_later(file->error_number)));
    // A scratch file is never refused itself: its error is that of a rename.
    int problem = refused ? file->error_number : 0;
    pthread_mutex_unlock(&container->lock);
    if (due) {
        problem = replaced ? change_refused(&error) : draft_commit(filesystem, file, NULL, &error);
        pthread_mutex_lock(&container->lock);
        file->changes_done = changes;
        if (problem != 0) {
            if (error.status == GEN5_OK) {
                gen5_error_set_system(&error, problem, "cannot store %s", file->path);
            }
            file_set_error(file, problem, error.message);
        }
        pthread_mutex_unlock(&container->lock);
    }
    pthread_rwlock_unlock(&file->draft_lock);
    pthread_mutex_unlock(&container->commit_lock);
    if (due && problem != 0) {
        file_note(filesystem, file, "was not stored", error.message);
    }
    return problem;
}

// Removals

// How often a removal is tried in a container that other programs change all the time.
enum { REMOVAL_ATTEMPTS_MAX = 8 };

struct removal {
    struct member member;
    struct base base; // what was there when it was removed
};

struct removals {
    struct removal *removals;
    size_t count;
    int64_t next_due_ms; // of those that are not due yet; -1 for none
};

// Take the removals that are due off the list. container.lock is held.
static void collect_removals(struct container *container, bool all, struct removals *due) {
    size_t count = 0;
    for (const struct hidden *at = container->hidden; at != NULL; at = at->next) {
        count++;
    }
    due->removals = count > 0 ? calloc(count, sizeof *due->removals) : NULL;
    due->count = 0;
    int64_t now = clock_ms();
    // What there is no memory for is tried again.
    due->next_due_ms = count > 0 && due->removals == NULL ? now : -1;
    for (const struct hidden *at = container->hidden; at != NULL && due->removals != NULL;
         at = at->next) {
        const struct file_node *file = file_find(container, at->path);
        if (at->due_ms < 0 || (file != NULL && file->fresh)) {
            continue; // Hidden for good, or about to be replaced.
        }
        if ((!all && at->due_ms > now) ||
            member_copy(&due->removals[due->count].member, &at->member) != 0) {
            due->next_due_ms = at->due_ms;
        } else {
            due->removals[due->count++].base = (struct base){.version = at->version};
        }
    }
}

static void removal_work(struct filesystem *filesystem, void *argument) {
    struct node *node = argument;
    struct container *container = NULL;
    if (container_enter(filesystem, node, &container) == 0) {
        pthread_mutex_lock(&container->lock);
        container->removal_scheduled = false;
        pthread_mutex_unlock(&container->lock);
        removals_commit(filesystem, container, false);
        container_leave(filesystem, container);
    }
    node_release(filesystem, node);
}

int removal_schedule(struct filesystem *filesystem, struct container *container) {
    if (container->removal_scheduled) {
        return 0;
    }
    node_reference(filesystem, container->node);
    container->removal_scheduled = true;
    int problem =
        notice_later(filesystem, clock_ms() + REMOVAL_DELAY_MS, removal_work, container->node);
    if (problem != 0) {
        container->removal_scheduled = false;
        node_release(filesystem, container->node); // Never the last one: the caller is inside.
    }
    return problem;
}

// What the container no longer has is a removal that succeeded before us, and what another program
// has put there since is not what was removed.
static size_t still_there(const struct snapshot *now, const struct removals *due,
                          struct gen5_edit *edits, struct condition *conditions) {
    size_t count = 0;
    for (size_t i = 0; i < due->count; i++) {
        const struct removal *removal = &due->removals[i];
        struct version version = member_version(now, &removal->member);
        if (version.present && version_equal(&version, &removal->base.version)) {
            conditions[count] = (struct condition){&removal->member, &removal->base};
            edits[count++] = removal_of(&removal->member);
        }
    }
    return count;
}

// ESTALE where the container changed while it was looked at.
static int remove_members_once(struct filesystem *filesystem, struct container *container,
                               const struct removals *due, struct gen5_edit *edits,
                               struct condition *conditions, struct gen5_error *error) {
    struct snapshot *now = NULL;
    struct snapshot *after = NULL;
    int problem = container_snapshot(filesystem, container, &now);
    size_t count =
        problem == 0 && now->container != NULL ? still_there(now, due, edits, conditions) : 0;
    if (problem == 0 && count > 0) {
        problem =
            change_make(filesystem, container, edits, count, conditions, count, &after, error);
    }
    if (after != NULL) {
        view_update(filesystem, container, after);
    }
    snapshot_release(filesystem, after);
    snapshot_release(filesystem, now);
    return problem;
}

static void remove_members(struct filesystem *filesystem, struct container *container,
                           const struct removals *due) {
    struct gen5_error error = GEN5_ERROR_NONE;
    struct gen5_edit *edits = calloc(due->count, sizeof *edits);
    struct condition *conditions = calloc(due->count, sizeof *conditions);
    int problem = edits == NULL || conditions == NULL ? ENOMEM : ESTALE;
    for (int attempt = 0; problem == ESTALE && attempt < REMOVAL_ATTEMPTS_MAX; attempt++) {
        problem = remove_members_once(filesystem, container, due, edits, conditions, &error);
    }
    if (problem != 0 && problem != ESTALE && problem != ENOENT) {
        note("a removed member stays in its container: %s", error.message);
    }
    free(edits);
    free(conditions);
}

void removals_commit(struct filesystem *filesystem, struct container *container, bool all) {
    struct removals due;
    pthread_mutex_lock(&container->commit_lock);
    pthread_mutex_lock(&container->lock);
    collect_removals(container, all, &due);
    if (due.next_due_ms >= 0) {
        (void)removal_schedule(filesystem, container);
    }
    pthread_mutex_unlock(&container->lock);
    if (due.count > 0) {
        remove_members(filesystem, container, &due);
        pthread_mutex_lock(&container->lock);
        // Failed ones are shown again: they are still there.
        for (struct hidden *at = container->hidden, *next; at != NULL; at = next) {
            next = at->next;
            for (size_t i = 0; i < due.count; i++) {
                if (member_equal(&at->member, &due.removals[i].member)) {
                    hidden_drop(container, at->path);
                    break;
                }
            }
        }
        pthread_mutex_unlock(&container->lock);
        view_tell_listings(filesystem, container);
    }
    for (size_t i = 0; i < due.count; i++) {
        member_release(&due.removals[i].member);
    }
    free(due.removals);
    pthread_mutex_unlock(&container->commit_lock);
}
