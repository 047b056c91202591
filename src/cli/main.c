// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The command gen5fs: finds the sub-command and runs it.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "closest.h"
#include "command.h"
#include "complaint.h"
#include "gen5/version.h"

struct command {
    const char *name;
    int (*run)(char **words);
    const char *arguments;
    const char *summary;
};

// In the order in which --help lists them.
static const struct command commands[] = {
    {"mount", command_mount, "SOURCE MOUNTPOINT", "show a folder of containers as directories"},
    {"umount", command_umount, "MOUNTPOINT", "unmount, and return when the daemon is gone"},
    {"status", command_status, "[MOUNTPOINT]", "list the mounts, or tell what one is doing"},
    {"info", command_info, "FILE...", "show what containers hold"},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *stream) {
    fputs("usage: gen5fs COMMAND ...\n"
          "\n"
          "Shows every .gen5 container of a folder as a directory of ordinary files.\n"
          "\n",
          stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(stream, "  gen5fs %-6s %-19s %s\n", commands[i].name, commands[i].arguments,
                commands[i].summary);
    }
    fputs("\n"
          "gen5fs COMMAND --help says more of each. gen5fs --version prints the version.\n"
          "gen5fs SOURCE MOUNTPOINT [-o OPTIONS] mounts too, for mount(8) and /etc/fstab.\n",
          stream);
}

static const struct command *find_command(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int complain_of_command(const char *name) {
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    const char *closest = closest_word(name, names, COMMAND_COUNT);
    if (closest != NULL) {
        complain(name, "no such command; did you mean gen5fs %s?", closest);
    } else {
        complain(name, "neither a command nor a folder to mount; see gen5fs --help");
    }
    return COMMAND_USAGE;
}

// The form without a sub-command begins with a switch or the source; a source that is not there is
// known by its slash.
static bool begins_mount(const char *word) {
    struct stat attributes;
    return word[0] == '-' || strchr(word, '/') != NULL || lstat(word, &attributes) == 0;
}

static bool is_either(const char *word, const char *one, const char *other) {
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

static int run(char **words) {
    const char *first = words[0];
    if (first == NULL) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    if (is_either(first, "--help", "-h") || strcmp(first, "help") == 0) {
        print_help(stdout);
        return COMMAND_DONE;
    }
    if (is_either(first, "--version", "-V")) {
        puts("gen5fs " GEN5_VERSION);
        return COMMAND_DONE;
    }
    const struct command *command = find_command(first);
    if (command != NULL) {
        return command->run(words + 1);
    }
    return begins_mount(first) ? command_mount(words) : complain_of_command(first);
}

// The name that this program was started by, without folders.
static bool is_mount_helper(const char *program) {
    const char *slash = strrchr(program, '/');
    return strcmp(slash != NULL ? slash + 1 : program, "mount.gen5fs") == 0;
}

int main(int argc, char **argv) {
    int status;
    if (argc > 0 && is_mount_helper(argv[0])) {
        status = command_mount_helper(argv + 1);
    } else {
        status = run(argc > 0 ? argv + 1 : argv);
    }
    // Results that were lost, on a full disk perhaps, must not look like success.
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == COMMAND_DONE) {
        complain("standard output", "%s", strerror(errno));
        status = COMMAND_FAILED;
    }
    return status;
}
