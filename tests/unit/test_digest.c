// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// SHA-256 and its hexadecimal form.
#include "gen5/digest.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void expect_digest(const void *data, size_t size, const char *expected) {
    struct gen5_digest digest;
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    cr_assert_eq(gen5_digest_of(data, size, &digest, NULL), GEN5_OK);
    gen5_digest_to_hex(&digest, hex);
    cr_expect_str_eq(hex, expected);
}

// The examples of FIPS 180-4's companion, and what is commonly known of the empty text.
Test(digest, has_the_published_values) {
    expect_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    expect_digest(two_blocks, strlen(two_blocks),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    cr_assert_not_null(million);
    memset(million, 'a', 1000000);
    expect_digest(million, 1000000,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

Test(digest, of_pieces_is_that_of_the_whole) {
    char data[1000];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)(i * 7);
    }
    struct gen5_digest whole;
    cr_assert_eq(gen5_digest_of(data, sizeof data, &whole, NULL), GEN5_OK);
    for (size_t piece = 1; piece <= sizeof data; piece = piece * 3 + 1) {
        struct gen5_digest_stream *stream = NULL;
        cr_assert_eq(gen5_digest_stream_new(&stream, NULL), GEN5_OK);
        for (size_t at = 0; at < sizeof data; at += piece) {
            size_t size = sizeof data - at < piece ? sizeof data - at : piece;
            cr_assert_eq(gen5_digest_stream_update(stream, data + at, size, NULL), GEN5_OK);
        }
        struct gen5_digest digest;
        cr_assert_eq(gen5_digest_stream_finish(stream, &digest, NULL), GEN5_OK);
        cr_expect(gen5_digest_equal(&digest, &whole), "pieces of %zu", piece);
        gen5_digest_stream_free(stream);
    }
    gen5_digest_stream_free(NULL);
}

Test(digest, hexadecimal_goes_both_ways) {
    struct gen5_digest digest;
    struct gen5_digest back;
    for (size_t i = 0; i < sizeof digest.bytes; i++) {
        digest.bytes[i] = (uint8_t)(i * 37 + 5);
    }
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&digest, hex);
    cr_assert(gen5_digest_from_hex(hex, strlen(hex), &back));
    cr_expect(gen5_digest_equal(&digest, &back));
    for (char *digit = hex; *digit != '\0'; digit++) {
        *digit = *digit >= 'a' ? (char)(*digit - 'a' + 'A') : *digit;
    }
    cr_assert(gen5_digest_from_hex(hex, strlen(hex), &back));
    cr_expect(gen5_digest_equal(&digest, &back), "upper case");
    back.bytes[31] ^= 1;
    cr_expect_not(gen5_digest_equal(&digest, &back));
}

Test(digest, from_hexadecimal_takes_nothing_else) {
    char good[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    struct gen5_digest digest = {{1}};
    cr_expect_not(gen5_digest_from_hex(good, 63, &digest));
    cr_expect_not(gen5_digest_from_hex(good, 65, &digest));
    cr_expect_not(gen5_digest_from_hex("", 0, &digest));
    static const char strangers[] = {'g', 'G', '/', ':', '@', '`', ' ', '\0', '-', (char)0xb2};
    for (size_t i = 0; i < sizeof strangers; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof bad);
        bad[i * 6 + 3] = strangers[i];
        cr_expect_not(gen5_digest_from_hex(bad, 64, &digest), "row %zu", i);
    }
    cr_expect_eq(digest.bytes[0], 1, "a failure leaves the digest alone");
}
