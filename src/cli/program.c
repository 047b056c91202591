// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Running a program with one of its streams in a pipe.
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// To the end, which comes when the program has ended: one that nobody reads would wait.
static void read_all(int fd, char *output, size_t size) {
    size_t length = 0;
    ssize_t got = 1;
    while (got > 0 || (got < 0 && errno == EINTR)) {
        char piece[512];
        got = read(fd, piece, sizeof piece);
        size_t room = size - 1 - length;
        size_t kept = got > 0 ? ((size_t)got < room ? (size_t)got : room) : 0;
        memcpy(output + length, piece, kept);
        length += kept;
    }
    output[length] = '\0';
}

int program_run(const char *const *words, posix_spawn_file_actions_t *actions, int stream,
                char *output, size_t size, int *wait_status) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    posix_spawn_file_actions_adddup2(actions, ends[1], stream);
    pid_t child = 0;
    // posix_spawnp takes char *const [] but writes to none of them.
    int problem = posix_spawnp(&child, words[0], actions, NULL, (char *const *)words, environ);
    close(ends[1]);
    if (problem == 0) {
        read_all(ends[0], output, size);
        while (waitpid(child, wait_status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    return problem;
}
