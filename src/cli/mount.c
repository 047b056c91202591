// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs mount`: reads the command line, the -o lists of mount(8) and /etc/fstab included.
#include "gen5fs/mount.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "closest.h"
#include "command.h"
#include "complaint.h"

static const char help[] =
    "usage: gen5fs mount [-f] [-d] [-o OPTIONS] SOURCE MOUNTPOINT\n"
    "       gen5fs SOURCE MOUNTPOINT [-o OPTIONS]\n"
    "\n"
    "Shows every .gen5 container of the folder SOURCE as a directory of ordinary files under\n"
    "MOUNTPOINT, where they are read and written. SOURCE may be one .gen5 file, and may be the\n"
    "same folder as MOUNTPOINT. Returns when the mount is live; gen5fs umount ends it.\n"
    "\n"
    "  -f, --foreground  serve in this process, and log to standard error\n"
    "  -d, --debug       the same, and log what is done\n"
    "  -o, --options OPTIONS\n"
    "                    a list, separated by commas, of:\n"
    "      ro, rw        refuse every change, or do not (rw)\n"
    "      allow_other   let other users in, as far as the files' permissions do\n"
    "      noverify      do not compare what is read with its stored hash\n"
    "      nodev, nosuid, noexec, noatime, sync, dirsync\n"
    "                    as for any file system, see mount(8)\n"
    "                    What else mount(8), fstab(5) and systemd add is accepted and ignored.\n"
    "  -h, --help        print this\n"
    "\n"
    "Exit status: 0 mounted (with -f: served, and ended cleanly); 2 wrong usage; 10 SOURCE is\n"
    "missing or not usable; 11 MOUNTPOINT is; 12 /dev/fuse is absent or forbidden; 13 fusermount3\n"
    "is missing; 14 the system refused the mount, or the daemon failed to start.\n";

static const struct argument_switch switches[] = {
    {'f', "foreground", false},
    {'d', "debug", false},
    {'o', "options", true},
    {'h', "help", false},
};

// What the words of an -o list turn on.
enum {
    READ_ONLY = 1,
    ALLOW_OTHER = 2,
    NO_VERIFY = 4,
    DEBUG = 8,
    NO_DEVICES = 16,
    NO_SET_UID = 32,
    NO_EXECUTION = 64,
    NO_ACCESS_TIMES = 128,
    SYNCHRONOUS = 256,
    SYNCHRONOUS_FOLDERS = 512,
};

// A word of an -o list. Of two that contradict each other the last counts, as in mount(8).
struct mount_word {
    const char *name;
    uint32_t on;
    uint32_t off;
    bool for_kernel; // passed on under its own name
};

static const struct mount_word mount_words[] = {
    {"ro", READ_ONLY, 0, true},
    {"rw", 0, READ_ONLY, false},
    {"allow_other", ALLOW_OTHER, 0, false},
    {"noverify", NO_VERIFY, 0, false},
    {"debug", DEBUG, 0, false},
    {"nodev", NO_DEVICES, 0, true},
    {"dev", 0, NO_DEVICES, false},
    {"nosuid", NO_SET_UID, 0, true},
    {"suid", 0, NO_SET_UID, false},
    {"noexec", NO_EXECUTION, 0, true},
    {"exec", 0, NO_EXECUTION, false},
    {"noatime", NO_ACCESS_TIMES, 0, true},
    {"atime", 0, NO_ACCESS_TIMES, false},
    {"sync", SYNCHRONOUS, 0, true},
    {"async", 0, SYNCHRONOUS, false},
    {"dirsync", SYNCHRONOUS_FOLDERS, 0, true},
    // Always so.
    {"default_permissions", 0, 0, false},
    {"nonempty", 0, 0, false},
    // Access times are the source's.
    {"relatime", 0, 0, false},
    {"norelatime", 0, 0, false},
    {"strictatime", 0, 0, false},
    {"nostrictatime", 0, 0, false},
    {"diratime", 0, 0, false},
    {"nodiratime", 0, 0, false},
    {"lazytime", 0, 0, false},
    {"nolazytime", 0, 0, false},
    // Meant for the programs that read /etc/fstab.
    {"defaults", 0, 0, false},
    {"auto", 0, 0, false},
    {"noauto", 0, 0, false},
    {"fail", 0, 0, false},
    {"nofail", 0, 0, false},
    {"user", 0, 0, false},
    {"nouser", 0, 0, false},
    {"users", 0, 0, false},
    {"nousers", 0, 0, false},
    {"owner", 0, 0, false},
    {"noowner", 0, 0, false},
    {"group", 0, 0, false},
    {"nogroup", 0, 0, false},
    {"silent", 0, 0, false},
    {"loud", 0, 0, false},
    {"_netdev", 0, 0, false},
    {"_rnetdev", 0, 0, false},
};

enum { MOUNT_WORD_COUNT = sizeof mount_words / sizeof mount_words[0] };

// Words that begin so have a value, and are likewise for others.
static const char *const ignored_beginnings[] = {
    "x-", "X-", "comment=", "user=", "helper=", "uhelper=",
};

// All words that are passed on fit.
enum { KERNEL_OPTIONS_SIZE = 64, WORD_SIZE = 256 };

static bool is_ignored(const char *word) {
    for (size_t i = 0; i < sizeof ignored_beginnings / sizeof ignored_beginnings[0]; i++) {
        const char *beginning = ignored_beginnings[i];
        if (strncmp(word, beginning, strlen(beginning)) == 0) {
            return true;
        }
    }
    return false;
}

static bool complain_of_word(const char *word) {
    const char *names[MOUNT_WORD_COUNT];
    for (size_t i = 0; i < MOUNT_WORD_COUNT; i++) {
        names[i] = mount_words[i].name;
    }
    const char *closest = closest_word(word, names, MOUNT_WORD_COUNT);
    if (closest != NULL) {
        complain("mount", "there is no option -o %s; did you mean -o %s?", word, closest);
    } else {
        complain("mount", "there is no option -o %s; see gen5fs mount --help", word);
    }
    return false;
}

static bool apply_word(const char *word, uint32_t *chosen) {
    for (size_t i = 0; i < MOUNT_WORD_COUNT; i++) {
        if (strcmp(word, mount_words[i].name) == 0) {
            *chosen = (*chosen & ~mount_words[i].off) | mount_words[i].on;
            return true;
        }
    }
    if (strcmp(word, "remount") == 0) {
        complain("mount", "a live mount cannot be changed; unmount it and mount it again");
        return false;
    }
    return is_ignored(word) || complain_of_word(word);
}

static bool apply_list(const char *list, uint32_t *chosen) {
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        char word[WORD_SIZE];
        // Only words with values are longer, and for those the beginning decides.
        size_t kept = length < sizeof word ? length : sizeof word - 1;
        memcpy(word, list, kept);
        word[kept] = '\0';
        if (kept > 0 && !apply_word(word, chosen)) {
            return false;
        }
        list += length;
        list += *list == ',' ? 1 : 0;
    }
    return true;
}

static void write_kernel_options(uint32_t chosen, char options[KERNEL_OPTIONS_SIZE]) {
    size_t length = 0;
    options[0] = '\0';
    for (size_t i = 0; i < MOUNT_WORD_COUNT; i++) {
        const struct mount_word *word = &mount_words[i];
        if (word->for_kernel && (chosen & word->on) != 0) {
            int printed = snprintf(options + length, KERNEL_OPTIONS_SIZE - length, "%s%s",
                                   length == 0 ? "" : ",", word->name);
            length += printed > 0 ? (size_t)printed : 0;
        }
    }
}

// What the command line says.
struct request {
    const char *operands[2];
    size_t operand_count;
    uint32_t chosen;
    bool foreground;
    bool help;
};

static bool apply_argument(const struct argument *argument, struct request *request) {
    if (argument->given == NULL) {
        if (request->operand_count == 2) {
            complain("mount", "%s is one argument too many; use gen5fs mount SOURCE MOUNTPOINT",
                     argument->text);
            return false;
        }
        request->operands[request->operand_count++] = argument->text;
        return true;
    }
    switch (argument->given->letter) {
    case 'f':
        request->foreground = true;
        return true;
    case 'd':
        request->chosen |= DEBUG;
        return true;
    case 'h':
        request->help = true;
        return true;
    default:
        return apply_list(argument->text, &request->chosen);
    }
}

static bool read_request(char **words, struct request *request) {
    struct arguments arguments;
    arguments_start(&arguments, "mount", switches, sizeof switches / sizeof switches[0], words);
    struct argument argument;
    enum argument_result result = arguments_next(&arguments, &argument);
    while (result == ARGUMENT_FOUND) {
        if (!apply_argument(&argument, request)) {
            return false;
        }
        result = arguments_next(&arguments, &argument);
    }
    if (result == ARGUMENT_WRONG || request->help) {
        return result != ARGUMENT_WRONG;
    }
    if (request->operand_count < 2) {
        complain("mount", "%s is missing; use gen5fs mount SOURCE MOUNTPOINT",
                 request->operand_count == 0 ? "SOURCE" : "MOUNTPOINT");
        return false;
    }
    return true;
}

int command_mount(char **words) {
    struct request request = {0};
    if (!read_request(words, &request)) {
        return COMMAND_USAGE;
    }
    if (request.help) {
        fputs(help, stdout);
        return COMMAND_DONE;
    }
    char kernel_options[KERNEL_OPTIONS_SIZE];
    write_kernel_options(request.chosen, kernel_options);
    const struct gen5fs_mount_options options = {
        .source = request.operands[0],
        .mountpoint = request.operands[1],
        .foreground = request.foreground || (request.chosen & DEBUG) != 0,
        .debug = (request.chosen & DEBUG) != 0,
        .read_only = (request.chosen & READ_ONLY) != 0,
        .allow_other = (request.chosen & ALLOW_OTHER) != 0,
        .no_verify = (request.chosen & NO_VERIFY) != 0,
        .kernel_options = kernel_options,
    };
    return gen5fs_mount(&options);
}
