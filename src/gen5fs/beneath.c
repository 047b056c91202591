// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Opening below a folder without being led elsewhere.
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gen5/replace.h"

enum { ATTEMPTS_MAX = 100 };

static const int folder_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Called for each component: the descriptor of `name` in `parent`, or -1.
typedef int (*step)(int parent, const char *name, const void *context);

// Go one component after the other. A descriptor of the last, or -1 and errno.
static int walk(int folder_fd, const char *path, step take, const void *context) {
    int at = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0);
    for (path += strspn(path, "/"); at >= 0 && *path != '\0'; path += strspn(path, "/")) {
        char name[NAME_MAX + 1];
        const size_t length = strcspn(path, "/");
        const bool fits = length < sizeof name;
        snprintf(name, sizeof name, "%.*s", (int)(fits ? length : 0), path);
        int next = -1;
        if (!fits || strcmp(name, "..") == 0) {
            errno = fits ? EXDEV : ENAMETOOLONG;
        } else {
            next = take(at, name, context);
        }
        int problem = errno;
        close(at);
        errno = problem;
        at = next;
        path += length;
    }
    return at;
}

static int open_step(int parent, const char *name, const void *context) {
    (void)context;
    return openat(parent, name, folder_flags);
}

// For kernels without openat2. The device is not compared: such a kernel crosses mounts.
static int open_by_steps(int folder_fd, const char *path, int flags) {
    const char *slash = strrchr(path, '/');
    const char *last = slash != NULL ? slash + 1 : path;
    char *folders = strndup(path, (size_t)(last - path));
    int parent = folders != NULL ? walk(folder_fd, folders, open_step, NULL) : -1;
    free(folders);
    if (parent < 0) {
        return -1;
    }
    int fd = openat(parent, last, flags | O_NOFOLLOW | O_CLOEXEC);
    int problem = errno;
    close(parent);
    errno = problem;
    return fd;
}

int open_beneath(int folder_fd, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    // EAGAIN: something was renamed on the way, and the kernel cannot rule out that it led outside.
    for (int attempt = 0; attempt == 0 || (errno == EAGAIN && attempt < ATTEMPTS_MAX); attempt++) {
        long fd = syscall(SYS_openat2, folder_fd, path, &how, sizeof how);
        if (fd >= 0) {
            return (int)fd;
        }
    }
    return errno == ENOSYS ? open_by_steps(folder_fd, path, flags) : -1;
}

struct making {
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

static int make_step(int parent, const char *name, const void *context) {
    const struct making *making = context;
    if (mkdirat(parent, name, making->mode) == 0) {
        // Not being allowed to give it away is no failure: it is the daemon's own then.
        int given = fchownat(parent, name, making->uid, making->gid, AT_SYMLINK_NOFOLLOW);
        (void)given;
        // Nor is a parent that cannot be synced: the folder is there.
        (void)gen5_folder_sync(parent, NULL);
    } else if (errno != EEXIST) {
        return -1;
    }
    return openat(parent, name, folder_flags);
}

int make_folders_beneath(int folder_fd, const char *path, mode_t mode, uid_t uid, gid_t gid) {
    const struct making making = {.mode = mode, .uid = uid, .gid = gid};
    return walk(folder_fd, path, make_step, &making);
}
