// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Signals that ask a command to end (SIGINT, SIGTERM, SIGHUP) while it has something on disk that
// nobody wants to find: they are noted, the command puts away what is unfinished, and ends as if
// the signal had ended it.
#ifndef GEN5FS_CLI_INTERRUPTION_H
#define GEN5FS_CLI_INTERRUPTION_H

#include <stdbool.h>

// From now on signals are noted. Those that are ignored stay so.
void interruption_watch(void);
// Whether one came. Any thread may ask.
bool interruption_came(void);
// Ends the process by the signal that came; returns where none did.
void interruption_finish(void);

#endif
