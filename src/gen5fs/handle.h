// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// An open file. fuse_file_info.fh is the address of one.
#ifndef GEN5FS_HANDLE_H
#define GEN5FS_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct node;

enum handle_kind { HANDLE_ORDINARY, HANDLE_FILE, HANDLE_STATUS };

struct handle {
    enum handle_kind kind;
    struct node *node; // holds a reference
    int flags;         // of open(2)
    int fd;            // HANDLE_ORDINARY: of the file in the source; else -1
    pid_t opener;      // HANDLE_FILE: process that opened it, 0 where unknown
    bool writes;       // opened for writing
    bool flushed;      // writes: flushed since its last write
    char *text;        // HANDLE_STATUS: what it reads
    size_t text_size;
    struct handle *next_of_node; // HANDLE_ORDINARY: in node.handles
    // In filesystem.handles, from when the kernel is given the handle; owned by
    // request_files.c.
    struct handle **place; // where the list points to this one; NULL while it is not in it
    struct handle *next;
};

#endif
