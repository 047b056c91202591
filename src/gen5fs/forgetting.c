// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Asking the kernel to forget. Linux 6.18 and later can be asked by number, and keep what is in
// use. Earlier ones can only be told that a name is gone: that is done for files alone, since a
// process that works in a folder whose name is gone no longer learns where it is.
#include "forgetting.h"

#include <malloc.h>
#include <stdlib.h>

#include "container_operations.h"
#include "filesystem.h"
#include "kernel_notices.h"

// So many are asked for at a time; and so long after the cap was passed, since then more are over
// it.
enum { BATCH_MAX = 1024, DELAY_MS = 10, TRIM_MS = 1000 };

// A file or symlink of the source is gone by its name.
static void drop_source_name(struct filesystem *filesystem, struct node *node) {
    struct node *parent = NULL;
    char *name = NULL;
    if (!S_ISDIR(node->type) && node_source_place(filesystem, node, &parent, &name) == 0 &&
        name != NULL) {
        notice_name_gone(filesystem, parent, name);
    }
    node_release(filesystem, parent);
    free(name);
}

// What is freed lies scattered among what is not, so that the heap grows for as long as a walk goes
// on: whole pages of it go back to the system.
static void trim_heap(void) {
    static int64_t next_ms; // the telling thread's own
    if (clock_ms() >= next_ms) {
        malloc_trim(0);
        next_ms = clock_ms() + TRIM_MS;
    }
}

static void forget(struct filesystem *filesystem, void *argument) {
    (void)argument;
    struct node *nodes[BATCH_MAX];
    const size_t count = node_take_oldest(filesystem, nodes, BATCH_MAX);
    const bool asked = notice_prune(filesystem, nodes, count);
    for (size_t i = 0; i < count; i++) {
        if (!asked && nodes[i]->kind == NODE_FILE) {
            container_drop_name(filesystem, nodes[i]);
        } else if (!asked && nodes[i]->kind == NODE_SOURCE) {
            drop_source_name(filesystem, nodes[i]);
        }
        node_release(filesystem, nodes[i]);
    }
    trim_heap();
}

int forgetting_schedule(struct filesystem *filesystem) {
    return notice_telling(filesystem, clock_ms() + DELAY_MS, forget);
}
