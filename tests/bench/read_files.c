// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// read_files whole THREADS: opens, reads and closes each file named on standard input, shared out
// among so many threads.
// read_files head SIZE: reads the first SIZE bytes of each.
// read_files random COUNT: COUNT reads of 4 KiB at places by chance, in all of the files together.
//
// Prints the seconds that it took; the list is read before the clock starts. A client that costs
// next to nothing, so that what is measured is the file system.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "chance.h"

enum { THREADS_MAX = 64, BLOCK_SIZE = 128 * 1024, PAGE_SIZE = 4096 };

struct work {
    char **paths;
    size_t count;
    size_t first; // this thread takes every `step`-th from here
    size_t step;
    size_t size_max; // of what is read of each file
};

static int open_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail("%s: %s", path, strerror(errno));
    }
    return fd;
}

static void read_file(const char *path, char *block, size_t size_max) {
    int fd = open_file(path);
    ssize_t got = 1;
    for (size_t done = 0; done < size_max && got > 0; done += (size_t)got) {
        size_t rest = size_max - done;
        got = read(fd, block, rest < BLOCK_SIZE ? rest : BLOCK_SIZE);
        if (got < 0) {
            fail("%s: %s", path, strerror(errno));
        }
    }
    close(fd);
}

static void *read_share(void *argument) {
    const struct work *work = argument;
    char *block = malloc(BLOCK_SIZE);
    if (block == NULL) {
        fail("out of memory");
    }
    for (size_t i = work->first; i < work->count; i += work->step) {
        read_file(work->paths[i], block, work->size_max);
    }
    free(block);
    return NULL;
}

static void read_by_threads(char **paths, size_t count, size_t threads) {
    pthread_t running[THREADS_MAX];
    struct work works[THREADS_MAX];
    if (threads == 0 || threads > THREADS_MAX) {
        fail("1 to %d threads", THREADS_MAX);
    }
    for (size_t i = 0; i < threads; i++) {
        works[i] = (struct work){paths, count, i, threads, SIZE_MAX};
        if (pthread_create(&running[i], NULL, read_share, &works[i]) != 0) {
            fail("cannot start a thread");
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(running[i], NULL);
    }
}

static void read_at_random(char **paths, size_t count, size_t reads) {
    uint64_t state = 1;
    char page[PAGE_SIZE];
    for (size_t i = 0; i < count; i++) {
        int fd = open_file(paths[i]);
        struct stat attributes;
        if (fstat(fd, &attributes) != 0 || attributes.st_size < PAGE_SIZE) {
            fail("%s: no page to read", paths[i]);
        }
        uint64_t pages = (uint64_t)attributes.st_size / PAGE_SIZE;
        for (size_t j = 0; j < reads / count; j++) {
            off_t offset = (off_t)(random_next(&state) % pages) * PAGE_SIZE;
            if (pread(fd, page, sizeof page, offset) != PAGE_SIZE) {
                fail("%s: cannot read at %lld", paths[i], (long long)offset);
            }
        }
        close(fd);
    }
}

// The lines of standard input; never freed.
static char **read_paths(size_t *count) {
    char **paths = NULL;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    *count = 0;
    while ((length = getline(&line, &size, stdin)) > 0) {
        paths = reallocarray(paths, *count + 1, sizeof *paths);
        if (paths == NULL) {
            fail("out of memory");
        }
        line[length - 1] = '\0';
        paths[(*count)++] = line;
        line = NULL;
        size = 0;
    }
    if (*count == 0) {
        fail("no files are named on standard input");
    }
    return paths;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: read_files whole|head|random NUMBER <NAMES\n", stderr);
        return 2;
    }
    size_t number = strtoul(argv[2], NULL, 10);
    size_t count;
    char **paths = read_paths(&count);
    struct timespec begin;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (strcmp(argv[1], "whole") == 0) {
        read_by_threads(paths, count, number);
    } else if (strcmp(argv[1], "head") == 0) {
        struct work work = {paths, count, 0, 1, number};
        read_share(&work);
    } else if (strcmp(argv[1], "random") == 0) {
        read_at_random(paths, count, number);
    } else {
        fail("'%s' is none of whole, head and random", argv[1]);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.9f\n",
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return 0;
}
