// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One line to standard error when something went wrong.
#include "complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harmless.h"

// Two paths and a sentence; what is longer is cut.
enum { LINE_SIZE = 10240 };

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
    make_harmless(line, strlen(line));
    fprintf(stderr, "%s\n", line);
}
