// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// mount.gen5fs, which mount(8) runs for the type gen5fs. Its switches and exit statuses are
// mount(8)'s.
#include <stdbool.h>
#include <stdio.h>

#include "arguments.h"
#include "command.h"
#include "mount_request.h"

// mount(8), "EXIT STATUS".
enum { HELPER_DONE = 0, HELPER_USAGE = 1, HELPER_FAILED = 32 };

static const char help[] =
    "usage: mount.gen5fs SOURCE MOUNTPOINT [-sfnv] [-o OPTIONS] [-t TYPE]\n"
    "\n"
    "Mounts for mount(8): `mount -t gen5fs SOURCE MOUNTPOINT`, or the line\n"
    "\n"
    "    SOURCE  MOUNTPOINT  gen5fs  defaults  0  0\n"
    "\n"
    "in /etc/fstab. gen5fs mount --help has the OPTIONS.\n"
    "\n"
    "  -s  ignore unknown options\n"
    "  -f  only read the command line (mount --fake)\n"
    "  -n, -v, -t TYPE\n"
    "      accepted, and without a meaning here\n"
    "\n"
    "Exit status: 0 mounted; 1 wrong usage; 32 not mounted, and the message says why.\n";

static const struct argument_switch switches[] = {
    {'s', NULL, false}, {'f', NULL, false}, {'n', NULL, false},   {'v', NULL, false},
    {'t', NULL, true},  {'o', NULL, true},  {'h', "help", false},
};

// false where it complained.
static bool apply_argument(const struct argument *argument, struct mount_request *request,
                           bool *fake) {
    if (argument->given == NULL) {
        return mount_request_add_operand(request, argument->text);
    }
    switch (argument->given->letter) {
    case 's':
        request->sloppy = true;
        return true;
    case 'f':
        *fake = true;
        return true;
    case 'o':
        return mount_request_add_options(request, argument->text);
    default:
        return true;
    }
}

int command_mount_helper(char **words) {
    struct mount_request request = {0};
    bool fake = false;
    struct arguments arguments;
    arguments_start(&arguments, "mount", switches, sizeof switches / sizeof switches[0], words);
    struct argument argument;
    enum argument_result result;
    while ((result = arguments_next(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (argument.given != NULL && argument.given->letter == 'h') {
            fputs(help, stdout);
            return HELPER_DONE;
        }
        if (!apply_argument(&argument, &request, &fake)) {
            return HELPER_USAGE;
        }
    }
    if (result == ARGUMENT_WRONG || !mount_request_is_complete(&request)) {
        return HELPER_USAGE;
    }
    return fake || mount_request_run(&request) == COMMAND_DONE ? HELPER_DONE : HELPER_FAILED;
}
