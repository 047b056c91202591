// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Content for members, and what the source holds.
#include "members.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "mounted.h"

static struct bytes data_file(const char *path) {
    int data = open(getenv("GEN5_TEST_DATA"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(data, 0);
    struct bytes bytes = file_read(data, path);
    close(data);
    return bytes;
}

struct bytes some_image(void) {
    return data_file("images/rgb.png");
}

struct bytes another_image(void) {
    return data_file("images/rgba.png");
}

struct bytes metadata_with_prompt(const char *path, const char *prompt) {
    BYTES text = file_read(mounted.root, path);
    return bytes_replaced(text, "A puppy smiling, cinematic", prompt);
}

struct bytes latent_with_zeros(const char *path, size_t size) {
    struct bytes latent = file_read(mounted.root, path);
    cr_assert_leq(NPY_HEADER_SIZE + size, latent.size);
    memset(latent.data + NPY_HEADER_SIZE, 0, size);
    return latent;
}

struct bytes stored(const char *container, const char *member) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", mounted.source_path, container);
    int output = memfd_create("stored", MFD_CLOEXEC);
    cr_assert_geq(output, 0);
    const char *const words[] = {getenv("GEN5_PYTHON"), STORED_MEMBER, path, member, NULL};
    int status = run_program((char *const *)words, output);
    cr_assert_eq(status, 0, "%s is not sound, or cannot be read", container);
    struct bytes bytes = file_read_open(output);
    close(output);
    return bytes;
}

void expect_stored(const char *container, const char *member, struct bytes content) {
    BYTES found = stored(container, member);
    cr_expect(bytes_equal(found, content), "%s holds %zu bytes of %s that are not the %zu expected",
              container, found.size, member, content.size);
}

struct expected {
    const char *container;
    const char *member;
    struct bytes content;
};

static bool is_stored(const void *argument) {
    const struct expected *expected = argument;
    BYTES found = stored(expected->container, expected->member);
    return bytes_equal(found, expected->content);
}

void expect_stored_soon(const char *container, const char *member, struct bytes content) {
    const struct expected expected = {container, member, content};
    wait_until(is_stored, &expected, "the container holds what was written");
}

struct bytes reason_of(const char *path) {
    char whole[PATH_MAX];
    char value[4096];
    snprintf(whole, sizeof whole, "%s/%s", mounted.root_path, path);
    ssize_t size = lgetxattr(whole, "user.gen5.error", value, sizeof value);
    cr_assert(size >= 0 || errno == ENODATA, "%s: %s", path, strerror(errno));
    return bytes_copy(value, size > 0 ? (size_t)size : 0);
}

struct bytes rescued(const char *container) {
    char path[PATH_MAX];
    char name[NAME_MAX + 1] = "";
    snprintf(path, sizeof path, ".gen5fs/rescued/%s", container);
    int fd = openat(mounted.source, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "nothing was rescued: %s: %s", path, strerror(errno));
    DIR *folder = fdopendir(fd);
    cr_assert_not_null(folder);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *end = strrchr(entry->d_name, '.');
        if (entry->d_name[0] != '.' && (end == NULL || strcmp(end, ".reason") != 0)) {
            snprintf(name, sizeof name, "%s", entry->d_name);
            count++;
        }
    }
    cr_assert_eq(count, 1, "%zu files were rescued", count);
    struct bytes bytes = file_read(dirfd(folder), name);
    closedir(folder);
    return bytes;
}
