// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What a mount is asked to be, whoever asks: `gen5fs mount`, or mount(8) through mount.gen5fs.
#ifndef GEN5FS_CLI_MOUNT_REQUEST_H
#define GEN5FS_CLI_MOUNT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct argument;
struct argument_switch;

// Begins as {0}. The strings are the command line's.
struct mount_request {
    const char *operands[2]; // SOURCE, MOUNTPOINT
    size_t operand_count;
    uint32_t chosen;  // what options turn on; mount_request.c knows the bits
    uint32_t caps[3]; // MiB, in the order of mount_request.c; 0: not given
    bool foreground;
    bool fake;   // nothing is mounted
    bool sloppy; // options that nobody knows are ignored; set before options are added
};

// Reads the arguments behind a command's name; `apply` acts on each but -h, which prints `help`.
// false with the exit status that shall be COMMAND_DONE or COMMAND_USAGE, which was complained of.
bool mount_request_read(struct mount_request *request, const struct argument_switch *switches,
                        size_t switch_count, const char *help, char **words,
                        bool (*apply)(struct mount_request *, const struct argument *),
                        int *status);

// Each complains and returns false where what was asked is wrong.
bool mount_request_add_operand(struct mount_request *request, const char *text);
// A list for -o, separated by commas.
bool mount_request_add_options(struct mount_request *request, const char *list);

// As "-o debug".
void mount_request_add_debug(struct mount_request *request);

// gen5fs_mount's statuses, the first of which is COMMAND_DONE.
int mount_request_run(const struct mount_request *request);

#endif
