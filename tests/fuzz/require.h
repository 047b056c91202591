// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What must hold for every input of a fuzz target.
#ifndef GEN5_FUZZ_REQUIRE_H
#define GEN5_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

// An abort is what libFuzzer takes for a find.
static inline _Noreturn void not_so(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

#define require(condition) ((condition) ? (void)0 : not_so(#condition, __FILE__, __LINE__))

#endif
