// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container that a command was given by its path, open for reading.
#ifndef GEN5FS_CLI_CONTAINER_FILE_H
#define GEN5FS_CLI_CONTAINER_FILE_H

#include <stdint.h>

#include "gen5/container.h"
#include "gen5/environment.h"
#include "gen5/error.h"

struct container_file {
    const char *path; // borrowed
    int fd;
    uint64_t size;
    struct gen5_container *container;
};
#define CONTAINER_FILE_NONE                                                                        \
    { NULL, -1, 0, NULL }

// Open a regular file for reading without waiting, as opening a FIFO would. *fd is the caller's.
enum gen5_status regular_file_open(const char *path, int *fd, uint64_t *size,
                                   struct gen5_error *error);

// With the default limits. Nothing is printed. The file needs no release after a failure.
enum gen5_status container_file_open(const char *path, struct container_file *file,
                                     struct gen5_error *error);
void container_file_release(struct container_file *file);

// The whole payload of a member in new memory that the caller frees, checked, with a NUL behind it;
// GEN5_ERROR_LIMIT where it has more than `size_max` bytes.
enum gen5_status member_read(const struct gen5_container *container,
                             const struct gen5_record *record, uint64_t size_max, char **bytes,
                             struct gen5_error *error);

// The environment that a container has, for the caller to release. GEN5_ERROR_MISSING where it has
// none; the message of other failures says where.
enum gen5_status environment_of(const struct gen5_container *container,
                                struct gen5_environment *environment, struct gen5_error *error);

#endif
