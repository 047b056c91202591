// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The names in a folder.
#ifndef GEN5FS_CLI_FOLDER_NAMES_H
#define GEN5FS_CLI_FOLDER_NAMES_H

// Calls `visit` with each name in a folder, "." and ".." aside, in the order of their bytes, until
// one call does not return 0. The names are read before: visits may change the folder. Returns what
// the last call did, or an errno.
int folder_names_visit(int folder_fd, int (*visit)(void *context, const char *name), void *context);

#endif
