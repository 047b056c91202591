// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A queue of things to do about nodes, each at its time. What is queued already is not queued
// twice, so that a storm of events costs a name no more than one notice. Not locked: the owner does
// that.
#ifndef GEN5FS_NOTICE_QUEUE_H
#define GEN5FS_NOTICE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filesystem;
struct node;

enum notice_kind { NOTICE_ENTRY, NOTICE_ATTRIBUTES, NOTICE_PAGES, NOTICE_REFRESH, NOTICE_WORK };

struct notice {
    enum notice_kind kind;
    struct node *node; // holds a reference; NULL for NOTICE_WORK
    void (*work)(struct filesystem *filesystem, void *argument); // NOTICE_WORK
    void *argument;
    int64_t due_ms;    // INT64_MIN: as soon as possible
    int64_t again_ms;  // when it is due once more after that; 0: not
    uint64_t sequence; // equal times keep their order
    size_t heap_index;
    struct notice *bucket_next;
    bool spare;  // one of the owner's reserve
    char name[]; // NOTICE_ENTRY, else empty
};

struct notice_queue {
    struct notice **heap; // the earliest first
    size_t count;
    size_t capacity;
    struct notice **buckets;
    size_t bucket_count;
    uint64_t sequence;
};

int notice_queue_init(struct notice_queue *queue); // 0 or ENOMEM
// Release the queue's own memory; it must have been emptied with notice_queue_take.
void notice_queue_release(struct notice_queue *queue);

// New memory with a copy of `name`, or NULL. Neither `node` is referenced nor anything queued yet.
struct notice *notice_new(enum notice_kind kind, struct node *node, const char *name);

// Queue it. false where the same (kind, node, name) was queued already: that one is then due at the
// earlier of both times, and once more at the later again_ms, and `notice` is still the caller's.
// Works are never the same as others. Also false, with *problem set to ENOMEM, where there is no
// memory.
bool notice_queue_put(struct notice_queue *queue, struct notice *notice, int *problem);

// When the first is due: INT64_MAX for an empty queue.
int64_t notice_queue_due(const struct notice_queue *queue);

// Take the first, whether due or not; NULL where there is none. The caller has it, and its node's
// reference.
struct notice *notice_queue_take(struct notice_queue *queue);

#endif
