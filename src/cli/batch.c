// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Many things, each of which becomes another below a folder.
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complaint.h"
#include "interruption.h"
#include "member_folder.h"
#include "progress.h"
#include "work.h"

// A batch under way.
struct course {
    const struct batch *batch;
    struct container_list list;
    char **targets;                    // what each becomes; NULL where there is none
    struct complaint_list *complaints; // of each
    bool *failed;                      // of each
    struct progress progress;
    int status; // of the thread that prints
};

// --- Where they go ------------------------------------------------------------------------------

struct target {
    const char *path;
    size_t piece;
};

static int by_path(const void *left, const void *right) {
    const struct target *a = left;
    const struct target *b = right;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : a->piece < b->piece ? -1 : 1;
}

// Two must not become one: the second would replace the first.
static bool drop_clashes(struct course *course) {
    size_t count = course->list.count;
    struct target *targets = calloc(count + 1, sizeof *targets);
    if (targets == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        targets[i] = (struct target){course->targets[i], i};
    }
    qsort(targets, count, sizeof *targets, by_path);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(targets[i].path, targets[first].path) != 0) {
            first = i;
            continue;
        }
        size_t piece = targets[i].piece;
        complaint_list_add(&course->complaints[piece], course->list.items[piece].path,
                           "%s becomes %s too: left out",
                           course->list.items[targets[first].piece].path, targets[i].path);
        course->failed[piece] = true;
    }
    free(targets);
    return true;
}

static char *target_of(const struct course *course, size_t piece, const char *folder) {
    const struct listed_container *container = &course->list.items[piece];
    const char *slash = strrchr(container->path, '/');
    const char *place = container->root > 0 ? container->path + container->root
                        : slash != NULL     ? slash + 1
                                            : container->path;
    const char *separator = folder[strlen(folder) - 1] == '/' ? "" : "/";
    // A folder need not be called like the container that it becomes.
    bool named = course->batch->form == CONTAINER_FILES || container_name_is(place);
    const char *suffix = named ? "" : CONTAINER_SUFFIX;
    char *target = NULL;
    return asprintf(&target, "%s%s%s%s", folder, separator, place, suffix) >= 0 ? target : NULL;
}

static bool find_targets(struct course *course, const char *folder) {
    size_t count = course->list.count;
    course->targets = calloc(count + 1, sizeof *course->targets);
    course->complaints = calloc(count + 1, sizeof *course->complaints);
    course->failed = calloc(count + 1, sizeof *course->failed);
    if (course->targets == NULL || course->complaints == NULL || course->failed == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        course->targets[i] = target_of(course, i, folder);
        if (course->targets[i] == NULL) {
            return false;
        }
    }
    return drop_clashes(course);
}

// --- Making them, by many threads ---------------------------------------------------------------

static void make_piece(void *context, size_t piece) {
    struct course *course = context;
    const struct batch *batch = course->batch;
    const struct listed_container *container = &course->list.items[piece];
    if (!course->failed[piece] && !interruption_came()) {
        course->failed[piece] = !batch->make(batch->context, container->path,
                                             course->targets[piece], &course->complaints[piece]);
    }
    progress_add_bytes(&course->progress, container->size);
    progress_add_file(&course->progress);
}

// --- Telling, by one thread ---------------------------------------------------------------------

static void tell_piece(void *context, size_t piece) {
    struct course *course = context;
    if (course->complaints[piece].count > 0) {
        progress_hide(&course->progress);
    }
    complaint_list_tell(&course->complaints[piece]);
    if (course->failed[piece]) {
        course->status = COMMAND_FAILED;
    }
}

static void draw(void *context) {
    progress_draw(&((struct course *)context)->progress);
}

static void make_all(struct course *course) {
    interruption_watch();
    progress_start(&course->progress, course->list.count, course->list.size);
    struct work work = {
        .count = course->list.count,
        .run = make_piece,
        .finish = tell_piece,
        .tick = course->progress.shown ? draw : NULL,
        .context = course,
    };
    work_do(&work);
    progress_hide(&course->progress);
    interruption_finish();
}

static void release(struct course *course) {
    for (size_t i = 0; course->targets != NULL && i < course->list.count; i++) {
        free(course->targets[i]);
    }
    free(course->targets);
    free(course->complaints);
    free(course->failed);
    container_list_release(&course->list);
}

int batch_do(const struct batch *batch, char *const *paths, const char *folder) {
    struct course course = {.batch = batch};
    container_list_make(paths, batch->form, &course.list);
    course.status = course.list.complete ? COMMAND_DONE : COMMAND_FAILED;
    int problem = folders_make(folder);
    if (problem != 0) {
        complain(folder, "cannot make it: %s", strerror(problem));
        course.status = COMMAND_FAILED;
    } else if (find_targets(&course, folder)) {
        make_all(&course);
    } else {
        complain(batch->command, "out of memory");
        course.status = COMMAND_FAILED;
    }
    release(&course);
    return course.status;
}
