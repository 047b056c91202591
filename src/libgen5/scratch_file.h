// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Unnamed files for what is too large to be kept in memory while a container is written. Private to
// libgen5.
#ifndef GEN5_SCRATCH_FILE_H
#define GEN5_SCRATCH_FILE_H

#include <stdint.h>

#include "gen5/error.h"

// Create an empty file without a name, for reading and writing, which about `size` bytes will be
// written to: in memory where they are few, else in the folder of `fd_beside`, whose file system is
// going to hold them anyway, else in /var/tmp. The caller closes *fd, and nothing is left.
enum gen5_status gen5_scratch_file_new(int fd_beside, uint64_t size, int *fd,
                                       struct gen5_error *error);

#endif
