// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which names stand for containers, and which are not shown.
#include <criterion/criterion.h>

#include "gen5fs/filesystem.h"

Test(names, a_container_s_name_ends_in_its_suffix) {
    static const struct {
        const char *name;
        bool is_container;
    } rows[] = {
        {"a.gen5", true},     {"a.b.gen5", true}, {".hidden.gen5", true}, {"\xff.gen5", true},
        {".gen5.gen5", true}, {".gen5", false},   {"gen5", false},        {"", false},
        {"a.GEN5", false},    {"a.gen", false},   {"a.gen5~", false},     {"a.gen5.part", false},
        {"a.gen5\n", false},  {"agen5", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(name_is_container(rows[i].name), rows[i].is_container, "row %s", rows[i].name);
    }
}

enum { DEVICE = 3, ROOT_INODE = 2, FOLDER_INODE = 5 };

static struct node folder_with(ino_t inode) {
    return (struct node){.kind = NODE_SOURCE, .device = DEVICE, .inode = inode};
}

#define TEMPORARY ".gen5fs-0123456789abcdef.tmp"

Test(names, temporaries_are_hidden_everywhere_and_the_project_s_folder_in_the_root) {
    struct node root = folder_with(ROOT_INODE);
    struct node folder = folder_with(FOLDER_INODE);
    struct node raw_root = folder_with(ROOT_INODE);
    struct filesystem filesystem = {.root = &root};
    raw_root.raw = true;
    const struct {
        const struct node *parent;
        const char *name;
        bool is_hidden;
    } rows[] = {
        {&root, TEMPORARY, true},           {&folder, TEMPORARY, true},
        {&root, ".gen5fs", true},           {&folder, ".gen5fs", false},
        {&raw_root, ".gen5fs", false},      {&raw_root, TEMPORARY, true},
        {&root, ".gen5fs-0123.tmp", false}, {&root, ".gen5fs2", false},
        {&root, "a.gen5", false},           {&root, ".hidden", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(name_is_hidden(&filesystem, rows[i].parent, rows[i].name), rows[i].is_hidden,
                     "row %zu: %s", i, rows[i].name);
    }
}

Test(names, the_mount_itself_is_hidden_in_its_own_folder_alone) {
    struct node root = folder_with(ROOT_INODE);
    struct node folder = folder_with(FOLDER_INODE);
    struct filesystem filesystem = {.root = &root,
                                    .mount_name = "mnt",
                                    .mount_parent_device = DEVICE,
                                    .mount_parent_inode = FOLDER_INODE};
    cr_expect(name_is_hidden(&filesystem, &folder, "mnt"));
    cr_expect(!name_is_hidden(&filesystem, &folder, "mnt2"));
    cr_expect(!name_is_hidden(&filesystem, &root, "mnt"));
}

Test(names, of_a_single_container_s_mount_only_that_is_shown) {
    struct node root = folder_with(ROOT_INODE);
    struct node folder = folder_with(FOLDER_INODE);
    struct filesystem filesystem = {.root = &root, .only_name = "one.gen5"};
    cr_expect(!name_is_hidden(&filesystem, &root, "one.gen5"));
    cr_expect(name_is_hidden(&filesystem, &root, "two.gen5"));
    cr_expect(!name_is_hidden(&filesystem, &folder, "two.gen5"));
}
