// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs unpack`: containers as folders of ordinary files, without mounting.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "complaint_list.h"
#include "container_file.h"
#include "container_list.h"
#include "interruption.h"
#include "member_files.h"
#include "member_folder.h"
#include "progress.h"
#include "work.h"

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

struct unpacking {
    struct container_list list;
    char **targets; // the folder that each container becomes; NULL where there is none
    struct complaint_list *complaints; // of each
    bool *failed;                      // of each
    bool overwrite;
    struct progress progress;
    int status; // of the thread that prints
};

// --- Where containers go ------------------------------------------------------------------------

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

struct target {
    const char *path;
    size_t piece;
};

static int by_path(const void *left, const void *right) {
    const struct target *a = left;
    const struct target *b = right;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : a->piece < b->piece ? -1 : 1;
}

// Two containers must not become one folder: the second would replace the first.
static bool drop_clashes(struct unpacking *unpacking) {
    size_t count = unpacking->list.count;
    struct target *targets = calloc(count + 1, sizeof *targets);
    if (targets == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        targets[i] = (struct target){unpacking->targets[i], i};
    }
    qsort(targets, count, sizeof *targets, by_path);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(targets[i].path, targets[first].path) != 0) {
            first = i;
            continue;
        }
        size_t piece = targets[i].piece;
        complaint_list_add(&unpacking->complaints[piece], unpacking->list.items[piece].path,
                           "%s becomes the folder %s too: left out",
                           unpacking->list.items[targets[first].piece].path, targets[i].path);
        unpacking->failed[piece] = true;
    }
    free(targets);
    return true;
}

static bool find_targets(struct unpacking *unpacking, const char *folder) {
    size_t count = unpacking->list.count;
    unpacking->targets = calloc(count + 1, sizeof *unpacking->targets);
    unpacking->complaints = calloc(count + 1, sizeof *unpacking->complaints);
    unpacking->failed = calloc(count + 1, sizeof *unpacking->failed);
    if (unpacking->targets == NULL || unpacking->complaints == NULL || unpacking->failed == NULL) {
        return false;
    }
    const char *separator = folder[strlen(folder) - 1] == '/' ? "" : "/";
    for (size_t i = 0; i < count; i++) {
        const struct listed_container *container = &unpacking->list.items[i];
        const char *place =
            container->root > 0 ? container->path + container->root : last_name(container->path);
        if (asprintf(&unpacking->targets[i], "%s%s%s", folder, separator, place) < 0) {
            unpacking->targets[i] = NULL;
            return false;
        }
    }
    return drop_clashes(unpacking);
}

// --- Unpacking, by many threads -----------------------------------------------------------------

static bool fill_and_commit(const struct unpacking *unpacking, const struct container_file *file,
                            const char *target, struct complaint_list *complaints) {
    struct member_folder folder = MEMBER_FOLDER_NONE;
    int problem = member_folder_begin(&folder, target);
    enum member_files_result result = MEMBER_FILES_FAILED;
    if (problem == 0) {
        result = member_files_write(file, folder.fd, complaints);
    }
    if (problem == 0 && result != MEMBER_FILES_FAILED) {
        problem = member_folder_commit(&folder, unpacking->overwrite);
    }
    member_folder_release(&folder);
    if (problem == EEXIST && !unpacking->overwrite) {
        complaint_list_add(complaints, target, "exists; use -f to write into it");
    } else if (problem != 0) {
        complaint_list_add(complaints, target, "%s", strerror(problem));
    }
    return problem == 0 && result == MEMBER_FILES_WHOLE;
}

static bool unpack(const struct unpacking *unpacking, const char *path, const char *target,
                   struct complaint_list *complaints) {
    struct container_file file = CONTAINER_FILE_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (container_file_open(path, &file, &error) != GEN5_OK) {
        complaint_list_add(complaints, path, "%s", error.message);
        return false;
    }
    bool whole = fill_and_commit(unpacking, &file, target, complaints);
    container_file_release(&file);
    return whole;
}

static void unpack_piece(void *context, size_t piece) {
    struct unpacking *unpacking = context;
    const struct listed_container *container = &unpacking->list.items[piece];
    if (!unpacking->failed[piece] && !interruption_came()) {
        unpacking->failed[piece] = !unpack(unpacking, container->path, unpacking->targets[piece],
                                           &unpacking->complaints[piece]);
    }
    progress_add_bytes(&unpacking->progress, container->size);
    progress_add_file(&unpacking->progress);
}

// --- Telling, by one thread ---------------------------------------------------------------------

static void tell_piece(void *context, size_t piece) {
    struct unpacking *unpacking = context;
    if (unpacking->complaints[piece].count > 0) {
        progress_hide(&unpacking->progress);
    }
    complaint_list_tell(&unpacking->complaints[piece]);
    if (unpacking->failed[piece]) {
        unpacking->status = COMMAND_FAILED;
    }
    free(unpacking->targets[piece]);
}

static void draw(void *context) {
    progress_draw(&((struct unpacking *)context)->progress);
}

static int unpack_all(struct unpacking *unpacking, char *const *paths, const char *folder) {
    container_list_make(paths, &unpacking->list);
    unpacking->status = unpacking->list.complete ? COMMAND_DONE : COMMAND_FAILED;
    int problem = folders_make(folder);
    if (problem != 0) {
        complain(folder, "%s", strerror(problem));
        container_list_release(&unpacking->list);
        return COMMAND_FAILED;
    }
    if (find_targets(unpacking, folder)) {
        interruption_watch();
        progress_start(&unpacking->progress, unpacking->list.count, unpacking->list.size);
        struct work work = {
            .count = unpacking->list.count,
            .run = unpack_piece,
            .finish = tell_piece,
            .tick = unpacking->progress.shown ? draw : NULL,
            .context = unpacking,
        };
        work_do(&work);
        progress_hide(&unpacking->progress);
        interruption_finish();
    } else {
        complain("unpack", "out of memory");
        unpacking->status = COMMAND_FAILED;
    }
    free(unpacking->targets);
    free(unpacking->complaints);
    free(unpacking->failed);
    container_list_release(&unpacking->list);
    return unpacking->status;
}

int command_unpack(char **words) {
    struct unpacking unpacking = {.overwrite = false};
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
            unpacking.overwrite = true;
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
    return unpack_all(&unpacking, arguments.operands, folder);
}
