// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The JSON reader, and what is built on it: literals, paths, repeated keys, the second opinion.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json_document.h"
#include "json_keys.h"
#include "json_literal.h"
#include "json_path.h"
#include "json_text.h"
#include "json_tree.h"
#include "splice.h"

enum { DEPTH = 500 };

static bool is_json(const char *text, size_t size) {
    struct gen5_json_value root;
    struct gen5_json_fault fault;
    return gen5_json_scan(text, size, DEPTH, GEN5_JSON_NO_BOM, &root, &fault);
}

// The reader must not look behind the end, which a sanitizer sees in memory of exactly that size.
static bool is_json_exactly(const char *text, size_t size) {
    char *copy = malloc(size > 0 ? size : 1);
    cr_assert_not_null(copy);
    memcpy(copy, text, size);
    bool good = is_json(copy, size);
    free(copy);
    return good;
}

static struct gen5_json_value root_of(const char *text) {
    struct gen5_json_value root;
    struct gen5_json_fault fault;
    bool good = gen5_json_scan(text, strlen(text), DEPTH, GEN5_JSON_BOM_IGNORED, &root, &fault);
    cr_assert(good, "%s: %s", text, fault.reason);
    return root;
}

// Of the processor's time: what else the machine does counts for nothing.
static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Generous for a slow machine under a sanitizer, far too short for anything quadratic.
static const double LINEAR_SECONDS = 20;

// --- The grammar --------------------------------------------------------------------------------

Test(json_text, takes_what_the_grammar_and_python_allow) {
    static const char *const TEXTS[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "1",
        "12",
        "1.5",
        "1e5",
        "1E+5",
        "1e-05",
        "5e-324",
        "-1.25E-10",
        "123456789012345678901234567890",
        "NaN",
        "Infinity",
        "-Infinity",
        "\"\"",
        "\"a\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        " \t\r\n[1 , 2\n,[3]] ",
        "{\"a\":1}",
        "{\"a\" : {\"b\":[{}]},\"c\":null}",
        "[[[[[]]]],{}]",
        "{\"a\":1,\"a\":2}",
        "{\"\":0}",
        "[NaN,-Infinity]",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        cr_expect(is_json_exactly(TEXTS[i], strlen(TEXTS[i])), "%s", TEXTS[i]);
    }
}

Test(json_text, refuses_what_the_grammar_does_not_have) {
    static const char *const TEXTS[] = {
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "nan",
        "+Infinity",
        "-NaN",
        "-infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "1,",
        "\"",
        "\"a",
        "'a'",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u",
        "\"\n\"",
        "\"\t\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{",
        "}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "{\"a\" 1}",
        "{\"a\":1]",
        "{,}",
        "{\"a\",\"b\"}",
        "[] []",
        "{}x",
        "null null",
        "// x\n1",
        "[1] // x",
        "/* */1",
        "\xef\xbb\xbf{}",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82",
        "\xc2\xa0[]",
        "[\v1]",
        "[1,\f2]",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        cr_expect_not(is_json_exactly(TEXTS[i], strlen(TEXTS[i])), "%s", TEXTS[i]);
    }
}

Test(json_text, refuses_a_nul_wherever_it_stands) {
    cr_expect_not(is_json_exactly("\"a\0b\"", 5));
    cr_expect_not(is_json_exactly("[1]\0", 4));
    cr_expect_not(is_json_exactly("\0[1]", 4));
    cr_expect_not(is_json_exactly("[\0]", 3));
}

Test(json_text, says_where_a_text_stops_being_json) {
    static const struct {
        const char *text;
        size_t offset;
        const char *reason;
    } ROWS[] = {
        {"{\"a\": 1 \"b\": 2}", 8, "a comma or '}' is expected"},
        {"[1, 2", 5, "the text ends too early"},
        {"[1, ?]", 4, "a value is expected"},
        {"[1, -]", 4, "this is no number"},
        {"[\"a\xff\"]", 3, "these bytes are not UTF-8"},
        {"[\"a\\q\"]", 3, "this is no escape sequence"},
        {"[1] 2", 4, "something follows the end of the document"},
        {"{\"a\": \"open}", 6, "a string is not closed"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct gen5_json_value root;
        struct gen5_json_fault fault;
        cr_assert_not(gen5_json_scan(ROWS[i].text, strlen(ROWS[i].text), DEPTH, GEN5_JSON_NO_BOM,
                                     &root, &fault));
        cr_expect_eq(fault.offset, ROWS[i].offset, "%s: %zu", ROWS[i].text, fault.offset);
        cr_expect_str_eq(fault.reason, ROWS[i].reason, "%s", ROWS[i].text);
    }
}

Test(json_text, counts_lines_and_columns_as_editors_do) {
    const char *text = "{\n  \"\xc3\xa9\": ?\n}";
    size_t line, column;
    gen5_json_position(text, strlen(text), (size_t)(strchr(text, '?') - text), &line, &column);
    cr_expect_eq(line, 2);
    cr_expect_eq(column, 8);
}

Test(json_text, ignores_a_byte_order_mark_only_where_it_may) {
    static const char TEXT[] = "\xef\xbb\xbf[1]";
    struct gen5_json_value root;
    struct gen5_json_fault fault;
    cr_expect(gen5_json_scan(TEXT, 6, DEPTH, GEN5_JSON_BOM_IGNORED, &root, &fault));
    cr_expect_eq(root.span.begin, 3);
    cr_expect_eq(root.span.end, 6);
    cr_expect_not(gen5_json_scan(TEXT, 6, DEPTH, GEN5_JSON_NO_BOM, &root, &fault));
}

Test(json_text, stops_at_the_depth_that_is_allowed) {
    char text[2 * 600];
    for (size_t depth = 499; depth <= 501; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        cr_expect_eq(is_json(text, 2 * depth), depth <= 500, "%zu", depth);
    }
}

Test(json_text, refuses_a_hundred_thousand_brackets_at_once) {
    enum { COUNT = 100000 };
    char *text = malloc(COUNT);
    struct gen5_json_value root;
    struct gen5_json_fault fault;
    memset(text, '[', COUNT);
    cr_expect_not(gen5_json_scan(text, COUNT, UINT32_MAX, GEN5_JSON_NO_BOM, &root, &fault));
    cr_expect(fault.too_deep);
    cr_expect_eq(fault.offset, GEN5_JSON_DEPTH_LIMIT);
    free(text);
}

Test(json_text, reads_64_MiB_of_white_space_in_linear_time) {
    size_t size = 64 << 20;
    char *text = malloc(size);
    double begin = seconds();
    memset(text, ' ', size);
    memcpy(text + size / 2, "{\"a\":1}", 7);
    cr_expect(is_json(text, size));
    text[size / 2] = '[';
    cr_expect_not(is_json(text, size));
    cr_expect_lt(seconds() - begin, LINEAR_SECONDS);
    free(text);
}

// --- Walking ------------------------------------------------------------------------------------

Test(json_text, walks_over_members_in_their_order) {
    const char *text = "{ \"a\" : [1,{\"x\":\"}\"}] ,\"b\\\"\":\"]\", \"c\": -1e5}";
    struct gen5_json_walk walk = gen5_json_walk_start(text, root_of(text));
    static const struct {
        const char *key;
        const char *value;
        enum gen5_json_kind kind;
    } ROWS[] = {
        {"\"a\"", "[1,{\"x\":\"}\"}]", GEN5_JSON_ARRAY},
        {"\"b\\\"\"", "\"]\"", GEN5_JSON_STRING},
        {"\"c\"", "-1e5", GEN5_JSON_NUMBER},
    };
    struct gen5_json_member member;
    for (size_t i = 0; i < 3; i++) {
        cr_assert(gen5_json_walk_next(&walk, &member));
        size_t key_size = member.key.end - member.key.begin;
        size_t value_size = member.value.span.end - member.value.span.begin;
        cr_expect_eq(key_size, strlen(ROWS[i].key));
        cr_expect_eq(memcmp(text + member.key.begin, ROWS[i].key, key_size), 0);
        cr_expect_eq(value_size, strlen(ROWS[i].value));
        cr_expect_eq(memcmp(text + member.value.span.begin, ROWS[i].value, value_size), 0);
        cr_expect_eq(member.value.kind, ROWS[i].kind);
    }
    cr_expect_not(gen5_json_walk_next(&walk, &member));
}

Test(json_text, finds_members_by_their_decoded_key) {
    const char *text = "{\"\\u0063hunks\": 1, \"Chunks\": 2}";
    struct gen5_json_value value = gen5_json_find(text, root_of(text), "chunks");
    cr_assert_eq(value.kind, GEN5_JSON_NUMBER);
    cr_expect_eq(text[value.span.begin], '1');
}

Test(json_text, tells_keys_apart_that_differ_in_case) {
    const char *text = "{\"Seed\": 1}";
    cr_expect_eq(gen5_json_find(text, root_of(text), "seed").kind, GEN5_JSON_NONE);
}

Test(json_text, takes_the_last_of_repeated_keys) {
    const char *text = "{\"a\": 1, \"b\": 2, \"a\": 3}";
    struct gen5_json_value value = gen5_json_find(text, root_of(text), "a");
    cr_expect_eq(text[value.span.begin], '3');
}

Test(json_text, finds_nothing_in_what_is_no_object) {
    const char *text = "[\"a\", 1]";
    cr_expect_eq(gen5_json_find(text, root_of(text), "a").kind, GEN5_JSON_NONE);
}

Test(json_text, walks_over_a_million_records_in_linear_time) {
    enum { COUNT = 1000000 };
    struct gen5_text_builder builder;
    gen5_text_builder_init(&builder, 64 << 20);
    double begin = seconds();
    for (size_t i = 0; i < COUNT; i++) {
        gen5_text_builder_append_string(&builder, i == 0 ? "[{\"index\": 0}" : ", {\"index\": 0}");
    }
    gen5_text_builder_append_string(&builder, "]");
    struct gen5_json_value root = root_of(builder.bytes);
    struct gen5_json_walk walk = gen5_json_walk_start(builder.bytes, root);
    struct gen5_json_member member;
    size_t count = 0;
    while (gen5_json_walk_next(&walk, &member)) {
        count += gen5_json_find(builder.bytes, member.value, "index").kind == GEN5_JSON_NUMBER;
    }
    cr_expect_eq(count, COUNT);
    cr_expect_lt(seconds() - begin, LINEAR_SECONDS);
    gen5_text_builder_release(&builder);
}

// --- Literals -----------------------------------------------------------------------------------

static struct gen5_span whole(const char *text) {
    return (struct gen5_span){0, strlen(text)};
}

Test(json_literal, decodes_escapes_and_surrogate_pairs) {
    const char *text = "\"\\u0041\\n\\\"\\/\\ud83d\\ude00\xc3\xa9\\u00e9\\u20ac\"";
    size_t length;
    char *decoded = gen5_json_string_copy(text, whole(text), &length);
    cr_assert_not_null(decoded);
    cr_expect_str_eq(decoded, "A\n\"/\xf0\x9f\x98\x80\xc3\xa9\xc3\xa9\xe2\x82\xac");
    cr_expect_eq(length, strlen(decoded));
    free(decoded);
}

Test(json_literal, keeps_strings_with_lone_surrogates_apart) {
    static const char *const TEXTS[] = {
        "\"\\ud800\"",        "\"\\udc00\"",        "\"\\ud801\"",
        "\"\\ufffd\"",        "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"",
        "\"\\ud800\\udc00\"", "\"\\ud800x\"",       "\"\\ud800\\n\"",
    };
    enum { COUNT = sizeof TEXTS / sizeof *TEXTS };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            char left[64], right[64];
            size_t left_size = gen5_json_string_decode(TEXTS[i], whole(TEXTS[i]), left);
            size_t right_size = gen5_json_string_decode(TEXTS[j], whole(TEXTS[j]), right);
            bool same = left_size == right_size && memcmp(left, right, left_size) == 0;
            cr_expect_eq(same, i == j, "%s %s", TEXTS[i], TEXTS[j]);
        }
    }
}

Test(json_literal, writes_what_it_has_decoded) {
    static const char *const TEXTS[] = {
        "\"\"",
        "\"plain\"",
        "\"\\\"\\\\\\n\\r\\t\\b\\f\"",
        "\"\\u0000\\u001f\\u007f\"",
        "\"\\u00e9\\u20ac\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\udfff\\ud800\"",
        "\"a/b\"",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        char decoded[64];
        struct gen5_text_builder builder;
        gen5_text_builder_init(&builder, 1000);
        size_t size = gen5_json_string_decode(TEXTS[i], whole(TEXTS[i]), decoded);
        cr_expect(gen5_json_string_write(&builder, decoded, size));
        cr_expect_str_eq(builder.bytes, TEXTS[i]);
        gen5_text_builder_release(&builder);
    }
}

Test(json_literal, writes_no_string_of_bytes_that_are_not_utf_8) {
    static const char *const BYTES[] = {"\xff", "a\xc3", "\xc0\x80", "\xf4\x90\x80\x80",
                                        "\xed\xa0"};
    for (size_t i = 0; i < sizeof BYTES / sizeof *BYTES; i++) {
        struct gen5_text_builder builder;
        gen5_text_builder_init(&builder, 1000);
        cr_expect_not(gen5_json_string_write(&builder, BYTES[i], strlen(BYTES[i])), "%zu", i);
        gen5_text_builder_release(&builder);
    }
}

Test(json_literal, compares_strings_by_what_they_mean) {
    cr_expect(gen5_json_string_equals("\"\\u0061b\"", (struct gen5_span){0, 9}, "ab", 2));
    cr_expect_not(gen5_json_string_equals("\"ab\"", (struct gen5_span){0, 4}, "abc", 3));
    cr_expect_not(gen5_json_string_equals("\"abc\"", (struct gen5_span){0, 5}, "ab", 2));
    cr_expect(gen5_json_string_equals("\"a\\u0000b\"", (struct gen5_span){0, 10}, "a\0b", 3));
    cr_expect_eq(
        gen5_json_string_compare("\"\\u0061\"", whole("\"\\u0061\""), "\"a\"", whole("\"a\"")), 0);
    cr_expect_lt(gen5_json_string_compare("\"a\"", whole("\"a\""), "\"ab\"", whole("\"ab\"")), 0);
    cr_expect_gt(gen5_json_string_compare("\"b\"", whole("\"b\""), "\"ab\"", whole("\"ab\"")), 0);
}

Test(json_literal, tells_what_a_number_is) {
    static const struct {
        const char *text;
        enum gen5_json_number number;
    } ROWS[] = {
        {"0", GEN5_JSON_NUMBER_ZERO},
        {"-0", GEN5_JSON_NUMBER_ZERO},
        {"-0.0e5", GEN5_JSON_NUMBER_ZERO},
        {"0e999999999999999999999", GEN5_JSON_NUMBER_ZERO},
        {"1", GEN5_JSON_NUMBER_POSITIVE},
        {"1.0", GEN5_JSON_NUMBER_POSITIVE},
        {"1e3", GEN5_JSON_NUMBER_POSITIVE},
        {"1.50e1", GEN5_JSON_NUMBER_POSITIVE},
        {"100e-2", GEN5_JSON_NUMBER_POSITIVE},
        {"0.001e3", GEN5_JSON_NUMBER_POSITIVE},
        {"18446744073709551616", GEN5_JSON_NUMBER_POSITIVE},
        {"123456789012345678901234567890", GEN5_JSON_NUMBER_POSITIVE},
        {"1e308", GEN5_JSON_NUMBER_POSITIVE},
        {"1e400", GEN5_JSON_NUMBER_FRACTION},
        {"1e99999999999999999999999999", GEN5_JSON_NUMBER_FRACTION},
        {"0.5", GEN5_JSON_NUMBER_FRACTION},
        {"1e-5", GEN5_JSON_NUMBER_FRACTION},
        {"1e-99999999999999999999999999", GEN5_JSON_NUMBER_FRACTION},
        {"5e-324", GEN5_JSON_NUMBER_FRACTION},
        {"NaN", GEN5_JSON_NUMBER_FRACTION},
        {"Infinity", GEN5_JSON_NUMBER_FRACTION},
        {"-Infinity", GEN5_JSON_NUMBER_NEGATIVE},
        {"-1", GEN5_JSON_NUMBER_NEGATIVE},
        {"-5e-324", GEN5_JSON_NUMBER_NEGATIVE},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        cr_expect_eq(gen5_json_number_class(ROWS[i].text, whole(ROWS[i].text)), ROWS[i].number,
                     "%s", ROWS[i].text);
    }
}

Test(json_literal, reads_integers_of_32_bits_in_all_their_forms) {
    static const struct {
        const char *text;
        uint32_t value;
    } ROWS[] = {
        {"0", 0},
        {"-0", 0},
        {"0.0", 0},
        {"0e9999999999999999", 0},
        {"7", 7},
        {"1.0", 1},
        {"1e3", 1000},
        {"1.5e1", 15},
        {"4294967295", UINT32_MAX},
        {"4294967295.000", UINT32_MAX},
        {"42949672950e-1", UINT32_MAX},
        {"0.000001e6", 1},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        uint32_t value = 99;
        cr_expect(gen5_json_number_read(ROWS[i].text, whole(ROWS[i].text), &value), "%s",
                  ROWS[i].text);
        cr_expect_eq(value, ROWS[i].value, "%s", ROWS[i].text);
    }
}

Test(json_literal, reads_no_integer_that_is_none_of_32_bits) {
    static const char *const TEXTS[] = {
        "-1",
        "0.5",
        "1e-1",
        "4294967296",
        "1e10",
        "9999999999",
        "99999999999",
        "18446744073709551616",
        "1e18446744073709551616",
        "NaN",
        "Infinity",
        "-Infinity",
        "1.0000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        uint32_t value;
        cr_expect_not(gen5_json_number_read(TEXTS[i], whole(TEXTS[i]), &value), "%s", TEXTS[i]);
    }
}

// --- Paths --------------------------------------------------------------------------------------

Test(json_path, names_the_value_at_an_offset) {
    const char *text = "{\"a\": {\"b\": [0, {\"c d\": 5}]}}";
    struct gen5_error error = GEN5_ERROR_NONE;
    size_t offset = (size_t)(strchr(text, '5') - text);
    gen5_json_path_error(&error, text, strlen(text), offset, NULL, "is five");
    cr_expect_str_eq(error.message, "a.b[1].c d: is five");
    cr_expect_eq(error.offset, (int64_t)offset);
    cr_expect_eq(error.status, GEN5_ERROR_INVALID);
}

Test(json_path, names_a_member_that_is_missing) {
    const char *text = "{\"a\": {}}";
    struct gen5_error error = GEN5_ERROR_NONE;
    gen5_json_path_error(&error, text, strlen(text), 6, "b", "is missing");
    cr_expect_str_eq(error.message, "a.b: is missing");
    gen5_json_path_error(&error, text, strlen(text), 0, "b", "is missing");
    cr_expect_str_eq(error.message, "b: is missing");
    gen5_json_path_error(&error, text, strlen(text), 0, NULL, "is wrong");
    cr_expect_str_eq(error.message, "the document: is wrong");
}

Test(json_path, leads_to_the_same_place_in_another_document) {
    const char *text = "{\"a\": [1, {\"b\": 2}]}";
    const char *other = "{\"x\": 0, \"\\u0061\": [{}, {\"b\": 7}]}";
    struct gen5_json_path path;
    struct gen5_error error;
    size_t offset = (size_t)(strchr(text, '2') - text);
    cr_assert_eq(gen5_json_path_find(text, strlen(text), offset, &path, &error), GEN5_OK);
    cr_assert_eq(path.count, 3);
    struct gen5_json_value value = gen5_json_path_follow(&path, path.count, other, root_of(other));
    cr_assert_eq(value.kind, GEN5_JSON_NUMBER);
    cr_expect_eq(other[value.span.begin], '7');
    value = gen5_json_path_follow(&path, path.count, "[]", root_of("[]"));
    cr_expect_eq(value.kind, GEN5_JSON_NONE);
    gen5_json_path_release(&path);
}

// --- Repeated keys ------------------------------------------------------------------------------

static struct gen5_json_repeated repeated_in(const char *text) {
    struct gen5_json_repeated repeated;
    struct gen5_error error;
    cr_assert_eq(gen5_json_keys_repeated(text, strlen(text), &repeated, &error), GEN5_OK);
    return repeated;
}

Test(json_keys, finds_keys_that_an_object_has_twice) {
    const char *text = "{\"a\": {\"b\": 1, \"c\": {}, \"\\u0062\": 2}, \"b\": 3}";
    struct gen5_json_repeated repeated = repeated_in(text);
    cr_assert_eq(repeated.count, 1);
    cr_expect_eq(repeated.offsets[0], (size_t)(strstr(text, "\"\\u0062") - text));
}

Test(json_keys, lets_different_objects_have_the_same_key) {
    cr_expect_eq(repeated_in("{\"a\": {\"a\": {\"a\": 1}}, \"b\": [{\"a\": 1}, {\"a\": 1}]}").count,
                 0);
    cr_expect_eq(repeated_in("{\"a\": 1, \"A\": 2, \"\": 3, \"a\\u0000\": 4}").count, 0);
}

Test(json_keys, looks_at_a_million_keys_in_less_than_quadratic_time) {
    struct gen5_text_builder builder;
    gen5_text_builder_init(&builder, 64 << 20);
    double begin = seconds();
    gen5_text_builder_append_string(&builder, "{");
    for (size_t i = 0; i < 1000000; i++) {
        gen5_text_builder_append_string(&builder, i > 0 ? ",\"" : "\"");
        gen5_text_builder_append_number(&builder, i * 7919 % 1000000);
        gen5_text_builder_append_string(&builder, "\":0");
    }
    gen5_text_builder_append_string(&builder, "}");
    cr_expect_eq(repeated_in(builder.bytes).count, 0);
    cr_expect_lt(seconds() - begin, LINEAR_SECONDS);
    gen5_text_builder_release(&builder);
}

// --- The second opinion -------------------------------------------------------------------------

Test(json_tree, agrees_about_everything_that_the_grammar_allows) {
    static const char *const TEXTS[] = {
        "null",
        "1",
        "\"a\"",
        "[]",
        "{}",
        "[NaN, -Infinity, Infinity]",
        "[\"\\ud800\", \"\\udc00x\"]",
        "{\"\\ud800\": 1, \"\\ud83d\\ude00\": [\"\\ud83d\\ude00\"]}",
        "[\"a\\u0000b\", {\"\\u0000\": 1}]",
        "[1234567890123456789012345678901234567890123456789012345678901234567890, 1e999]",
        " [ true , false , null , { \"a\" : { \"A\" : 1 } } ] \n",
        "[\"\x7f\xc3\xa9\\/\"]",
        "{\"a\":1,\"a\":[2]}",
        "[\"\\\\ud800\", \"\\\\\\ud800\"]",
        "-0.0",
        "5e-324",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(gen5_json_tree_check(TEXTS[i], strlen(TEXTS[i]), &error), GEN5_OK, "%s: %s",
                     TEXTS[i], error.message);
    }
}

// --- Documents ----------------------------------------------------------------------------------

static enum gen5_status check(const char *text, const char *old, struct gen5_error *error) {
    struct gen5_json_document document, old_document;
    if (old != NULL) {
        cr_assert_eq(gen5_json_document_open(old, strlen(old), DEPTH, &old_document, error),
                     GEN5_OK);
    }
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    return gen5_json_document_check(text, strlen(text), old != NULL ? &old_document : NULL, DEPTH,
                                    &document, error);
}

Test(json_document, names_the_key_that_comes_twice) {
    struct gen5_error error;
    cr_expect_eq(check("{\"a\": {\"b\": 1, \"b\": 2}}", NULL, &error), GEN5_ERROR_INVALID);
    cr_expect_str_eq(error.message, "a.b: the object has this key twice");
    cr_expect_eq(error.offset, 15);
}

Test(json_document, lets_a_key_come_twice_where_it_did_before) {
    static const char OLD[] = "{\"a\": {\"b\": 1, \"b\": 2}, \"x\": 1}";
    struct gen5_error error;
    cr_expect_eq(check("{\"a\": {\"b\": 1, \"b\": 2}, \"x\": 2}", OLD, &error), GEN5_OK);
    cr_expect_eq(check("{\"x\": 2, \"a\": {\"b\" :5,\"b\" :2}}", OLD, &error), GEN5_OK);
    cr_expect_eq(check("{\"a\": {\"b\": 1, \"b\": 3}}", OLD, &error), GEN5_ERROR_INVALID);
    cr_expect_eq(check("{\"c\": {\"b\": 1, \"b\": 2}}", OLD, &error), GEN5_ERROR_INVALID);
    cr_expect_eq(check("{\"a\": {\"b\": 1, \"b\": 2, \"b\": 3}}", OLD, &error), GEN5_ERROR_INVALID);
    cr_expect_eq(check("{\"a\": {\"b\": 1}, \"x\": 1, \"x\": 1}", OLD, &error), GEN5_ERROR_INVALID);
}

Test(json_document, refuses_a_byte_order_mark_unless_it_was_there) {
    struct gen5_error error;
    cr_expect_eq(check("\xef\xbb\xbf{}", NULL, &error), GEN5_ERROR_INVALID);
    cr_expect_not_null(strstr(error.message, "byte order mark"));
    cr_expect_eq(check("\xef\xbb\xbf{}", "\xef\xbb\xbf{ }", &error), GEN5_OK);
    cr_expect_eq(check("{}", "\xef\xbb\xbf{ }", &error), GEN5_OK);
}

Test(json_document, refuses_integers_that_python_cannot_read_unless_they_were_there) {
    struct gen5_error error;
    char text[5000], old[5000];
    char digits[4301 + 1];
    memset(digits, '7', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    snprintf(text, sizeof text, "{\"a\": [1, %s]}", digits);
    snprintf(old, sizeof old, "{\"b\": 0, \"a\": [2, %s]}", digits);
    cr_expect_eq(check(text, NULL, &error), GEN5_ERROR_INVALID);
    cr_expect_str_eq(error.message, "a[1]: Python reads no integer of more than 4300 digits");
    cr_expect_eq(check(text, old, &error), GEN5_OK);
    snprintf(text, sizeof text, "[%s]", digits + 1);
    cr_expect_eq(check(text, NULL, &error), GEN5_OK);
    snprintf(text, sizeof text, "[%s.5]", digits);
    cr_expect_eq(check(text, NULL, &error), GEN5_OK);
}

Test(json_document, tells_damage_from_what_is_too_deep_when_reading) {
    struct gen5_json_document document;
    struct gen5_error error;
    cr_expect_eq(gen5_json_document_open("[1,\n x]", 7, DEPTH, &document, &error),
                 GEN5_ERROR_DAMAGED);
    cr_expect_str_eq(error.message, "not JSON at line 2, column 2: a value is expected");
    cr_expect_eq(error.offset, 5);
    cr_expect_eq(gen5_json_document_open("[[[]]]", 6, 2, &document, &error), GEN5_ERROR_LIMIT);
}

// --- Splices ------------------------------------------------------------------------------------

Test(splice, replaces_spans_and_copies_the_rest) {
    struct gen5_splices splices;
    struct gen5_text_builder out;
    gen5_splices_init(&splices, 100);
    gen5_text_builder_init(&out, 100);
    gen5_splices_add(&splices, (struct gen5_span){6, 7}, "G", 1);
    gen5_splices_add(&splices, (struct gen5_span){2, 4}, "", 0);
    gen5_splices_add(&splices, (struct gen5_span){5, 5}, "<", 1);
    gen5_splices_add(&splices, (struct gen5_span){5, 5}, ">", 1);
    gen5_splices_apply(&splices, "abcdefghij", (struct gen5_span){1, 9}, &out);
    cr_expect_str_eq(out.bytes, "be<>fGhi");
    gen5_splices_release(&splices);
    gen5_text_builder_release(&out);
}

Test(text_builder, stops_at_its_maximum_and_says_so) {
    struct gen5_text_builder builder;
    struct gen5_error error = GEN5_ERROR_NONE;
    char *text = NULL;
    size_t size;
    gen5_text_builder_init(&builder, 5);
    gen5_text_builder_append_string(&builder, "abc");
    gen5_text_builder_append_string(&builder, "de");
    cr_expect_eq(gen5_text_builder_check(&builder, &error), GEN5_OK);
    gen5_text_builder_append_string(&builder, "f");
    gen5_text_builder_append_string(&builder, "");
    cr_expect_eq(gen5_text_builder_take(&builder, &text, &size, &error), GEN5_ERROR_TOO_LARGE);
    cr_expect_null(text);
}
