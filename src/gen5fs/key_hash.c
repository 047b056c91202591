// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// FNV-1a (its 64-bit prime) over the bytes of a text; MurmurHash3's 64-bit finalizer to spread what
// comes out over all bits.
#include "key_hash.h"

static uint64_t spread(uint64_t value) {
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ (value >> 33);
}

uint64_t key_hash_number(uint64_t seed, uint64_t number) {
    return spread(spread(seed) ^ number);
}

uint64_t key_hash_text(uint64_t seed, const char *text) {
    uint64_t hash = spread(seed);
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    return spread(hash);
}
