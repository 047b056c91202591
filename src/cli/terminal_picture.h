// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Pictures on terminals that show them, by the protocol of kitty
// (https://sw.kovidgoyal.net/kitty/graphics-protocol/), which Ghostty and others took over, or that
// of iTerm2 (https://iterm2.com/documentation-images.html), which WezTerm and mintty took over.
#ifndef GEN5FS_CLI_TERMINAL_PICTURE_H
#define GEN5FS_CLI_TERMINAL_PICTURE_H

#include <stddef.h>
#include <stdio.h>

enum terminal_pictures { TERMINAL_PICTURES_NONE, TERMINAL_PICTURES_KITTY, TERMINAL_PICTURES_ITERM };

// What the terminal that a stream goes to says of itself in the environment; it is not asked, since
// its answer would be typed into whatever reads it. None within tmux and screen, which show no
// pictures of others.
enum terminal_pictures terminal_pictures_of(FILE *stream);

// Show a PNG where the cursor is, on lines of its own.
void terminal_picture_print(FILE *stream, enum terminal_pictures pictures, const char *png,
                            size_t size);

#endif
