// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Bytes in memory, and whole files.
#include "bytes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct bytes bytes_new(size_t size) {
    struct bytes bytes = {.data = calloc(1, size + 1), .size = size};
    cr_assert_not_null(bytes.data);
    return bytes;
}

void bytes_free(struct bytes *bytes) {
    free(bytes->data);
}

struct bytes bytes_copy(const void *data, size_t size) {
    struct bytes bytes = bytes_new(size);
    memcpy(bytes.data, data, size);
    return bytes;
}

struct bytes bytes_of(const char *text) {
    return bytes_copy(text, strlen(text));
}

bool bytes_equal(struct bytes left, struct bytes right) {
    return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

static char *find(struct bytes bytes, const char *text) {
    return memmem(bytes.data, bytes.size, text, strlen(text));
}

bool bytes_contain(struct bytes bytes, const char *text) {
    return find(bytes, text) != NULL;
}

struct bytes bytes_replaced(struct bytes bytes, const char *from, const char *to) {
    const char *at = find(bytes, from);
    cr_assert_not_null(at, "\"%s\" is not there", from);
    size_t before = (size_t)(at - bytes.data);
    size_t after = bytes.size - before - strlen(from);
    struct bytes result = bytes_new(before + strlen(to) + after);
    memcpy(result.data, bytes.data, before);
    memcpy(result.data + before, to, strlen(to));
    memcpy(result.data + before + strlen(to), at + strlen(from), after);
    return result;
}

struct bytes file_read_open(int fd) {
    struct stat attributes;
    cr_assert_eq(fstat(fd, &attributes), 0, "fstat: %s", strerror(errno));
    struct bytes bytes = bytes_new((size_t)attributes.st_size);
    size_t size = 0;
    while (size < bytes.size) {
        ssize_t got = pread(fd, bytes.data + size, bytes.size - size, (off_t)size);
        cr_assert_gt(got, 0, "pread: %s", got < 0 ? strerror(errno) : "less than the size");
        size += (size_t)got;
    }
    return bytes;
}

struct bytes file_read(int folder, const char *path) {
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
    struct bytes bytes = file_read_open(fd);
    close(fd);
    return bytes;
}

bool file_exists(int folder, const char *path) {
    return faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

struct stat file_stat(int folder, const char *path) {
    struct stat attributes;
    cr_assert_eq(fstatat(folder, path, &attributes, AT_SYMLINK_NOFOLLOW), 0, "%s: %s", path,
                 strerror(errno));
    return attributes;
}

int close_status(int fd) {
    return close(fd) != 0 ? errno : 0;
}

static int write_all(int fd, struct bytes content) {
    size_t size = 0;
    while (size < content.size) {
        ssize_t wrote = write(fd, content.data + size, content.size - size);
        if (wrote < 0) {
            return errno;
        }
        size += (size_t)wrote;
    }
    return 0;
}

int file_save(int folder, const char *path, struct bytes content) {
    int fd = openat(folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno;
    }
    int problem = write_all(fd, content);
    int closed = close_status(fd);
    return problem != 0 ? problem : closed;
}

void file_write_at(int fd, struct bytes content, off_t offset) {
    ssize_t wrote = pwrite(fd, content.data, content.size, offset);
    cr_assert_eq(wrote, (ssize_t)content.size, "pwrite: %s", strerror(errno));
}
