// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What a mutator leaves to chance: the same seed makes the same choices (xorshift64*, Vigna 2016).
#ifndef GEN5_FUZZ_CHANCE_H
#define GEN5_FUZZ_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state; // never 0
};

static inline struct chance chance_from(unsigned int seed) {
    return (struct chance){((uint64_t)seed << 1 | 1) * 0x9e3779b97f4a7c15U};
}

static inline uint64_t chance_number(struct chance *chance) {
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return chance->state * 0x2545f4914f6cdd1dU;
}

// A number below `count`, which is not 0.
static inline size_t chance_below(struct chance *chance, size_t count) {
    return (size_t)((chance_number(chance) >> 16) % count);
}

#endif
