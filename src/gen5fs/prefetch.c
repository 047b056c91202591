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
enum { PARSED_AHEAD_MAX = 64, PARSED_BYTES_MAX = 4 << 20 };

// The containers that are looked into next are being parsed by the time that we hear of this one:
// they are left out where we are no further.
enum { HEAD_START = 2 };

// Looks that led nowhere, after so many of which that many are let pass.
enum { STRAY_MAX = 16 };

// Of the idle snapshots that are kept, so many are for what was prepared.
enum { IDLE_SHARE = 4 };

// So often a folder that goes on changing is read anew.
enum { READ_AGAIN_MS = 1000 };

// How sure we are of a course: a quarter, half and all of the way ahead.
enum { SURE = 3 };

// Where a reader of one kind of member is in an order, and how far ahead of it we are.
struct course {
    size_t place;
    unsigned int certainty;           // 0: it goes nowhere that we know of
    size_t done;                      // the places before this one and behind `place` are prepared
    uint64_t sizes[PARSED_AHEAD_MAX]; // bytes of each of those, at place % PARSED_AHEAD_MAX
};

struct hint {
    struct node *folder; // with a reference, and its descriptor held; NULL for no hint
    char *name;
    struct member member;
};

// MEMBER_NONE is for containers that are looked into.
enum { KINDS = MEMBER_NOTICE, HINTS_MAX = 16 };

struct prefetch {
    struct filesystem *filesystem;
    size_t ahead_max; // constant: more would not be kept until they are looked into
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
    unsigned int looks_to_pass; // of so many looks into containers it need not know
    // The thread's own:
    struct folder_order order;
    struct stat folder; // of `order`
    int64_t read_ms;    // when that was read
    struct course courses[KINDS][ORDER_COUNT];
    struct member members[KINDS]; // what the courses are about: which latent
    unsigned int strays;          // looks in a row that led nowhere, up to STRAY_MAX
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

static size_t ahead_max(const struct prefetch *prefetch, enum member_kind kind) {
    const size_t most = kind == MEMBER_NONE ? PARSED_AHEAD_MAX : AHEAD_MAX;
    return most < prefetch->ahead_max ? most : prefetch->ahead_max;
}

// Parse a container and, where the hint is of a member, verify what it has of that. The size of
// what was parsed or verified.
static uint64_t prepare(struct prefetch *prefetch, const struct hint *hint, const char *name) {
    struct snapshot *snapshot = NULL;
    struct content content = {.record = NULL};
    struct member member = hint->member;
    uint64_t size = 0;
    if (snapshot_open_light(prefetch->filesystem, hint->folder->fd, name, &snapshot) != 0) {
        return 0;
    }
    member.image_kind = snapshot->image_kind;
    if (member.kind == MEMBER_NONE) {
        size = snapshot->container != NULL ? snapshot->container->manifest->size : 0;
    } else if (snapshot->container != NULL && member_content(snapshot, &member, &content) &&
               content.record != NULL && content.record->payload_size <= PAYLOAD_SIZE_MAX) {
        size = content.record->payload_size;
        snapshot_verify(prefetch->filesystem, snapshot, content.record);
    }
    snapshot_release(prefetch->filesystem, snapshot);
    return size;
}

static bool is_near(size_t from, size_t to, size_t distance_max) {
    return to >= from && to - from <= distance_max;
}

// Several readers of one folder, each with its share, go the same way side by side.
static void course_move(struct course *course, size_t place, size_t near_max, size_t head_start) {
    const bool known = course->done > 0;
    if (known && is_near(place, course->place, near_max)) {
        return;
    }
    if (known && is_near(course->place, place, near_max)) {
        course->certainty += course->certainty < SURE ? 1 : 0;
    } else {
        // Who reads the first one is about to read them all.
        course->certainty = place == 0 ? 1 : 0;
        course->done = 0;
    }
    course->place = place;
    if (course->done <= place + 1) {
        course->done = place + 1;
        while (course->done < place + 1 + head_start) {
            course->sizes[course->done++ % PARSED_AHEAD_MAX] = 0;
        }
    }
}

// Parsing gives way to everything else.
static bool has_news(struct prefetch *prefetch, enum member_kind kind) {
    pthread_mutex_lock(&prefetch->lock);
    bool news = prefetch->ended;
    for (size_t i = prefetch->taken; i < prefetch->given; i++) {
        news = news || kind == MEMBER_NONE || prefetch->hints[i % HINTS_MAX].member.kind == kind;
    }
    pthread_mutex_unlock(&prefetch->lock);
    return news;
}

static uint64_t bytes_ahead(const struct course *course) {
    uint64_t bytes = 0;
    for (size_t place = course->place + 1; place < course->done; place++) {
        bytes += course->sizes[place % PARSED_AHEAD_MAX];
    }
    return bytes;
}

static void let_pass(struct prefetch *prefetch, enum member_kind kind, unsigned int count) {
    pthread_mutex_lock(&prefetch->lock);
    *(kind == MEMBER_NONE ? &prefetch->looks_to_pass : &prefetch->passes) = count;
    pthread_mutex_unlock(&prefetch->lock);
}

// Go ahead on a course until the reader goes on, or is far enough behind.
static void course_follow(struct prefetch *prefetch, const struct hint *hint, struct course *course,
                          const char *const *names) {
    const enum member_kind kind = hint->member.kind;
    const size_t most = ahead_max(prefetch, kind);
    const size_t window = most >> (SURE - course->certainty);
    const uint64_t bytes_max = kind == MEMBER_NONE ? PARSED_BYTES_MAX : AHEAD_BYTES_MAX;
    while (course->done < prefetch->order.count && course->done - course->place <= window &&
           bytes_ahead(course) < bytes_max && !has_news(prefetch, kind)) {
        const uint64_t size = prepare(prefetch, hint, names[course->done]);
        course->sizes[course->done % PARSED_AHEAD_MAX] = size;
        course->done++;
    }
    if (course->done - course->place > most) {
        let_pass(prefetch, kind, (unsigned int)most / 2);
    }
}

// Whether the hint lies on a course.
static bool follow(struct prefetch *prefetch, const struct hint *hint) {
    size_t places[ORDER_COUNT];
    if (!have_order(prefetch, hint) || !folder_order_find(&prefetch->order, hint->name, places)) {
        return false;
    }
    const enum member_kind kind = hint->member.kind;
    struct course *courses = prefetch->courses[kind];
    const bool same = member_equal(&prefetch->members[kind], &hint->member);
    int surest = 0;
    for (int i = 0; i < ORDER_COUNT; i++) {
        course_move(&courses[i], places[i], ahead_max(prefetch, kind),
                    kind == MEMBER_NONE ? HEAD_START : 0);
        courses[i].done = same ? courses[i].done : courses[i].place + 1;
        surest = courses[i].certainty > courses[surest].certainty ? i : surest;
    }
    if (courses[surest].certainty == 0) {
        return false;
    }
    course_follow(prefetch, hint, &courses[surest], prefetch->order.names[surest]);
    return true;
}

// Who looks into containers by chance need not tell of each.
static void follow_look(struct prefetch *prefetch, const struct hint *hint) {
    if (follow(prefetch, hint)) {
        prefetch->strays = 0;
    } else {
        prefetch->strays += prefetch->strays < STRAY_MAX ? 1 : 0;
        let_pass(prefetch, MEMBER_NONE, prefetch->strays);
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
        prefetch->looks_to_pass = 0;
        pthread_mutex_unlock(&prefetch->lock);
        if (hint.member.kind == MEMBER_NONE) {
            follow_look(prefetch, &hint);
        } else {
            (void)follow(prefetch, &hint);
        }
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

// Takes over what the hint has.
static void put_hint(struct prefetch *prefetch, const struct hint *hint) {
    struct hint oldest = {.folder = NULL};
    pthread_mutex_lock(&prefetch->lock);
    if (prefetch->given - prefetch->taken == HINTS_MAX) {
        (void)take_hint(prefetch, &oldest);
    }
    prefetch->hints[prefetch->given++ % HINTS_MAX] = *hint;
    if (prefetch->passes == 0 || hint->member.kind == MEMBER_NONE) {
        pthread_cond_signal(&prefetch->changed);
    } else {
        prefetch->passes--;
    }
    pthread_mutex_unlock(&prefetch->lock);
    hint_release(prefetch->filesystem, &oldest);
}

void prefetch_hint(struct filesystem *filesystem, struct node *container,
                   const struct member *member) {
    struct prefetch *prefetch = filesystem->prefetch;
    // The metadata is verified where the container is parsed.
    if (prefetch == NULL || filesystem->no_verify || member->kind == MEMBER_NONE ||
        member->kind == MEMBER_METADATA || member->kind == MEMBER_NOTICE) {
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
    put_hint(prefetch, &hint);
}

void prefetch_look(struct filesystem *filesystem, struct node *container,
                   struct snapshot *snapshot) {
    struct prefetch *prefetch = filesystem->prefetch;
    if (prefetch == NULL || !snapshot_is_new(snapshot)) {
        return;
    }
    pthread_mutex_lock(&prefetch->lock);
    const bool passes = prefetch->looks_to_pass > 0;
    prefetch->looks_to_pass -= passes ? 1 : 0;
    pthread_mutex_unlock(&prefetch->lock);
    struct hint hint = {.folder = NULL};
    if (!passes && node_container_place(filesystem, container, &hint.folder, &hint.name) == 0) {
        put_hint(prefetch, &hint);
    }
}

void prefetch_start(struct filesystem *filesystem) {
    struct prefetch *prefetch = calloc(1, sizeof *prefetch);
    int problem = prefetch == NULL ? ENOMEM : 0;
    if (problem == 0) {
        prefetch->filesystem = filesystem;
        prefetch->ahead_max = snapshot_idle_count_max(filesystem) / IDLE_SHARE;
        pthread_mutex_init(&prefetch->lock, NULL);
        thread_condition_init(&prefetch->changed);
        problem = thread_start(&prefetch->thread, "prefetch", run, prefetch);
    }
    if (problem != 0) {
        note("containers are parsed and verified when they are read, not ahead: %s",
             strerror(problem));
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
