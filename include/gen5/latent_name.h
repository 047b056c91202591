// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A latent's key as a file name, and back (DESIGN.md 2.1).
//
// "KEY.npy": bytes that a file name cannot hold, or that would confuse ('/', '%', control
// characters, DEL, invalid UTF-8, C1 controls, bidirectional and line-separator characters, all of
// a key that is "." or ".."), are written as %XX in upper case. A name over 255 bytes is cut at a
// character and ends in "~" and 16 hexadecimal digits of the key's SHA-256, then ".npy". A key that
// ends as cut names do has its "~" escaped, so that no two keys share a name (unless their digests'
// first 64 bits agree).
#ifndef GEN5_LATENT_NAME_H
#define GEN5_LATENT_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "gen5/error.h"
#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GEN5_LATENT_NAME_SIZE_MAX = 255 };

// Write the file name for a key, ended by a NUL. Returns its length. An empty key is "%.npy". 0 and
// an empty name only where a name must be cut and there is no memory to compute the digest.
GEN5_EXPORT size_t gen5_latent_name_from_key(const char *key, size_t key_length,
                                             char name[GEN5_LATENT_NAME_SIZE_MAX + 1]);

// The key that a file name stands for; the caller frees *key (ended by a NUL that is not counted).
// Only a name that gen5_latent_name_from_key makes for that key is taken, so that names and keys
// match one to one: GEN5_ERROR_INVALID for others, and for cut names, whose key is lost.
GEN5_EXPORT enum gen5_status gen5_latent_name_to_key(const char *name, char **key,
                                                     size_t *key_length, struct gen5_error *error);

// Whether a name ends as cut names do. Their keys are found by making the names of those that there
// are.
GEN5_EXPORT bool gen5_latent_name_is_cut(const char *name);

#ifdef __cplusplus
}
#endif

#endif
