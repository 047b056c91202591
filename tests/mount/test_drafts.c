// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Writing to a member with the system calls that programs use, and what becomes of it when it is
// closed.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

static int open_member(const char *path, int flags) {
    int fd = openat(mounted.root, path, flags | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
    return fd;
}

// The tensor of CONTAINER as bytes, from a .npy file.
static void expect_latent(struct bytes npy) {
    BYTES tensor = bytes_copy(npy.data + NPY_HEADER_SIZE, npy.size - NPY_HEADER_SIZE);
    expect_stored(CONTAINER, "latent:initial_noise", tensor);
}

// Content from outside of the mount, in a file without a name.
static int file_with(struct bytes content) {
    int fd = memfd_create("content", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    file_write_at(fd, content, 0);
    return fd;
}

// --- Who ends a draft ---

MOUNT_TEST(drafts, close_of_a_duplicate_does_not_end_a_draft) {
    BYTES image = some_image();
    BYTES half = bytes_copy(image.data, image.size / 2);
    BYTES rest = bytes_copy(image.data + half.size, image.size - half.size);
    int fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    file_write_at(fd, half, 0);
    cr_expect_eq(close_status(dup(fd)), EINVAL, "it is half an image by now");
    file_write_at(fd, rest, (off_t)half.size);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
    mounted_expect_in_log("was not stored");
}

MOUNT_TEST(drafts, the_end_of_a_child_does_not_end_a_draft) {
    char *const words[] = {"/bin/true", NULL};
    BYTES image = some_image();
    BYTES half = bytes_copy(image.data, image.size / 2);
    BYTES rest = bytes_copy(image.data + half.size, image.size - half.size);
    int fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    file_write_at(fd, half, 0);
    cr_expect_eq(run_program(words, -1), 0);
    file_write_at(fd, rest, (off_t)half.size);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
    mounted_expect_in_log("was not stored");
}

MOUNT_TEST(drafts, descriptors_of_one_member_share_its_draft) {
    BYTES image = some_image();
    int writer = open_member(IMAGE, O_WRONLY | O_TRUNC);
    int reader = open_member(IMAGE, O_RDONLY);
    file_write_at(writer, image, 0);
    BYTES seen = file_read_open(reader);
    expect_bytes(seen, image);
    cr_expect_eq(close_status(writer), 0);
    cr_expect_eq(close_status(reader), 0);
}

MOUNT_TEST(drafts, a_reader_that_closes_first_ends_nothing) {
    BYTES image = some_image();
    int writer = open_member(IMAGE, O_WRONLY | O_TRUNC);
    cr_expect_eq(close_status(open_member(IMAGE, O_RDONLY)), 0);
    file_write_at(writer, image, 0);
    cr_expect_eq(close_status(writer), 0);
    expect_stored(CONTAINER, "image", image);
}

MOUNT_TEST(drafts, a_writer_that_writes_nothing_changes_nothing) {
    ino_t before = file_stat(mounted.source, CONTAINER).st_ino;
    cr_expect_eq(close_status(open_member(IMAGE, O_RDWR)), 0);
    cr_expect_eq(file_stat(mounted.source, CONTAINER).st_ino, before);
}

MOUNT_TEST(drafts, fdatasync_commits) {
    BYTES image = some_image();
    ino_t before = file_stat(mounted.source, CONTAINER).st_ino;
    int fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    file_write_at(fd, image, 0);
    expect_errno(fdatasync(fd), 0);
    cr_expect_neq(file_stat(mounted.source, CONTAINER).st_ino, before);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
}

MOUNT_TEST(drafts, a_member_that_is_deleted_while_it_is_written_stays_deleted) {
    BYTES image = some_image();
    BYTES nothing = bytes_of("");
    int fd = open_member(IMAGE, O_RDWR | O_TRUNC);
    file_write_at(fd, image, 0);
    expect_errno(unlinkat(mounted.root, IMAGE, 0), 0);
    BYTES held = file_read_open(fd);
    expect_bytes(held, image);
    cr_expect_eq(close_status(fd), 0);
    cr_expect(!file_exists(mounted.root, IMAGE));
    expect_stored_soon(CONTAINER, "image", nothing);
}

// --- What close and fsync say ---

MOUNT_TEST(drafts, an_invalid_close_gives_EINVAL_and_the_reason_in_an_attribute) {
    BYTES content = bytes_of("no image");
    BYTES before = file_read(mounted.root, IMAGE);
    int fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    file_write_at(fd, content, 0);
    cr_expect_eq(close_status(fd), EINVAL);
    BYTES reason = reason_of(IMAGE);
    cr_expect(bytes_contain(reason, "not a PNG image"), "\"%s\"", reason.data);
    BYTES after = file_read(mounted.root, IMAGE);
    expect_bytes(after, before);
    mounted_expect_in_log("was not stored");
    mounted_expect_in_log("was not saved");
}

MOUNT_TEST(drafts, an_invalid_fsync_gives_EINVAL_and_what_is_written_then_counts) {
    BYTES content = bytes_of("no image");
    BYTES image = some_image();
    int fd = open_member(IMAGE, O_RDWR | O_TRUNC);
    file_write_at(fd, content, 0);
    expect_errno(fsync(fd), EINVAL);
    file_write_at(fd, image, 0);
    expect_errno(fsync(fd), 0);
    char reason[256];
    expect_errno(fgetxattr(fd, "user.gen5.error", reason, sizeof reason), ENODATA);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
    mounted_expect_in_log("was not stored");
}

MOUNT_TEST(drafts, an_empty_image_is_refused_and_nothing_is_rescued) {
    BYTES before = file_read(mounted.root, IMAGE);
    cr_expect_eq(close_status(open_member(IMAGE, O_WRONLY | O_TRUNC)), EINVAL);
    BYTES after = file_read(mounted.root, IMAGE);
    expect_bytes(after, before);
    cr_expect(!file_exists(mounted.source, ".gen5fs/rescued/" CONTAINER));
    mounted_expect_in_log("was not stored");
}

// --- Ways of opening ---

MOUNT_TEST(drafts, o_excl_fails_where_the_member_is_and_makes_it_where_it_is_not) {
    BYTES image = some_image();
    expect_errno(openat(mounted.root, IMAGE, O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    expect_errno(unlinkat(mounted.root, IMAGE, 0), 0);
    int fd = open_member(IMAGE, O_WRONLY | O_CREAT | O_EXCL);
    expect_errno(openat(mounted.root, IMAGE, O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    file_write_at(fd, image, 0);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
}

MOUNT_TEST(drafts, o_append_writes_at_the_end_whatever_the_offset) {
    BYTES text = file_read(mounted.root, METADATA);
    BYTES space = bytes_of("\n\n");
    int fd = open_member(METADATA, O_WRONLY | O_APPEND);
    cr_expect_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_expect_eq(write(fd, space.data, space.size), (ssize_t)space.size);
    cr_expect_eq(lseek(fd, 0, SEEK_CUR), (off_t)(text.size + space.size));
    cr_expect_eq(close_status(fd), 0);
    BYTES after = file_read(mounted.root, METADATA);
    cr_expect_eq(strcmp(after.data + after.size - 3, "}\n\n"), 0);
}

MOUNT_TEST(drafts, a_member_opens_as_the_file_that_it_is) {
    expect_errno(openat(mounted.root, IMAGE, O_RDONLY | O_DIRECTORY), ENOTDIR);
    expect_errno(openat(mounted.root, IMAGE "/", O_RDONLY), ENOTDIR);
    expect_errno(openat(mounted.root, CONTAINER, O_RDONLY | O_NOFOLLOW | O_CREAT, 0644), EISDIR);
    expect_errno(openat(mounted.root, CONTAINER, O_WRONLY), EISDIR);
    int fd = open_member(IMAGE, O_RDONLY | O_NOFOLLOW);
    char byte;
    expect_errno(pwrite(fd, "x", 1, 0), EBADF);
    expect_errno(pread(fd, &byte, 1, -1), EINVAL);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(drafts, an_unnamed_file_in_a_container_is_refused_cleanly) {
    expect_errno(openat(mounted.root, CONTAINER, O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
}

// --- Ways of writing ---

MOUNT_TEST(drafts, a_write_in_the_middle_changes_that_part_alone) {
    BYTES latent = latent_with_zeros(LATENT, 64);
    BYTES zeros = bytes_copy(latent.data + NPY_HEADER_SIZE, 64);
    int fd = open_member(LATENT, O_WRONLY);
    file_write_at(fd, zeros, NPY_HEADER_SIZE);
    cr_expect_eq(close_status(fd), 0);
    expect_latent(latent);
}

MOUNT_TEST(drafts, a_gathered_write_is_one_content) {
    BYTES image = some_image();
    size_t part = image.size / 3;
    int fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    const struct iovec parts[] = {{image.data, part},
                                  {image.data + part, part},
                                  {image.data + 2 * part, image.size - 2 * part}};
    cr_expect_eq(pwritev(fd, parts, 3, 0), (ssize_t)image.size);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
}

MOUNT_TEST(drafts, copy_file_range_into_a_member_is_a_write) {
    BYTES image = some_image();
    cr_expect_eq(file_save(mounted.root, "outside.png", image), 0);
    int from = open_member("outside.png", O_RDONLY);
    int to = open_member(IMAGE, O_WRONLY | O_TRUNC);
    cr_expect_eq(copy_file_range(from, NULL, to, NULL, image.size, 0), (ssize_t)image.size);
    cr_expect_eq(close_status(to), 0);
    cr_expect_eq(close_status(from), 0);
    expect_stored(CONTAINER, "image", image);
}

MOUNT_TEST(drafts, sendfile_from_and_into_a_member) {
    BYTES image = some_image();
    BYTES old = file_read(mounted.root, IMAGE);
    int outside = file_with(image);
    int aside = memfd_create("aside", MFD_CLOEXEC);
    int fd = open_member(IMAGE, O_RDONLY);
    cr_expect_eq(sendfile(aside, fd, NULL, old.size), (ssize_t)old.size);
    BYTES sent = file_read_open(aside);
    expect_bytes(sent, old);
    cr_expect_eq(close_status(fd), 0);
    fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    off_t offset = 0;
    cr_expect_eq(sendfile(fd, outside, &offset, image.size), (ssize_t)image.size);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
    close(outside);
    close(aside);
}

MOUNT_TEST(drafts, a_pipe_is_spliced_into_a_member) {
    BYTES image = some_image();
    int ends[2];
    expect_errno(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(write(ends[1], image.data, image.size), (ssize_t)image.size);
    int fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    cr_expect_eq(splice(ends[0], NULL, fd, NULL, image.size, 0), (ssize_t)image.size);
    cr_expect_eq(close_status(fd), 0);
    expect_stored(CONTAINER, "image", image);
    close(ends[0]);
    close(ends[1]);
}

MOUNT_TEST(drafts, direct_io_writes_and_reads_a_member) {
    BYTES latent = latent_with_zeros(LATENT, 4096);
    int fd = open_member(LATENT, O_RDWR | O_DIRECT);
    file_write_at(fd, latent, 0);
    BYTES read = file_read_open(fd);
    expect_bytes(read, latent);
    cr_expect_eq(close_status(fd), 0);
    expect_latent(latent);
}

// --- Sizes ---

MOUNT_TEST(drafts, a_truncated_and_regrown_latent_reads_as_zeros) {
    BYTES latent = latent_with_zeros(LATENT, 4 * 32 * 32 * 2);
    int fd = open_member(LATENT, O_RDWR);
    expect_errno(ftruncate(fd, NPY_HEADER_SIZE), 0);
    expect_errno(ftruncate(fd, (off_t)latent.size), 0);
    cr_expect_eq(close_status(fd), 0);
    expect_latent(latent);
}

MOUNT_TEST(drafts, a_truncate_by_path_that_breaks_the_member_is_refused) {
    char path[2048];
    BYTES before = file_read(mounted.root, LATENT);
    snprintf(path, sizeof path, "%s/" LATENT, mounted.root_path);
    expect_errno(truncate(path, 1000), EINVAL);
    BYTES after = file_read(mounted.root, LATENT);
    expect_bytes(after, before);
    mounted_expect_in_log("was not stored");
    mounted_expect_in_log("was not saved");
}

MOUNT_TEST(drafts, a_hole_punched_into_a_latent_is_zeros) {
    BYTES latent = latent_with_zeros(LATENT, 64);
    int fd = open_member(LATENT, O_RDWR);
    expect_errno(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, NPY_HEADER_SIZE, 64), 0);
    cr_expect_eq(close_status(fd), 0);
    expect_latent(latent);
}

MOUNT_TEST(drafts, space_allocated_behind_a_member_is_part_of_it) {
    int fd = open_member(SCRATCH, O_RDWR | O_CREAT | O_EXCL);
    expect_errno(fallocate(fd, 0, 0, 8192), 0);
    cr_expect_eq(file_stat(mounted.root, SCRATCH).st_size, 8192);
    expect_errno(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
    cr_expect_eq(file_stat(mounted.root, SCRATCH).st_size, 8192);
    cr_expect_eq(close_status(fd), 0);
    expect_errno(unlinkat(mounted.root, SCRATCH, 0), 0);
}

MOUNT_TEST(drafts, a_member_is_data_up_to_its_end) {
    off_t size = file_stat(mounted.root, LATENT).st_size;
    int fd = open_member(LATENT, O_RDONLY);
    cr_expect_eq(lseek(fd, 0, SEEK_DATA), 0);
    cr_expect_eq(lseek(fd, 5, SEEK_DATA), 5);
    cr_expect_eq(lseek(fd, 5, SEEK_HOLE), size);
    cr_expect_eq(lseek(fd, 0, SEEK_END), size);
    expect_errno(lseek(fd, size, SEEK_DATA), ENXIO);
    expect_errno(lseek(fd, size, SEEK_HOLE), ENXIO);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(drafts, the_size_of_a_draft_is_seen_while_it_is_written) {
    BYTES image = some_image();
    int fd = open_member(IMAGE, O_WRONLY | O_TRUNC);
    cr_expect_eq(file_stat(mounted.root, IMAGE).st_size, 0);
    file_write_at(fd, image, 0);
    cr_expect_eq(file_stat(mounted.root, IMAGE).st_size, (off_t)image.size);
    cr_expect_eq(close_status(fd), 0);
    cr_expect_eq(file_stat(mounted.root, IMAGE).st_size, (off_t)image.size);
}
