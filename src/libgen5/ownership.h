// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Who frees what: variables that release what they hold when they go out of scope, and taking
// ownership out of them. Private to libgen5.
//
//     GEN5_AUTO_FREE char *text = NULL;
//     … on success: *result = gen5_steal(&text);
#ifndef GEN5_OWNERSHIP_H
#define GEN5_OWNERSHIP_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A pointer that is freed, or a descriptor that is closed, when it goes out of scope. They must be
// initialised where they are declared, to NULL and -1 when there is nothing yet.
#define GEN5_AUTO_FREE __attribute__((cleanup(gen5_pointer_cleanup)))
#define GEN5_AUTO_CLOSE __attribute__((cleanup(gen5_fd_cleanup)))

// `address` is that of any object pointer; memcpy keeps the strict aliasing rules.
static inline void gen5_pointer_cleanup(void *address) {
    void *memory;
    memcpy(&memory, address, sizeof memory);
    free(memory);
}

static inline void gen5_fd_cleanup(const int *fd) {
    if (*fd >= 0) {
        int kept = errno;
        close(*fd);
        errno = kept;
    }
}

// Take what the pointer at `address` holds, and leave NULL there.
static inline void *gen5_steal(void *address) {
    void *memory;
    memcpy(&memory, address, sizeof memory);
    memset(address, 0, sizeof memory);
    return memory;
}

// Take the descriptor, and leave -1 there.
static inline int gen5_fd_steal(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}

#endif
