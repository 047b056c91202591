// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Giving a new file the owner, mode, access-control list and extended attributes of the one that it
// is going to replace. Private to libgen5.
#ifndef GEN5_ATTRIBUTES_COPY_H
#define GEN5_ATTRIBUTES_COPY_H

#include "gen5/error.h"

// `fd_new` is a new file that nobody else can open yet (mode 0600), as gen5/replace.h describes.
// What the file system or the process's rights do not allow to be taken over is left out, as long
// as nobody can read the new file who could not read the old one.
enum gen5_status gen5_attributes_copy(int fd_old, int fd_new, struct gen5_error *error);

#endif
