// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Replacing a file so that a reader, and whoever comes after a crash, finds the old file or the new
// one and never a mixture: a temporary in the same folder, synced, then renamed over the old one.
//
//     struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
//     status = gen5_replacement_begin(&replacement, folder_fd, fd_of_old_or_minus_1, &error);
//     … write to replacement.fd …
//     status = gen5_replacement_commit(&replacement, "x.gen5", &identity_of_old, GEN5_SYNC_FILE,
//     &error); gen5_replacement_release(&replacement); // on every path: unlinks what was not
//     committed
#ifndef GEN5_REPLACE_H
#define GEN5_REPLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "gen5/error.h"
#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

// What tells one state of a file from every other (device, inode, size and both times: a clock may
// go back and a size may stay the same, all five together do not).
struct gen5_identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

GEN5_EXPORT struct gen5_identity gen5_identity_of(const struct stat *attributes);
GEN5_EXPORT bool gen5_identity_equal(const struct gen5_identity *left,
                                     const struct gen5_identity *right);

// Names of temporaries: ".gen5fs-" 16 hexadecimal digits ".tmp"; short enough beside any name.
enum { GEN5_TEMPORARY_NAME_SIZE = 32 };
GEN5_EXPORT bool gen5_temporary_name_is(const char *name);
// A name that nobody else makes, for what is no file, such as a folder that is being filled.
GEN5_EXPORT enum gen5_status gen5_temporary_name_make(char name[GEN5_TEMPORARY_NAME_SIZE],
                                                      struct gen5_error *error);

enum gen5_sync {
    GEN5_SYNC_DONE,   // the caller has synced the temporary
    GEN5_SYNC_FILE,   // the bytes before the rename: never a mixture, even after a power cut
    GEN5_SYNC_FOLDER, // the folder behind it too: the new file is there after a power cut
};

struct gen5_replacement {
    int folder_fd; // borrowed
    int fd;        // of the temporary, for writing; -1 where there is none
    char name[GEN5_TEMPORARY_NAME_SIZE];
};
#define GEN5_REPLACEMENT_NONE                                                                      \
    { -1, -1, "" }

// Create the temporary. With `old_fd` (else -1) its mode, owner, access-control lists and extended
// attributes are taken over; an owner that may not be given away is no error, unless the file would
// become readable for others than before: then the group's and others' bits are cleared.
// Without: mode 0666 less the process's umask.
GEN5_EXPORT enum gen5_status gen5_replacement_begin(struct gen5_replacement *replacement,
                                                    int folder_fd, int old_fd,
                                                    struct gen5_error *error);

// Sync and rename. With `expected`, the file called `name` must still be that one, else
// GEN5_ERROR_CHANGED and nothing is renamed. Without (NULL), there must be no file of that name: it
// is never replaced (GEN5_ERROR_SYSTEM, EEXIST). `committed`, when not NULL, is filled with the new
// file's attributes as they are behind the rename.
// To fill `committed` and GEN5_SYNC_FOLDER may fail behind the rename: the new file is in place
// then, and replacement->name is empty, as after success. It is set after every other failure.
GEN5_EXPORT enum gen5_status gen5_replacement_commit(struct gen5_replacement *replacement,
                                                     const char *name,
                                                     const struct gen5_identity *expected,
                                                     enum gen5_sync sync, struct stat *committed,
                                                     struct gen5_error *error);
GEN5_EXPORT void gen5_replacement_release(struct gen5_replacement *replacement);

// Sync a file's bytes, or a folder, so that names in it survive a power cut. File systems that can
// not (EINVAL) are let pass.
GEN5_EXPORT enum gen5_status gen5_file_sync(int fd, struct gen5_error *error);
GEN5_EXPORT enum gen5_status gen5_folder_sync(int folder_fd, struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
