// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// renameat2(2) within a container, between containers, and of containers.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

#define RENAME(from, to, flags) renameat2(mounted.root, (from), mounted.root, (to), (flags))

MOUNT_TEST(renaming, rename_over_a_member_commits_it) {
    BYTES image = some_image();
    cr_expect_eq(file_save(mounted.root, SCRATCH, image), 0);
    expect_errno(RENAME(SCRATCH, IMAGE, 0), 0);
    expect_stored(CONTAINER, "image", image);
    BYTES read = file_read(mounted.root, IMAGE);
    expect_bytes(read, image);
}

MOUNT_TEST(renaming, rename_over_a_member_of_what_is_not_valid_leaves_both_as_they_are) {
    BYTES before = file_read(mounted.root, IMAGE);
    BYTES text = bytes_of("no image");
    cr_expect_eq(file_save(mounted.root, SCRATCH, text), 0);
    expect_errno(RENAME(SCRATCH, IMAGE, 0), EINVAL);
    BYTES scratch = file_read(mounted.root, SCRATCH);
    BYTES image = file_read(mounted.root, IMAGE);
    BYTES reason = reason_of(IMAGE);
    expect_bytes(scratch, text);
    expect_bytes(image, before);
    cr_expect(bytes_contain(reason, "not a PNG image"), "\"%s\"", reason.data);
    expect_errno(unlinkat(mounted.root, SCRATCH, 0), 0);
    mounted_expect_in_log("was not stored");
}

MOUNT_TEST(renaming, rename_without_replacing_leaves_a_member_alone) {
    BYTES before = file_read(mounted.root, IMAGE);
    BYTES image = some_image();
    cr_expect_eq(file_save(mounted.root, SCRATCH, image), 0);
    expect_errno(RENAME(SCRATCH, IMAGE, RENAME_NOREPLACE), EEXIST);
    BYTES after = file_read(mounted.root, IMAGE);
    expect_bytes(after, before);
    expect_errno(unlinkat(mounted.root, IMAGE, 0), 0);
    expect_errno(RENAME(SCRATCH, IMAGE, RENAME_NOREPLACE), 0);
    expect_stored(CONTAINER, "image", image);
}

MOUNT_TEST(renaming, exchange_and_whiteout_are_refused_in_a_container) {
    BYTES before = file_read(mounted.root, IMAGE);
    BYTES image = some_image();
    cr_expect_eq(file_save(mounted.root, SCRATCH, image), 0);
    expect_errno(RENAME(SCRATCH, IMAGE, RENAME_EXCHANGE), EINVAL);
    expect_errno(RENAME(CONTAINER, SEVERAL, RENAME_EXCHANGE), EINVAL);
    BYTES after = file_read(mounted.root, IMAGE);
    expect_bytes(after, before);
    expect_errno(unlinkat(mounted.root, SCRATCH, 0), 0);
}

MOUNT_TEST(renaming, a_member_onto_itself_is_nothing) {
    ino_t before = file_stat(mounted.source, CONTAINER).st_ino;
    expect_errno(RENAME(IMAGE, IMAGE, 0), 0);
    expect_errno(RENAME(CONTAINER, CONTAINER, 0), 0);
    cr_expect_eq(file_stat(mounted.source, CONTAINER).st_ino, before);
}

MOUNT_TEST(renaming, a_member_renamed_away_and_back_is_not_rewritten) {
    ino_t before = file_stat(mounted.source, CONTAINER).st_ino;
    BYTES image = file_read(mounted.root, IMAGE);
    expect_errno(RENAME(IMAGE, SCRATCH, 0), 0);
    cr_expect(!file_exists(mounted.root, IMAGE));
    BYTES aside = file_read(mounted.root, SCRATCH);
    expect_bytes(aside, image);
    expect_errno(RENAME(SCRATCH, IMAGE, 0), 0);
    BYTES back = file_read(mounted.root, IMAGE);
    expect_bytes(back, image);
    cr_expect_eq(file_stat(mounted.source, CONTAINER).st_ino, before);
}

MOUNT_TEST(renaming, a_member_goes_to_no_other_container_by_rename) {
    expect_errno(RENAME(IMAGE, SEVERAL "/image.png", 0), EXDEV);
    expect_errno(RENAME(IMAGE, "image.png", 0), EXDEV);
    BYTES image = some_image();
    cr_expect_eq(file_save(mounted.root, "image.png", image), 0);
    expect_errno(RENAME("image.png", IMAGE, 0), EXDEV);
    cr_expect(file_exists(mounted.root, IMAGE));
}

MOUNT_TEST(renaming, the_folder_of_latents_stays_where_it_is) {
    expect_errno(RENAME(SEVERAL "/latents", SEVERAL "/others", 0), EPERM);
    expect_errno(RENAME(SEVERAL "/latents", "latents", 0), EXDEV);
    cr_expect(file_exists(mounted.root, SEVERAL "/latents/final_latent.npy"));
}

MOUNT_TEST(renaming, a_descriptor_writes_on_when_its_file_becomes_a_member) {
    BYTES image = some_image();
    BYTES half = bytes_copy(image.data, image.size / 2);
    BYTES rest = bytes_copy(image.data + half.size, image.size - half.size);
    int fd = openat(mounted.root, SCRATCH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    file_write_at(fd, half, 0);
    expect_errno(RENAME(SCRATCH, IMAGE, 0), 0);
    file_write_at(fd, rest, (off_t)half.size);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
}

MOUNT_TEST(renaming, a_container_keeps_its_inode_number_under_another_name) {
    struct stat container = file_stat(mounted.root, CONTAINER);
    struct stat image = file_stat(mounted.root, IMAGE);
    expect_errno(RENAME(CONTAINER, "renamed.gen5", 0), 0);
    cr_expect_eq(file_stat(mounted.root, "renamed.gen5").st_ino, container.st_ino);
    cr_expect_eq(file_stat(mounted.root, "renamed.gen5/image.png").st_ino, image.st_ino);
    expect_errno(openat(mounted.root, IMAGE, O_RDONLY), ENOENT);
}

MOUNT_TEST(renaming, a_container_with_members_is_not_replaced) {
    expect_errno(RENAME(CONTAINER, SEVERAL, 0), ENOTEMPTY);
    expect_errno(RENAME(CONTAINER, SEVERAL, RENAME_NOREPLACE), EEXIST);
    cr_expect(file_exists(mounted.root, IMAGE));
    cr_expect(file_exists(mounted.root, SEVERAL "/image.png"));
}

MOUNT_TEST(renaming, a_draft_is_stored_in_the_container_that_was_renamed_meanwhile) {
    BYTES image = some_image();
    int fd = openat(mounted.root, IMAGE, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    file_write_at(fd, image, 0);
    expect_errno(RENAME(CONTAINER, "renamed.gen5", 0), 0);
    cr_expect_eq(close_status(fd), 0);
    expect_stored("renamed.gen5", "image", image);
}
