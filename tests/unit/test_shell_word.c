// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Paths in lines that somebody is told to type.
#include "gen5fs/shell_word.h"

#include <criterion/criterion.h>
#include <string.h>

Test(shell_word, is_the_path_in_quotes_where_it_needs_them) {
    static const struct {
        const char *path;
        const char *word;
    } rows[] = {
        {"/mnt/renders", "/mnt/renders"},
        {"/mnt/a-b_c.d+e,f:g@h%i=j", "/mnt/a-b_c.d+e,f:g@h%i=j"},
        {"/mnt/Übung", "/mnt/Übung"},
        {"", "''"},
        {"my renders", "'my renders'"},
        {"it's", "'it'\\''s'"},
        {"'", "''\\'''"},
        {"$HOME", "'$HOME'"},
        {"~", "'~'"},
        {"a;b", "'a;b'"},
        {"two\nlines", "'two\nlines'"},
        {"-point", "./-point"},
        {"-my point", "./'-my point'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_str_eq(shell_word_of(rows[i].path).text, rows[i].word, "row %s", rows[i].path);
    }
}

Test(shell_word, is_the_beginning_of_the_path_itself_where_it_does_not_fit) {
    char path[sizeof(struct shell_word) + 100];
    memset(path, '\'', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct shell_word word = shell_word_of(path);
    cr_expect_eq(strlen(word.text), sizeof word.text - 1);
    cr_expect_eq(strncmp(word.text, path, sizeof word.text - 1), 0);
}
