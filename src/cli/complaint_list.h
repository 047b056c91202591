// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Complaints that are gathered by a thread that does the work, and told by the one that prints.
#ifndef GEN5FS_CLI_COMPLAINT_LIST_H
#define GEN5FS_CLI_COMPLAINT_LIST_H

#include <stddef.h>

struct complaint_list {
    char **whats; // with the whys at the same places
    char **whys;
    size_t count;
};
#define COMPLAINT_LIST_NONE                                                                        \
    { NULL, NULL, 0 }

// As complain() does, later. Where there is no memory for it, it is told at once.
void complaint_list_add(struct complaint_list *list, const char *what, const char *why_format, ...)
    __attribute__((format(printf, 3, 4)));

// Tell them all, and release the list.
void complaint_list_tell(struct complaint_list *list);

#endif
