// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The sub-commands of gen5fs, one file each. main.c has the table of them.
#ifndef GEN5FS_CLI_COMMAND_H
#define GEN5FS_CLI_COMMAND_H

// The exit statuses that all sub-commands share. The header of each names its own.
enum command_status {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2, // what was typed is wrong
    // Of the commands that compare, as of diff and cmp: verify, diff, env.
    COMMAND_DIFFERS = 1, // there are faults, or differences
    COMMAND_TROUBLE = 2, // something could not be looked at
    // 10 to 14: gen5fs_mount (gen5fs/mount.h)
    COMMAND_NOT_MOUNTED = 20, // the path is no mount of gen5fs
    COMMAND_REFUSED = 21,     // the system refused
    COMMAND_STILL_RUNS = 22,  // unmounted, but the daemon has not ended
};

// Each gets the words after its name, ended by NULL, and returns the exit status. It prints results
// to standard output and complaints (complaint.h) to standard error. main.c notices when standard
// output could not be written.

// mount SOURCE MOUNTPOINT: gen5fs_mount's statuses.
int command_mount(char **words);
// mount.gen5fs, the name under which mount(8) starts this program: mount(8)'s statuses.
int command_mount_helper(char **words);
// umount MOUNTPOINT: done, usage, not mounted, refused, still runs.
int command_umount(char **words);
// status [MOUNTPOINT]: done, failed (the daemon does not answer), usage, not mounted.
int command_status(char **words);
// info FILE...: done, failed (a file or a member cannot be read), usage.
int command_info(char **words);
// verify PATH...: done (all sound), differs (there are faults), trouble, usage.
int command_verify(char **words);
// unpack FILE... -C DIR: done, failed (a container or member was not unpacked), usage.
int command_unpack(char **words);
// pack FOLDER... -C DIR, or pack ... -o OUT.gen5: done, failed (a container was not made), usage.
int command_pack(char **words);
// env [--check FILE...]: done (printed, or nothing differs), differs, trouble, usage.
int command_env(char **words);
// diff A B: done (nothing differs), differs, trouble, usage.
int command_diff(char **words);
// preview FILE: done, failed (nothing was drawn), usage.
int command_preview(char **words);

#endif
