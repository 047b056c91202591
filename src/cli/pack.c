// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs pack`: containers of ordinary files, without mounting.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arguments.h"
#include "assembly.h"
#include "batch.h"
#include "command.h"
#include "complaint.h"
#include "interruption.h"
#include "machine.h"
#include "member_folder.h"
#include "member_names.h"
#include "setting.h"

static const char help[] =
    "usage: gen5fs pack [-f] FOLDER... -C DIR\n"
    "       gen5fs pack [-f] [FOLDER] -o OUT.gen5 [--image FILE] [--latent [KEY=]FILE.npy]...\n"
    "                   [--metadata FILE] [--env FILE|auto|none] [--set PATH=VALUE]...\n"
    "\n"
    "Makes .gen5 containers of files. Of a FOLDER that gen5fs unpack made, or one that is laid "
    "out\n"
    "so, its members are taken: image.png (.jpg, .webp ...), latent.npy, latents/KEY.npy,\n"
    "metadata.json, env.json; other files are left out. With -C, FOLDER may also hold such "
    "folders,\n"
    "called NAME.gen5, at any depth: each becomes a container at the same place below DIR. On a\n"
    "terminal a bar shows how far it is.\n"
    "\n"
    "Everything is checked first: images must be whole, latents 4-D float16 or float32 without "
    "NaN\n"
    "and infinities, metadata as the format's schema has it. Of metadata, sizes, offsets and "
    "hashes\n"
    "may be stale or missing: they are computed. A container appears when it is whole.\n"
    "\n"
    "  -C, --directory DIR  where to; it is created where it is missing\n"
    "  -o, --output FILE    make this one container\n"
    "  -f, --force          replace containers that are there already\n"
    "  -i, --image FILE     the image, in place of the folder's\n"
    "  -l, --latent [KEY=]FILE.npy\n"
    "                       a latent, in place of all of the folder's. Without KEY, which ends at\n"
    "                       the first \"=\", the file's name tells it, as in latents/KEY.npy;\n"
    "                       latent.npy is the first one of the metadata\n"
    "  -m, --metadata FILE  the metadata, in place of the folder's; where there is none, it is "
    "that\n"
    "                       of an empty container\n"
    "  -e, --env FILE|auto|none\n"
    "                       the environment, in place of the folder's: a file, that of this "
    "machine\n"
    "                       as gen5fs env prints it, or none\n"
    "  -s, --set PATH=VALUE set a value of the metadata, such as model_info.prompt. VALUE is JSON\n"
    "                       or, where it is none or a string stands there already, a string as it "
    "is\n"
    "  -L, --lenient        check neither the schema nor what images and latents hold: for what\n"
    "                       gen5fs unpack gave of a container that is faulty itself\n"
    "  -p, --python PROGRAM the interpreter that --env auto asks; python3\n"
    "  -h, --help           print this\n"
    "  --                   what follows are folders, whatever they begin with\n"
    "\n"
    "Exit status: 0 all were made; 1 a container was not, as standard error tells; 2 wrong "
    "usage.\n";

static const struct argument_switch switches[] = {
    {'C', "directory", true}, {'o', "output", true},   {'f', "force", false}, {'i', "image", true},
    {'l', "latent", true},    {'m', "metadata", true}, {'e', "env", true},    {'s', "set", true},
    {'L', "lenient", false},  {'p', "python", true},   {'h', "help", false},
};

enum { SWITCH_COUNT = sizeof switches / sizeof *switches };

// What was asked for.
struct request {
    struct assembly assembly;
    struct parts parts; // those that were named
    const char **settings;
    const char *output;
    const char *folder;      // where to
    const char *environment; // FILE, auto, none or NULL
    const char *python;
    bool help;
};

// --- What was typed -----------------------------------------------------------------------------

// "KEY=FILE" or "FILE".
static bool take_latent(struct request *request, const char *text) {
    const char *equals = strchr(text, '=');
    struct latent_part *latent =
        parts_add_latent(&request->parts, equals != NULL ? equals + 1 : text);
    if (latent == NULL) {
        return false;
    }
    if (equals != NULL) {
        latent->key_length = (size_t)(equals - text);
        latent->key = strndup(text, latent->key_length);
        return latent->key != NULL;
    }
    const char *slash = strrchr(text, '/');
    latent->first = strcmp(slash != NULL ? slash + 1 : text, MEMBER_LATENT) == 0;
    return true;
}

static bool take_setting(struct request *request, const char *text) {
    size_t count = request->assembly.setting_count;
    const char **settings = reallocarray(request->settings, count + 1, sizeof *settings);
    if (settings == NULL) {
        return false;
    }
    settings[count] = text;
    request->settings = settings;
    request->assembly.settings = settings;
    request->assembly.setting_count = count + 1;
    return true;
}

// False where there is no memory.
static bool take_switch(struct request *request, const struct argument *argument) {
    const char *text = argument->text;
    switch (argument->given->letter) {
    case 'C':
        request->folder = text;
        return true;
    case 'o':
        request->output = text;
        return true;
    case 'f':
        request->assembly.overwrite = true;
        return true;
    case 'i':
        return parts_set(&request->parts.image, text);
    case 'l':
        return take_latent(request, text);
    case 'm':
        return parts_set(&request->parts.metadata, text);
    case 'e':
        request->environment = text;
        return true;
    case 's':
        return take_setting(request, text);
    case 'L':
        request->assembly.lenient = true;
        return true;
    case 'p':
        request->python = text;
        return true;
    default:
        request->help = true;
        return true;
    }
}

static bool names_parts(const struct request *request) {
    return request->parts.image != NULL || request->parts.latent_count > 0 ||
           request->parts.metadata != NULL;
}

static int complain_of_usage(const char *why) {
    complain("pack", "%s; see gen5fs pack --help", why);
    return COMMAND_USAGE;
}

static int check_request(const struct request *request, size_t folders) {
    bool one = request->output != NULL;
    if (one == (request->folder != NULL)) {
        return complain_of_usage(one ? "-o makes one container, -C many: they exclude each other"
                                     : "DIR or OUT.gen5 is missing: use -C DIR or -o OUT.gen5");
    }
    if ((one ? request->output : request->folder)[0] == '\0') {
        return complain_of_usage("where to is an empty name");
    }
    if (!one && names_parts(request)) {
        return complain_of_usage("--image, --latent and --metadata are for one container, with -o");
    }
    if (one && folders > 1) {
        return complain_of_usage("several folders make several containers: use -C DIR");
    }
    bool from_nothing = request->environment == NULL && request->assembly.setting_count == 0;
    if (folders == 0 && (!one || (!names_parts(request) && from_nothing))) {
        return complain_of_usage("FOLDER is missing");
    }
    for (size_t i = 0; i < request->assembly.setting_count; i++) {
        if (!setting_is(request->assembly.settings[i])) {
            complain(request->assembly.settings[i], "is not PATH=VALUE, as --set needs it");
            return COMMAND_USAGE;
        }
    }
    return COMMAND_DONE;
}

// --- Making -------------------------------------------------------------------------------------

static bool pack_folder(void *context, const char *path, const char *target,
                        struct complaint_list *complaints) {
    const struct request *request = context;
    const char *environment = request->parts.environment;
    struct parts parts = {.image = NULL};
    int problem = folders_make_above(target);
    if (problem == 0 && environment != NULL && !parts_set(&parts.environment, environment)) {
        problem = ENOMEM;
    }
    if (problem != 0) {
        complaint_list_add(complaints, target, "cannot make it: %s", strerror(problem));
        return false;
    }
    bool made = parts_find(&parts, path, complaints) &&
                assembly_make(&request->assembly, &parts, target, complaints);
    parts_release(&parts);
    return made;
}

static int pack_one(struct request *request, const char *folder) {
    struct complaint_list complaints = COMPLAINT_LIST_NONE;
    interruption_watch();
    bool made = (folder == NULL || parts_find(&request->parts, folder, &complaints)) &&
                assembly_make(&request->assembly, &request->parts, request->output, &complaints);
    complaint_list_tell(&complaints);
    interruption_finish();
    return made ? COMMAND_DONE : COMMAND_FAILED;
}

// This machine's environment, asked for once for all containers.
static bool ask_machine(struct request *request, char **text) {
    struct gen5_environment environment = GEN5_ENVIRONMENT_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    bool asked = machine_environment(request->python, &environment);
    if (asked && gen5_environment_write(&environment, text, &request->assembly.environment_size,
                                        &error) != GEN5_OK) {
        complain("--env auto", "%s", error.message);
        asked = false;
    }
    gen5_environment_release(&environment);
    request->assembly.environment_text = *text;
    return asked;
}

// All parts of a container are open until it is stored.
static void allow_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int pack(struct request *request, char *const *folders) {
    const char *given = request->environment;
    char *machine_text = NULL;
    bool automatic = given != NULL && strcmp(given, "auto") == 0;
    bool none = given != NULL && strcmp(given, "none") == 0;
    int status = COMMAND_FAILED;
    request->assembly.environment_given = automatic || none;
    bool ready = automatic ? ask_machine(request, &machine_text)
                           : none || given == NULL || parts_set(&request->parts.environment, given);
    allow_open_files(); // behind the interpreter, which has no need of it
    if (ready && request->output != NULL) {
        status = pack_one(request, folders[0]);
    } else if (ready) {
        struct batch batch = {"pack", CONTAINER_FOLDERS, pack_folder, request};
        status = batch_do(&batch, folders, request->folder);
    }
    free(machine_text);
    return status;
}

static int run(struct request *request, char **words) {
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    arguments_start(&arguments, "pack", switches, SWITCH_COUNT, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (!take_switch(request, &argument)) {
            complain("pack", "out of memory");
            return COMMAND_FAILED;
        }
        if (request->help) {
            fputs(help, stdout);
            return COMMAND_DONE;
        }
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    int status = check_request(request, arguments.operand_count);
    return status == COMMAND_DONE ? pack(request, arguments.operands) : status;
}

int command_pack(char **words) {
    struct request request = {.python = MACHINE_PYTHON};
    int status = run(&request, words);
    parts_release(&request.parts);
    free(request.settings);
    return status;
}
