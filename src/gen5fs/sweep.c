// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Removing temporaries that nobody works on any more.
//
// Whoever makes one locks it (gen5/replace.h) and looks whether it still has its name once it has
// the lock. So one that can be locked here was left behind by a process that is gone, or its maker
// has not come to locking it yet: that one finds its temporary removed and makes another.
#include "sweep.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filesystem.h"
#include "folder_walk.h"
#include "gen5/replace.h"
#include "thread.h"

struct sweep {
    struct filesystem *filesystem;
    pthread_t thread;
    atomic_bool stop;
};

static void remove_if_abandoned(int folder_fd, const char *folder, const char *name) {
    int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct stat opened;
    struct stat named;
    if (fstat(fd, &opened) == 0 && S_ISREG(opened.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        fstatat(folder_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_ino == opened.st_ino && named.st_dev == opened.st_dev &&
        unlinkat(folder_fd, name, 0) == 0 && opened.st_size > 0) {
        // An empty one may be new; it is nothing to tell of in any case.
        note("removed %s/%s, which an interrupted change left behind", folder, name);
    }
    close(fd);
}

static void sweep_entry(void *context, int folder_fd, const char *folder, const char *name) {
    (void)context;
    if (gen5_temporary_name_is(name)) {
        remove_if_abandoned(folder_fd, folder, name);
    }
}

static void *run(void *argument) {
    struct sweep *sweep = argument;
    // On Linux this is the thread's own: whoever has just mounted goes first.
    setpriority(PRIO_PROCESS, (id_t)gettid(), 10);
    // A mount of one container has nothing to do with the folders beside it, but for our own.
    const bool below = sweep->filesystem->only_name == NULL;
    folder_walk(sweep->filesystem->source_fd, ".", below, sweep_entry, NULL, &sweep->stop);
    if (!below) {
        folder_walk(sweep->filesystem->source_fd, CONTROL_NAME, true, sweep_entry, NULL,
                    &sweep->stop);
    }
    return NULL;
}

struct sweep *sweep_start(struct filesystem *filesystem) {
    if (filesystem->read_only) {
        return NULL;
    }
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (sweep == NULL) {
        note("out of memory: temporaries of interrupted changes are not removed");
        return NULL;
    }
    sweep->filesystem = filesystem;
    int problem = thread_start(&sweep->thread, "sweep", run, sweep);
    if (problem != 0) {
        note("temporaries of interrupted changes are not removed: %s", strerror(problem));
        free(sweep);
        return NULL;
    }
    return sweep;
}

void sweep_stop(struct sweep *sweep) {
    if (sweep != NULL) {
        atomic_store(&sweep->stop, true);
        pthread_join(sweep->thread, NULL);
        free(sweep);
    }
}
