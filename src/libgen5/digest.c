// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// SHA-256: the one file that knows libcrypto.
#include "gen5/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

// The stream is libcrypto's own context under another name, so that no header shows libcrypto.
static EVP_MD_CTX *context_of(struct gen5_digest_stream *stream) {
    return (EVP_MD_CTX *)stream;
}

static enum gen5_status failed(struct gen5_error *error) {
    // With valid arguments libcrypto fails for want of memory only.
    return gen5_error_set_memory(error);
}

enum gen5_status gen5_digest_stream_new(struct gen5_digest_stream **stream,
                                        struct gen5_error *error) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        return failed(error);
    }
    *stream = (struct gen5_digest_stream *)context;
    return GEN5_OK;
}

enum gen5_status gen5_digest_stream_update(struct gen5_digest_stream *stream, const void *data,
                                           size_t size, struct gen5_error *error) {
    return EVP_DigestUpdate(context_of(stream), data, size) == 1 ? GEN5_OK : failed(error);
}

enum gen5_status gen5_digest_stream_finish(struct gen5_digest_stream *stream,
                                           struct gen5_digest *digest, struct gen5_error *error) {
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(context_of(stream), digest->bytes, &size) != 1) {
        return failed(error);
    }
    assert(size == sizeof digest->bytes);
    return GEN5_OK;
}

void gen5_digest_stream_free(struct gen5_digest_stream *stream) {
    EVP_MD_CTX_free(context_of(stream));
}

enum gen5_status gen5_digest_of(const void *data, size_t size, struct gen5_digest *digest,
                                struct gen5_error *error) {
    bool done = EVP_Digest(data, size, digest->bytes, NULL, EVP_sha256(), NULL) == 1;
    return done ? GEN5_OK : failed(error);
}

bool gen5_digest_equal(const struct gen5_digest *left, const struct gen5_digest *right) {
    return memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

void gen5_digest_to_hex(const struct gen5_digest *digest, char hex[GEN5_DIGEST_HEX_SIZE + 1]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        hex[2 * i] = digits[digest->bytes[i] >> 4];
        hex[2 * i + 1] = digits[digest->bytes[i] & 0x0f];
    }
    hex[GEN5_DIGEST_HEX_SIZE] = '\0';
}

// The value of a hexadecimal digit, or -1. Not isxdigit, which follows the locale.
static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

bool gen5_digest_from_hex(const char *hex, size_t length, struct gen5_digest *digest) {
    if (length != GEN5_DIGEST_HEX_SIZE) {
        return false;
    }
    struct gen5_digest result = {{0}};
    for (size_t i = 0; i < sizeof result.bytes; i++) {
        int high = digit_value(hex[2 * i]);
        int low = digit_value(hex[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        result.bytes[i] = (uint8_t)(high * 16 + low);
    }
    *digest = result;
    return true;
}
