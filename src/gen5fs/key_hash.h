// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Hashes of what things are found by: numbers, names, and both in a row. Every bit of a hash is as
// good as another. The same from run to run, since inode numbers and positions in listings are made
// of them; not for keys that somebody may choose to collide at a price that matters.
#ifndef GEN5FS_KEY_HASH_H
#define GEN5FS_KEY_HASH_H

#include <stdint.h>

// `seed` is the hash of what comes before in the key; any constant for the first part.
uint64_t key_hash_number(uint64_t seed, uint64_t number);
uint64_t key_hash_text(uint64_t seed, const char *text);

#endif
