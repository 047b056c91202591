// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Walking folders, and opening what lies below one, whatever is put in the way.
#include "gen5fs/folder_walk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen5fs/beneath.h"
#include "scratch_folder.h"

static struct scratch_folder top;

static void begin(void) {
    top = scratch_folder_new();
}

static void end(void) {
    scratch_folder_free(&top);
}

static void make_folder(const char *path) {
    cr_assert_eq(mkdirat(top.fd, path, 0755), 0, "%s", path);
}

static void make_file(const char *path) {
    int fd = openat(top.fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0, "%s", path);
    close(fd);
}

// --- open_beneath, make_folders_beneath ---

Test(beneath, opens_what_lies_below, .init = begin, .fini = end) {
    make_folder("a");
    make_folder("a/b");
    make_file("a/b/c");
    int fd = open_beneath(top.fd, "a/b/c", O_RDONLY);
    cr_assert_geq(fd, 0);
    cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}

Test(beneath, opens_nothing_that_lies_elsewhere, .init = begin, .fini = end) {
    make_folder("a");
    make_file("a/file");
    cr_assert_eq(symlinkat("a", top.fd, "link"), 0);
    cr_assert_eq(symlinkat("a/file", top.fd, "link-to-file"), 0);
    cr_assert_eq(symlinkat("/etc", top.fd, "a/outside"), 0);
    static const struct {
        const char *path;
        int problem;
    } rows[] = {
        {"../", EXDEV},       {"a/../../etc", EXDEV},  {"/etc/passwd", EXDEV},
        {"link/file", ELOOP}, {"link-to-file", ELOOP}, {"a/outside/passwd", ELOOP},
        {"none", ENOENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(open_beneath(top.fd, rows[i].path, O_RDONLY), -1, "row %s", rows[i].path);
        cr_expect_eq(errno, rows[i].problem, "row %s: %s", rows[i].path, strerror(errno));
    }
}

Test(beneath, makes_the_folders_that_are_missing, .init = begin, .fini = end) {
    struct stat attributes;
    make_folder("a");
    int fd = make_folders_beneath(top.fd, "a/b//c/", 0700, getuid(), getgid());
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(fstatat(top.fd, "a/b/c", &attributes, 0), 0);
    cr_expect_eq(attributes.st_mode & 0777, 0700);
    fd = make_folders_beneath(top.fd, "a/b/c", 0700, getuid(), getgid());
    cr_expect_geq(fd, 0, "they are there");
    close(fd);
}

Test(beneath, makes_no_folder_elsewhere, .init = begin, .fini = end) {
    make_folder("a");
    make_file("file");
    cr_assert_eq(symlinkat("a", top.fd, "link"), 0);
    static const char *const paths[] = {"link/x", "a/../../x", "file/x", "../x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        cr_expect_eq(make_folders_beneath(top.fd, paths[i], 0700, getuid(), getgid()), -1, "row %s",
                     paths[i]);
    }
    cr_expect(!scratch_folder_has(&top, "a/x"));
}

// --- folder_walk ---

struct seen {
    size_t count;
    size_t stop_at; // 0: never
    atomic_bool stop;
    bool removes;
    char paths[32][128];
};

static void see(void *context, int folder_fd, const char *folder, const char *name) {
    struct seen *seen = context;
    if (seen->count < 32) {
        snprintf(seen->paths[seen->count], sizeof seen->paths[0], "%s/%s", folder, name);
    }
    seen->count++;
    if (seen->removes) {
        cr_expect_eq(unlinkat(folder_fd, name, 0), 0, "%s/%s", folder, name);
    }
    if (seen->count == seen->stop_at) {
        atomic_store(&seen->stop, true);
    }
}

static bool has_seen(const struct seen *seen, const char *path) {
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static void make_tree(void) {
    make_file("top");
    make_folder("a");
    make_file("a/one");
    make_folder("a/b");
    make_file("a/b/two");
    make_folder("a/empty");
    cr_assert_eq(symlinkat("../a", top.fd, "a/loop"), 0);
    cr_assert_eq(symlinkat("/etc", top.fd, "outside"), 0);
}

Test(folder_walk, sees_everything_but_folders_and_follows_no_symlink, .init = begin, .fini = end) {
    struct seen seen = {0};
    make_tree();
    folder_walk(top.fd, ".", true, see, &seen, NULL);
    cr_expect_eq(seen.count, 5);
    cr_expect(has_seen(&seen, "./top"));
    cr_expect(has_seen(&seen, "./outside"));
    cr_expect(has_seen(&seen, "a/one"));
    cr_expect(has_seen(&seen, "a/loop"));
    cr_expect(has_seen(&seen, "a/b/two"));
}

Test(folder_walk, begins_where_it_is_told_and_stays_there_when_it_is_told, .init = begin,
     .fini = end) {
    struct seen below = {0};
    struct seen only = {0};
    make_tree();
    folder_walk(top.fd, "a", true, see, &below, NULL);
    cr_expect_eq(below.count, 3);
    cr_expect(has_seen(&below, "a/b/two"));
    folder_walk(top.fd, "a", false, see, &only, NULL);
    cr_expect_eq(only.count, 2);
    cr_expect(!has_seen(&only, "a/b/two"));
}

Test(folder_walk, sees_nothing_where_there_is_no_such_folder, .init = begin, .fini = end) {
    struct seen seen = {0};
    make_tree();
    folder_walk(top.fd, "none", true, see, &seen, NULL);
    folder_walk(top.fd, "top", true, see, &seen, NULL);
    folder_walk(top.fd, "a/loop", true, see, &seen, NULL);
    cr_expect_eq(seen.count, 0);
}

Test(folder_walk, entries_may_be_removed_on_the_way, .init = begin, .fini = end) {
    struct seen seen = {.removes = true};
    make_tree();
    folder_walk(top.fd, ".", true, see, &seen, NULL);
    cr_expect_eq(seen.count, 5);
    cr_expect(!scratch_folder_has(&top, "a/b/two"));
}

Test(folder_walk, ends_when_it_is_stopped, .init = begin, .fini = end) {
    struct seen seen = {.stop_at = 2};
    make_tree();
    folder_walk(top.fd, ".", true, see, &seen, &seen.stop);
    cr_expect_eq(seen.count, 2);
}

// Deeper than the process may have open files.
Test(folder_walk, does_not_run_out_of_descriptors_however_deep_folders_nest, .init = begin,
     .fini = end) {
    enum { DEPTH = 400 };
    struct seen seen = {0};
    int fd = dup(top.fd);
    for (int i = 0; i < DEPTH; i++) {
        cr_assert_eq(mkdirat(fd, "deep", 0755), 0);
        int next = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = next;
        cr_assert_geq(fd, 0);
    }
    close(openat(fd, "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    close(fd);
    const struct rlimit few = {.rlim_cur = 32, .rlim_max = 32};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    folder_walk(top.fd, ".", true, see, &seen, NULL);
    cr_expect_eq(seen.count, 1);
}
