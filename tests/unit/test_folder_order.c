// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The orders in which programs go through a folder's containers.
#include "gen5fs/folder_order.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen5fs/filesystem.h"

static struct filesystem filesystem;
static char path[] = "/tmp/gen5fs-folder-order-XXXXXX";
static struct node folder = {.kind = NODE_SOURCE};

static void make_folder(void) {
    cr_assert_not_null(mkdtemp(path));
    folder.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(folder.fd, 0);
}

static void remove_folder(void) {
    DIR *listing = fdopendir(folder.fd);
    struct dirent *found;
    while ((found = readdir(listing)) != NULL) {
        if (found->d_name[0] != '.') {
            cr_assert_eq(unlinkat(folder.fd, found->d_name, 0), 0);
        }
    }
    closedir(listing);
    cr_assert_eq(rmdir(path), 0);
}

static void make_file(const char *name) {
    int fd = openat(folder.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s", name);
    close(fd);
}

TestSuite(folder_order, .init = make_folder, .fini = remove_folder);

Test(folder_order, containers_are_found_at_their_places_by_name_and_as_listed) {
    static const char *const made[] = {"c.gen5", "a.gen5", "b.txt", "B.gen5", "d.gen5~", "aa.gen5"};
    static const char *const by_name[] = {"B.gen5", "a.gen5", "aa.gen5", "c.gen5"};
    enum { COUNT = sizeof by_name / sizeof *by_name };
    struct folder_order order;
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        make_file(made[i]);
    }
    cr_assert_eq(folder_order_read(&filesystem, &folder, &order), 0);
    cr_assert_eq(order.count, (size_t)COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        size_t places[ORDER_COUNT] = {COUNT, COUNT};
        cr_expect_str_eq(order.names[ORDER_BY_NAME][i], by_name[i]);
        cr_assert(folder_order_find(&order, by_name[i], places), "%s", by_name[i]);
        cr_expect_eq(places[ORDER_BY_NAME], i, "%s", by_name[i]);
        cr_assert_lt(places[ORDER_LISTED], (size_t)COUNT, "%s", by_name[i]);
        cr_expect_str_eq(order.names[ORDER_LISTED][places[ORDER_LISTED]], by_name[i]);
    }
    size_t places[ORDER_COUNT];
    cr_expect_not(folder_order_find(&order, "b.gen5", places));
    DIR *listing = opendir(path);
    size_t listed = 0;
    for (struct dirent *found; (found = readdir(listing)) != NULL;) {
        if (name_is_container(found->d_name)) {
            cr_expect_str_eq(order.names[ORDER_LISTED][listed++], found->d_name);
        }
    }
    closedir(listing);
    folder_order_release(&order);
}

Test(folder_order, an_empty_folder_has_none) {
    struct folder_order order;
    size_t places[ORDER_COUNT];
    cr_assert_eq(folder_order_read(&filesystem, &folder, &order), 0);
    cr_expect_eq(order.count, 0U);
    cr_expect_not(folder_order_find(&order, "a.gen5", places));
    folder_order_release(&order);
}

Test(folder_order, more_than_its_memory_takes_is_refused) {
    enum { NAME_LENGTH = 255, COUNT = (2 << 20) / (NAME_LENGTH + 1) + 1 };
    struct folder_order order = {.count = 0};
    char name[NAME_LENGTH + 1];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "%0*d.gen5", NAME_LENGTH - 5, i);
        make_file(name);
    }
    cr_expect_eq(folder_order_read(&filesystem, &folder, &order), E2BIG);
    cr_expect_eq(order.count, 0U);
}
