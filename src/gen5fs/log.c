// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The daemon's log: one line a message, to standard error or to syslog.
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "filesystem.h"
#include "plain_text.h"

// Where the log goes is the process's, like standard error itself.
static atomic_bool to_syslog;

// Longer than a path and a libgen5 message together.
enum { LINE_SIZE = 8192 };

__attribute__((format(printf, 2, 0))) static void write_line(int priority, const char *format,
                                                             va_list arguments) {
    char line[LINE_SIZE] = "gen5fs: ";
    const size_t prefix = strlen(line);
    int printed = vsnprintf(line + prefix, sizeof line - prefix - 1, format, arguments);
    if (printed < 0) {
        return;
    }
    plain_text_make(line);
    if (atomic_load_explicit(&to_syslog, memory_order_relaxed)) {
        syslog(priority, "%s", line + prefix);
        return;
    }
    size_t length = strlen(line);
    line[length] = '\n';
    // One write, so that lines of several threads do not mix. There is nobody to tell of its
    // failure.
    ssize_t written = write(STDERR_FILENO, line, length + 1);
    (void)written;
}

void note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    write_line(LOG_NOTICE, format, arguments);
    va_end(arguments);
}

void note_debug(const struct filesystem *filesystem, const char *format, ...) {
    if (!filesystem->debug) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    write_line(LOG_DEBUG, format, arguments);
    va_end(arguments);
}

void note_to_syslog(void) {
    openlog("gen5fs", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    atomic_store(&to_syslog, true);
}

int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
