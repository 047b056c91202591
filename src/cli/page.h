// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A page for a person on standard output: lines of a label and a value, with what came from files
// made harmless, in colours on a terminal.
#ifndef GEN5FS_CLI_PAGE_H
#define GEN5FS_CLI_PAGE_H

#include <stddef.h>

#include "gen5/manifest.h"
#include "terminal.h"

// Where values begin, behind two spaces, the label and a space.
enum { PAGE_VALUE_COLUMN = 15 };

// The beginning of a line; the label is shown where it is not NULL.
void page_label(const char *label);
// A text and the end of the line. One of several lines goes on below, at column `indent`.
void page_text(const char *text, size_t size, size_t indent);
// "damaged".
void page_damage(void);
// "1 x 4 x 64 x 64".
void page_shape(const struct gen5_record *record);
// Of standard output (terminal.h).
const char *page_style(enum terminal_style style);

#endif
