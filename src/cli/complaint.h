// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the command says when something went wrong: one line to standard error, of the form
// "gen5fs: WHAT: why".
#ifndef GEN5FS_CLI_COMPLAINT_H
#define GEN5FS_CLI_COMPLAINT_H

// `what` is the path, option or sub-command that the trouble is with. Control characters in the
// line are replaced (harmless.h).
void complain(const char *what, const char *why_format, ...) __attribute__((format(printf, 2, 3)));

#endif
