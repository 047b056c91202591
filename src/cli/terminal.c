// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What terminals can do (ECMA-48 for the styles).
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_UNKNOWN = 80 };

bool terminal_is(FILE *stream) {
    const char *kind = getenv("TERM");
    return kind != NULL && kind[0] != '\0' && strcmp(kind, "dumb") != 0 && isatty(fileno(stream));
}

size_t terminal_columns(FILE *stream) {
    struct winsize size = {.ws_col = 0};
    bool told = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return told ? size.ws_col : COLUMNS_UNKNOWN;
}

const char *terminal_style(FILE *stream, enum terminal_style style) {
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_BOLD] = "\033[1m",   [STYLE_FAINT] = "\033[2m",
        [STYLE_RED] = "\033[31m",  [STYLE_GREEN] = "\033[32m",
    };
    const char *no_colour = getenv("NO_COLOR");
    bool allowed = no_colour == NULL || no_colour[0] == '\0';
    return allowed && terminal_is(stream) ? sequences[style] : "";
}
