// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Living within the limit of open files.
#define FUSE_USE_VERSION 35
#include "descriptors.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "filesystem.h"
#include "kernel_notices.h"

// With fewer, a library of some size would have more containers than could be kept open.
enum { GRANTED_MIN = 4096 };

struct noted_name {
    struct noted_name *next;
    struct node *folder; // a reference
    char name[];
};

// SIZE_MAX: without limit.
static size_t descriptors_max(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return SIZE_MAX;
    }
    return limit.rlim_cur;
}

bool descriptors_are_scarce(struct filesystem *filesystem) {
    size_t max = descriptors_max();
    pthread_mutex_lock(&filesystem->nodes.lock);
    size_t count = filesystem->nodes.source_count;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return count > max / 2;
}

bool descriptors_may_be_granted(void) {
    return descriptors_max() / 4 >= GRANTED_MIN;
}

bool descriptors_grant(struct filesystem *filesystem) {
    const size_t max = descriptors_max() / 4;
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool granted = filesystem->nodes.granted_count < max;
    filesystem->nodes.granted_count += granted ? 1 : 0;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return granted;
}

void descriptors_give_back(struct filesystem *filesystem) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    filesystem->nodes.granted_count--;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

static void forget_name(struct filesystem *filesystem, struct noted_name *noted) {
    node_release(filesystem, noted->folder);
    free(noted);
}

// The one that was noted first, while there are more than `keep`; NULL at the end.
static struct noted_name *take_oldest(struct node_table *table, size_t keep) {
    pthread_mutex_lock(&table->lock);
    struct noted_name *oldest = table->noted_count > keep ? table->noted_first : NULL;
    if (oldest != NULL) {
        table->noted_first = oldest->next;
        table->noted_count--;
    } else {
        table->noted_are_leaving = false;
    }
    pthread_mutex_unlock(&table->lock);
    return oldest;
}

static void drop_oldest(struct filesystem *filesystem, void *argument) {
    (void)argument;
    const size_t keep = descriptors_max() / 8;
    struct noted_name *oldest;
    while ((oldest = take_oldest(&filesystem->nodes, keep)) != NULL) {
        // Where the kernel no longer knows the name, there is nothing to do.
        fuse_lowlevel_notify_inval_entry(filesystem->session,
                                         node_number(filesystem, oldest->folder), oldest->name,
                                         strlen(oldest->name));
        forget_name(filesystem, oldest);
    }
}

// Takes over `noted`. True where it is time to drop the oldest.
static bool put_newest(struct node_table *table, struct noted_name *noted) {
    const size_t many = descriptors_max() / 4;
    pthread_mutex_lock(&table->lock);
    if (table->noted_count == 0) {
        table->noted_first = noted;
    } else {
        table->noted_last->next = noted;
    }
    table->noted_last = noted;
    table->noted_count++;
    bool due = table->noted_count > many && !table->noted_are_leaving;
    table->noted_are_leaving = table->noted_are_leaving || due;
    pthread_mutex_unlock(&table->lock);
    return due;
}

void descriptors_note(struct filesystem *filesystem, struct node *folder, const char *name,
                      const struct node *node) {
    // Folders stay: a process may be working inside, and watches hang on them.
    if (node->kind != NODE_SOURCE || S_ISDIR(node->type) || !descriptors_are_scarce(filesystem)) {
        return;
    }
    size_t size = strlen(name) + 1;
    struct noted_name *noted = malloc(sizeof *noted + size);
    if (noted == NULL) {
        return;
    }
    noted->next = NULL;
    noted->folder = folder;
    memcpy(noted->name, name, size);
    node_reference(filesystem, folder);
    if (put_newest(&filesystem->nodes, noted)) {
        notice_later(filesystem, clock_ms(), drop_oldest, NULL);
    }
}

void descriptors_release(struct filesystem *filesystem) {
    struct noted_name *oldest;
    while ((oldest = take_oldest(&filesystem->nodes, 0)) != NULL) {
        forget_name(filesystem, oldest);
    }
}
