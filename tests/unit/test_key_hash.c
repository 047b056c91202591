// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "gen5fs/key_hash.h"

enum { KEYS = 4096, BUCKETS = 256, FULLEST_MAX = 4 * KEYS / BUCKETS };

// Inode numbers and positions in listings come of it: they are the same on the next mount.
Test(key_hash, stays_the_same_from_run_to_run) {
    cr_expect_eq(key_hash_number(0, 0), 0);
    cr_expect_eq(key_hash_number(1, 2), UINT64_C(0x4e0fcd7162342871), "%" PRIx64,
                 key_hash_number(1, 2));
    cr_expect_eq(key_hash_text(0, "image.png"), UINT64_C(0xcfd0647819d8ef46), "%" PRIx64,
                 key_hash_text(0, "image.png"));
}

Test(key_hash, depends_on_every_part_and_on_their_order) {
    cr_expect_neq(key_hash_number(1, 2), key_hash_number(2, 1));
    cr_expect_neq(key_hash_text(1, "name"), key_hash_text(2, "name"));
    cr_expect_neq(key_hash_text(1, "ab"), key_hash_text(1, "ba"));
    cr_expect_neq(key_hash_text(1, ""), key_hash_text(2, ""));
}

// The most keys that fall together by any eight bits of the hash.
static unsigned int fullest_bucket(uint64_t (*hash_of)(unsigned int number), unsigned int shift) {
    unsigned int counts[BUCKETS] = {0};
    unsigned int fullest = 0;
    for (unsigned int i = 0; i < KEYS; i++) {
        unsigned int count = ++counts[hash_of(i) >> shift & (BUCKETS - 1)];
        fullest = count > fullest ? count : fullest;
    }
    return fullest;
}

static uint64_t of_number(unsigned int number) {
    return key_hash_number(7, number);
}

static uint64_t of_address(unsigned int number) {
    return key_hash_text((uint64_t)number * 256, "a.gen5");
}

static uint64_t of_name(unsigned int number) {
    char name[32];
    snprintf(name, sizeof name, "render-%05u.gen5", number);
    return key_hash_text(7, name);
}

Test(key_hash, spreads_keys_that_are_alike_by_every_bit) {
    for (unsigned int shift = 0; shift + 8 <= 64; shift++) {
        cr_expect_leq(fullest_bucket(of_number, shift), FULLEST_MAX, "numbers, bit %u", shift);
        cr_expect_leq(fullest_bucket(of_address, shift), FULLEST_MAX, "addresses, bit %u", shift);
        cr_expect_leq(fullest_bucket(of_name, shift), FULLEST_MAX, "names, bit %u", shift);
    }
}
