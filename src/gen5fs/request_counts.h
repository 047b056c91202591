// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// How many requests of each kind the kernel has sent. A round trip is what an operation on a mount
// costs most, and one that the kernel does not make cannot be seen by timing it.
#ifndef GEN5FS_REQUEST_COUNTS_H
#define GEN5FS_REQUEST_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum { REQUEST_KINDS = 64 }; // operations are numbered from 1 (linux/fuse.h, enum fuse_opcode)

// Zero-initialised is none. Any thread may count and print.
struct request_counts {
    atomic_uint_fast64_t of[REQUEST_KINDS];
};

void request_counts_add(struct request_counts *counts, uint32_t operation);

// "request NAME COUNT" lines, for those that have been sent.
void request_counts_print(const struct request_counts *counts, FILE *out);

#endif
