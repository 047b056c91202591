// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What terminals can do. Nothing of it is used where output goes elsewhere.
#ifndef GEN5FS_CLI_TERMINAL_H
#define GEN5FS_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// Whether the stream goes to a terminal that moves its cursor (TERM is set, and not "dumb").
bool terminal_is(FILE *stream);

// The terminal's columns; 80 where it does not tell.
size_t terminal_columns(FILE *stream);

// Colours: on a terminal only, and not where NO_COLOR is set and not empty (no-color.org). All of
// these are empty strings elsewhere.
enum terminal_style { STYLE_PLAIN, STYLE_BOLD, STYLE_FAINT, STYLE_RED, STYLE_GREEN };
const char *terminal_style(FILE *stream, enum terminal_style style);

#endif
