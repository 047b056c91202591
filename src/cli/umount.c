// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs umount`: takes a mount away and waits until its daemon has ended, so that whoever goes on
// finds everything written.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "gen5fs/filesystem.h"
#include "gen5fs/mount_daemon.h"
#include "gen5fs/mount_table.h"
#include "gen5fs/shell_word.h"
#include "program.h"

#define UNMOUNT_HELPER "fusermount3"

enum { DAEMON_SECONDS_MAX = 60, LOOK_AGAIN_MS = 20, BUSY_MS = 1000, HELPER_MESSAGE_SIZE = 512 };

static const char help[] =
    "usage: gen5fs umount [-l] MOUNTPOINT\n"
    "\n"
    "Unmounts what gen5fs mount has mounted, and returns when its daemon is gone. A mount whose\n"
    "daemon has died is taken away, also from programs that are still in it.\n"
    "\n"
    "  -l, --lazy  take it out of sight now, and let programs finish with the files that they\n"
    "              have open; does not wait for the daemon\n"
    "  -h, --help  print this\n"
    "\n"
    "Exit status: 0 unmounted; 2 wrong usage; 20 MOUNTPOINT is no mount of gen5fs; 21 the system\n"
    "refused (the mount is in use, or not yours); 22 unmounted, but the daemon runs on: the mount\n"
    "is also shown elsewhere (mount --bind), or it has not ended within 60 seconds.\n";

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

// Runs the helper for the first line of what it says to standard error. 0 and its wait status, or
// an errno.
static int run_helper(const char *mountpoint, bool lazy, char message[HELPER_MESSAGE_SIZE],
                      int *wait_status) {
    const char *const words[] = {UNMOUNT_HELPER, lazy ? "-uz" : "-u", "--", mountpoint, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int problem =
        program_run(words, &actions, STDERR_FILENO, message, HELPER_MESSAGE_SIZE, wait_status);
    posix_spawn_file_actions_destroy(&actions);
    message[strcspn(message, "\n")] = '\0';
    return problem;
}

// Users other than root unmount what is theirs by libfuse's set-uid helper.
static int unmount_by_helper(const char *mountpoint, bool lazy, bool *busy) {
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
    *busy = strstr(message, strerror(EBUSY)) != NULL;
    return *busy ? COMMAND_REFUSED
                 : refuse(mountpoint, message[0] != '\0' ? message : UNMOUNT_HELPER " failed");
}

// `busy` is left to the caller to tell.
static int unmount_once(const char *mountpoint, bool lazy, bool *busy) {
    *busy = false;
    if (geteuid() != 0) {
        return unmount_by_helper(mountpoint, lazy, busy);
    }
    if (umount2(mountpoint, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) {
        return COMMAND_DONE;
    }
    switch (errno) {
    case EBUSY:
        *busy = true;
        return COMMAND_REFUSED;
    case EPERM:
        // Root of a container without the capability.
        return unmount_by_helper(mountpoint, lazy, busy);
    default:
        return refuse(mountpoint, strerror(errno));
    }
}

// Who only looks in, as file managers, indexers and df do, keeps a mount in use for a moment.
static int unmount(const char *mountpoint, bool lazy) {
    const int64_t end_ms = clock_ms() + BUSY_MS;
    bool busy = false;
    int status = unmount_once(mountpoint, lazy, &busy);
    while (busy && clock_ms() < end_ms) {
        poll(NULL, 0, LOOK_AGAIN_MS);
        status = unmount_once(mountpoint, lazy, &busy);
    }
    return busy ? refuse_busy(mountpoint) : status;
}

// Waits for a process to end, up to some milliseconds. Without its descriptor (-1; the kernel is
// older than 5.3, or a container's rules forbid it) it is looked for again and again.
static bool ends_within(pid_t process, int process_fd, int64_t milliseconds) {
    const int64_t end_ms = clock_ms() + milliseconds;
    struct pollfd polled = {.fd = process_fd, .events = POLLIN};
    bool ended = false;
    for (int64_t left_ms = milliseconds; !ended && left_ms > 0; left_ms = end_ms - clock_ms()) {
        const int64_t pause_ms = left_ms < LOOK_AGAIN_MS ? left_ms : LOOK_AGAIN_MS;
        const int ready = poll(&polled, 1, (int)(process_fd >= 0 ? left_ms : pause_ms));
        ended = ready > 0 || (process_fd < 0 && kill(process, 0) != 0 && errno == ESRCH);
    }
    return ended;
}

// A place where a daemon's mount, or a folder of it, is shown: new memory, or NULL.
static char *find_place_of(pid_t daemon, dev_t device) {
    struct mount_table table;
    if (mount_table_read(&table) != 0) {
        return NULL;
    }
    char *place = NULL;
    for (size_t i = 0; i < table.count && place == NULL; i++) {
        const struct mount_entry *entry = &table.entries[i];
        // Another mount may have been given the number of the one that has gone.
        if (entry->device == device && mount_entry_is_gen5fs(entry) &&
            mount_table_find(&table, entry->mountpoint) == entry &&
            mount_daemon_of(entry) == daemon) {
            place = strdup(entry->mountpoint);
        }
    }
    mount_table_release(&table);
    return place;
}

static int wait_for_daemon(const struct mount_entry *entry, pid_t daemon, int daemon_fd) {
    char *place = find_place_of(daemon, entry->device);
    if (place != NULL) {
        complain(entry->mountpoint,
                 "unmounted here, but its daemon runs on, since it is also shown at %s; end it "
                 "with gen5fs umount %s",
                 place, shell_word_of(place).text);
        free(place);
        return COMMAND_STILL_RUNS;
    }
    if (ends_within(daemon, daemon_fd, (int64_t)DAEMON_SECONDS_MAX * 1000)) {
        return COMMAND_DONE;
    }
    complain(entry->mountpoint,
             "unmounted, but its daemon (process %d) still runs after %d seconds; a container may "
             "have a mount table of its own in which it is still mounted",
             (int)daemon, DAEMON_SECONDS_MAX);
    return COMMAND_STILL_RUNS;
}

static int unmount_and_wait(const struct mount_entry *entry) {
    // Asked before, since afterwards nobody can tell who it was.
    const pid_t daemon = mount_daemon_of(entry);
    const int problem = errno;
    if (daemon == 0 && mount_daemon_has_ended(problem)) {
        // Nobody can be disturbed any more, whoever is still in there.
        return unmount(entry->mountpoint, true);
    }
    if (daemon == 0 && problem == ETIMEDOUT) {
        return refuse(
            entry->mountpoint,
            "its daemon does not answer; use gen5fs umount --lazy to take it out of sight");
    }
    const int daemon_fd = daemon > 0 ? pidfd_open(daemon, 0) : -1;
    const bool has_ended = daemon > 0 && daemon_fd < 0 && errno == ESRCH;
    int status = unmount(entry->mountpoint, false);
    if (status == COMMAND_DONE && daemon == 0) {
        complain(entry->mountpoint, "unmounted, but whether its daemon has ended is not known: %s",
                 strerror(problem));
        status = COMMAND_STILL_RUNS;
    } else if (status == COMMAND_DONE && !has_ended) {
        status = wait_for_daemon(entry, daemon, daemon_fd);
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
        complain(path, "cannot look at it: %s", strerror(errno));
        return COMMAND_NOT_MOUNTED;
    }
    struct mount_table table;
    int problem = mount_table_read(&table);
    if (problem != 0) {
        free(mountpoint);
        return refuse("/proc/self/mountinfo", strerror(problem));
    }
    const struct mount_entry *entry = mount_table_find(&table, mountpoint);
    int status;
    if (entry == NULL || !mount_entry_is_gen5fs(entry)) {
        status = complain_not_mounted(path, entry);
    } else if (lazy) {
        // Not even asked for its process: it may hang, which is why somebody wants this.
        status = unmount(mountpoint, true);
    } else {
        status = unmount_and_wait(entry);
    }
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
