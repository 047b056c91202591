// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Standard output, and what went wrong with it.
#include "output.h"

#include <errno.h>
#include <stdio.h>

static int first_problem;

void output_flush(void) {
    if (fflush(stdout) != 0 && first_problem == 0) {
        first_problem = errno;
    }
}

int output_problem(void) {
    output_flush();
    if (first_problem == 0 && ferror(stdout) != 0) {
        first_problem = EIO; // the buffer was full in between, and nobody asked why
    }
    return first_problem;
}
