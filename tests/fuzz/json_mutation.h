// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Mutations of JSON texts that mostly stay JSON: one number, string, word or element of an array is
// made another, so that a mutation reaches what is behind the grammar.
#ifndef GEN5_FUZZ_JSON_MUTATION_H
#define GEN5_FUZZ_JSON_MUTATION_H

#include <stddef.h>

#include "chance.h"

// libFuzzer's own mutations.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);

// Change the text in its place, which has room for `size_max` bytes, and return its new size. What
// is no JSON is changed all the same.
size_t mutate_json(char *text, size_t size, size_t size_max, struct chance *chance);

#endif
