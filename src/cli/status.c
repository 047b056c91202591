// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs status`: which mounts there are, and what one of them is doing.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "gen5fs/mount.h"
#include "gen5fs/mount_daemon.h"
#include "gen5fs/mount_table.h"
#include "gen5fs/shell_word.h"
#include "harmless.h"

static const char help[] =
    "usage: gen5fs status [--requests] [MOUNTPOINT]\n"
    "\n"
    "Without MOUNTPOINT lists the mounts of gen5fs: mount point, source, and the process that\n"
    "serves it. With MOUNTPOINT tells what that mount is doing: what is being written, and what\n"
    "was refused or rescued.\n"
    "\n"
    "  --requests  instead, how many requests of each kind the kernel has sent to that mount\n"
    "  -h, --help  print this\n"
    "\n"
    "Exit status: 0 done; 1 the mount does not answer; 2 wrong usage; 20 MOUNTPOINT is no mount\n"
    "of gen5fs.\n";

static const struct argument_switch switches[] = {
    {'h', "help", false},
    {'\0', "requests", false},
};

// How lines with a count of requests begin in the status file.
#define REQUEST_WORD "request "

static void print_mount(const struct mount_table *table, const struct mount_entry *entry) {
    print_harmless(entry->mountpoint);
    fputs(" shows ", stdout);
    print_harmless(entry->source);
    if (mount_table_find(table, entry->mountpoint) != entry) {
        puts(" (another mount lies over it)");
        return;
    }
    pid_t daemon = mount_daemon_of(entry);
    if (daemon > 0) {
        printf(" (process %d)\n", (int)daemon);
    } else if (mount_daemon_has_ended(errno)) {
        puts(" (its process has ended: gen5fs umount takes it away)");
    } else {
        printf(" (process not known: %s)\n", strerror(errno));
    }
}

static int list_mounts(const struct mount_table *table) {
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (mount_entry_is_gen5fs(&table->entries[i])) {
            print_mount(table, &table->entries[i]);
            count++;
        }
    }
    if (count == 0) {
        // Not to standard output, where every line is a mount.
        fputs("gen5fs: nothing is mounted\n", stderr);
    }
    return COMMAND_DONE;
}

static int complain_of_answer(const char *path, int os_error) {
    if (mount_daemon_has_ended(os_error)) {
        complain(path, "the process of this mount has ended; take it away with gen5fs umount %s",
                 shell_word_of(path).text);
    } else {
        complain(path, "this mount does not tell its status: %s", strerror(os_error));
    }
    return COMMAND_FAILED;
}

static int print_lines(const char *path, FILE *file, bool requests) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0) {
        bool counts = strncmp(line, REQUEST_WORD, strlen(REQUEST_WORD)) == 0;
        if (counts == requests) {
            line[strcspn(line, "\n")] = '\0';
            print_harmless(counts ? line + strlen(REQUEST_WORD) : line);
            putchar('\n');
        }
    }
    free(line);
    return ferror(file) ? complain_of_answer(path, errno) : COMMAND_DONE;
}

static int print_status(const char *path, const char *mountpoint, bool requests) {
    char *name = NULL;
    if (asprintf(&name, "%s/%s", mountpoint, GEN5FS_STATUS_FILE) < 0) {
        return complain_of_answer(path, ENOMEM);
    }
    FILE *file = fopen(name, "re");
    free(name);
    if (file == NULL) {
        return complain_of_answer(path, errno);
    }
    int status = print_lines(path, file, requests);
    fclose(file);
    return status;
}

static int status_of(const struct mount_table *table, const char *path, bool requests) {
    char *mountpoint = mountpoint_resolve(path);
    if (mountpoint == NULL) {
        complain(path, "cannot look at it: %s", strerror(errno));
        return COMMAND_NOT_MOUNTED;
    }
    const struct mount_entry *entry = mount_table_find(table, mountpoint);
    int status = COMMAND_NOT_MOUNTED;
    if (entry != NULL && mount_entry_is_gen5fs(entry)) {
        status = print_status(path, mountpoint, requests);
    } else {
        complain(path, "no mount of gen5fs; gen5fs status without a path lists them");
    }
    free(mountpoint);
    return status;
}

int command_status(char **words) {
    struct arguments arguments;
    arguments_start(&arguments, "status", switches, sizeof switches / sizeof switches[0], words);
    const char *path = NULL;
    bool requests = false;
    struct argument argument;
    enum argument_result result;
    while ((result = arguments_next(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (argument.given == &switches[1]) {
            requests = true;
            continue;
        }
        if (argument.given != NULL) {
            fputs(help, stdout);
            return COMMAND_DONE;
        }
        if (path != NULL) {
            complain("status",
                     "%s is one argument too many; use gen5fs status [--requests] [MOUNTPOINT]",
                     argument.text);
            return COMMAND_USAGE;
        }
        path = argument.text;
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    if (requests && path == NULL) {
        complain("status", "--requests is of one mount: gen5fs status --requests MOUNTPOINT");
        return COMMAND_USAGE;
    }
    struct mount_table table;
    int problem = mount_table_read(&table);
    if (problem != 0) {
        complain("/proc/self/mountinfo", "cannot read it: %s", strerror(problem));
        return COMMAND_FAILED;
    }
    int status = path == NULL ? list_mounts(&table) : status_of(&table, path, requests);
    mount_table_release(&table);
    return status;
}
