// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// SHA-256 (FIPS 180-4) by libcrypto, which uses the processor's SHA instructions.
#ifndef GEN5_DIGEST_H
#define GEN5_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GEN5_DIGEST_SIZE = 32, GEN5_DIGEST_HEX_SIZE = 64 };

struct gen5_digest {
    uint8_t bytes[GEN5_DIGEST_SIZE];
};

// A hash under way. Opaque; gen5_digest_stream_free takes NULL.
struct gen5_digest_stream;

GEN5_EXPORT enum gen5_status gen5_digest_stream_new(struct gen5_digest_stream **stream,
                                                    struct gen5_error *error);
GEN5_EXPORT enum gen5_status gen5_digest_stream_update(struct gen5_digest_stream *stream,
                                                       const void *data, size_t size,
                                                       struct gen5_error *error);
// Ends the hash; the stream can then only be freed.
GEN5_EXPORT enum gen5_status gen5_digest_stream_finish(struct gen5_digest_stream *stream,
                                                       struct gen5_digest *digest,
                                                       struct gen5_error *error);
GEN5_EXPORT void gen5_digest_stream_free(struct gen5_digest_stream *stream);

GEN5_EXPORT enum gen5_status gen5_digest_of(const void *data, size_t size,
                                            struct gen5_digest *digest, struct gen5_error *error);

GEN5_EXPORT bool gen5_digest_equal(const struct gen5_digest *left, const struct gen5_digest *right);

// Lower-case hexadecimal, ended by a NUL.
GEN5_EXPORT void gen5_digest_to_hex(const struct gen5_digest *digest,
                                    char hex[GEN5_DIGEST_HEX_SIZE + 1]);

// From exactly 64 hexadecimal digits of either case; false for anything else.
GEN5_EXPORT bool gen5_digest_from_hex(const char *hex, size_t length, struct gen5_digest *digest);

#ifdef __cplusplus
}
#endif

#endif
