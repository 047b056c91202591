// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The word that somebody probably meant.
#ifndef GEN5FS_CLI_CLOSEST_H
#define GEN5FS_CLI_CLOSEST_H

#include <stddef.h>

// The first of the words that takes the fewest insertions, deletions and replacements to become
// `given`; NULL where none is nearer than a third of it, or `given` is longer than any word is.
const char *closest_word(const char *given, const char *const *words, size_t count);

#endif
