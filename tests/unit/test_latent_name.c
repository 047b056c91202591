// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Latent keys as file names, and back.
#include "gen5/latent_name.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect_name(const char *key, size_t key_length, const char *expected) {
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    size_t length = gen5_latent_name_from_key(key, key_length, name);
    cr_expect_str_eq(name, expected);
    cr_expect_eq(length, strlen(expected), "length of %s", expected);
}

static void expect_back(const char *name, const char *key, size_t key_length) {
    struct gen5_error error = GEN5_ERROR_NONE;
    char *found = NULL;
    size_t found_length = 0;
    cr_assert_eq(gen5_latent_name_to_key(name, &found, &found_length, &error), GEN5_OK, "%s: %s",
                 name, error.message);
    cr_expect_eq(found_length, key_length, "length of the key of %s", name);
    cr_expect_eq(memcmp(found, key, key_length), 0, "the key of %s", name);
    cr_expect_eq(found[found_length], '\0');
    free(found);
}

static void expect_no_key(const char *name) {
    struct gen5_error error = GEN5_ERROR_NONE;
    char *key = NULL;
    size_t length = 0;
    cr_expect_eq(gen5_latent_name_to_key(name, &key, &length, &error), GEN5_ERROR_INVALID,
                 "%s was taken", name);
    cr_expect_null(key);
}

struct row {
    const char *key;
    const char *name;
};

static const struct row rows[] = {
    {"", "%.npy"},
    {"noise", "noise.npy"},
    {"with space", "with space.npy"},
    {".", "%2E.npy"},
    {"..", "%2E%2E.npy"},
    {"...", "....npy"},
    {".hidden", ".hidden.npy"},
    {"%", "%25.npy"},
    {"%2F", "%252F.npy"},
    {"/", "%2F.npy"},
    {"../../etc/passwd", "..%2F..%2Fetc%2Fpasswd.npy"},
    {"x_T/step 0", "x_T%2Fstep 0.npy"},
    {"new\nline", "new%0Aline.npy"},
    {"\x7f", "%7F.npy"},
    {"潜在変数", "潜在変数.npy"},
    {"e\u0301", "e\u0301.npy"},
    {"🐱", "🐱.npy"},
    {"\xc2\x85", "%C2%85.npy"},
    {"\u00a0", "\u00a0.npy"},
    {"\u061c", "%D8%9C.npy"},
    {"\u200f", "%E2%80%8F.npy"},
    {"\u200d", "\u200d.npy"},
    {"\u2028", "%E2%80%A8.npy"},
    {"\u202etxt", "%E2%80%AEtxt.npy"},
    {"\u2066", "%E2%81%A6.npy"},
    {"\xff", "%FF.npy"},
    {"\xc3", "%C3.npy"},
    {"\xc3(", "%C3(.npy"},
    {"\xc0\x80", "%C0%80.npy"},
    {"\xe0\x9f\xbf", "%E0%9F%BF.npy"},
    {"\xed\xa0\x80", "%ED%A0%80.npy"},
    {"\xf0\x8f\xbf\xbf", "%F0%8F%BF%BF.npy"},
    {"\xf4\x90\x80\x80", "%F4%90%80%80.npy"},
    {"\xe6\xbd", "%E6%BD.npy"},
    {"x~0123456789abcdef", "x%7E0123456789abcdef.npy"},
    {"x~0123456789ABCDEF", "x~0123456789ABCDEF.npy"},
    {"x~0123456789abcde", "x~0123456789abcde.npy"},
    {"~", "~.npy"},
};

Test(latent_name, keys_have_the_names_of_the_table_and_names_their_keys) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_name(rows[i].key, strlen(rows[i].key), rows[i].name);
        expect_back(rows[i].name, rows[i].key, strlen(rows[i].key));
    }
}

Test(latent_name, a_key_with_a_nul_has_a_name) {
    expect_name("a\0b", 3, "a%00b.npy");
    expect_back("a%00b.npy", "a\0b", 3);
}

Test(latent_name, every_single_byte_goes_there_and_back) {
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        char key[1] = {(char)byte};
        char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
        size_t length = gen5_latent_name_from_key(key, 1, name);
        cr_expect_eq(length, strlen(name), "byte %u", byte);
        cr_expect_null(strchr(name, '/'), "byte %u", byte);
        expect_back(name, key, 1);
    }
}

Test(latent_name, every_pair_of_bytes_goes_there_and_back) {
    for (unsigned pair = 0; pair <= UINT16_MAX; pair++) {
        char key[2] = {(char)(pair >> 8), (char)(pair & 0xff)};
        char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
        gen5_latent_name_from_key(key, 2, name);
        expect_back(name, key, 2);
    }
}

Test(latent_name, every_character_of_unicode_goes_there_and_back) {
    for (uint32_t character = 0x80; character <= 0x10ffff; character++) {
        char key[4];
        size_t size = 0;
        if (character >= 0x10000) {
            key[size++] = (char)(0xf0 | character >> 18);
            key[size++] = (char)(0x80 | (character >> 12 & 0x3f));
            key[size++] = (char)(0x80 | (character >> 6 & 0x3f));
        } else if (character >= 0x800) {
            key[size++] = (char)(0xe0 | character >> 12);
            key[size++] = (char)(0x80 | (character >> 6 & 0x3f));
        } else {
            key[size++] = (char)(0xc0 | character >> 6);
        }
        key[size++] = (char)(0x80 | (character & 0x3f));
        char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
        gen5_latent_name_from_key(key, size, name);
        expect_back(name, key, size);
    }
}

Test(latent_name, a_key_whose_name_just_fits_is_kept) {
    char key[251];
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    memset(key, 'a', sizeof key);
    cr_expect_eq(gen5_latent_name_from_key(key, sizeof key, name), 255);
    expect_back(name, key, sizeof key);
}

Test(latent_name, a_longer_name_is_cut_and_ends_in_the_key_s_digest) {
    char key[300];
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    memset(key, 'a', sizeof key);
    cr_expect_eq(gen5_latent_name_from_key(key, sizeof key, name), 255);
    cr_expect_eq(strspn(name, "a"), 234);
    // python3 -c "import hashlib; print(hashlib.sha256(b'a' * 300).hexdigest()[:16])"
    cr_expect_str_eq(name + 234, "~9835fa6bf4e20a9b.npy");
    expect_no_key(name);
}

Test(latent_name, a_cut_splits_neither_a_character_nor_an_escape) {
    char key[400];
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    for (size_t i = 0; i < sizeof key; i += 2) {
        memcpy(key + i, "é", 2);
    }
    key[0] = key[1] = 'x'; // 232 bytes of whole characters are left, then 1 of 2
    cr_expect_eq(gen5_latent_name_from_key(key + 1, sizeof key - 1, name), 254);
    cr_expect_eq(name[233], '~');

    memset(key, '/', sizeof key);
    key[0] = 'x';
    cr_expect_eq(gen5_latent_name_from_key(key, sizeof key, name), 1 + 77 * 3 + 17 + 4);
    cr_expect_eq(name[1 + 77 * 3], '~');
}

Test(latent_name, keys_that_differ_behind_the_cut_have_different_names) {
    char key[300];
    char first[GEN5_LATENT_NAME_SIZE_MAX + 1];
    char second[GEN5_LATENT_NAME_SIZE_MAX + 1];
    memset(key, 'a', sizeof key);
    gen5_latent_name_from_key(key, sizeof key, first);
    key[sizeof key - 1] = 'b';
    gen5_latent_name_from_key(key, sizeof key, second);
    cr_expect_str_neq(first, second);
}

Test(latent_name, a_cut_name_is_told_from_those_that_tell_their_keys) {
    static const char *const whole[] = {
        "",
        "~.npy",
        "0123456789abcdef.npy",
        "%7E0123456789abcdef.npy",
        "x%7E0123456789abcdef.npy",
        "x~0123456789abcdeF.npy",
        "x~0123456789abcdef",
        "x~0123456789abcde.npy",
        "~0123456789abcdef.npy",
    };
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        cr_expect_not(gen5_latent_name_is_cut(whole[i]), "%s", whole[i]);
    }
    char key[300];
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    memset(key, 'a', sizeof key);
    gen5_latent_name_from_key(key, sizeof key, name);
    cr_expect(gen5_latent_name_is_cut(name), "%s", name);
}

Test(latent_name, no_key_has_the_cut_name_of_another) {
    char key[300];
    char cut[GEN5_LATENT_NAME_SIZE_MAX + 1];
    char other[GEN5_LATENT_NAME_SIZE_MAX + 1];
    memset(key, 'a', sizeof key);
    size_t length = gen5_latent_name_from_key(key, sizeof key, cut);
    gen5_latent_name_from_key(cut, length - 4, other); // the cut name's stem as a key
    cr_expect_str_neq(cut, other);
}

Test(latent_name, other_spellings_are_no_names) {
    static const char *const names[] = {
        "",           ".npy",       "noise",
        "noise.NPY",  "noise.npy.", "%2f.npy",
        "%41.npy",    "%2E.x.npy",  "%zz.npy",
        "%2.npy",     "%%.npy",     "a%.npy",
        "..npy",      "...npy",     "a/b.npy",
        "\xff.npy",   "new\n.npy",  "é%C3%A9.npy",
        "%C2%A0.npy", "\u202e.npy", "x~0123456789abcdef.npy",
        "x%7Ey.npy",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_no_key(names[i]);
    }
}

Test(latent_name, a_name_longer_than_a_file_name_is_no_name) {
    char name[261];
    memset(name, 'a', sizeof name);
    memcpy(name + 256, ".npy", 5);
    expect_no_key(name);
}
