// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs unpack`: containers as folders of ordinary files, without mounting.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "batch.h"
#include "command.h"
#include "complaint.h"
#include "container_file.h"
#include "member_files.h"
#include "member_folder.h"

static const char help[] =
    "usage: gen5fs unpack [-f] FILE... -C DIR\n"
    "\n"
    "Writes the members of each container NAME.gen5 as ordinary files into the folder\n"
    "DIR/NAME.gen5, with the names and bytes that a mount shows: image.png (.jpg, .webp ...),\n"
    "latent.npy, latents/KEY.npy where there are two or more, metadata.json, env.json. FILE may "
    "be\n"
    "a folder: all .gen5 files in it and below it are unpacked, to the same places below DIR.\n"
    "gen5fs pack makes containers of such folders again. On a terminal a bar shows how far it is.\n"
    "\n"
    "A folder appears when all of it is written. Members that are damaged are left out; chunks of\n"
    "unknown types too, with a note, since no file stands for them.\n"
    "\n"
    "  -C, --directory DIR  where to; it is created where it is missing\n"
    "  -f, --force          write into folders that are there already: members are replaced, file\n"
    "                       by file, other files in them stay\n"
    "  -h, --help           print this\n"
    "  --                   what follows are files, whatever they begin with\n"
    "\n"
    "Exit status: 0 all were unpacked whole; 1 a container or a member was not, as standard error\n"
    "tells; 2 wrong usage.\n";

static const struct argument_switch switches[] = {
    {'C', "directory", true},
    {'f', "force", false},
    {'h', "help", false},
};

enum { SWITCH_COUNT = sizeof switches / sizeof *switches };

static bool fill_and_commit(bool overwrite, const struct container_file *file, const char *target,
                            struct complaint_list *complaints) {
    struct member_folder folder = MEMBER_FOLDER_NONE;
    int problem = member_folder_begin(&folder, target);
    enum member_files_result result = MEMBER_FILES_FAILED;
    if (problem == 0) {
        result = member_files_write(file, folder.fd, complaints);
    }
    if (problem == 0 && result != MEMBER_FILES_FAILED) {
        problem = member_folder_commit(&folder, overwrite);
    }
    member_folder_release(&folder);
    if (problem == EEXIST && !overwrite) {
        complaint_list_add(complaints, target, "exists; use -f to write into it");
    } else if (problem != 0) {
        complaint_list_add(complaints, target, "cannot make it: %s", strerror(problem));
    }
    return problem == 0 && result == MEMBER_FILES_WHOLE;
}

// `context` is whether folders that are there are written into.
static bool unpack(void *context, const char *path, const char *target,
                   struct complaint_list *complaints) {
    struct container_file file = CONTAINER_FILE_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (container_file_open(path, &file, &error) != GEN5_OK) {
        complaint_list_add(complaints, path, "%s", error.message);
        return false;
    }
    bool whole = fill_and_commit(*(const bool *)context, &file, target, complaints);
    container_file_release(&file);
    return whole;
}

int command_unpack(char **words) {
    bool overwrite = false;
    const char *folder = NULL;
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    arguments_start(&arguments, "unpack", switches, SWITCH_COUNT, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        switch (argument.given->letter) {
        case 'C':
            folder = argument.text;
            break;
        case 'f':
            overwrite = true;
            break;
        default:
            fputs(help, stdout);
            return COMMAND_DONE;
        }
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    if (arguments.operand_count == 0 || folder == NULL || folder[0] == '\0') {
        complain("unpack", "%s is missing; use gen5fs unpack FILE... -C DIR",
                 arguments.operand_count == 0 ? "FILE" : "DIR");
        return COMMAND_USAGE;
    }
    struct batch batch = {"unpack", CONTAINER_FILES, unpack, &overwrite};
    return batch_do(&batch, arguments.operands, folder);
}
