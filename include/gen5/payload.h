// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Payloads: decoded, counted and hashed. None of these functions hands out a payload as good whose
// inner header, size or SHA-256 differs from its record: they fail with GEN5_ERROR_DAMAGED or
// GEN5_ERROR_HASH, and what was written until then is for the caller to throw away.
#ifndef GEN5_PAYLOAD_H
#define GEN5_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/container.h"
#include "gen5/error.h"
#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gen5_verification {
    GEN5_VERIFY = 0,   // compare the SHA-256
    GEN5_NO_VERIFY = 1 // everything else is checked, the SHA-256 is not
};

// Decode the whole payload into `buffer`, which has record->payload_size bytes.
GEN5_EXPORT enum gen5_status gen5_payload_read(const struct gen5_container *container,
                                               const struct gen5_record *record,
                                               enum gen5_verification verification, void *buffer,
                                               struct gen5_error *error);

// Decode and check the whole payload, and keep its first `size` bytes (at most payload_size) in
// `buffer`.
GEN5_EXPORT enum gen5_status gen5_payload_check(const struct gen5_container *container,
                                                const struct gen5_record *record,
                                                enum gen5_verification verification, void *buffer,
                                                uint64_t size, struct gen5_error *error);

// Decode the whole payload through a small buffer to `fd_out` at `offset_out`; -1: only check it.
GEN5_EXPORT enum gen5_status gen5_payload_copy(const struct gen5_container *container,
                                               const struct gen5_record *record,
                                               enum gen5_verification verification, int fd_out,
                                               uint64_t offset_out, struct gen5_error *error);

// Decode the first `size` bytes (at most payload_size) only, unverified. For tools that look at a
// beginning, such as an image's signature; the caller must not serve the bytes as checked.
GEN5_EXPORT enum gen5_status gen5_payload_read_prefix(const struct gen5_container *container,
                                                      const struct gen5_record *record,
                                                      void *buffer, size_t size,
                                                      struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
