// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One line to standard error when something went wrong.
#include "complaint.h"

#include <stdarg.h>
#include <stdio.h>

// Two paths and a sentence; what is longer is cut.
enum { LINE_SIZE = 10240 };

static char harmless(char character) {
    unsigned char byte = (unsigned char)character;
    return byte < 0x20 || byte == 0x7f ? '?' : character;
}

void complain(const char *what, const char *why_format, ...) {
    char why[LINE_SIZE];
    va_list arguments;
    va_start(arguments, why_format);
    if (vsnprintf(why, sizeof why, why_format, arguments) < 0) {
        why[0] = '\0';
    }
    va_end(arguments);
    char line[2 * LINE_SIZE];
    if (snprintf(line, sizeof line, "gen5fs: %s: %s", what, why) < 0) {
        return;
    }
    for (char *at = line; *at != '\0'; at++) {
        *at = harmless(*at);
    }
    fprintf(stderr, "%s\n", line);
}

void print_harmless(const char *text) {
    for (; *text != '\0'; text++) {
        putchar(harmless(*text));
    }
}
