// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "chance.h"

#include <math.h>

uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717U;
}

// Above 0, up to 1.
static double random_fraction(uint64_t *state) {
    return (double)((random_next(state) >> 11) + 1) / (double)((uint64_t)1 << 53);
}

// By Box and Muller.
double random_normal(uint64_t *state) {
    double radius = sqrt(-2.0 * log(random_fraction(state)));
    return radius * cos(2.0 * M_PI * random_fraction(state));
}
