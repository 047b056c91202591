// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reading a folder's names.
#include "folder_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_bytes(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

int folder_names_visit(int folder_fd, int (*visit)(void *context, const char *name),
                       void *context) {
    int own = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = own >= 0 ? fdopendir(own) : NULL;
    if (stream == NULL) {
        int problem = errno;
        if (own >= 0) {
            close(own);
        }
        return problem;
    }
    char **names = NULL;
    size_t count = 0;
    int problem = 0;
    struct dirent *entry;
    while (problem == 0 && (errno = 0, entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char **longer = reallocarray(names, count + 1, sizeof *names);
        char *name = strdup(entry->d_name);
        names = longer != NULL ? longer : names;
        if (longer == NULL || name == NULL) {
            free(name);
            problem = ENOMEM;
        } else {
            names[count++] = name;
        }
    }
    problem = problem != 0 ? problem : errno;
    closedir(stream);
    if (count > 0) {
        qsort(names, count, sizeof *names, by_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        problem = problem == 0 ? visit(context, names[i]) : problem;
        free(names[i]);
    }
    free(names);
    return problem;
}
