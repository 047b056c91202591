// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Arithmetic on sizes that come from a file, which may ask for anything. Private to libgen5.
#ifndef GEN5_SIZE_ARITHMETIC_H
#define GEN5_SIZE_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>

// Each returns false, and leaves the result alone, where it does not fit 64 bits.
static inline __attribute__((warn_unused_result)) bool gen5_size_add(uint64_t left, uint64_t right,
                                                                     uint64_t *sum) {
    uint64_t result;
    if (__builtin_add_overflow(left, right, &result)) {
        return false;
    }
    *sum = result;
    return true;
}

static inline __attribute__((warn_unused_result)) bool
gen5_size_multiply(uint64_t left, uint64_t right, uint64_t *product) {
    uint64_t result;
    if (__builtin_mul_overflow(left, right, &result)) {
        return false;
    }
    *product = result;
    return true;
}

// True where [offset, offset + size) lies in [0, whole). The subtraction is safe only behind the
// first comparison.
static inline bool gen5_size_lies_within(uint64_t offset, uint64_t size, uint64_t whole) {
    return offset <= whole && size <= whole - offset;
}

static inline uint64_t gen5_size_smaller(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

#endif
