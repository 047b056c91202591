// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Telling own changes of an ordinary file from those of others.
//
// The kernel could look at times itself and drop a file's pages whenever they differ
// (AUTO_INVAL_DATA), but every write through the mount changes them too. A page that is dropped
// while one process's write is on its way is read again without it; if another process then stores
// into that page through a mapping, the page is written back and the first write is lost. So the
// kernel is told to keep pages (EXPLICIT_INVAL_DATA), and they are dropped only for changes that
// did not come through here: the file is looked at before and after each of ours, one at a time.
// What somebody else writes between the two looks is told by foreign_writes.c.
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "descriptors.h"
#include "foreign_writes.h"
#include "kernel_notices.h"
#include "ordinary.h"

static bool time_equal(struct timespec left, struct timespec right) {
    return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

static bool bytes_equal(const struct file_state *left, const struct file_state *right) {
    return left->size == right->size && time_equal(left->modified, right->modified);
}

static bool state_equal(const struct file_state *left, const struct file_state *right) {
    return bytes_equal(left, right) && time_equal(left->changed, right->changed);
}

static struct file_state state_of(const struct stat *attributes) {
    return (struct file_state){.size = attributes->st_size,
                               .modified = attributes->st_mtim,
                               .changed = attributes->st_ctim};
}

// No file was ever changed at the beginning of time.
static bool is_known(const struct file_state *state) {
    return state->changed.tv_sec != 0 || state->changed.tv_nsec != 0;
}

// The state of the file now; unknown where it cannot be had.
static struct file_state look(struct filesystem *filesystem, struct node *node) {
    struct stat attributes;
    struct file_state state = {.size = 0};
    if (descriptor_hold(filesystem, node) == 0) {
        if (fstat(node->fd, &attributes) == 0) {
            state = state_of(&attributes);
        }
        descriptor_release(node);
    }
    return state;
}

static void count_foreign(struct filesystem *filesystem, struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->foreign_changes++;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

static bool has_foreign(struct filesystem *filesystem, const struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool has = node->foreign_changes != node->foreign_dropped;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return has;
}

void ordinary_drop_foreign(struct filesystem *filesystem, struct node *node) {
    if (has_foreign(filesystem, node)) {
        notice_node_now(filesystem, node, true);
    }
}

enum ordinary_state ordinary_change_begin(struct filesystem *filesystem, struct node *node) {
    struct node_table *table = &filesystem->nodes;
    if (!S_ISREG(node->type)) {
        return ORDINARY_STATE_UNKNOWN;
    }
    pthread_mutex_lock(&table->lock);
    while (node->changing) {
        pthread_cond_wait(&table->change_over, &table->lock);
    }
    node->changing = true;
    struct file_state seen = node->seen;
    pthread_mutex_unlock(&table->lock);
    if (!is_known(&seen)) {
        return ORDINARY_STATE_UNKNOWN;
    }
    bool written = foreign_writes_take(filesystem, node);
    struct file_state now = look(filesystem, node);
    if (written || !state_equal(&seen, &now)) {
        count_foreign(filesystem, node);
    }
    return has_foreign(filesystem, node) ? ORDINARY_STATE_FOREIGN : ORDINARY_STATE_SEEN;
}

// `made_here` where the state is what a change of ours has led to.
static void end_with(struct filesystem *filesystem, struct node *node, const struct file_state *now,
                     bool made_here) {
    struct node_table *table = &filesystem->nodes;
    pthread_mutex_lock(&table->lock);
    node->seen = *now;
    node->seen_made_here = made_here;
    node->changing = false;
    pthread_cond_broadcast(&table->change_over);
    pthread_mutex_unlock(&table->lock);
}

off_t ordinary_change_end(struct filesystem *filesystem, struct node *node) {
    if (!S_ISREG(node->type)) {
        return 0;
    }
    struct file_state now = look(filesystem, node);
    end_with(filesystem, node, &now, true);
    return now.size;
}

void ordinary_change_misplaced(struct filesystem *filesystem, struct node *node) {
    count_foreign(filesystem, node);
    notice_node(filesystem, node, true);
}

void ordinary_change_tell(struct filesystem *filesystem, struct node *node,
                          enum ordinary_state before) {
    // In the middle of our own change, too.
    if (foreign_writes_take(filesystem, node)) {
        count_foreign(filesystem, node);
        before = ORDINARY_STATE_FOREIGN;
    }
    if (before == ORDINARY_STATE_FOREIGN) {
        notice_node(filesystem, node, true);
    }
}

void ordinary_writer_comes(struct filesystem *filesystem, struct node *node) {
    foreign_writes_begin(filesystem, node);
}

void ordinary_writer_leaves(struct filesystem *filesystem, struct node *node) {
    if (foreign_writes_end(filesystem, node)) {
        count_foreign(filesystem, node);
        notice_node(filesystem, node, true);
    }
}

void ordinary_change_end_same_bytes(struct filesystem *filesystem, struct node *node,
                                    enum ordinary_state before) {
    if (!S_ISREG(node->type)) {
        return;
    }
    struct file_state now = look(filesystem, node);
    // Nobody else sets what was seen while it is `changing`.
    if (before == ORDINARY_STATE_SEEN && !bytes_equal(&node->seen, &now)) {
        count_foreign(filesystem, node);
        before = ORDINARY_STATE_FOREIGN;
    }
    end_with(filesystem, node, &now, before == ORDINARY_STATE_SEEN && node->seen_made_here);
    ordinary_change_tell(filesystem, node, before);
}

// Look at a file whose attributes were just got: whether the kernel's pages of it are wrong.
static bool is_foreign(struct filesystem *filesystem, struct node *node,
                       const struct stat *attributes) {
    struct node_table *table = &filesystem->nodes;
    if (!S_ISREG(node->type)) {
        return false;
    }
    if (foreign_writes_take(filesystem, node)) {
        count_foreign(filesystem, node);
    }
    struct file_state given = state_of(attributes);
    pthread_mutex_lock(&table->lock);
    // While a change of ours is under way, nobody can tell; its end will.
    bool doubtful = !node->changing && is_known(&node->seen) && !state_equal(&node->seen, &given);
    if (doubtful) {
        node->changing = true;
    }
    struct file_state seen = node->seen;
    pthread_mutex_unlock(&table->lock);
    if (doubtful) {
        // What was given may be older than a change of ours that has ended since.
        struct file_state now = look(filesystem, node);
        if (!state_equal(&seen, &now)) {
            count_foreign(filesystem, node);
        }
        end_with(filesystem, node, &now, false);
    }
    return has_foreign(filesystem, node);
}

void ordinary_looked_at(struct filesystem *filesystem, struct node *node,
                        const struct stat *attributes) {
    if (is_foreign(filesystem, node, attributes)) {
        ordinary_drop_foreign(filesystem, node);
    }
}

// An event about a file whose state is known already. Of one of our own changes, the kernel knows.
static bool is_as_seen(struct filesystem *filesystem, const struct node *node,
                       const struct stat *attributes) {
    struct file_state given = state_of(attributes);
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool seen = S_ISREG(node->type) && is_known(&node->seen) && state_equal(&node->seen, &given);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return seen;
}

// A write by somebody else has ended, which sets the times before it stores its bytes: its state
// may have been seen, and bytes been read, in its middle. While there are writers here,
// foreign_writes.c tells.
static bool may_have_been_half_written(struct filesystem *filesystem, const struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool may = is_known(&node->seen) && !node->seen_made_here && node->writers == 0;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return may;
}

void ordinary_look_again(struct filesystem *filesystem, struct node *node,
                         const struct stat *attributes, bool written) {
    if (is_foreign(filesystem, node, attributes)) {
        notice_node(filesystem, node, true);
    } else if (written && may_have_been_half_written(filesystem, node)) {
        count_foreign(filesystem, node);
        notice_node(filesystem, node, true);
    } else if (!is_as_seen(filesystem, node, attributes)) {
        notice_node(filesystem, node, false);
    }
}
