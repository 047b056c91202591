// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Containers as directories: made, filled, and removed by the calls that tools make.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

MOUNT_TEST(containers, mkdir_makes_a_valid_container) {
    expect_errno(mkdirat(mounted.root, "new.gen5", 0750), 0);
    struct stat shown = file_stat(mounted.root, "new.gen5");
    struct stat source = file_stat(mounted.source, "new.gen5");
    BYTES text = stored("new.gen5", "metadata");
    cr_expect(bytes_contain(text, "gen5_metadata"));
    cr_expect(S_ISDIR(shown.st_mode));
    cr_expect(S_ISREG(source.st_mode));
    cr_expect_eq(shown.st_mode & 0777, 0750U & ~022U, "mode %o", shown.st_mode);
    cr_expect_eq(source.st_mode & 0777, 0640U & ~022U, "mode %o", source.st_mode);
    expect_errno(mkdirat(mounted.root, "new.gen5", 0755), EEXIST);
}

MOUNT_TEST(containers, an_image_is_put_into_a_container_that_mkdir_made) {
    BYTES image = some_image();
    expect_errno(mkdirat(mounted.root, "new.gen5", 0755), 0);
    int folder = openat(mounted.root, "new.gen5", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(folder, 0);
    int fd = openat(folder, "image.png", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0);
    file_write_at(fd, image, 0);
    cr_expect_eq(close_status(fd), 0);
    close(folder);
    expect_stored("new.gen5", "image", image);
}

MOUNT_TEST(containers, rmdir_takes_an_empty_container_and_no_other) {
    expect_errno(mkdirat(mounted.root, "new.gen5", 0755), 0);
    expect_errno(unlinkat(mounted.root, "new.gen5", AT_REMOVEDIR), 0);
    cr_expect(!file_exists(mounted.source, "new.gen5"));
    expect_errno(unlinkat(mounted.root, CONTAINER, AT_REMOVEDIR), ENOTEMPTY);
    expect_errno(unlinkat(mounted.root, CONTAINER, 0), EISDIR);
    expect_errno(unlinkat(mounted.root, IMAGE, AT_REMOVEDIR), ENOTDIR);
    cr_expect(file_exists(mounted.source, CONTAINER));
}

// As rm -r does it. Returns how long it took.
static int64_t remove_tree(void) {
    static const char *const members[] = {"image.png", "latent.npy", "env.json", "metadata.json"};
    struct timespec begin;
    struct timespec end;
    int folder = openat(mounted.root, CONTAINER, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(folder, 0);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        expect_errno(unlinkat(folder, members[i], 0), 0);
    }
    close(folder);
    expect_errno(unlinkat(mounted.root, CONTAINER, AT_REMOVEDIR), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

// A repack would put a new file in the container's place. One comes by right where a member stays
// removed for a second (on a machine that has stopped meanwhile), so that a slow round does not
// count.
MOUNT_TEST(containers, rm_r_repacks_nothing) {
    _Alignas(struct inotify_event) char events[4096];
    BYTES whole = file_read(mounted.source, CONTAINER);
    bool slow = true;
    for (int round = 0; slow && round < 20; round++) {
        if (round > 0) {
            cr_assert_eq(file_save(mounted.source, CONTAINER, whole), 0);
        }
        int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        cr_assert_geq(inotify_add_watch(watch, mounted.source_path, IN_MOVED_TO), 0);
        slow = remove_tree() > 800;
        if (!slow) {
            expect_errno(read(watch, events, sizeof events), EAGAIN);
        }
        cr_expect(!file_exists(mounted.source, CONTAINER));
        close(watch);
    }
    cr_expect(!slow);
}

MOUNT_TEST(containers, a_removed_member_leaves_the_container_and_the_others_stay) {
    BYTES nothing = bytes_of("");
    BYTES environment = stored(CONTAINER, "environment");
    expect_errno(unlinkat(mounted.root, IMAGE, 0), 0);
    expect_stored_soon(CONTAINER, "image", nothing);
    expect_stored(CONTAINER, "environment", environment);
}

MOUNT_TEST(containers, links_pipes_devices_and_folders_are_refused_in_a_container) {
    expect_errno(linkat(mounted.root, IMAGE, mounted.root, CONTAINER "/link", 0), EPERM);
    expect_errno(linkat(mounted.root, IMAGE, mounted.root, "link", 0), EPERM);
    expect_errno(symlinkat("image.png", mounted.root, CONTAINER "/link"), EPERM);
    expect_errno(mkdirat(mounted.root, CONTAINER "/folder", 0755), EPERM);
    expect_errno(mkfifoat(mounted.root, CONTAINER "/pipe", 0644), EPERM);
    expect_errno(mknodat(mounted.root, CONTAINER "/socket", S_IFSOCK | 0644, 0), EPERM);
    expect_errno(mknodat(mounted.root, CONTAINER "/null", S_IFCHR | 0644, makedev(1, 3)), EPERM);
    cr_expect(!file_exists(mounted.root, CONTAINER "/link"));
}

MOUNT_TEST(containers, mknod_makes_a_scratch_file) {
    expect_errno(mknodat(mounted.root, SCRATCH, S_IFREG | 0644, 0), 0);
    cr_expect_eq(file_stat(mounted.root, SCRATCH).st_size, 0);
    expect_errno(mknodat(mounted.root, SCRATCH, S_IFREG | 0644, 0), EEXIST);
    expect_errno(unlinkat(mounted.root, SCRATCH, 0), 0);
}

MOUNT_TEST(containers, latents_are_made_and_found_by_their_keys) {
    BYTES latent = file_read(mounted.root, LATENT);
    BYTES tensor = stored(CONTAINER, "latent:initial_noise");
    cr_expect_eq(file_save(mounted.root, CONTAINER "/latents/a second.npy", latent), 0);
    expect_stored(CONTAINER, "latent:a second", tensor);
    struct stat first = file_stat(mounted.root, LATENT);
    struct stat by_key = file_stat(mounted.root, CONTAINER "/latents/initial_noise.npy");
    cr_expect_eq(first.st_ino, by_key.st_ino);
    expect_errno(unlinkat(mounted.root, CONTAINER "/latents", AT_REMOVEDIR), ENOTEMPTY);
}

MOUNT_TEST(containers, a_name_of_255_bytes_is_a_container_and_one_more_is_too_long) {
    char name[257];
    BYTES image = some_image();
    memset(name, 'n', sizeof name);
    memcpy(name + 250, ".gen5", sizeof ".gen5");
    expect_errno(mkdirat(mounted.root, name, 0755), 0);
    char path[512];
    snprintf(path, sizeof path, "%s/image.png", name);
    cr_expect_eq(file_save(mounted.root, path, image), 0);
    expect_stored(name, "image", image);
    memset(name, 'n', sizeof name);
    memcpy(name + 251, ".gen5", sizeof ".gen5");
    expect_errno(mkdirat(mounted.root, name, 0755), ENAMETOOLONG);
}

MOUNT_TEST(containers, a_mode_that_is_changed_through_a_member_is_the_container_s) {
    expect_errno(fchmodat(mounted.root, IMAGE, 06754, 0), 0);
    cr_expect_eq(file_stat(mounted.source, CONTAINER).st_mode & 07777, 0644U & 0754U);
    cr_expect_eq(file_stat(mounted.root, METADATA).st_mode & 07777, 0644U);
    cr_expect_eq(file_stat(mounted.root, CONTAINER).st_mode & 07777, 0755U);
}

MOUNT_TEST(containers, times_that_are_set_are_the_container_s_to_the_nanosecond) {
    const struct timespec times[2] = {{.tv_sec = 1234567890, .tv_nsec = 123456789},
                                      {.tv_sec = 987654321, .tv_nsec = 987654321}};
    expect_errno(utimensat(mounted.root, IMAGE, times, 0), 0);
    struct stat source = file_stat(mounted.source, CONTAINER);
    struct stat shown = file_stat(mounted.root, LATENT);
    cr_expect_eq(memcmp(&source.st_mtim, &times[1], sizeof times[1]), 0);
    cr_expect_eq(memcmp(&shown.st_mtim, &times[1], sizeof times[1]), 0);
}
