// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What a mount is asked to be, with the words of mount(8) and /etc/fstab.
#include "mount_request.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "closest.h"
#include "command.h"
#include "complaint.h"
#include "gen5fs/mount.h"

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
    NO_SANDBOX = 1024,
    DEVICES = 2048,
    SET_UID = 4096,
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
    {"nosandbox", NO_SANDBOX, 0, false},
    {"debug", DEBUG, 0, false},
    {"nodev", NO_DEVICES, DEVICES, true},
    {"dev", DEVICES, NO_DEVICES, true},
    {"nosuid", NO_SET_UID, SET_UID, true},
    {"suid", SET_UID, NO_SET_UID, true},
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

// Words with a value of our own: "NAME=MIB".
static const char *const cap_names[] = {"decoded", "manifests", "names"};
enum { CAP_DECODED, CAP_MANIFESTS, CAP_NAMES, CAP_COUNT };
enum { CAP_MAX = 1024 * 1024 }; // MiB

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
    const char *names[MOUNT_WORD_COUNT + CAP_COUNT];
    for (size_t i = 0; i < MOUNT_WORD_COUNT; i++) {
        names[i] = mount_words[i].name;
    }
    memcpy(names + MOUNT_WORD_COUNT, cap_names, sizeof cap_names);
    const char *closest = closest_word(word, names, MOUNT_WORD_COUNT + CAP_COUNT);
    if (closest != NULL) {
        complain("mount", "there is no option -o %s; did you mean -o %s?", word, closest);
    } else {
        complain("mount", "there is no option -o %s; see gen5fs mount --help", word);
    }
    return false;
}

// "names=64", for one. *known tells whether the word is a cap's.
static bool apply_cap(struct mount_request *request, const char *word, bool *known) {
    const size_t length = strcspn(word, "=");
    *known = false;
    for (size_t i = 0; i < CAP_COUNT; i++) {
        if (strncmp(word, cap_names[i], length) == 0 && cap_names[i][length] == '\0') {
            char *end = NULL;
            const char *value = word[length] == '=' ? word + length + 1 : "";
            unsigned long mebibytes = strtoul(value, &end, 10);
            *known = true;
            if (*value < '0' || *value > '9' || *end != '\0' || mebibytes == 0 ||
                mebibytes > CAP_MAX) {
                complain("mount", "-o %s takes MiB, from 1 to %d: %s=32, for one", cap_names[i],
                         CAP_MAX, cap_names[i]);
                return false;
            }
            request->caps[i] = (uint32_t)mebibytes;
        }
    }
    return true;
}

static bool apply_word(struct mount_request *request, const char *word) {
    bool is_cap = false;
    if (!apply_cap(request, word, &is_cap)) {
        return false;
    }
    if (is_cap) {
        return true;
    }
    for (size_t i = 0; i < MOUNT_WORD_COUNT; i++) {
        if (strcmp(word, mount_words[i].name) == 0) {
            request->chosen = (request->chosen & ~mount_words[i].off) | mount_words[i].on;
            return true;
        }
    }
    if (strcmp(word, "remount") == 0) {
        complain("mount", "a live mount cannot be changed; unmount it and mount it again");
        return false;
    }
    return is_ignored(word) || request->sloppy || complain_of_word(word);
}

bool mount_request_add_options(struct mount_request *request, const char *list) {
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        char word[WORD_SIZE];
        // Only words with values are longer, and for those the beginning decides.
        size_t kept = length < sizeof word ? length : sizeof word - 1;
        memcpy(word, list, kept);
        word[kept] = '\0';
        if (kept > 0 && !apply_word(request, word)) {
            return false;
        }
        list += length;
        list += *list == ',' ? 1 : 0;
    }
    return true;
}

static void write_kernel_options(uint32_t chosen, char options[KERNEL_OPTIONS_SIZE]) {
    size_t length = 0;
    if (geteuid() != 0) {
        chosen &= ~(uint32_t)(DEVICES | SET_UID); // fusermount3 grumbles, and mounts without them.
    }
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

bool mount_request_add_operand(struct mount_request *request, const char *text) {
    if (request->operand_count == 2) {
        complain("mount", "%s is one argument too many; use gen5fs mount SOURCE MOUNTPOINT", text);
        return false;
    }
    request->operands[request->operand_count++] = text;
    return true;
}

void mount_request_add_debug(struct mount_request *request) {
    request->chosen |= DEBUG;
}

static bool is_complete(const struct mount_request *request) {
    if (request->operand_count < 2) {
        complain("mount", "%s is missing; use gen5fs mount SOURCE MOUNTPOINT",
                 request->operand_count == 0 ? "SOURCE" : "MOUNTPOINT");
        return false;
    }
    return true;
}

bool mount_request_read(struct mount_request *request, const struct argument_switch *switches,
                        size_t switch_count, const char *help, char **words,
                        bool (*apply)(struct mount_request *, const struct argument *),
                        int *status) {
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    arguments_start(&arguments, "mount", switches, switch_count, words);
    *status = COMMAND_USAGE;
    while ((result = arguments_next(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (argument.given != NULL && argument.given->letter == 'h') {
            fputs(help, stdout);
            *status = COMMAND_DONE;
            return false;
        }
        if (!apply(request, &argument)) {
            return false;
        }
    }
    return result == ARGUMENT_END && is_complete(request);
}

static struct gen5fs_caps caps_of(const struct mount_request *request) {
    struct gen5fs_caps caps = GEN5FS_CAPS_DEFAULT;
    uint32_t *const all[CAP_COUNT] = {[CAP_DECODED] = &caps.decoded,
                                      [CAP_MANIFESTS] = &caps.manifests,
                                      [CAP_NAMES] = &caps.names};
    for (size_t i = 0; i < CAP_COUNT; i++) {
        *all[i] = request->caps[i] != 0 ? request->caps[i] : *all[i];
    }
    return caps;
}

int mount_request_run(const struct mount_request *request) {
    if (request->fake) {
        return COMMAND_DONE;
    }
    char kernel_options[KERNEL_OPTIONS_SIZE];
    write_kernel_options(request->chosen, kernel_options);
    const struct gen5fs_mount_options options = {
        .source = request->operands[0],
        .mountpoint = request->operands[1],
        .foreground = request->foreground || (request->chosen & DEBUG) != 0,
        .debug = (request->chosen & DEBUG) != 0,
        .read_only = (request->chosen & READ_ONLY) != 0,
        .allow_other = (request->chosen & ALLOW_OTHER) != 0,
        .no_verify = (request->chosen & NO_VERIFY) != 0,
        .no_sandbox = (request->chosen & NO_SANDBOX) != 0,
        .caps = caps_of(request),
        .kernel_options = kernel_options,
    };
    return gen5fs_mount(&options);
}
