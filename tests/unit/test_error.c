// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Error values.
#include "gen5/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(error, set_fills_every_field) {
    struct gen5_error error = {GEN5_ERROR_SYSTEM, EIO, 7, "before"};
    cr_expect_eq(gen5_error_set(&error, GEN5_ERROR_DAMAGED, 42, "field %s is %d", "x", 3),
                 GEN5_ERROR_DAMAGED);
    cr_expect_eq(error.status, GEN5_ERROR_DAMAGED);
    cr_expect_eq(error.os_error, 0);
    cr_expect_eq(error.offset, 42);
    cr_expect_str_eq(error.message, "field x is 3");
}

Test(error, set_system_adds_the_cause) {
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(gen5_error_set_system(&error, ENOSPC, "cannot write %s", "it"), GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, ENOSPC);
    cr_expect_eq(error.offset, GEN5_OFFSET_NONE);
    cr_expect_str_eq(error.message, "cannot write it: No space left on device");
}

Test(error, nobody_has_to_listen) {
    cr_expect_eq(gen5_error_set(NULL, GEN5_ERROR_HASH, 0, "%s", "x"), GEN5_ERROR_HASH);
    cr_expect_eq(gen5_error_set_system(NULL, EIO, "x"), GEN5_ERROR_SYSTEM);
    cr_expect_eq(gen5_error_set_memory(NULL), GEN5_ERROR_MEMORY);
    cr_expect_eq(gen5_error_prefix(NULL, "x"), GEN5_OK);
}

Test(error, prefix_stands_before_the_message_and_changes_nothing_else) {
    struct gen5_error error = GEN5_ERROR_NONE;
    gen5_error_set(&error, GEN5_ERROR_LIMIT, 5, "too deep");
    cr_expect_eq(gen5_error_prefix(&error, "%s chunk", "META"), GEN5_ERROR_LIMIT);
    cr_expect_str_eq(error.message, "META chunk: too deep");
    cr_expect_eq(error.offset, 5);
}

Test(error, message_stays_one_line_of_utf8) {
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        {"a\nb\tc\x7f", "a?b?c?"},
        {"schön 潜在 🙂", "schön 潜在 🙂"},
        {"bad \xff\xfe here", "bad ?? here"},
        {"cut \xe6\xbd", "cut ??"},
        {"C1 \xc2\x9b.", "C1 ??."},
        {"line \xe2\x80\xa8.", "line ???."},
        {"overlong \xc0\xaf.", "overlong ??."},
        {"overlong \xe0\x80\xaf.", "overlong ???."},
        {"surrogate \xed\xa0\x80.", "surrogate ???."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        gen5_error_set(&error, GEN5_ERROR_INVALID, 0, "%s", rows[i].text);
        cr_expect_str_eq(error.message, rows[i].expected, "row %zu: %s", i, error.message);
    }
}

Test(error, long_message_is_cut_between_characters) {
    char text[1024];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'x', lead);
        for (size_t i = lead; i + 4 < sizeof text; i += 4) {
            memcpy(text + i, "🙂", 4);
        }
        text[lead + 1000] = '\0';
        struct gen5_error error = GEN5_ERROR_NONE;
        gen5_error_set(&error, GEN5_ERROR_INVALID, 0, "%s", text);
        size_t length = strlen(error.message);
        cr_expect_geq(length, GEN5_ERROR_MESSAGE_SIZE - 5, "%zu", length);
        cr_expect_eq((length - lead) % 4, 0, "cut within a character after %zu bytes", length);
        cr_expect_eq(memcmp(error.message, text, length), 0);
    }
}

Test(error, long_prefix_does_not_overrun) {
    char text[1024];
    memset(text, 'y', sizeof text);
    text[sizeof text - 1] = '\0';
    struct gen5_error error = GEN5_ERROR_NONE;
    gen5_error_set(&error, GEN5_ERROR_INVALID, 0, "%s", text);
    gen5_error_prefix(&error, "%s", text);
    cr_expect_eq(strlen(error.message), GEN5_ERROR_MESSAGE_SIZE - 1);
}

Test(error, every_status_has_an_errno) {
    static const struct {
        enum gen5_status status;
        int expected;
    } rows[] = {
        {GEN5_OK, 0},
        {GEN5_ERROR_MEMORY, ENOMEM},
        {GEN5_ERROR_DAMAGED, EIO},
        {GEN5_ERROR_LIMIT, EIO},
        {GEN5_ERROR_HASH, EIO},
        {GEN5_ERROR_INVALID, EINVAL},
        {GEN5_ERROR_TOO_LARGE, EFBIG},
        {GEN5_ERROR_MISSING, ENOENT},
        {GEN5_ERROR_CHANGED, ESTALE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_error error = {rows[i].status, 0, 0, ""};
        cr_expect_eq(gen5_error_errno(&error), rows[i].expected, "row %zu", i);
    }
    struct gen5_error error = {GEN5_ERROR_SYSTEM, EDQUOT, 0, ""};
    cr_expect_eq(gen5_error_errno(&error), EDQUOT);
}
