// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Replacing files: the old one or the new one, and no temporary left.
#include "gen5/replace.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "scratch_folder.h"

// --- Folders and files ---

static size_t count_names(const struct scratch_folder *folder) {
    DIR *stream = opendir(folder->path);
    cr_assert_not_null(stream);
    size_t count = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(stream);
    return count;
}

static int create(const struct scratch_folder *folder, const char *name, const char *content) {
    int fd = openat(folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    return fd;
}

static void expect_content(const struct scratch_folder *folder, const char *name,
                           const char *expected) {
    char found[64] = "";
    int fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_geq(read(fd, found, sizeof found - 1), 0);
    cr_expect_str_eq(found, expected);
    close(fd);
}

static struct gen5_identity identity_of(int fd) {
    struct stat attributes;
    cr_assert_eq(fstat(fd, &attributes), 0);
    return gen5_identity_of(&attributes);
}

static struct gen5_replacement begin(const struct scratch_folder *folder, int old_fd) {
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_assert_eq(gen5_replacement_begin(&replacement, folder->fd, old_fd, &error), GEN5_OK, "%s",
                 error.message);
    cr_assert_eq(write(replacement.fd, "new", 3), 3);
    return replacement;
}

// --- Committing ---

Test(replace, commit_puts_the_new_file_in_the_place_of_the_old) {
    struct scratch_folder folder = scratch_folder_new();
    int old_fd = create(&folder, "x.gen5", "old");
    struct gen5_identity old = identity_of(old_fd);
    struct gen5_replacement replacement = begin(&folder, old_fd);
    expect_content(&folder, "x.gen5", "old");
    struct stat committed;
    cr_expect_eq(
        gen5_replacement_commit(&replacement, "x.gen5", &old, GEN5_SYNC_FOLDER, &committed, NULL),
        GEN5_OK);
    struct gen5_identity expected = gen5_identity_of(&committed);
    gen5_replacement_release(&replacement);
    expect_content(&folder, "x.gen5", "new");
    struct stat now;
    cr_assert_eq(fstatat(folder.fd, "x.gen5", &now, 0), 0);
    struct gen5_identity found = gen5_identity_of(&now);
    cr_expect(gen5_identity_equal(&found, &expected));
    cr_expect_eq(count_names(&folder), 1);
    close(old_fd);
    scratch_folder_free(&folder);
}

Test(replace, release_without_commit_leaves_the_old_file_and_no_temporary) {
    struct scratch_folder folder = scratch_folder_new();
    int old_fd = create(&folder, "x.gen5", "old");
    struct gen5_replacement replacement = begin(&folder, old_fd);
    cr_expect_eq(count_names(&folder), 2);
    cr_expect(gen5_temporary_name_is(replacement.name));
    gen5_replacement_release(&replacement);
    gen5_replacement_release(&replacement);
    cr_expect_eq(count_names(&folder), 1);
    expect_content(&folder, "x.gen5", "old");
    close(old_fd);
    scratch_folder_free(&folder);
}

static void change_content(const struct scratch_folder *folder, int fd) {
    (void)folder;
    cr_assert_eq(pwrite(fd, "OLD", 3, 0), 3);
}

static void change_size(const struct scratch_folder *folder, int fd) {
    (void)folder;
    cr_assert_eq(ftruncate(fd, 2), 0);
}

static void delete_file(const struct scratch_folder *folder, int fd) {
    (void)fd;
    cr_assert_eq(unlinkat(folder->fd, "x.gen5", 0), 0);
}

static void exchange_file(const struct scratch_folder *folder, int fd) {
    delete_file(folder, fd);
    close(create(folder, "x.gen5", "old"));
}

static void make_symlink(const struct scratch_folder *folder, int fd) {
    (void)fd;
    cr_assert_eq(renameat(folder->fd, "x.gen5", folder->fd, "y.gen5"), 0);
    cr_assert_eq(symlinkat("y.gen5", folder->fd, "x.gen5"), 0);
}

Test(replace, commit_over_a_file_that_was_changed_is_refused) {
    static void (*const changes[])(const struct scratch_folder *, int) = {
        change_content, change_size, delete_file, exchange_file, make_symlink};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct scratch_folder folder = scratch_folder_new();
        int old_fd = create(&folder, "x.gen5", "old");
        // Times of its own, so that a change within one tick of the clock is one.
        struct timespec times[2] = {{1000, 1}, {1000, 1}};
        cr_assert_eq(futimens(old_fd, times), 0);
        struct gen5_identity old = identity_of(old_fd);
        struct gen5_replacement replacement = begin(&folder, old_fd);
        changes[i](&folder, old_fd);
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(
            gen5_replacement_commit(&replacement, "x.gen5", &old, GEN5_SYNC_FILE, NULL, &error),
            GEN5_ERROR_CHANGED, "row %zu: %s", i, error.message);
        char name[GEN5_TEMPORARY_NAME_SIZE];
        memcpy(name, replacement.name, sizeof name);
        gen5_replacement_release(&replacement);
        cr_expect_neq(faccessat(folder.fd, name, F_OK, 0), 0, "row %zu", i);
        close(old_fd);
        scratch_folder_free(&folder);
    }
}

Test(replace, new_name_is_taken_only_where_it_is_free) {
    struct scratch_folder folder = scratch_folder_new();
    struct gen5_replacement replacement = begin(&folder, -1);
    cr_expect_eq(gen5_replacement_commit(&replacement, "x.gen5", NULL, GEN5_SYNC_FILE, NULL, NULL),
                 GEN5_OK);
    gen5_replacement_release(&replacement);
    cr_expect_eq(count_names(&folder), 1);
    expect_content(&folder, "x.gen5", "new");

    replacement = begin(&folder, -1);
    cr_assert_eq(write(replacement.fd, "er", 2), 2);
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(
        gen5_replacement_commit(&replacement, "x.gen5", NULL, GEN5_SYNC_FILE, NULL, &error),
        GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, EEXIST);
    gen5_replacement_release(&replacement);
    cr_expect_eq(count_names(&folder), 1);
    expect_content(&folder, "x.gen5", "new");
    scratch_folder_free(&folder);
}

Test(replace, new_name_that_is_a_dangling_symlink_is_not_free) {
    struct scratch_folder folder = scratch_folder_new();
    cr_assert_eq(symlinkat("nowhere", folder.fd, "x.gen5"), 0);
    struct gen5_replacement replacement = begin(&folder, -1);
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(
        gen5_replacement_commit(&replacement, "x.gen5", NULL, GEN5_SYNC_FILE, NULL, &error),
        GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, EEXIST);
    gen5_replacement_release(&replacement);
    cr_expect_eq(count_names(&folder), 1);
    scratch_folder_free(&folder);
}

Test(replace, begin_in_a_folder_that_is_none_tells_why) {
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_expect_eq(gen5_replacement_begin(&replacement, file, -1, &error), GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, ENOTDIR);
    cr_expect_eq(replacement.fd, -1);
    gen5_replacement_release(&replacement);
    close(file);
}

// --- Attributes ---

static mode_t mode_of(int fd) {
    struct stat attributes;
    cr_assert_eq(fstat(fd, &attributes), 0);
    return attributes.st_mode & 07777;
}

Test(replace, new_file_follows_the_umask) {
    struct scratch_folder folder = scratch_folder_new();
    umask(027);
    struct gen5_replacement replacement = begin(&folder, -1);
    cr_expect_eq(mode_of(replacement.fd), 0640);
    gen5_replacement_release(&replacement);
    scratch_folder_free(&folder);
}

Test(replace, mode_is_taken_over_whatever_the_umask) {
    static const mode_t modes[] = {0644, 0600, 0666, 0400, 0000, 0777, 0604};
    struct scratch_folder folder = scratch_folder_new();
    umask(077);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        int old_fd = create(&folder, "x.gen5", "old");
        cr_assert_eq(fchmod(old_fd, modes[i]), 0);
        struct gen5_replacement replacement = begin(&folder, old_fd);
        cr_expect_eq(mode_of(replacement.fd), modes[i], "row %zu", i);
        gen5_replacement_release(&replacement);
        close(old_fd);
        cr_expect_eq(unlinkat(folder.fd, "x.gen5", 0), 0);
    }
    scratch_folder_free(&folder);
}

Test(replace, root_takes_the_owner_over) {
    if (geteuid() != 0) {
        cr_skip_test("needs root");
    }
    struct scratch_folder folder = scratch_folder_new();
    int old_fd = create(&folder, "x.gen5", "old");
    cr_assert_eq(fchown(old_fd, 1234, 5678), 0);
    cr_assert_eq(fchmod(old_fd, 0640), 0);
    struct gen5_replacement replacement = begin(&folder, old_fd);
    struct stat attributes;
    cr_assert_eq(fstat(replacement.fd, &attributes), 0);
    cr_expect_eq(attributes.st_uid, 1234);
    cr_expect_eq(attributes.st_gid, 5678);
    cr_expect_eq(attributes.st_mode & 07777, 0640);
    gen5_replacement_release(&replacement);
    close(old_fd);
    scratch_folder_free(&folder);
}

// What another user's program may do who can write to the folder and read the file.
Test(replace, owner_that_cannot_be_given_never_lets_others_in) {
    static const struct {
        mode_t old;
        mode_t expected;
    } rows[] = {{0644, 0644}, {0640, 0600}, {0604, 0600}, {0666, 0666}, {0660, 0600}, {0664, 0600}};
    if (geteuid() != 0) {
        cr_skip_test("needs root");
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scratch_folder folder = scratch_folder_new();
        int old_fd = create(&folder, "x.gen5", "old");
        cr_assert_eq(fchown(old_fd, 1234, 5678), 0);
        cr_assert_eq(fchmod(old_fd, rows[i].old), 0);
        cr_assert_eq(fchmod(folder.fd, 0777), 0);
        cr_assert_eq(setegid(4321), 0);
        cr_assert_eq(seteuid(4321), 0);
        struct gen5_replacement replacement = begin(&folder, old_fd);
        cr_expect_eq(mode_of(replacement.fd), rows[i].expected, "row %zu: %o", i,
                     mode_of(replacement.fd));
        gen5_replacement_release(&replacement);
        cr_assert_eq(seteuid(0), 0);
        cr_assert_eq(setegid(0), 0);
        close(old_fd);
        scratch_folder_free(&folder);
    }
}

// "user.*" is not to be had everywhere: then the test has nothing to see.
static void need_attribute(int fd, const char *name, const void *value, size_t size) {
    if (fsetxattr(fd, name, value, size, 0) != 0) {
        cr_assert(errno == EOPNOTSUPP || errno == EPERM, "%s: %s", name, strerror(errno));
        cr_skip_test("the file system has no %s", name);
    }
}

Test(replace, extended_attributes_are_taken_over) {
    struct scratch_folder folder = scratch_folder_new();
    int old_fd = create(&folder, "x.gen5", "old");
    need_attribute(old_fd, "user.one", "1", 1);
    need_attribute(old_fd, "user.empty", "", 0);
    need_attribute(old_fd, "user.binary", "a\0b", 3);
    struct gen5_replacement replacement = begin(&folder, old_fd);
    char value[16];
    cr_expect_eq(fgetxattr(replacement.fd, "user.one", value, sizeof value), 1);
    cr_expect_eq(fgetxattr(replacement.fd, "user.empty", value, sizeof value), 0);
    cr_expect_eq(fgetxattr(replacement.fd, "user.binary", value, sizeof value), 3);
    cr_expect_eq(memcmp(value, "a\0b", 3), 0);
    gen5_replacement_release(&replacement);
    close(old_fd);
    scratch_folder_free(&folder);
}

// An access list as the kernel has it in "system.posix_acl_*": version 2, then tag, permissions and
// id of each entry, little-endian.
static const uint8_t access_list[] = {
    2,    0, 0, 0,                         // version
    0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, // the owner: rw
    0x02, 0, 4, 0, 0xd2, 0x04, 0x00, 0x00, // user 1234: r
    0x04, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, // the group: nothing
    0x10, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, // mask: r
    0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, // others: nothing
};

Test(replace, access_list_is_taken_over) {
    struct scratch_folder folder = scratch_folder_new();
    int old_fd = create(&folder, "x.gen5", "old");
    need_attribute(old_fd, "system.posix_acl_access", access_list, sizeof access_list);
    struct gen5_replacement replacement = begin(&folder, old_fd);
    uint8_t found[128];
    cr_expect_eq(fgetxattr(replacement.fd, "system.posix_acl_access", found, sizeof found),
                 (ssize_t)sizeof access_list);
    cr_expect_eq(memcmp(found, access_list, sizeof access_list), 0);
    cr_expect_eq(mode_of(replacement.fd), 0640);
    gen5_replacement_release(&replacement);
    close(old_fd);
    scratch_folder_free(&folder);
}

Test(replace, access_list_of_the_folder_does_not_let_others_in) {
    struct scratch_folder folder = scratch_folder_new();
    int old_fd = create(&folder, "x.gen5", "old");
    cr_assert_eq(fchmod(old_fd, 0640), 0);
    need_attribute(folder.fd, "system.posix_acl_default", access_list, sizeof access_list);
    struct gen5_replacement replacement = begin(&folder, old_fd);
    uint8_t found[128];
    cr_expect_eq(fgetxattr(replacement.fd, "system.posix_acl_access", found, sizeof found), -1);
    cr_expect_eq(mode_of(replacement.fd), 0640);
    gen5_replacement_release(&replacement);
    close(old_fd);
    scratch_folder_free(&folder);
}

// --- Names, identities, folders ---

Test(replace, temporary_names_are_told_from_all_others) {
    static const struct {
        const char *name;
        bool expected;
    } rows[] = {
        {".gen5fs-0123456789abcdef.tmp", true},
        {".gen5fs-ffffffffffffffff.tmp", true},
        {".gen5fs-0123456789abcde.tmp", false},
        {".gen5fs-0123456789abcdef0.tmp", false},
        {".gen5fs-0123456789ABCDEF.tmp", false},
        {".gen5fs-0123456789abcdef.tmp2", false},
        {".gen5fs-0123456789abcdef", false},
        {"gen5fs-0123456789abcdef.tmp", false},
        {".gen5fs-", false},
        {".gen5fs", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(gen5_temporary_name_is(rows[i].name), rows[i].expected, "%s", rows[i].name);
    }
}

Test(replace, identity_differs_in_each_of_its_five_parts) {
    struct stat attributes = {.st_dev = 1, .st_ino = 2, .st_size = 3};
    attributes.st_mtim = (struct timespec){4, 5};
    attributes.st_ctim = (struct timespec){6, 7};
    struct gen5_identity one = gen5_identity_of(&attributes);
    struct gen5_identity others[] = {one, one, one, one, one, one, one, one};
    others[1].device++;
    others[2].inode++;
    others[3].size++;
    others[4].modified.tv_sec++;
    others[5].modified.tv_nsec++;
    others[6].changed.tv_sec++;
    others[7].changed.tv_nsec++;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cr_expect_eq(gen5_identity_equal(&one, &others[i]), i == 0, "row %zu", i);
    }
}

Test(replace, folder_is_synced_by_either_kind_of_descriptor) {
    struct scratch_folder folder = scratch_folder_new();
    cr_expect_eq(gen5_folder_sync(folder.fd, NULL), GEN5_OK);
    int path_fd = open(folder.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_expect_eq(gen5_folder_sync(path_fd, NULL), GEN5_OK);
    close(path_fd);
    cr_expect_eq(gen5_folder_sync(-1, NULL), GEN5_ERROR_SYSTEM);
    scratch_folder_free(&folder);
}
