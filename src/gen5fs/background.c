// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Going to the background. A pipe tells the parent: one byte is "live", its end without one is
// failure.
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filesystem.h"

static int wait_for_child(pid_t child, int fd, int failure) {
    char byte;
    ssize_t got;
    do {
        got = read(fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    close(fd);
    if (got == 1) {
        return 0;
    }
    int ended = 0;
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(ended) && WEXITSTATUS(ended) != 0) {
        return WEXITSTATUS(ended); // The child has said why.
    }
    note("the daemon ended before the mount was live");
    return failure;
}

bool background_fork(int *live_fd, int failure, int *status) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        note("cannot go to the background: %s", strerror(errno));
        *status = failure;
        return false;
    }
    fflush(NULL); // What is buffered is to be written once.
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        *live_fd = ends[1];
        setsid();
        return true;
    }
    close(ends[1]);
    if (child < 0) {
        note("cannot go to the background: %s", strerror(errno));
        close(ends[0]);
        *status = failure;
    } else {
        *status = wait_for_child(child, ends[0], failure);
    }
    return false;
}

void background_live(int live_fd) {
    note_to_syslog();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++) {
        dup2(null, fd);
    }
    if (null > STDERR_FILENO) {
        close(null);
    }
    // The folder that it was started in may be unmounted or removed some day.
    if (chdir("/") != 0) {
        note("cannot leave the current folder: %s", strerror(errno));
    }
    char byte = 0;
    ssize_t written = write(live_fd, &byte, 1);
    (void)written; // A parent that is gone has nothing left to learn.
    close(live_fd);
}
