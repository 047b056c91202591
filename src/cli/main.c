// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The command gen5fs: finds the sub-command and runs it.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "closest.h"
#include "command.h"
#include "complaint.h"
#include "gen5/version.h"
#include "output.h"

struct command {
    const char *name;
    int (*run)(char **words);
    const char *arguments;
    const char *summary;
    int failed; // the exit status where its output was lost
};

// In the order in which --help lists them.
static const struct command commands[] = {
    {"mount", command_mount, "SOURCE MOUNTPOINT", "show a folder of containers as directories",
     COMMAND_FAILED},
    {"umount", command_umount, "MOUNTPOINT", "unmount, and return when the daemon is gone",
     COMMAND_FAILED},
    {"status", command_status, "[MOUNTPOINT]", "list the mounts, or tell what one is doing",
     COMMAND_FAILED},
    {"info", command_info, "FILE...", "show what containers hold", COMMAND_FAILED},
    {"verify", command_verify, "PATH...", "check containers, folders with all below them",
     COMMAND_TROUBLE},
    {"pack", command_pack, "FOLDER... -C DIR", "make containers of files", COMMAND_FAILED},
    {"unpack", command_unpack, "FILE... -C DIR", "write the members of containers as files",
     COMMAND_FAILED},
    {"diff", command_diff, "A.gen5 B.gen5", "show how two containers differ", COMMAND_TROUBLE},
    {"preview", command_preview, "FILE -o OUT.png", "draw a latent as a picture", COMMAND_FAILED},
    {"env", command_env, "[--check FILE...]", "print this machine's environment, or find drift",
     COMMAND_TROUBLE},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *stream) {
    fputs("usage: gen5fs COMMAND ...\n"
          "\n"
          "Shows every .gen5 container of a folder as a directory of ordinary files.\n"
          "\n",
          stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(stream, "  gen5fs %-7s %-19s %s\n", commands[i].name, commands[i].arguments,
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

// The command that was probably meant; NULL where that is not clear.
static const char *closest_command(const char *name) {
    static const char *const others[] = {"help", "--help", "--version"};
    const char *names[COMMAND_COUNT + sizeof others / sizeof *others];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    memcpy(names + COMMAND_COUNT, others, sizeof others);
    return closest_word(name, names, sizeof names / sizeof *names);
}

static int complain_of_command(const char *name, const char *otherwise) {
    const char *closest = closest_command(name);
    if (closest != NULL) {
        complain(name, "no such command; did you mean gen5fs %s?", closest);
    } else {
        complain(name, "%s; see gen5fs --help", otherwise);
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

// `words` are those behind "help".
static int help_with(char **words) {
    const char *name = words[0];
    if (name == NULL || is_either(name, "--help", "-h") || strcmp(name, "help") == 0) {
        print_help(stdout);
        return COMMAND_DONE;
    }
    if (words[1] != NULL) {
        complain("help", "%s is one argument too many; use gen5fs help COMMAND", words[1]);
        return COMMAND_USAGE;
    }
    const struct command *command = find_command(name);
    char asked[] = "--help";
    return command != NULL ? command->run((char *[]){asked, NULL})
                           : complain_of_command(name, "no such command");
}

static int run(char **words) {
    const char *first = words[0];
    if (first == NULL) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    if (is_either(first, "--help", "-h")) {
        print_help(stdout);
        return COMMAND_DONE;
    }
    if (strcmp(first, "help") == 0) {
        return help_with(words + 1);
    }
    if (is_either(first, "--version", "-V")) {
        puts("gen5fs " GEN5_VERSION);
        return COMMAND_DONE;
    }
    const struct command *command = find_command(first);
    if (command != NULL) {
        return command->run(words + 1);
    }
    // A switch alone mounts nothing.
    bool misspelt = words[1] == NULL && first[0] == '-' && closest_command(first) != NULL;
    return begins_mount(first) && !misspelt
               ? command_mount(words)
               : complain_of_command(first, "neither a command nor a folder to mount");
}

// The name that this program was started by, without folders.
static bool is_mount_helper(const char *program) {
    const char *slash = strrchr(program, '/');
    return strcmp(slash != NULL ? slash + 1 : program, "mount.gen5fs") == 0;
}

// Results that were lost, on a full disk perhaps, must not look like success. Returns the exit
// status that this makes of `status`.
static int check_output(const char *name, int status) {
    int problem = output_problem();
    if (problem == 0) {
        return status;
    }
    const struct command *command = name != NULL ? find_command(name) : NULL;
    int failed = command != NULL ? command->failed : COMMAND_FAILED;
    complain("standard output", "%s", strerror(problem));
    return status < failed ? failed : status;
}

int main(int argc, char **argv) {
    char **words = argc > 0 ? argv + 1 : argv;
    if (argc > 0 && is_mount_helper(argv[0])) {
        return check_output("mount", command_mount_helper(words));
    }
    return check_output(words[0], run(words));
}
