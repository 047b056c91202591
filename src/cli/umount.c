// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs umount`: takes a mount away and waits until its daemon has ended, so that whoever goes on
// finds everything written.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "mount_table.h"

#define UNMOUNT_HELPER "fusermount3"

enum { DAEMON_SECONDS_MAX = 60, HELPER_MESSAGE_SIZE = 512 };

static const char help[] =
    "usage: gen5fs umount [-l] MOUNTPOINT\n"
    "\n"
    "Unmounts what gen5fs mount has mounted, and returns when its daemon is gone. A mount whose\n"
    "daemon has died is taken away.\n"
    "\n"
    "  -l, --lazy  take it out of sight now, and let programs finish with the files that they\n"
    "              have open; does not wait for the daemon\n"
    "  -h, --help  print this\n"
    "\n"
    "Exit status: 0 unmounted; 2 wrong usage; 20 MOUNTPOINT is no mount of gen5fs; 21 the system\n"
    "refused (the mount is in use, or not yours); 22 unmounted, but the daemon still runs after\n"
    "60 seconds.\n";

static const struct argument_switch switches[] = {
    {'l', "lazy", false},
    {'h', "help", false},
};

static int refuse(const char *mountpoint, const char *why) {
    complain(mountpoint, "%s", why);
    return COMMAND_REFUSED;
}

static int refuse_busy(const char *mountpoint) {
    return refuse(mountpoint, "in use: close the files and folders that programs have open there "
                              "(fuser -vm shows which), or use gen5fs umount --lazy");
}

// What the helper writes is read to its end, which comes when it has ended.
static void read_message(int fd, char message[HELPER_MESSAGE_SIZE]) {
    size_t length = 0;
    ssize_t got = 1;
    while (got > 0 || (got < 0 && errno == EINTR)) {
        char piece[HELPER_MESSAGE_SIZE];
        got = read(fd, piece, sizeof piece);
        size_t room = HELPER_MESSAGE_SIZE - 1 - length;
        size_t kept = got > 0 ? ((size_t)got < room ? (size_t)got : room) : 0;
        memcpy(message + length, piece, kept);
        length += kept;
    }
    message[length] = '\0';
    message[strcspn(message, "\n")] = '\0';
}

// Runs the helper with its standard error in a pipe. 0 and its wait status, or an errno.
static int run_helper(const char *mountpoint, bool lazy, char message[HELPER_MESSAGE_SIZE],
                      int *wait_status) {
    const char *const words[] = {UNMOUNT_HELPER, lazy ? "-uz" : "-u", "--", mountpoint, NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    pid_t helper = 0;
    // posix_spawnp takes char *const [] but writes to none of them.
    int problem =
        posix_spawnp(&helper, UNMOUNT_HELPER, &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (problem == 0) {
        read_message(ends[0], message);
        while (waitpid(helper, wait_status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    return problem;
}

// Users other than root unmount what is theirs by libfuse's set-uid helper.
static int unmount_by_helper(const char *mountpoint, bool lazy) {
    char message[HELPER_MESSAGE_SIZE] = "";
    int wait_status = 0;
    int problem = run_helper(mountpoint, lazy, message, &wait_status);
    if (problem == ENOENT) {
        return refuse(mountpoint,
                      UNMOUNT_HELPER " is missing, without which only root can unmount; install "
                                     "the package fuse3");
    }
    if (problem != 0) {
        return refuse(mountpoint, strerror(problem));
    }
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
        return COMMAND_DONE;
    }
    if (strstr(message, strerror(EBUSY)) != NULL) {
        return refuse_busy(mountpoint);
    }
    return refuse(mountpoint, message[0] != '\0' ? message : UNMOUNT_HELPER " failed");
}

static int unmount(const char *mountpoint, bool lazy) {
    if (geteuid() != 0) {
        return unmount_by_helper(mountpoint, lazy);
    }
    if (umount2(mountpoint, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) {
        return COMMAND_DONE;
    }
    switch (errno) {
    case EBUSY:
        return refuse_busy(mountpoint);
    case EPERM:
        // Root of a container without the capability.
        return unmount_by_helper(mountpoint, lazy);
    default:
        return refuse(mountpoint, strerror(errno));
    }
}

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The descriptor becomes readable when the process ends; -1 stands for one that has ended already.
static int wait_for_daemon(const char *mountpoint, pid_t daemon, int daemon_fd) {
    const int64_t end_ms = monotonic_ms() + (int64_t)DAEMON_SECONDS_MAX * 1000;
    struct pollfd polled = {.fd = daemon_fd, .events = POLLIN};
    int64_t left_ms = end_ms - monotonic_ms();
    while (daemon_fd >= 0 && left_ms > 0) {
        int ready = poll(&polled, 1, (int)left_ms);
        if (ready > 0) {
            return COMMAND_DONE;
        }
        if (ready < 0 && errno != EINTR) {
            return refuse(mountpoint, strerror(errno));
        }
        left_ms = end_ms - monotonic_ms();
    }
    if (daemon_fd < 0) {
        return COMMAND_DONE;
    }
    complain(mountpoint, "unmounted, but its daemon (process %d) still runs after %d seconds",
             (int)daemon, DAEMON_SECONDS_MAX);
    return COMMAND_STILL_RUNS;
}

static int unmount_and_wait(const char *mountpoint, bool lazy) {
    if (lazy) {
        // Not even asked for its process: it may hang, which is why somebody wants this.
        return unmount(mountpoint, true);
    }
    // Asked before, since afterwards nobody can tell who it was. A dead mount has no daemon.
    pid_t daemon = mountpoint_daemon(mountpoint);
    int daemon_fd = daemon > 0 ? pidfd_open(daemon, 0) : -1;
    int status = unmount(mountpoint, false);
    if (status == COMMAND_DONE) {
        status = wait_for_daemon(mountpoint, daemon, daemon_fd);
    }
    if (daemon_fd >= 0) {
        close(daemon_fd);
    }
    return status;
}

static int complain_not_mounted(const char *path, const struct mount_entry *entry) {
    if (entry == NULL) {
        complain(path, "nothing is mounted here; gen5fs status lists the mounts");
    } else {
        complain(path, "a mount of %s, not of gen5fs; use umount", entry->type);
    }
    return COMMAND_NOT_MOUNTED;
}

static int unmount_path(const char *path, bool lazy) {
    char *mountpoint = mountpoint_resolve(path);
    if (mountpoint == NULL) {
        complain(path, "%s", strerror(errno));
        return COMMAND_NOT_MOUNTED;
    }
    struct mount_table table;
    int problem = mount_table_read(&table);
    if (problem != 0) {
        free(mountpoint);
        return refuse("/proc/self/mountinfo", strerror(problem));
    }
    const struct mount_entry *entry = mount_table_find(&table, mountpoint);
    int status = entry != NULL && mount_entry_is_gen5fs(entry) ? unmount_and_wait(mountpoint, lazy)
                                                               : complain_not_mounted(path, entry);
    mount_table_release(&table);
    free(mountpoint);
    return status;
}

int command_umount(char **words) {
    struct arguments arguments;
    arguments_start(&arguments, "umount", switches, sizeof switches / sizeof switches[0], words);
    const char *path = NULL;
    bool lazy = false;
    struct argument argument;
    enum argument_result result;
    while ((result = arguments_next(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (argument.given == NULL && path != NULL) {
            complain("umount", "%s is one argument too many; use gen5fs umount MOUNTPOINT",
                     argument.text);
            return COMMAND_USAGE;
        }
        if (argument.given == NULL) {
            path = argument.text;
        } else if (argument.given->letter == 'l') {
            lazy = true;
        } else {
            fputs(help, stdout);
            return COMMAND_DONE;
        }
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    if (path == NULL) {
        complain("umount", "MOUNTPOINT is missing; use gen5fs umount MOUNTPOINT");
        return COMMAND_USAGE;
    }
    return unmount_path(path, lazy);
}
