// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The queue of things to do about nodes: in the order of their times, and each but once.
#include "gen5fs/notice_queue.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANY = 3000, ROUNDS = 20000 };

// The queue never looks into a node.
static struct node *node_of(uintptr_t number) {
    return (struct node *)(number * 64);
}

static struct notice_queue start(void) {
    struct notice_queue queue;
    cr_assert_eq(notice_queue_init(&queue), 0);
    return queue;
}

// false where the same was queued already; the notice is freed then.
static bool put(struct notice_queue *queue, enum notice_kind kind, uintptr_t node, const char *name,
                int64_t due_ms, int64_t again_ms) {
    int problem = 0;
    struct notice *notice = notice_new(kind, node_of(node), name);
    cr_assert_not_null(notice);
    notice->due_ms = due_ms;
    notice->again_ms = again_ms;
    bool queued = notice_queue_put(queue, notice, &problem);
    cr_assert_eq(problem, 0);
    if (!queued) {
        free(notice);
    }
    return queued;
}

static void expect_next(struct notice_queue *queue, uintptr_t node, const char *name,
                        int64_t due_ms, int64_t again_ms) {
    struct notice *notice = notice_queue_take(queue);
    cr_assert_not_null(notice);
    cr_expect_eq(notice->node, node_of(node), "%s", name);
    cr_expect_str_eq(notice->name, name);
    cr_expect_eq(notice->due_ms, due_ms, "%s", name);
    cr_expect_eq(notice->again_ms, again_ms, "%s", name);
    free(notice);
}

static void finish(struct notice_queue *queue) {
    cr_expect_null(notice_queue_take(queue));
    cr_expect_eq(notice_queue_due(queue), INT64_MAX);
    notice_queue_release(queue);
}

Test(notice_queue, an_empty_queue_is_never_due) {
    struct notice_queue queue = start();
    finish(&queue);
}

Test(notice_queue, gives_the_earliest_first_and_equal_times_in_the_order_they_came) {
    struct notice_queue queue = start();
    put(&queue, NOTICE_ENTRY, 1, "c", 30, 0);
    put(&queue, NOTICE_ENTRY, 1, "a", 10, 0);
    put(&queue, NOTICE_ENTRY, 1, "b1", 20, 0);
    put(&queue, NOTICE_ENTRY, 1, "b2", 20, 0);
    put(&queue, NOTICE_ENTRY, 1, "now", INT64_MIN, 0);
    cr_expect_eq(notice_queue_due(&queue), INT64_MIN);
    expect_next(&queue, 1, "now", INT64_MIN, 0);
    cr_expect_eq(notice_queue_due(&queue), 10);
    expect_next(&queue, 1, "a", 10, 0);
    expect_next(&queue, 1, "b1", 20, 0);
    expect_next(&queue, 1, "b2", 20, 0);
    expect_next(&queue, 1, "c", 30, 0);
    finish(&queue);
}

Test(notice_queue, what_is_queued_already_is_not_queued_twice) {
    struct notice_queue queue = start();
    cr_expect(put(&queue, NOTICE_ENTRY, 1, "a", 10, 0));
    cr_expect(!put(&queue, NOTICE_ENTRY, 1, "a", 10, 0));
    cr_expect(put(&queue, NOTICE_ENTRY, 1, "b", 10, 0), "another name");
    cr_expect(put(&queue, NOTICE_ENTRY, 2, "a", 10, 0), "another node");
    cr_expect(put(&queue, NOTICE_PAGES, 1, "a", 10, 0), "another kind");
    expect_next(&queue, 1, "a", 10, 0);
    cr_expect(put(&queue, NOTICE_ENTRY, 1, "a", 10, 0), "it was taken");
    expect_next(&queue, 1, "b", 10, 0);
    expect_next(&queue, 2, "a", 10, 0);
    expect_next(&queue, 1, "a", 10, 0);
    expect_next(&queue, 1, "a", 10, 0);
    finish(&queue);
}

Test(notice_queue, what_is_joined_is_due_at_the_earlier_time_and_once_more_at_the_later) {
    struct notice_queue queue = start();
    put(&queue, NOTICE_ENTRY, 1, "first", 15, 0);
    put(&queue, NOTICE_ENTRY, 1, "joined", 20, 40);
    put(&queue, NOTICE_ENTRY, 1, "joined", 10, 30);
    expect_next(&queue, 1, "joined", 10, 40);
    expect_next(&queue, 1, "first", 15, 0);
    put(&queue, NOTICE_ENTRY, 1, "later", 10, 0);
    put(&queue, NOTICE_ENTRY, 1, "later", 20, 60);
    expect_next(&queue, 1, "later", 10, 60);
    // What it was queued for is still to come when it is due earlier.
    put(&queue, NOTICE_ENTRY, 1, "sooner", 50, 0);
    put(&queue, NOTICE_ENTRY, 1, "sooner", 10, 0);
    expect_next(&queue, 1, "sooner", 10, 50);
    finish(&queue);
}

Test(notice_queue, works_are_never_joined) {
    struct notice_queue queue = start();
    cr_expect(put(&queue, NOTICE_WORK, 0, "", 10, 0));
    cr_expect(put(&queue, NOTICE_WORK, 0, "", 10, 0));
    expect_next(&queue, 0, "", 10, 0);
    expect_next(&queue, 0, "", 10, 0);
    finish(&queue);
}

Test(notice_queue, thousands_come_out_in_order_and_each_once) {
    struct notice_queue queue = start();
    size_t queued = 0;
    srand(1);
    for (int round = 0; round < 3; round++) {
        for (uintptr_t i = 0; i < MANY; i++) {
            char name[16];
            snprintf(name, sizeof name, "%d", rand() % 8);
            queued += put(&queue, NOTICE_ENTRY, i % 1000, name, rand() % 5000, 0);
        }
    }
    cr_expect_lt(queued, 3 * MANY, "nothing was joined");
    int64_t last_ms = INT64_MIN;
    for (; queued > 0; queued--) {
        struct notice *notice = notice_queue_take(&queue);
        cr_assert_not_null(notice);
        cr_assert_geq(notice->due_ms, last_ms);
        last_ms = notice->due_ms;
        free(notice);
    }
    finish(&queue);
}

Test(notice_queue, puts_and_takes_in_any_order_keep_it_in_order) {
    struct notice_queue queue = start();
    size_t inside = 0;
    srand(2);
    for (int i = 0; i < ROUNDS; i++) {
        if (rand() % 3 != 0) {
            inside += put(&queue, NOTICE_PAGES, (uintptr_t)rand() % 200, "", rand() % 1000, 0);
        } else if (inside > 0) {
            const int64_t due_ms = notice_queue_due(&queue);
            struct notice *notice = notice_queue_take(&queue);
            cr_assert_not_null(notice);
            cr_assert_eq(notice->due_ms, due_ms);
            cr_assert(inside == 1 || notice_queue_due(&queue) >= due_ms);
            inside--;
            free(notice);
        }
    }
    for (; inside > 0; inside--) {
        free(notice_queue_take(&queue));
    }
    finish(&queue);
}
