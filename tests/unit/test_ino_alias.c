// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The numbers of containers: they last, and no two are the same.
#include "gen5fs/ino_alias.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { DEVICE = 7, FILES = 300, INODES = 400, REPLACEMENTS = 20000 };

Test(ino_alias, a_file_that_was_never_replaced_has_the_same_number_in_every_mount) {
    struct ino_aliases one = {0};
    struct ino_aliases other = {0};
    cr_assert_eq(ino_aliases_replace(&other, DEVICE, 50, 51), 0);
    cr_expect_eq(ino_aliases_shown(&one, DEVICE, 10), ino_aliases_shown(&other, DEVICE, 10));
    cr_expect_neq(ino_aliases_shown(&one, DEVICE, 10), ino_aliases_shown(&one, DEVICE, 11));
    ino_aliases_release(&one);
    ino_aliases_release(&other);
}

Test(ino_alias, a_file_keeps_its_number_through_every_replacement_and_takes_no_more_room) {
    struct ino_aliases aliases = {0};
    const uint64_t shown = ino_aliases_shown(&aliases, DEVICE, 100);
    for (ino_t inode = 100; inode < 100 + REPLACEMENTS; inode++) {
        cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, inode, inode + 1), 0);
        cr_assert_eq(ino_aliases_shown(&aliases, DEVICE, inode + 1), shown);
    }
    cr_expect_leq(aliases.capacity, 64);
    ino_aliases_release(&aliases);
}

Test(ino_alias, a_number_that_is_shown_is_not_given_to_the_next_owner_of_its_inode) {
    struct ino_aliases aliases = {0};
    const uint64_t first = ino_aliases_shown(&aliases, DEVICE, 100);
    cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, 100, 101), 0);
    const uint64_t second = ino_aliases_shown(&aliases, DEVICE, 100);
    cr_expect_neq(second, first);
    cr_expect_eq(ino_aliases_shown(&aliases, DEVICE, 100), second, "it changed when asked again");
    cr_expect_eq(ino_aliases_shown(&aliases, DEVICE, 101), first);
    ino_aliases_release(&aliases);
}

Test(ino_alias, two_files_whose_inodes_change_places_keep_their_numbers) {
    struct ino_aliases aliases = {0};
    const uint64_t one = ino_aliases_shown(&aliases, DEVICE, 1);
    const uint64_t two = ino_aliases_shown(&aliases, DEVICE, 2);
    cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, 1, 3), 0);
    cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, 2, 1), 0);
    cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, 3, 2), 0);
    cr_expect_eq(ino_aliases_shown(&aliases, DEVICE, 2), one);
    cr_expect_eq(ino_aliases_shown(&aliases, DEVICE, 1), two);
    ino_aliases_release(&aliases);
}

Test(ino_alias, an_inode_that_came_from_a_file_removed_unseen_shows_the_number_of_its_new_file) {
    struct ino_aliases aliases = {0};
    cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, 1, 2), 0);
    // The file with inode 2 is removed by another program; a repack of another file gets it.
    const uint64_t other = ino_aliases_shown(&aliases, DEVICE, 9);
    cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, 9, 2), 0);
    cr_expect_eq(ino_aliases_shown(&aliases, DEVICE, 2), other);
    ino_aliases_release(&aliases);
}

Test(ino_alias, devices_are_told_apart) {
    struct ino_aliases aliases = {0};
    const uint64_t here = ino_aliases_shown(&aliases, DEVICE, 1);
    cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, 1, 2), 0);
    cr_expect_eq(ino_aliases_shown(&aliases, DEVICE, 2), here);
    cr_expect_neq(ino_aliases_shown(&aliases, DEVICE + 1, 2), here);
    ino_aliases_release(&aliases);
}

static int by_number(const void *left, const void *right) {
    uint64_t one = *(const uint64_t *)left;
    uint64_t other = *(const uint64_t *)right;
    return one < other ? -1 : one > other;
}

// Files and inodes as a file system deals them out: those that are freed are soon used again.
Test(ino_alias, numbers_of_many_files_last_and_differ) {
    struct ino_aliases aliases = {0};
    ino_t inodes[FILES];
    uint64_t shown[FILES];
    ino_t free_inodes[INODES - FILES];
    srand(1);
    for (ino_t i = 0; i < INODES; i++) {
        if (i < FILES) {
            inodes[i] = i + 1;
            shown[i] = ino_aliases_shown(&aliases, DEVICE, i + 1);
        } else {
            free_inodes[i - FILES] = i + 1;
        }
    }
    for (int i = 0; i < REPLACEMENTS; i++) {
        size_t file = (size_t)rand() % FILES;
        size_t spare = (size_t)rand() % (INODES - FILES);
        ino_t old = inodes[file];
        cr_assert_eq(ino_aliases_replace(&aliases, DEVICE, old, free_inodes[spare]), 0);
        inodes[file] = free_inodes[spare];
        free_inodes[spare] = old;
        cr_assert_eq(ino_aliases_shown(&aliases, DEVICE, inodes[file]), shown[file]);
    }
    for (size_t i = 0; i < FILES; i++) {
        cr_expect_eq(ino_aliases_shown(&aliases, DEVICE, inodes[i]), shown[i], "file %zu", i);
    }
    qsort(shown, FILES, sizeof *shown, by_number);
    for (size_t i = 1; i < FILES; i++) {
        cr_expect_neq(shown[i], shown[i - 1]);
    }
    ino_aliases_release(&aliases);
}
