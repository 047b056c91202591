// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Least privilege. A daemon that reads files from anywhere gives up, before it reads the first,
// what it has no use for: programs with more privileges than it has itself (no_new_privs(7)), files
// outside the source (landlock(7)), and system calls that change the system or reach other
// processes (seccomp(2)). What is beyond that afterwards, guard.h does for it.
#ifndef GEN5FS_PRIVILEGES_H
#define GEN5FS_PRIVILEGES_H

struct filesystem;

// By the thread that starts all others, and before it does: each thread has what the one has that
// started it. What a kernel does not offer is left out. What is in force then, for the log.
const char *privileges_give_up(const struct filesystem *filesystem);

#endif
