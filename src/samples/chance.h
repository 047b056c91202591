// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Numbers by chance, the same in every run.
#ifndef GEN5FS_SAMPLES_CHANCE_H
#define GEN5FS_SAMPLES_CHANCE_H

#include <stdint.h>

// xorshift64*. The state is never 0.
uint64_t random_next(uint64_t *state);

// From the normal distribution.
double random_normal(uint64_t *state);

#endif
