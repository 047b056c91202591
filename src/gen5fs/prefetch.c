// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The thread that goes ahead of readers, and how it tells where they are going.
#include "prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "filesystem.h"
#include "folder_order.h"
#include "node.h"
#include "thread.h"

// As the header states them.
enum { AHEAD_MAX = 8, AHEAD_BYTES_MAX = 16 << 20, PAYLOAD_SIZE_MAX = 128 << 20 };

// So often a folder that goes on changing is read anew.
enum { READ_AGAIN_MS = 1000 };

// How sure we are of a course: 2, 4 and 8 containers ahead.
enum { SURE = 3 };

// Where a reader of one kind of member is in an order, and how far ahead of it we are.
struct course {
    size_t place;
    unsigned int certainty;    // 0: it goes nowhere that we know of
    size_t done;               // the places before this one and behind `place` are verified
    uint64_t sizes[AHEAD_MAX]; // what was verified for them, at place % AHEAD_MAX
};

struct hint {
    struct node *folder; // with a reference, and its descriptor held; NULL for no hint
    char *name;
    struct member member;
};

enum { KINDS = MEMBER_NOTICE, HINTS_MAX = 16 };

struct prefetch {
    struct filesystem *filesystem;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Protected by lock:
    bool ended;
    struct hint hints[HINTS_MAX]; // from `taken` to `given`, each at its number % HINTS_MAX
    size_t taken;
    size_t given;
    const struct node *last;    // compared only: the container of the newest hint,
    enum member_kind last_kind; // and its member
    unsigned int passes;        // so many hints need not wake the thread
    // The thread's own:
    struct folder_order order;
    struct stat folder; // of `order`
    int64_t read_ms;    // when that was read
    struct course courses[KINDS][ORDER_COUNT];
    struct member members[KINDS]; // what the courses are about: which latent
};

static void hint_release(struct filesystem *filesystem, struct hint *hint) {
    node_place_release(filesystem, hint->folder, hint->name);
    member_release(&hint->member);
    *hint = (struct hint){.folder = NULL};
}

static bool is_same_folder(const struct stat *left, const struct stat *right) {
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}

static bool is_same_time(const struct timespec *left, const struct timespec *right) {
    return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

// Have the order of the hint's folder. What was read is good enough for a while: a container that
// is new since is not gone ahead to, and one that is gone is not found.
static bool have_order(struct prefetch *prefetch, const struct hint *hint) {
    struct stat now;
    if (fstat(hint->folder->fd, &now) != 0) {
        return false;
    }
    const int64_t ms = clock_ms();
    if (is_same_folder(&now, &prefetch->folder) &&
        (is_same_time(&now.st_mtim, &prefetch->folder.st_mtim) ||
         ms < prefetch->read_ms + READ_AGAIN_MS)) {
        return true;
    }
    folder_order_release(&prefetch->order);
    memset(prefetch->courses, 0, sizeof prefetch->courses);
    (void)folder_order_read(prefetch->filesystem, hint->folder, &prefetch->order);
    prefetch->folder = now;
    prefetch->read_ms = ms;
    return true;
}

// Verify what a container has of the member. Its size.
static uint64_t verify(struct prefetch *prefetch, const struct hint *hint, const char *name) {
    struct snapshot *snapshot = NULL;
    struct content content = {.record = NULL};
    struct member member = hint->member;
    uint64_t size = 0;
    if (snapshot_open_light(prefetch->filesystem, hint->folder->fd, name, &snapshot) != 0) {
        return 0;
    }
    member.image_kind = snapshot->image_kind;
    if (snapshot->container != NULL && member_content(snapshot, &member, &content) &&
        content.record != NULL && content.record->payload_size <= PAYLOAD_SIZE_MAX) {
        size = content.record->payload_size;
        snapshot_verify(prefetch->filesystem, snapshot, content.record);
    }
    snapshot_release(prefetch->filesystem, snapshot);
    return size;
}

static bool is_near(size_t from, size_t to) {
    return to >= from && to - from <= AHEAD_MAX;
}

// Several readers of one folder, each with its share, go the same way side by side.
static void course_move(struct course *course, size_t place, bool known) {
    if (known && is_near(place, course->place)) {
        return;
    }
    if (known && is_near(course->place, place)) {
        course->certainty += course->certainty < SURE ? 1 : 0;
    } else {
        // Who reads the first one is about to read them all.
        course->certainty = place == 0 ? 1 : 0;
        course->done = 0;
    }
    course->place = place;
    course->done = course->done > place ? course->done : place + 1;
}

static bool has_news(struct prefetch *prefetch, enum member_kind kind) {
    pthread_mutex_lock(&prefetch->lock);
    bool news = prefetch->ended;
    for (size_t i = prefetch->taken; i < prefetch->given; i++) {
        news = news || prefetch->hints[i % HINTS_MAX].member.kind == kind;
    }
    pthread_mutex_unlock(&prefetch->lock);
    return news;
}

static uint64_t bytes_ahead(const struct course *course) {
    uint64_t bytes = 0;
    for (size_t place = course->place + 1; place < course->done; place++) {
        bytes += course->sizes[place % AHEAD_MAX];
    }
    return bytes;
}

// Go ahead on a course until the reader goes on, or is far enough behind.
static void course_follow(struct prefetch *prefetch, const struct hint *hint, struct course *course,
                          const char *const *names) {
    const size_t window = (size_t)1 << course->certainty;
    while (course->done < prefetch->order.count && course->done - course->place <= window &&
           bytes_ahead(course) < AHEAD_BYTES_MAX && !has_news(prefetch, hint->member.kind)) {
        const uint64_t size = verify(prefetch, hint, names[course->done]);
        course->sizes[course->done % AHEAD_MAX] = size;
        course->done++;
    }
    if (course->done - course->place > AHEAD_MAX) {
        pthread_mutex_lock(&prefetch->lock);
        prefetch->passes = AHEAD_MAX / 2;
        pthread_mutex_unlock(&prefetch->lock);
    }
}

static void follow(struct prefetch *prefetch, const struct hint *hint) {
    size_t places[ORDER_COUNT];
    if (!have_order(prefetch, hint) || !folder_order_find(&prefetch->order, hint->name, places)) {
        return;
    }
    struct course *courses = prefetch->courses[hint->member.kind];
    const bool same = member_equal(&prefetch->members[hint->member.kind], &hint->member);
    int surest = 0;
    for (int i = 0; i < ORDER_COUNT; i++) {
        course_move(&courses[i], places[i], courses[i].done > 0);
        courses[i].done = same ? courses[i].done : courses[i].place + 1;
        surest = courses[i].certainty > courses[surest].certainty ? i : surest;
    }
    if (courses[surest].certainty > 0) {
        course_follow(prefetch, hint, &courses[surest], prefetch->order.names[surest]);
    }
}

// The lock is held.
static bool take_hint(struct prefetch *prefetch, struct hint *hint) {
    if (prefetch->taken == prefetch->given) {
        return false;
    }
    *hint = prefetch->hints[prefetch->taken++ % HINTS_MAX];
    return true;
}

static void *run(void *argument) {
    struct prefetch *prefetch = argument;
    struct hint hint;
    pthread_mutex_lock(&prefetch->lock);
    while (!prefetch->ended) {
        if (!take_hint(prefetch, &hint)) {
            pthread_cond_wait(&prefetch->changed, &prefetch->lock);
            continue;
        }
        prefetch->passes = 0;
        pthread_mutex_unlock(&prefetch->lock);
        follow(prefetch, &hint);
        struct member *const about = &prefetch->members[hint.member.kind];
        member_release(about);
        *about = hint.member;
        hint.member = (struct member){.kind = MEMBER_NONE};
        hint_release(prefetch->filesystem, &hint);
        pthread_mutex_lock(&prefetch->lock);
    }
    pthread_mutex_unlock(&prefetch->lock);
    return NULL;
}

void prefetch_hint(struct filesystem *filesystem, struct node *container,
                   const struct member *member) {
    struct prefetch *prefetch = filesystem->prefetch;
    if (prefetch == NULL || member->kind == MEMBER_NONE || member->kind == MEMBER_NOTICE) {
        return;
    }
    pthread_mutex_lock(&prefetch->lock);
    const bool again = prefetch->last == container && prefetch->last_kind == member->kind;
    prefetch->last = container;
    prefetch->last_kind = member->kind;
    pthread_mutex_unlock(&prefetch->lock);
    struct hint hint = {.folder = NULL};
    if (again || node_container_place(filesystem, container, &hint.folder, &hint.name) != 0) {
        return;
    }
    if (member_copy(&hint.member, member) != 0) {
        hint_release(filesystem, &hint);
        return;
    }
    pthread_mutex_lock(&prefetch->lock);
    struct hint oldest = {.folder = NULL};
    if (prefetch->given - prefetch->taken == HINTS_MAX) {
        (void)take_hint(prefetch, &oldest);
    }
    prefetch->hints[prefetch->given++ % HINTS_MAX] = hint;
    if (prefetch->passes == 0) {
        pthread_cond_signal(&prefetch->changed);
    } else {
        prefetch->passes--;
    }
    pthread_mutex_unlock(&prefetch->lock);
    hint_release(filesystem, &oldest);
}

void prefetch_start(struct filesystem *filesystem) {
    if (filesystem->no_verify) {
        return;
    }
    struct prefetch *prefetch = calloc(1, sizeof *prefetch);
    int problem = prefetch == NULL ? ENOMEM : 0;
    if (problem == 0) {
        prefetch->filesystem = filesystem;
        pthread_mutex_init(&prefetch->lock, NULL);
        thread_condition_init(&prefetch->changed);
        problem = thread_start(&prefetch->thread, "prefetch", run, prefetch);
    }
    if (problem != 0) {
        note("containers are verified when they are read, not ahead: %s", strerror(problem));
        free(prefetch);
        return;
    }
    filesystem->prefetch = prefetch;
}

void prefetch_stop(struct filesystem *filesystem) {
    struct prefetch *prefetch = filesystem->prefetch;
    if (prefetch == NULL) {
        return;
    }
    pthread_mutex_lock(&prefetch->lock);
    prefetch->ended = true;
    pthread_cond_signal(&prefetch->changed);
    pthread_mutex_unlock(&prefetch->lock);
    pthread_join(prefetch->thread, NULL);
    struct hint hint;
    while (take_hint(prefetch, &hint)) {
        hint_release(filesystem, &hint);
    }
    for (int i = 0; i < KINDS; i++) {
        member_release(&prefetch->members[i]);
    }
    folder_order_release(&prefetch->order);
    pthread_cond_destroy(&prefetch->changed);
    pthread_mutex_destroy(&prefetch->lock);
    free(prefetch);
    filesystem->prefetch = NULL;
}
