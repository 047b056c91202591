// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Unnamed files: in memory, or with O_TMPFILE.
#include "scratch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Enough for nearly every latent, little enough for a daemon.
#define MEMORY_SIZE_MAX ((uint64_t)64 << 20)

static int create_in(const char *folder) {
    int fd;
    do {
        fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

// -1 where the folder is not known (no /proc) or its file system has no unnamed files. That the
// folder may have been renamed meanwhile does no harm: nobody sees the file, wherever it is.
static int create_beside(int fd_beside) {
    char link[64];
    char path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd_beside);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || path[0] != '/') {
        return -1;
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    slash[slash == path ? 1 : 0] = '\0';
    return create_in(path);
}

enum gen5_status gen5_scratch_file_new(int fd_beside, uint64_t size, int *fd,
                                       struct gen5_error *error) {
    int created = -1;
    if (size > MEMORY_SIZE_MAX) {
        created = create_beside(fd_beside);
        if (created < 0) {
            created = create_in("/var/tmp");
        }
    }
    if (created < 0) {
        created = memfd_create("gen5-scratch", MFD_CLOEXEC);
    }
    if (created < 0) {
        return gen5_error_set_system(error, errno, "cannot create a scratch file");
    }
    *fd = created;
    return GEN5_OK;
}
