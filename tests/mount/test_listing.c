// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What getdents64(2) gives, and how it agrees with stat and statx.
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

enum { ENTRIES_MAX = 512, SMALL_BUFFER = 64, LARGE_BUFFER = 65536 };

struct entry {
    char name[256];
    uint64_t ino;
    int64_t next; // the position behind it
    unsigned char type;
};

struct listing {
    struct entry entries[ENTRIES_MAX];
    size_t count;
};

static int open_folder(const char *path) {
    int fd = openat(mounted.root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
    return fd;
}

// One call; what it gives is added. The number of bytes that it gave.
static long read_entries(int fd, size_t buffer_size, struct listing *listing) {
    _Alignas(struct dirent64) char buffer[LARGE_BUFFER];
    long got = syscall(SYS_getdents64, fd, buffer, buffer_size);
    cr_assert_geq(got, 0, "getdents64: %s", strerror(errno));
    for (long at = 0; at < got;) {
        const struct dirent64 *from = (const struct dirent64 *)(const void *)(buffer + at);
        struct entry *entry = &listing->entries[listing->count++];
        cr_assert_lt(listing->count, ENTRIES_MAX);
        snprintf(entry->name, sizeof entry->name, "%s", from->d_name);
        entry->ino = from->d_ino;
        entry->next = from->d_off;
        entry->type = from->d_type;
        at += from->d_reclen;
    }
    return got;
}

static void read_all(int fd, size_t buffer_size, struct listing *listing) {
    listing->count = 0;
    while (read_entries(fd, buffer_size, listing) > 0) {
    }
}

static struct listing *list(const char *path, size_t buffer_size) {
    struct listing *listing = calloc(1, sizeof *listing);
    cr_assert_not_null(listing);
    int fd = open_folder(path);
    read_all(fd, buffer_size, listing);
    close(fd);
    return listing;
}

static const struct entry *find(const struct listing *listing, const char *name) {
    for (size_t i = 0; i < listing->count; i++) {
        if (strcmp(listing->entries[i].name, name) == 0) {
            return &listing->entries[i];
        }
    }
    return NULL;
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void make_files(size_t count) {
    BYTES nothing = bytes_of("x");
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%03zu", i);
        cr_assert_eq(file_save(mounted.root, name, nothing), 0);
    }
}

MOUNT_TEST(listing, readdir_inode_equals_stat_and_type_equals_mode) {
    static const char *const folders[] = {".", CONTAINER, SEVERAL, SEVERAL "/latents"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct listing *listing = list(folders[i], LARGE_BUFFER);
        int fd = open_folder(folders[i]);
        cr_expect_geq(listing->count, 2);
        for (size_t j = 0; j < listing->count; j++) {
            const struct entry *entry = &listing->entries[j];
            struct stat attributes = file_stat(fd, entry->name);
            if (strcmp(entry->name, "..") != 0) {
                cr_expect_eq(entry->ino, attributes.st_ino, "%s/%s", folders[i], entry->name);
            }
            cr_expect_eq(entry->type, IFTODT(attributes.st_mode), "%s/%s", folders[i], entry->name);
        }
        close(fd);
        free(listing);
    }
}

MOUNT_TEST(listing, statx_agrees_with_stat_and_the_source) {
    struct statx found;
    struct stat image = file_stat(mounted.root, IMAGE);
    struct stat source = file_stat(mounted.source, CONTAINER);
    expect_errno(statx(mounted.root, IMAGE, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &found), 0);
    cr_expect_eq(found.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    cr_expect_eq(found.stx_ino, image.st_ino);
    cr_expect_eq(found.stx_size, (uint64_t)image.st_size);
    cr_expect_eq(found.stx_blocks, (found.stx_size + 511) / 512);
    cr_expect_eq(found.stx_nlink, 1);
    cr_expect_eq(found.stx_mode, S_IFREG | (source.st_mode & 0666));
    cr_expect_eq(found.stx_uid, source.st_uid);
    cr_expect_eq(found.stx_mtime.tv_sec, source.st_mtim.tv_sec);
    cr_expect_eq(found.stx_mtime.tv_nsec, (uint32_t)source.st_mtim.tv_nsec);
}

MOUNT_TEST(listing, a_small_buffer_lists_the_same_as_a_large_one) {
    make_files(200);
    struct listing *large = list(".", LARGE_BUFFER);
    struct listing *small = list(".", SMALL_BUFFER);
    cr_expect_eq(large->count, 204);
    cr_expect_eq(small->count, large->count);
    for (size_t i = 0; i < small->count; i++) {
        cr_expect_not_null(find(large, small->entries[i].name), "%s", small->entries[i].name);
    }
    free(large);
    free(small);
}

MOUNT_TEST(listing, a_listing_goes_on_from_any_position) {
    static const char *const folders[] = {".", SEVERAL, SEVERAL "/latents"};
    make_files(20);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct listing *whole = list(folders[i], LARGE_BUFFER);
        struct listing *rest = calloc(1, sizeof *rest);
        int fd = open_folder(folders[i]);
        for (size_t j = 0; j < whole->count; j++) {
            cr_assert_eq(lseek(fd, whole->entries[j].next, SEEK_SET), whole->entries[j].next);
            read_all(fd, LARGE_BUFFER, rest);
            cr_expect_eq(rest->count, whole->count - j - 1, "%s behind %s", folders[i],
                         whole->entries[j].name);
            if (rest->count > 0) {
                cr_expect_str_eq(rest->entries[0].name, whole->entries[j + 1].name);
            }
        }
        close(fd);
        free(rest);
        free(whole);
    }
}

MOUNT_TEST(listing, a_listing_that_is_rewound_shows_what_is_there_now) {
    struct listing *listing = calloc(1, sizeof *listing);
    BYTES nothing = bytes_of("x");
    int fd = open_folder(".");
    read_all(fd, LARGE_BUFFER, listing);
    cr_expect_null(find(listing, "later.txt"));
    cr_expect_eq(file_save(mounted.root, "later.txt", nothing), 0);
    cr_expect_eq(lseek(fd, 0, SEEK_SET), 0);
    read_all(fd, LARGE_BUFFER, listing);
    cr_expect_not_null(find(listing, "later.txt"));
    close(fd);
    free(listing);
}

// As rm -r does, with a buffer so small that it lists on after each removal.
MOUNT_TEST(listing, every_entry_is_listed_once_while_entries_are_removed) {
    make_files(150);
    struct listing *listing = calloc(1, sizeof *listing);
    int fd = open_folder(".");
    size_t removed = 0;
    listing->count = 0;
    while (read_entries(fd, SMALL_BUFFER, listing) > 0) {
        for (; removed < listing->count; removed++) {
            const struct entry *entry = &listing->entries[removed];
            if (entry->type == DT_REG) {
                expect_errno(unlinkat(mounted.root, entry->name, 0), 0);
            }
        }
    }
    close(fd);
    struct listing *left = list(".", LARGE_BUFFER);
    cr_expect_eq(left->count, 4, "%zu entries are left", left->count);
    free(left);
    free(listing);
}

MOUNT_TEST(listing, a_member_that_is_saved_meanwhile_is_listed_once) {
    BYTES image = some_image();
    BYTES text = metadata_with_prompt(METADATA, "saved meanwhile");
    struct listing *listing = calloc(1, sizeof *listing);
    int fd = open_folder(CONTAINER);
    listing->count = 0;
    while (read_entries(fd, SMALL_BUFFER, listing) > 0) {
        cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
        cr_expect_eq(file_save(mounted.root, METADATA, text), 0);
    }
    close(fd);
    size_t members = 0;
    for (size_t i = 0; i < listing->count; i++) {
        members += !is_dots(listing->entries[i].name);
        cr_expect_eq(find(listing, listing->entries[i].name), &listing->entries[i], "%s twice",
                     listing->entries[i].name);
    }
    cr_expect_eq(members, 4);
    free(listing);
}

MOUNT_TEST(listing, a_removed_folder_lists_nothing) {
    struct listing *listing = calloc(1, sizeof *listing);
    expect_errno(mkdirat(mounted.root, "folder", 0755), 0);
    int fd = open_folder("folder");
    expect_errno(unlinkat(mounted.root, "folder", AT_REMOVEDIR), 0);
    long got = syscall(SYS_getdents64, fd, listing, sizeof *listing);
    cr_expect(got == 0 || (got < 0 && errno == ENOENT), "%ld", got);
    close(fd);
    free(listing);
}
