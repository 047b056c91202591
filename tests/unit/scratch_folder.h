// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A folder of a test's own, of which nothing is left. It is in /var/tmp: file systems in memory, as
// /tmp may be one, do not have everything that the tests look at.
#ifndef GEN5_TEST_SCRATCH_FOLDER_H
#define GEN5_TEST_SCRATCH_FOLDER_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch_folder {
    char path[64];
    int fd;
};

static inline struct scratch_folder scratch_folder_new(void) {
    struct scratch_folder folder = {.path = "/var/tmp/gen5-test-XXXXXX"};
    cr_assert_not_null(mkdtemp(folder.path));
    folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(folder.fd, 0);
    return folder;
}

static inline int scratch_folder_remove_entry(const char *path, const struct stat *attributes,
                                              int kind, struct FTW *place) {
    (void)attributes;
    (void)kind;
    (void)place;
    return remove(path);
}

// With whatever is in it.
static inline void scratch_folder_free(struct scratch_folder *folder) {
    close(folder->fd);
    cr_expect_eq(nftw(folder->path, scratch_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline bool scratch_folder_has(const struct scratch_folder *folder, const char *path) {
    return faccessat(folder->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
