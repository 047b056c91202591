// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Documents with one piece of their text replaced, and tables of what a check has to say of them.
#ifndef GEN5_TEST_TEXT_CHANGE_H
#define GEN5_TEST_TEXT_CHANGE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/error.h"

struct text_change {
    const char *old;
    const char *new;
    const char *message; // with which the changed text is refused; NULL where it is taken
};

// The first `old`, which has to be there, replaced by `new`; the caller frees the text.
static inline char *text_replaced(const char *text, const char *old, const char *new) {
    const char *at = strstr(text, old);
    char *result = NULL;
    cr_assert_not_null(at, "%s", old);
    cr_assert_gt(asprintf(&result, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)), 0);
    return result;
}

static inline void expect_changes(const char *text, const struct text_change *changes, size_t count,
                                  enum gen5_status (*check)(const char *text,
                                                            struct gen5_error *error)) {
    for (size_t i = 0; i < count; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        char *changed = text_replaced(text, changes[i].old, changes[i].new);
        enum gen5_status status = check(changed, &error);
        if (changes[i].message == NULL) {
            cr_expect_eq(status, GEN5_OK, "%s: %s", changes[i].new, error.message);
        } else {
            cr_expect_eq(status, GEN5_ERROR_INVALID, "%s", changes[i].new);
            cr_expect_str_eq(error.message, changes[i].message);
        }
        free(changed);
    }
}

#define EXPECT_CHANGES(text, changes, check)                                                       \
    expect_changes((text), (changes), sizeof(changes) / sizeof *(changes), (check))

#endif
