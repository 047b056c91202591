// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Names in lines of text. A name may hold anything but NUL and '/': it must neither forge a line
// nor drive a terminal, so each control character in it becomes '?'.
#ifndef GEN5FS_PLAIN_TEXT_H
#define GEN5FS_PLAIN_TEXT_H

#include <stdio.h>

// In place.
void plain_text_make(char *text);
void plain_text_print(FILE *out, const char *text);

#endif
