// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs mount`: the command line of mounting.
#include <stdbool.h>

#include "arguments.h"
#include "command.h"
#include "mount_request.h"

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
    "      nosandbox     do not give up privileges that the mount does not need\n"
    "      decoded=MIB   keep no more of decoded payloads in memory (32); what is over this or\n"
    "                    one of the next two is dropped, and made again when it is asked for\n"
    "      manifests=MIB\n"
    "                    the same of the manifests of containers that nobody uses (16)\n"
    "      names=MIB     the same of what the kernel knows of files and folders (32, about)\n"
    "      nodev, nosuid, noexec, noatime, sync, dirsync\n"
    "                    as for any file system, see mount(8); nodev and nosuid are the default,\n"
    "                    which root overrules with dev and suid\n"
    "                    What else mount(8), fstab(5) and systemd add is accepted and ignored.\n"
    "  -h, --help        print this\n"
    "\n"
    "As a line of /etc/fstab, or for mount -t gen5fs:\n"
    "    SOURCE  MOUNTPOINT  gen5fs  defaults,nofail  0  0\n"
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

static bool apply_argument(struct mount_request *request, const struct argument *argument) {
    if (argument->given == NULL) {
        return mount_request_add_operand(request, argument->text);
    }
    switch (argument->given->letter) {
    case 'f':
        request->foreground = true;
        return true;
    case 'd':
        mount_request_add_debug(request);
        return true;
    default:
        return mount_request_add_options(request, argument->text);
    }
}

int command_mount(char **words) {
    struct mount_request request = {0};
    int status;
    return mount_request_read(&request, switches, sizeof switches / sizeof switches[0], help, words,
                              apply_argument, &status)
               ? mount_request_run(&request)
               : status;
}
