// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The files of tests/data.
#ifndef GEN5_TEST_DATA_FILE_H
#define GEN5_TEST_DATA_FILE_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// `name` is a path below tests/data; the descriptor is the caller's to close.
static inline int data_file_open(const char *name) {
    const char *data = getenv("GEN5_TEST_DATA");
    cr_assert_not_null(data, "GEN5_TEST_DATA is not set");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", data, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "cannot open %s", path);
    return fd;
}

// The file's bytes, in new memory of `capacity` bytes, in which they have to fit.
static inline void *data_file_read(const char *name, size_t capacity, size_t *size) {
    int fd = data_file_open(name);
    void *bytes = malloc(capacity);
    cr_assert_not_null(bytes);
    ssize_t got = read(fd, bytes, capacity);
    cr_assert(got >= 0 && (size_t)got < capacity, "%s", name);
    close(fd);
    *size = (size_t)got;
    return bytes;
}

#endif
