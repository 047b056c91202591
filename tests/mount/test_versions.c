// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// An open file is the version that it opened, whatever becomes of its name and its container.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

static int open_to_read(const char *path, int flags) {
    int fd = openat(mounted.root, path, O_RDONLY | O_CLOEXEC | flags);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
    return fd;
}

// Another program puts another container in the place of one, in the source.
static void replace_in_source(const char *container, const char *by) {
    BYTES whole = file_read(mounted.source, by);
    cr_expect_eq(file_save(mounted.source, "part", whole), 0);
    expect_errno(renameat(mounted.source, "part", mounted.source, container), 0);
}

struct seen {
    const char *path;
    struct bytes content;
};

static bool reads_as(const void *argument) {
    const struct seen *seen = argument;
    BYTES content = file_read(mounted.root, seen->path);
    return bytes_equal(content, seen->content);
}

MOUNT_TEST(versions, open_file_keeps_its_version_when_the_container_is_replaced) {
    BYTES before = file_read(mounted.root, IMAGE);
    const struct seen seen = {IMAGE, file_read(mounted.root, SEVERAL "/image.png")};
    int fd = open_to_read(IMAGE, 0);
    int direct = open_to_read(IMAGE, O_DIRECT);
    replace_in_source(CONTAINER, SEVERAL);
    wait_until(reads_as, &seen, "the new image is seen");
    BYTES held = file_read_open(fd);
    BYTES held_too = file_read_open(direct);
    expect_bytes(held, before);
    expect_bytes(held_too, before);
    cr_expect_eq(close_status(fd), 0);
    cr_expect_eq(close_status(direct), 0);
    free(seen.content.data);
}

MOUNT_TEST(versions, open_file_keeps_its_version_when_the_member_is_replaced) {
    BYTES before = file_read(mounted.root, IMAGE);
    BYTES image = some_image();
    int fd = open_to_read(IMAGE, 0);
    cr_expect_eq(file_save(mounted.root, SCRATCH, image), 0);
    expect_errno(renameat(mounted.root, SCRATCH, mounted.root, IMAGE), 0);
    BYTES after = file_read(mounted.root, IMAGE);
    BYTES held = file_read_open(fd);
    expect_bytes(after, image);
    expect_bytes(held, before);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(versions, open_file_is_read_on_while_another_member_is_saved) {
    BYTES before = file_read(mounted.root, LATENT);
    BYTES image = some_image();
    int fd = open_to_read(LATENT, O_DIRECT);
    cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
    BYTES held = file_read_open(fd);
    expect_bytes(held, before);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(versions, a_file_saved_in_place_is_read_through_every_descriptor) {
    BYTES latent = latent_with_zeros(LATENT, 64);
    int fd = open_to_read(LATENT, 0);
    BYTES zeros = bytes_copy(latent.data + NPY_HEADER_SIZE, 64);
    int writer = openat(mounted.root, LATENT, O_WRONLY | O_CLOEXEC);
    cr_assert_geq(writer, 0);
    file_write_at(writer, zeros, NPY_HEADER_SIZE);
    cr_expect_eq(close_status(writer), 0);
    BYTES read = file_read_open(fd);
    expect_bytes(read, latent);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(versions, a_deleted_file_is_read_until_it_is_closed) {
    BYTES before = file_read(mounted.root, IMAGE);
    int fd = open_to_read(IMAGE, O_DIRECT);
    expect_errno(unlinkat(mounted.root, IMAGE, 0), 0);
    expect_errno(openat(mounted.root, IMAGE, O_RDONLY), ENOENT);
    BYTES held = file_read_open(fd);
    expect_bytes(held, before);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(versions, a_file_of_a_removed_container_is_read_until_it_is_closed) {
    BYTES before = file_read(mounted.root, IMAGE);
    int fd = open_to_read(IMAGE, O_DIRECT);
    expect_errno(unlinkat(mounted.source, CONTAINER, 0), 0);
    BYTES held = file_read_open(fd);
    expect_bytes(held, before);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(versions, a_saved_member_keeps_its_inode_number) {
    BYTES image = some_image();
    struct stat container = file_stat(mounted.root, CONTAINER);
    struct stat before = file_stat(mounted.root, IMAGE);
    struct stat latent = file_stat(mounted.root, LATENT);
    cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
    cr_expect_eq(file_stat(mounted.root, IMAGE).st_ino, before.st_ino);
    cr_expect_eq(file_stat(mounted.root, LATENT).st_ino, latent.st_ino);
    cr_expect_eq(file_stat(mounted.root, CONTAINER).st_ino, container.st_ino);
}

MOUNT_TEST(versions, times_change_with_a_save_and_not_with_a_read) {
    BYTES image = some_image();
    struct stat before = file_stat(mounted.root, IMAGE);
    BYTES read = file_read(mounted.root, IMAGE);
    struct stat same = file_stat(mounted.root, IMAGE);
    cr_expect_eq(memcmp(&before.st_mtim, &same.st_mtim, sizeof before.st_mtim), 0);
    cr_expect_eq(memcmp(&before.st_ctim, &same.st_ctim, sizeof before.st_ctim), 0);
    cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
    struct stat after = file_stat(mounted.root, IMAGE);
    cr_expect_neq(memcmp(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim), 0);
    struct stat source = file_stat(mounted.source, CONTAINER);
    cr_expect_eq(memcmp(&source.st_mtim, &after.st_mtim, sizeof source.st_mtim), 0);
}
