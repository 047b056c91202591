// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which nodes of the source have a descriptor: a queue of those that have one. What was used since
// it was last at the end of the queue gets a second chance.
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "filesystem.h"
#include "handle.h"
#include "ordinary.h"
#include "source_identity.h"

// How many are taken, and how many are looked at, while the lock is held once.
enum { BATCH = 32, BATCH_LOOKS = 256 };

// How many are closed beyond what is too much, lest every request closes one; and how many to make
// room.
enum { BEYOND_MAX = 64, ROOM = 256 };

// With fewer, a library of some size would have more containers than could be kept open.
enum { GRANTED_MIN = 4096 };

// How often a thing is looked for that renames and others' opens get in the way of.
enum { TRIES_MAX = 3 };

void descriptors_init(struct node_table *table) {
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    table->descriptors_max = known ? limit.rlim_cur / 2 : SIZE_MAX;
}

// How many nodes may have a descriptor for now: open files count too, but a few are always left.
static size_t most_now(const struct node_table *table) {
    const size_t max = table->descriptors_max;
    const size_t least = max / 8;
    const size_t handles = __atomic_load_n(&table->handle_count, __ATOMIC_RELAXED);
    return handles < max - least ? max - handles : least;
}

bool descriptors_may_be_granted(const struct filesystem *filesystem) {
    return filesystem->nodes.descriptors_max / 2 >= GRANTED_MIN;
}

bool descriptors_grant(struct filesystem *filesystem) {
    struct node_table *table = &filesystem->nodes;
    pthread_mutex_lock(&table->lock);
    bool granted = table->granted_count < table->descriptors_max / 2;
    table->granted_count += granted ? 1 : 0;
    pthread_mutex_unlock(&table->lock);
    return granted;
}

void descriptors_give_back(struct filesystem *filesystem) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    filesystem->nodes.granted_count--;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

static size_t count_now(const struct node_table *table) {
    return __atomic_load_n(&table->descriptor_count, __ATOMIC_RELAXED);
}

static void put_first(struct node_table *table, struct node *node) {
    node->before = NULL;
    node->after = table->first_open;
    *(node->after != NULL ? &node->after->before : &table->last_open) = node;
    table->first_open = node;
}

static void take_out(struct node_table *table, struct node *node) {
    *(node->before != NULL ? &node->before->after : &table->first_open) = node->after;
    *(node->after != NULL ? &node->after->before : &table->last_open) = node->before;
}

bool descriptors_give(struct node_table *table, struct node *node, int fd) {
    if (node->fd >= 0) {
        return false;
    }
    node->fd = fd;
    put_first(table, node);
    __atomic_fetch_add(&table->descriptor_count, 1, __ATOMIC_RELAXED);
    // Those who saw it closed have yet to take their own counts back.
    __atomic_fetch_and(&node->holds, ~DESCRIPTOR_CLOSED, __ATOMIC_RELEASE);
    return true;
}

void descriptors_remove(struct node_table *table, struct node *node) {
    if (node->fd >= 0) {
        take_out(table, node);
        __atomic_fetch_sub(&table->descriptor_count, 1, __ATOMIC_RELAXED);
    }
}

// Take the descriptor of a node that nobody holds: the caller closes it. -1 where it has to stay.
// The lock is held.
static int take_descriptor(struct node_table *table, struct node *node, bool even_lost) {
    uint32_t nobody = 0;
    const bool can_be_found = node->parent != NULL || node->handles != NULL;
    if (node->by_descriptor || (!can_be_found && !even_lost) ||
        __atomic_exchange_n(&node->used, false, __ATOMIC_RELAXED) ||
        !__atomic_compare_exchange_n(&node->holds, &nobody, DESCRIPTOR_CLOSED, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        return -1;
    }
    int fd = node->fd;
    descriptors_remove(table, node);
    node->fd = -1;
    return fd;
}

// A walk through the queue, from its end on.
struct closing {
    size_t keep;       // how many nodes are to have a descriptor afterwards
    size_t looks;      // how many nodes may still be looked at
    size_t looks_last; // among these, what is found nowhere gives its descriptor too
};

// Take a few; the caller closes them.
static size_t take_batch(struct node_table *table, struct closing *closing,
                         int descriptors[BATCH]) {
    size_t count = 0;
    pthread_mutex_lock(&table->lock);
    for (size_t looked = 0; looked < BATCH_LOOKS && count < BATCH && closing->looks > 0 &&
                            count_now(table) > closing->keep;
         looked++) {
        struct node *node = table->last_open;
        int fd = take_descriptor(table, node, closing->looks <= closing->looks_last);
        closing->looks--;
        if (fd >= 0) {
            descriptors[count++] = fd;
        } else {
            take_out(table, node);
            put_first(table, node);
        }
    }
    pthread_mutex_unlock(&table->lock);
    return count;
}

// Returns how many were closed.
static size_t close_down_to(struct node_table *table, size_t keep) {
    int descriptors[BATCH];
    size_t closed = 0;
    // Once around for what was not used, once for what was, and at last for what was removed and
    // is neither open nor to be found: whoever knows it still gets ESTALE, which is better than
    // that nobody can open anything.
    const size_t once = count_now(table);
    struct closing closing = {.keep = keep, .looks = 3 * once, .looks_last = once};
    while (closing.looks > 0 && count_now(table) > keep) {
        const size_t count = take_batch(table, &closing, descriptors);
        for (size_t i = 0; i < count; i++) {
            close(descriptors[i]);
        }
        closed += count;
    }
    return closed;
}

void descriptors_close_surplus(struct filesystem *filesystem) {
    struct node_table *table = &filesystem->nodes;
    const size_t most = most_now(table);
    if (count_now(table) > most) {
        (void)close_down_to(table, most - (most / 8 < BEYOND_MAX ? most / 8 : BEYOND_MAX));
    }
}

bool descriptors_make_room(struct filesystem *filesystem, int problem) {
    struct node_table *table = &filesystem->nodes;
    const size_t count = count_now(table);
    return (problem == EMFILE || problem == ENFILE) &&
           close_down_to(table, count / 2 > ROOM ? count - ROOM : count / 2) > 0;
}

// A step of the way from a folder whose descriptor is open to a node whose is not.
struct step {
    struct step *next;
    struct source_identity identity;
    char name[];
};

struct way {
    struct node *start; // with a reference, and held; NULL where there is no way
    struct step *first;
};

static void way_release(struct filesystem *filesystem, struct way *way) {
    while (way->first != NULL) {
        struct step *first = way->first;
        way->first = first->next;
        free(first);
    }
    if (way->start != NULL) {
        descriptor_release(way->start);
        node_release(filesystem, way->start);
    }
}

// The way by which a node was last found. The lock is held. 0, ESTALE or ENOMEM.
static int way_find(struct node *node, struct way *way) {
    for (; node->fd < 0; node = node->parent) {
        if (node->parent == NULL) {
            return ESTALE;
        }
        size_t size = strlen(node->name) + 1;
        struct step *step = malloc(sizeof *step + size);
        if (step == NULL) {
            return ENOMEM;
        }
        *step = (struct step){.next = way->first, .identity = node_identity(node)};
        memcpy(step->name, node->name, size);
        way->first = step;
    }
    // It is open, and stays so while the lock is held.
    __atomic_fetch_add(&node->holds, 1, __ATOMIC_RELAXED);
    node->references++;
    way->start = node;
    return 0;
}

// Open the thing of one step: a descriptor, or -errno.
static int step_open(const struct step *step, int folder_fd) {
    struct stat attributes;
    struct source_identity identity;
    int fd = openat(folder_fd, step->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? -ESTALE : -errno;
    }
    int problem = source_look(fd, "", &attributes, &identity);
    if (problem == 0 && !source_identity_equal(&identity, &step->identity)) {
        problem = ESTALE;
    }
    if (problem != 0) {
        close(fd);
        return -problem;
    }
    return fd;
}

// Go the way: a descriptor of the thing at its end, or -errno.
static int way_go(const struct way *way) {
    int fd = way->start->fd;
    for (const struct step *step = way->first; step != NULL && fd >= 0; step = step->next) {
        int folder_fd = fd;
        fd = step_open(step, folder_fd);
        if (folder_fd != way->start->fd) {
            close(folder_fd);
        }
    }
    return fd;
}

// Where it is open, count one more. No lock is needed: what is held is not closed.
static bool hold_open(struct node *node) {
    if ((__atomic_fetch_add(&node->holds, 1, __ATOMIC_ACQUIRE) & DESCRIPTOR_CLOSED) != 0) {
        __atomic_fetch_sub(&node->holds, 1, __ATOMIC_RELAXED);
        return false;
    }
    if (!__atomic_load_n(&node->used, __ATOMIC_RELAXED)) {
        __atomic_store_n(&node->used, true, __ATOMIC_RELAXED);
    }
    return true;
}

// Open the descriptor of a node once more, and hold it. 0 or an errno.
static int open_again(struct filesystem *filesystem, struct node *node) {
    struct node_table *table = &filesystem->nodes;
    struct way way = {.start = NULL};
    int fd = -1;
    int problem = 0;
    pthread_mutex_lock(&table->lock);
    if (node->fd >= 0) {
        __atomic_fetch_add(&node->holds, 1, __ATOMIC_RELAXED); // Another thread was faster.
        pthread_mutex_unlock(&table->lock);
        return 0;
    }
    if (node->handles != NULL) {
        // The handle stays while the lock is held.
        fd = open(descriptor_path_of(node->handles->fd).text, O_PATH | O_CLOEXEC);
        problem = fd < 0 ? errno : 0;
    } else {
        problem = way_find(node, &way);
    }
    pthread_mutex_unlock(&table->lock);
    if (way.start != NULL) {
        fd = way_go(&way);
        problem = fd < 0 ? -fd : 0;
    }
    way_release(filesystem, &way);
    if (problem != 0) {
        return problem;
    }
    pthread_mutex_lock(&table->lock);
    const bool given = descriptors_give(table, node, fd);
    __atomic_fetch_add(&node->holds, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&table->lock);
    if (!given) {
        close(fd);
    }
    descriptors_close_surplus(filesystem);
    return 0;
}

int descriptor_hold(struct filesystem *filesystem, struct node *node) {
    int problem = ESTALE;
    if (node->kind != NODE_SOURCE) {
        return 0;
    }
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (hold_open(node)) {
            return 0;
        }
        problem = open_again(filesystem, node);
        if (problem != ESTALE && !descriptors_make_room(filesystem, problem)) {
            return problem;
        }
    }
    return problem;
}

void descriptor_release(struct node *node) {
    if (node->kind == NODE_SOURCE) {
        __atomic_fetch_sub(&node->holds, 1, __ATOMIC_RELEASE);
    }
}
