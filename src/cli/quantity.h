// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Sizes and times as people read them.
#ifndef GEN5FS_CLI_QUANTITY_H
#define GEN5FS_CLI_QUANTITY_H

#include <stdint.h>

enum { QUANTITY_SIZE = 32 };

// "592 bytes", "437.2 kB", "1.2 GB": powers of 1000. Returns `text`.
char *quantity_of_bytes(uint64_t bytes, char text[QUANTITY_SIZE]);

// A part of a whole: "92.2 %"; "-" where there is no whole.
char *quantity_of_share(uint64_t part, uint64_t whole, char text[QUANTITY_SIZE]);

// "0:07", "12:05", "3:04:05".
char *quantity_of_seconds(uint64_t seconds, char text[QUANTITY_SIZE]);

#endif
