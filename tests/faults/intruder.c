// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Somebody who has got into the daemon: a library that is loaded before the C library, and does in
// a thread that serves requests what an intruder would. Asked for the extended attribute
// "user.intruder.DEED" of any ordinary file, it does the deed and gives the errno it ended with as
// the value, in decimal; 0 for success. GEN5_INTRUDER_TARGET is the file that is to be got at.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char prefix[] = "user.intruder.";

static int open_target(int flags) {
    int fd = open(getenv("GEN5_INTRUDER_TARGET"), flags | O_CLOEXEC, 0600);
    int problem = fd < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    return problem;
}

static int run_program(void) {
    char *const arguments[] = {"/bin/true", NULL};
    pid_t child;
    int problem = posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ);
    if (problem == 0) {
        waitpid(child, NULL, 0);
    }
    return problem;
}

static int open_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int problem = fd < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    return problem;
}

static int trace_parent(void) {
    pid_t parent = getppid();
    if (ptrace(PTRACE_SEIZE, parent, NULL, NULL) != 0) {
        return errno;
    }
    ptrace(PTRACE_INTERRUPT, parent, NULL, NULL);
    waitpid(parent, NULL, __WALL);
    return ptrace(PTRACE_DETACH, parent, NULL, NULL) != 0 ? errno : 0;
}

static int deed(const char *name) {
    if (strcmp(name, "read") == 0) {
        return open_target(O_RDONLY);
    }
    if (strcmp(name, "write") == 0) {
        return open_target(O_WRONLY);
    }
    if (strcmp(name, "truncate") == 0) {
        return truncate(getenv("GEN5_INTRUDER_TARGET"), 0) != 0 ? errno : 0;
    }
    if (strcmp(name, "remove") == 0) {
        return unlink(getenv("GEN5_INTRUDER_TARGET")) != 0 ? errno : 0;
    }
    if (strcmp(name, "run") == 0) {
        return run_program();
    }
    if (strcmp(name, "network") == 0) {
        return open_socket();
    }
    if (strcmp(name, "trace") == 0) {
        return trace_parent();
    }
    if (strcmp(name, "mount") == 0) {
        return mount("none", "/mnt", "tmpfs", 0, NULL) != 0 ? errno : umount("/mnt");
    }
    return ENOSYS;
}

__attribute__((visibility("default"))) ssize_t getxattr(const char *path, const char *name,
                                                        void *value, size_t size) {
    (void)path;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        errno = ENODATA; // No file has any other.
        return -1;
    }
    char text[16];
    if (size == 0) {
        return sizeof text;
    }
    int length = snprintf(text, sizeof text, "%d", deed(name + sizeof prefix - 1));
    if ((size_t)length > size) {
        errno = ERANGE;
        return -1;
    }
    memcpy(value, text, (size_t)length);
    return length;
}
