// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What tells one thing of the source from another. A file system gives the inode number of what is
// gone to something else, which then has another time of birth.
#ifndef GEN5FS_SOURCE_IDENTITY_H
#define GEN5FS_SOURCE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

struct source_identity {
    dev_t device;
    ino_t inode;
    mode_t type;          // mode & S_IFMT
    struct timespec born; // zero where the file system does not know
};

// Look at a name in a folder, or with the name "" at what the descriptor is of; a symlink is not
// followed. 0 or an errno.
int source_look(int folder_fd, const char *name, struct stat *attributes,
                struct source_identity *identity);

bool source_identity_equal(const struct source_identity *left, const struct source_identity *right);

#endif
