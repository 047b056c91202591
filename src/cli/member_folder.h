// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A folder of members that comes into being whole or not at all: it is filled under a temporary
// name beside its own, and renamed.
//
//     struct member_folder folder = MEMBER_FOLDER_NONE;
//     problem = member_folder_begin(&folder, "dir/x.gen5");
//     … write into folder.fd …
//     problem = member_folder_commit(&folder, overwrite);
//     member_folder_release(&folder); // on every path: removes what was not committed
#ifndef GEN5FS_CLI_MEMBER_FOLDER_H
#define GEN5FS_CLI_MEMBER_FOLDER_H

#include <stdbool.h>

#include "gen5/replace.h"

struct member_folder {
    int parent_fd;
    const char *name; // of the folder in its parent; borrowed of the path
    int fd;           // of the temporary; -1 where there is none
    char temporary[GEN5_TEMPORARY_NAME_SIZE];
};
#define MEMBER_FOLDER_NONE                                                                         \
    { -1, NULL, -1, "" }

// Create the temporary, and the folders above it that are missing. 0 or an errno.
int member_folder_begin(struct member_folder *folder, const char *path);

// Give the folder its name. EEXIST where something has it, unless `overwrite`: then, where that is
// a folder, its members are replaced, file by file and each whole, those that there are no new ones
// of are removed, and all other files stay. 0 or an errno.
int member_folder_commit(struct member_folder *folder, bool overwrite);
void member_folder_release(struct member_folder *folder);

// Create a folder and those above it. 0 where they are there, or an errno.
int folders_make(const char *path);
// Create those above what is at the path alone.
int folders_make_above(const char *path);

#endif
