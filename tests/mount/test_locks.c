// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Locks that programs take on what they edit: on members, scratch files and directories.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

static int open_file(const char *path, int flags) {
    int fd = openat(mounted.root, path, flags | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
    return fd;
}

MOUNT_TEST(locks, flock_excludes_other_descriptors_until_it_is_given_up) {
    static const char *const paths[] = {IMAGE, METADATA, CONTAINER, "."};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int one = open_file(paths[i], O_RDONLY);
        int other = open_file(paths[i], O_RDONLY);
        expect_errno(flock(one, LOCK_EX | LOCK_NB), 0);
        expect_errno(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
        expect_errno(flock(one, LOCK_UN), 0);
        expect_errno(flock(other, LOCK_SH | LOCK_NB), 0);
        expect_errno(flock(one, LOCK_SH | LOCK_NB), 0);
        expect_errno(flock(one, LOCK_EX | LOCK_NB), EWOULDBLOCK);
        close(other);
        expect_errno(flock(one, LOCK_EX | LOCK_NB), 0);
        close(one);
    }
}

static struct flock part(short kind, off_t start, off_t length) {
    return (struct flock){.l_type = kind, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

// The errno of another process that tries to lock a part of a scratch file for itself.
static int lock_elsewhere(off_t start, off_t length) {
    int status = 0;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct flock lock = part(F_WRLCK, start, length);
        int fd = openat(mounted.root, SCRATCH, O_RDWR | O_CLOEXEC);
        _exit(fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 ? errno : 0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

MOUNT_TEST(locks, record_locks_exclude_other_processes_byte_by_byte) {
    struct flock lock = part(F_WRLCK, 10, 10);
    int fd = open_file(SCRATCH, O_RDWR | O_CREAT | O_EXCL);
    expect_errno(fcntl(fd, F_SETLK, &lock), 0);
    cr_expect_eq(lock_elsewhere(15, 10), EAGAIN);
    cr_expect_eq(lock_elsewhere(20, 10), 0);
    lock = part(F_UNLCK, 10, 10);
    expect_errno(fcntl(fd, F_SETLK, &lock), 0);
    cr_expect_eq(lock_elsewhere(15, 10), 0);
    close(fd);
    expect_errno(unlinkat(mounted.root, SCRATCH, 0), 0);
}

MOUNT_TEST(locks, record_locks_of_descriptors_are_told_of) {
    struct flock lock = part(F_WRLCK, 0, 100);
    struct flock asked = part(F_RDLCK, 50, 1);
    int one = open_file(SCRATCH, O_RDWR | O_CREAT | O_EXCL);
    int other = open_file(SCRATCH, O_RDWR);
    expect_errno(fcntl(one, F_OFD_SETLK, &lock), 0);
    expect_errno(fcntl(other, F_OFD_SETLK, &asked), EAGAIN);
    expect_errno(fcntl(other, F_OFD_GETLK, &asked), 0);
    cr_expect_eq(asked.l_type, F_WRLCK);
    cr_expect_eq(asked.l_start, 0);
    cr_expect_eq(asked.l_len, 100);
    close(one);
    asked = part(F_RDLCK, 50, 1);
    expect_errno(fcntl(other, F_OFD_SETLK, &asked), 0);
    close(other);
    expect_errno(unlinkat(mounted.root, SCRATCH, 0), 0);
}

MOUNT_TEST(locks, a_locked_member_is_saved_by_its_owner) {
    BYTES image = some_image();
    int fd = open_file(IMAGE, O_WRONLY | O_TRUNC);
    expect_errno(flock(fd, LOCK_EX | LOCK_NB), 0);
    file_write_at(fd, image, 0);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
}
