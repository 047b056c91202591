// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Documents by their paths: leaves, one line, bytes.
#include "gen5/document.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gen5_leaves leaves_of(const char *text, const char *path) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_leaves leaves;
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_assert_eq(gen5_leaves_read(text, strlen(text), path, &limits, &leaves, &error), GEN5_OK,
                 "%s: %s", text, error.message);
    return leaves;
}

// "path=text" of each leaf, one a line.
static void expect_leaves(const char *text, const char *path, const char *expected) {
    struct gen5_leaves leaves = leaves_of(text, path);
    char *told = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&told, &size);
    cr_assert_not_null(out);
    for (size_t i = 0; i < leaves.count; i++) {
        fprintf(out, "%s=%s\n", leaves.items[i].path, leaves.items[i].text);
    }
    fclose(out);
    cr_expect_str_eq(told, expected, "%s at %s", text, path);
    free(told);
    gen5_leaves_release(&leaves);
}

Test(document, leaves_come_in_the_order_of_the_text_with_their_paths) {
    expect_leaves("{\"b\": {\"c\": [1, {\"d\": \"x\"}]}, \"a\": null, \"e\": [[], {}, [ true ]]}",
                  "", "b.c[0]=1\nb.c[1].d=x\na=null\ne[0]=[]\ne[1]={}\ne[2][0]=true\n");
}

Test(document, a_leaf_may_be_the_whole_document) {
    expect_leaves(" 18446744073709551616 ", "", "=18446744073709551616\n");
    expect_leaves("{ \n }", "", "={}\n");
}

Test(document, leaves_below_a_path_are_named_from_there) {
    const char *text = "{\"a\": {\"b\": [1, {\"c\": 2.50}]}}";
    expect_leaves(text, "a", "b[0]=1\nb[1].c=2.50\n");
    expect_leaves(text, "a.b", "[0]=1\n[1].c=2.50\n");
    expect_leaves(text, "a.b[1].c", "=2.50\n");
    expect_leaves(text, "a.x", "");
    expect_leaves(text, "a[0]", "");
}

Test(document, names_that_are_no_words_stand_in_quotes_and_lead_back) {
    static const char *const names[] = {"a.b",  "",         "x[0]", "tab\\t",
                                        "\\\"", "\xc3\xa4", "\\\\", "]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[64], path[64];
        snprintf(text, sizeof text, "{\"o\": {\"%s\": {\"v\": %zu}}}", names[i], i);
        struct gen5_leaves leaves = leaves_of(text, "");
        cr_assert_eq(leaves.count, 1);
        snprintf(path, sizeof path, "o[\"%s\"].v", names[i]);
        cr_expect_str_eq(leaves.items[0].path, path);
        gen5_leaves_release(&leaves);
        leaves = leaves_of(text, path);
        cr_expect_eq(leaves.count, 1, "%s", path);
        gen5_leaves_release(&leaves);
    }
}

Test(document, paths_that_are_none_are_refused) {
    static const char *const paths[] = {".",  "a..b",  "a.",    "[",  "[x]",
                                        "[1", "[\"a]", "a[0]b", "a b"};
    struct gen5_limits limits = gen5_limits_default();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct gen5_leaves leaves;
        cr_expect_eq(gen5_leaves_read("{}", 2, paths[i], &limits, &leaves, NULL),
                     GEN5_ERROR_INVALID, "%s", paths[i]);
    }
}

Test(document, strings_are_decoded_and_the_last_of_a_repeated_key_is_found) {
    expect_leaves("{\"a\": \"1\\u00e4\\n\"}", "", "a=1\xc3\xa4\n\n");
    expect_leaves("{\"a\": 1, \"a\": 2}", "a", "=2\n");
}

Test(document, paths_that_would_fill_the_memory_are_refused) {
    // One long name over very many elements.
    enum { NAME = 1 << 20, ELEMENTS = 1 << 20 };
    char *text = malloc(NAME + 2 * ELEMENTS + 16);
    cr_assert_not_null(text);
    size_t size = (size_t)snprintf(text, 8, "{\"");
    memset(text + size, 'k', NAME);
    size += NAME;
    size += (size_t)snprintf(text + size, 8, "\":[1");
    for (size_t i = 0; i < ELEMENTS; i++) {
        memcpy(text + size, ",1", 2);
        size += 2;
    }
    size += (size_t)snprintf(text + size, 8, "]}");
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_leaves leaves;
    cr_expect_eq(gen5_leaves_read(text, size, "", &limits, &leaves, NULL), GEN5_ERROR_LIMIT);
    cr_expect_eq(leaves.count, 0);
    free(text);
}

Test(document, numbers_are_equal_by_their_digits) {
    static const struct {
        const char *left, *right;
        bool equal;
    } rows[] = {
        {"1", "1.0", true},
        {"10e-1", "1", true},
        {"0.5", "5e-1", true},
        {"-0.0", "0", true},
        {"120", "1.2E2", true},
        {"18446744073709551615", "18446744073709551616", false},
        {"9007199254740993", "9007199254740992", false},
        {"1", "-1", false},
        {"1e400", "1e401", false},
        {"NaN", "NaN", true},
        {"NaN", "0", false},
        {"Infinity", "-Infinity", false},
        {"12", "1.2", false},
        {"1.05", "1.5", false},
        {"\"1\"", "1", false},
        {"[]", "{}", false},
        {"true", "true", true},
        {"\"\\u00e4\"", "\"\xc3\xa4\"", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_leaves left = leaves_of(rows[i].left, "");
        struct gen5_leaves right = leaves_of(rows[i].right, "");
        cr_expect_eq(gen5_leaf_equal(&left.items[0], &right.items[0]), rows[i].equal, "row %zu", i);
        gen5_leaves_release(&left);
        gen5_leaves_release(&right);
    }
}

Test(document, a_line_is_ascii_with_the_literals_as_they_are) {
    static const char text[] = "{\n \"s\": \"\xc3\xa4\\n\\ud800\",\t\"n\": [1.50, 5e-324, NaN,\r\n"
                               " -Infinity, 18446744073709551615], \"e\": {}, \"t\": true}";
    static const char expected[] =
        "{\"s\": \"\\u00e4\\n\\ud800\", \"n\": [1.50, 5e-324, \"NaN\", \"-Infinity\", "
        "18446744073709551615], \"e\": {}, \"t\": true}";
    struct gen5_limits limits = gen5_limits_default();
    char *line = NULL;
    cr_assert_eq(gen5_document_line(text, strlen(text), "", &limits, &line, NULL), GEN5_OK);
    cr_expect_str_eq(line, expected);
    free(line);
    cr_assert_eq(gen5_document_line(text, strlen(text), "n[2]", &limits, &line, NULL), GEN5_OK);
    cr_expect_str_eq(line, "\"NaN\"");
    free(line);
    cr_expect_eq(gen5_document_line(text, strlen(text), "x", &limits, &line, NULL),
                 GEN5_ERROR_MISSING);
}

Test(document, bytes_that_are_no_utf_8_become_surrogates) {
    static const struct {
        const char *bytes, *json;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\xc3\xa4\xff\x80", "\"\\u00e4\\udcff\\udc80\""},
        {"\xed\xa0\x80", "\"\\udced\\udca0\\udc80\""},
        {"\x01\"\\", "\"\\u0001\\\"\\\\\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *json = gen5_bytes_to_json(rows[i].bytes, strlen(rows[i].bytes));
        cr_expect_str_eq(json, rows[i].json, "row %zu", i);
        free(json);
    }
}

Test(document, a_list_with_commas_becomes_an_array_of_its_words) {
    static const struct {
        const char *list, *json;
    } rows[] = {
        {"", "[]"},
        {"a", "[\"a\"]"},
        {"a,b", "[\"a\", \"b\"]"},
        {" a b ,\tc\r\n", "[\"a b\", \"c\"]"},
        {",a,, ,b,", "[\"a\", \"b\"]"},
        {", ,", "[]"},
        {"say \"no\",back\\slash", "[\"say \\\"no\\\"\", \"back\\\\slash\"]"},
        {"Stra\xc3\x9f"
         "e,\xf0\x9f\x90\xb6,\x01",
         "[\"Stra\\u00dfe\", \"\\ud83d\\udc36\", \"\\u0001\"]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *json = NULL;
        cr_expect_eq(gen5_comma_list_to_json(rows[i].list, strlen(rows[i].list), &json, NULL),
                     GEN5_OK, "row %zu", i);
        cr_expect_str_eq(json, rows[i].json, "row %zu", i);
        free(json);
    }
}

Test(document, a_list_that_is_no_utf8_is_refused_with_its_place) {
    static const struct {
        const char *list;
        int64_t offset;
    } rows[] = {{"\xff", 0}, {"a,b\xe4,c", 3}, {"a,\xed\xa0\x80", 2}, {"a,\xc3", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        char *json = NULL;
        cr_expect_eq(gen5_comma_list_to_json(rows[i].list, strlen(rows[i].list), &json, &error),
                     GEN5_ERROR_INVALID, "row %zu", i);
        cr_expect_eq(error.offset, rows[i].offset, "row %zu", i);
        cr_expect_null(json);
    }
}

// --- Changing -----------------------------------------------------------------------------------

static void expect_set(const char *text, const char *path, const char *literal,
                       const char *expected) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error = GEN5_ERROR_NONE;
    char *changed = NULL;
    size_t size = 0;
    cr_assert_eq(
        gen5_document_set(text, strlen(text), path, literal, &limits, &changed, &size, &error),
        GEN5_OK, "%s: %s", path, error.message);
    cr_expect_str_eq(changed, expected);
    cr_expect_eq(size, strlen(expected));
    free(changed);
}

Test(document, a_value_is_replaced_and_all_else_keeps_its_bytes) {
    expect_set("{ \"a\" : [1.50,\t2],\n\"b\":3 }", "a[1]", "\"x\"",
               "{ \"a\" : [1.50,\t\"x\"],\n\"b\":3 }");
    expect_set("{\"a\": 1, \"a\": 2}", "a", "3", "{\"a\": 1, \"a\": 3}");
    expect_set(" 5 ", "", "[]", " [] ");
}

Test(document, a_member_is_added_as_its_neighbours_are_laid_out) {
    expect_set("{\n  \"a\": {\n    \"b\": 1\n  }\n}", "a.c", "[1, 2]",
               "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": [\n      1,\n      2\n    ]\n  }\n}");
    expect_set("{\"a\": 1}", "b", "2", "{\"a\": 1, \"b\": 2}");
    expect_set("{\"a\":1}", "b", "{\"c\": null}", "{\"a\":1,\"b\":{\"c\":null}}");
}

Test(document, objects_that_are_missing_are_added) {
    expect_set("{\n  \"a\": 1\n}", "b.c.d", "5",
               "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": {\n      \"d\": 5\n    }\n  }\n}");
    expect_set("{\"a\": {}}", "a[\"x.y\"]", "5", "{\"a\": {\"x.y\": 5}}");
}

Test(document, what_has_no_place_is_not_set) {
    static const struct {
        const char *path, *literal;
    } rows[] = {
        {"a[1]", "1"},
        {"a.b", "1"},
        {"s.b", "1"},
        {"o[0]", "1"},
        {"o.x[0]", "1"},
        {"o.x", "nonsense"},
        {"o.x", ""},
        {"o.x", "1, \"y\": 2"},
        {"o..x", "1"},
        {"o.x", "\xef\xbb\xbf"
                "1"},
    };
    static const char text[] = "{\"a\": [0], \"s\": \"\", \"o\": {}}";
    struct gen5_limits limits = gen5_limits_default();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *changed = NULL;
        size_t size = 0;
        cr_expect_eq(gen5_document_set(text, strlen(text), rows[i].path, rows[i].literal, &limits,
                                       &changed, &size, NULL),
                     GEN5_ERROR_INVALID, "row %zu", i);
        cr_expect_null(changed);
    }
}

Test(document, what_could_not_be_read_again_is_not_written) {
    static const struct {
        const char *path, *literal;
        enum gen5_status status;
    } rows[] = {
        {"a.b", "[[1]]", GEN5_OK},
        {"a.b", "[[[1]]]", GEN5_ERROR_LIMIT},
        {"a.b.c.d.e", "1", GEN5_ERROR_LIMIT},
        {"a.b", "\"0123456789012345678901234567890123456789\"", GEN5_ERROR_TOO_LARGE},
    };
    static const char text[] = "{\"a\": {}}";
    struct gen5_limits limits = gen5_limits_default();
    limits.json_depth_max = 4;
    limits.manifest_size_max = 48;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *changed = NULL;
        size_t size = 0;
        cr_expect_eq(gen5_document_set(text, strlen(text), rows[i].path, rows[i].literal, &limits,
                                       &changed, &size, NULL),
                     rows[i].status, "row %zu", i);
        free(changed);
    }
}
