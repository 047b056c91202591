// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The queue of notices: a binary heap by time, and a hash table by what each is about.
#include "notice_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "key_hash.h"

// Memory for more is asked for while there is room for some.
enum { FIRST_CAPACITY = 128, SPARE_CAPACITY = 64 };

int notice_queue_init(struct notice_queue *queue) {
    *queue = (struct notice_queue){.capacity = FIRST_CAPACITY, .bucket_count = FIRST_CAPACITY};
    queue->heap = calloc(queue->capacity, sizeof(struct notice *));
    queue->buckets = calloc(queue->bucket_count, sizeof(struct notice *));
    if (queue->heap == NULL || queue->buckets == NULL) {
        notice_queue_release(queue);
        return ENOMEM;
    }
    return 0;
}

void notice_queue_release(struct notice_queue *queue) {
    free(queue->heap);
    free(queue->buckets);
    *queue = (struct notice_queue){.heap = NULL};
}

struct notice *notice_new(enum notice_kind kind, struct node *node, const char *name) {
    size_t size = strlen(name) + 1;
    struct notice *notice = calloc(1, sizeof *notice + size);
    if (notice != NULL) {
        notice->kind = kind;
        notice->node = node;
        memcpy(notice->name, name, size);
    }
    return notice;
}

static bool comes_before(const struct notice *left, const struct notice *right) {
    return left->due_ms != right->due_ms ? left->due_ms < right->due_ms
                                         : left->sequence < right->sequence;
}

static void place(struct notice_queue *queue, size_t index, struct notice *notice) {
    queue->heap[index] = notice;
    notice->heap_index = index;
}

static void move_up(struct notice_queue *queue, struct notice *notice) {
    size_t index = notice->heap_index;
    while (index > 0 && comes_before(notice, queue->heap[(index - 1) / 2])) {
        place(queue, index, queue->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(queue, index, notice);
}

static void move_down(struct notice_queue *queue, struct notice *notice) {
    size_t index = notice->heap_index;
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= queue->count) {
            break;
        }
        if (child + 1 < queue->count && comes_before(queue->heap[child + 1], queue->heap[child])) {
            child++;
        }
        if (!comes_before(queue->heap[child], notice)) {
            break;
        }
        place(queue, index, queue->heap[child]);
        index = child;
    }
    place(queue, index, notice);
}

static uint64_t hash_of(const struct notice *notice) {
    return key_hash_text(key_hash_number(notice->kind, (uint64_t)(uintptr_t)notice->node),
                         notice->name);
}

static struct notice **bucket_of(struct notice_queue *queue, const struct notice *notice) {
    return &queue->buckets[hash_of(notice) & (queue->bucket_count - 1)];
}

static struct notice *find_same(struct notice_queue *queue, const struct notice *notice) {
    struct notice *found = *bucket_of(queue, notice);
    while (found != NULL && (found->kind != notice->kind || found->node != notice->node ||
                             strcmp(found->name, notice->name) != 0)) {
        found = found->bucket_next;
    }
    return found;
}

static bool grow_heap(struct notice_queue *queue) {
    if (queue->count + SPARE_CAPACITY > queue->capacity) {
        struct notice **grown =
            reallocarray(queue->heap, queue->capacity * 2, sizeof(struct notice *));
        if (grown != NULL) {
            queue->heap = grown;
            queue->capacity *= 2;
        }
    }
    return queue->count < queue->capacity;
}

// Longer chains, where there is no memory for more buckets, are slower and still right.
static void grow_buckets(struct notice_queue *queue) {
    size_t count = queue->bucket_count * 2;
    struct notice **buckets =
        queue->count < queue->bucket_count ? NULL : calloc(count, sizeof(struct notice *));
    if (buckets == NULL) {
        return;
    }
    free(queue->buckets);
    queue->buckets = buckets;
    queue->bucket_count = count;
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->heap[i]->kind != NOTICE_WORK) {
            struct notice **bucket = bucket_of(queue, queue->heap[i]);
            queue->heap[i]->bucket_next = *bucket;
            *bucket = queue->heap[i];
        }
    }
}

static void join(struct notice_queue *queue, struct notice *queued, const struct notice *notice) {
    if (notice->again_ms > queued->again_ms) {
        queued->again_ms = notice->again_ms;
    }
    if (notice->due_ms < queued->due_ms) {
        // What it was waiting for until now is still to come.
        if (queued->again_ms < queued->due_ms) {
            queued->again_ms = queued->due_ms;
        }
        queued->due_ms = notice->due_ms;
        move_up(queue, queued);
    }
}

bool notice_queue_put(struct notice_queue *queue, struct notice *notice, int *problem) {
    *problem = 0;
    struct notice *queued = notice->kind == NOTICE_WORK ? NULL : find_same(queue, notice);
    if (queued != NULL) {
        join(queue, queued, notice);
        return false;
    }
    if (!grow_heap(queue)) {
        *problem = ENOMEM;
        return false;
    }
    grow_buckets(queue);
    notice->sequence = queue->sequence++;
    notice->heap_index = queue->count++;
    move_up(queue, notice);
    if (notice->kind != NOTICE_WORK) {
        struct notice **bucket = bucket_of(queue, notice);
        notice->bucket_next = *bucket;
        *bucket = notice;
    }
    return true;
}

int64_t notice_queue_due(const struct notice_queue *queue) {
    return queue->count > 0 ? queue->heap[0]->due_ms : INT64_MAX;
}

struct notice *notice_queue_take(struct notice_queue *queue) {
    if (queue->count == 0) {
        return NULL;
    }
    struct notice *first = queue->heap[0];
    struct notice *last = queue->heap[--queue->count];
    if (first != last) {
        last->heap_index = 0;
        move_down(queue, last);
    }
    if (first->kind != NOTICE_WORK) {
        struct notice **at = bucket_of(queue, first);
        while (*at != first) {
            at = &(*at)->bucket_next;
        }
        *at = first->bucket_next;
        first->bucket_next = NULL;
    }
    return first;
}
