// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// mount.gen5fs, which mount(8) runs for the type gen5fs. Its switches and exit statuses are
// mount(8)'s.
#include <stdbool.h>

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

static bool apply_argument(struct mount_request *request, const struct argument *argument) {
    if (argument->given == NULL) {
        return mount_request_add_operand(request, argument->text);
    }
    switch (argument->given->letter) {
    case 's':
        request->sloppy = true;
        return true;
    case 'f':
        request->fake = true;
        return true;
    case 'o':
        return mount_request_add_options(request, argument->text);
    default:
        return true;
    }
}

int command_mount_helper(char **words) {
    struct mount_request request = {0};
    int status;
    if (!mount_request_read(&request, switches, sizeof switches / sizeof switches[0], help, words,
                            apply_argument, &status)) {
        return status == COMMAND_DONE ? HELPER_DONE : HELPER_USAGE;
    }
    return mount_request_run(&request) == COMMAND_DONE ? HELPER_DONE : HELPER_FAILED;
}
