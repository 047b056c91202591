// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Many pieces of work, done side by side on all processors, with their results taken in order.
#ifndef GEN5FS_CLI_WORK_H
#define GEN5FS_CLI_WORK_H

#include <stddef.h>

struct work {
    size_t count; // of pieces, numbered from 0
    // Does one piece. Called in any order and by several threads at once, once for each piece.
    void (*run)(void *context, size_t piece);
    // Takes the result of a piece, by the caller's thread alone, in the order of the numbers.
    void (*finish)(void *context, size_t piece);
    // Called by the caller's thread ten times a second meanwhile; NULL where nobody watches.
    void (*tick)(void *context);
    void *context;
};

// Returns when every piece was run and finished.
void work_do(const struct work *work);

#endif
