// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A path in a line that somebody is told to type.
#ifndef GEN5FS_SHELL_WORD_H
#define GEN5FS_SHELL_WORD_H

#include <limits.h>

struct shell_word {
    char text[2 * PATH_MAX];
};

// The path as a shell reads it back, and no command takes for a switch: in quotes only where it
// needs them, behind "./" where it begins with a dash. What does not fit is left as it is.
struct shell_word shell_word_of(const char *path);

#endif
