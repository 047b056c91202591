// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A file that a command makes at a path: it appears when it is whole, and replaces another one only
// where that was asked for.
//
//     struct new_file file = NEW_FILE_NONE;
//     status = new_file_open(&file, path, overwrite, &error); // early, before there is work to
//     lose status = new_file_begin(&file, &error); … write to file.replacement.fd … status =
//     new_file_commit(&file, &error); new_file_release(&file); // on every path
#ifndef GEN5FS_CLI_NEW_FILE_H
#define GEN5FS_CLI_NEW_FILE_H

#include <stdbool.h>

#include "gen5/error.h"
#include "gen5/replace.h"

struct new_file {
    int folder_fd;
    const char *name; // in the folder; borrowed of the path
    int old_fd;       // of the file that is replaced; -1 where there is none
    struct gen5_identity old;
    struct gen5_replacement replacement;
};
#define NEW_FILE_NONE                                                                              \
    { .folder_fd = -1, .old_fd = -1, .replacement = GEN5_REPLACEMENT_NONE }

// Look at the place. Refused is a name that something has, unless `overwrite` and that is a regular
// file, not a link to one. Nothing is changed. The message does not repeat the path.
enum gen5_status new_file_open(struct new_file *file, const char *path, bool overwrite,
                               struct gen5_error *error);
// Create a temporary file in the folder, with the mode and attributes of what is replaced.
enum gen5_status new_file_begin(struct new_file *file, struct gen5_error *error);
// Sync it and give it its name, unless a signal came (interruption.h).
enum gen5_status new_file_commit(struct new_file *file, struct gen5_error *error);
void new_file_release(struct new_file *file);

#endif
