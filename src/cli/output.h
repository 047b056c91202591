// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Standard output handed on at once, and remembered where it could not be: results that were lost
// must not look like success.
#ifndef GEN5FS_CLI_OUTPUT_H
#define GEN5FS_CLI_OUTPUT_H

// Hand on what was printed so far. By the main thread alone.
void output_flush(void);

// The errno of the first failure so far, 0 where there was none. Hands on the rest.
int output_problem(void);

#endif
