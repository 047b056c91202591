// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Asks the process behind a mount who it is. A child asks: it may have to be another user, since
// FUSE lets not even root into a mount without allow_other, and it alone hangs with a daemon that
// does.
#include "mount_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "filesystem.h"
#include "mount.h"
#include "mount_table.h"

enum { ANSWER_MS_MAX = 10 * 1000 };

struct answer {
    pid_t daemon; // 0 where there is none
    int problem;  // then an errno
};

static struct answer failure(int problem) {
    return (struct answer){.daemon = 0, .problem = problem};
}

static struct answer ask(const char *mountpoint) {
    char text[24];
    ssize_t length = getxattr(mountpoint, GEN5FS_PID_ATTRIBUTE, text, sizeof text - 1);
    if (length < 0) {
        return failure(errno);
    }
    text[length] = '\0';
    char *end = NULL;
    errno = 0;
    long pid = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || pid <= 0 || pid > INT_MAX) {
        return failure(EINVAL);
    }
    return (struct answer){.daemon = (pid_t)pid, .problem = 0};
}

static void answer_parent(const struct mount_entry *entry, int fd) {
    struct answer answer;
    // The kernel compares all three of each.
    if (geteuid() == 0 && (setresgid(entry->group, entry->group, entry->group) != 0 ||
                           setresuid(entry->user, entry->user, entry->user) != 0)) {
        answer = failure(errno);
    } else {
        answer = ask(entry->mountpoint);
    }
    ssize_t written = write(fd, &answer, sizeof answer);
    (void)written; // A parent that is gone does not want to know.
}

static struct answer wait_for_answer(pid_t child, int fd) {
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    const int64_t end_ms = clock_ms() + ANSWER_MS_MAX;
    int ready;
    do {
        const int64_t left_ms = end_ms - clock_ms();
        ready = poll(&polled, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    struct answer answer = failure(ETIMEDOUT);
    if (ready > 0 && read(fd, &answer, sizeof answer) != sizeof answer) {
        answer = failure(EIO);
    }
    if (ready <= 0) {
        // It may not even end while the daemon hangs; nobody waits for it.
        kill(child, SIGKILL);
    }
    while (waitpid(child, NULL, ready > 0 ? 0 : WNOHANG) < 0 && errno == EINTR) {
    }
    return answer;
}

pid_t mount_daemon_of(const struct mount_entry *entry) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return 0;
    }
    fflush(NULL); // What is buffered is to be written once.
    const pid_t child = fork();
    if (child == 0) {
        answer_parent(entry, ends[1]);
        _exit(0);
    }
    const int problem = errno;
    close(ends[1]);
    struct answer answer = child < 0 ? failure(problem) : wait_for_answer(child, ends[0]);
    close(ends[0]);
    errno = answer.problem;
    return answer.daemon;
}

bool mount_daemon_has_ended(int os_error) {
    return os_error == ENOTCONN || os_error == ECONNABORTED;
}
