// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Text from files and names on its way to a terminal. Every control character, C1 controls in UTF-8
// (U+0080 to U+009F) included, becomes '?', so that a name can neither forge a second line nor
// drive a terminal.
#ifndef GEN5FS_CLI_HARMLESS_H
#define GEN5FS_CLI_HARMLESS_H

#include <stddef.h>

// In place; no byte is added or removed.
void make_harmless(char *text, size_t size);

// Print to standard output with control characters replaced.
void print_harmless(const char *text);
void print_harmless_bytes(const char *bytes, size_t size);

#endif
