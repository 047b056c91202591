// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Another program that is run for what it says.
#ifndef GEN5FS_CLI_PROGRAM_H
#define GEN5FS_CLI_PROGRAM_H

#include <spawn.h>
#include <stddef.h>

// Runs words[0], looked for in PATH, with the NULL-terminated words, after `actions`, and waits for
// its end. What it writes to `stream`, STDOUT_FILENO or STDERR_FILENO, is in `output` then, ended
// with a zero; what is beyond `size` - 1 bytes is dropped. 0 and its wait status, or an errno.
int program_run(const char *const *words, posix_spawn_file_actions_t *actions, int stream,
                char *output, size_t size, int *wait_status);

#endif
