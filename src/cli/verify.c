// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs verify`: containers held against the format, side by side on all processors.
#include "gen5/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "container_file.h"
#include "container_list.h"
#include "harmless.h"
#include "json_output.h"
#include "output.h"
#include "progress.h"
#include "quantity.h"
#include "terminal.h"
#include "work.h"

static const char help[] =
    "usage: gen5fs verify [--lenient | --deep] [--json] PATH...\n"
    "\n"
    "Holds .gen5 containers against the format, and tells each fault in a line: file, chunk, "
    "offset\n"
    "in the file, reason. Of a folder, all .gen5 files in it and below it are checked; links in "
    "it\n"
    "are not followed. On a terminal a bar shows how far it is.\n"
    "\n"
    "Without a switch: the header, chunks back to back up to the manifest at the end, every\n"
    "payload's size and SHA-256, the manifest's schema, the environment's digests, and that no\n"
    "record stands for a member that a later one stands for too.\n"
    "\n"
    "  -l, --lenient  check only what keeps a member from being read as it was stored\n"
    "  -d, --deep     check the contents too, which takes longer: images decode (PNG) or are "
    "whole,\n"
    "                 latents have four dimensions and no NaN or infinity\n"
    "  -j, --json     print one line of JSON for each file: file, file_size, sound, faults (each\n"
    "                 with chunk, part, offset and reason), error\n"
    "  -h, --help     print this\n"
    "  --             what follows are paths, whatever they begin with\n"
    "\n"
    "Exit status: 0 all are sound; 1 there are faults; 2 something could not be looked at, or "
    "wrong\n"
    "usage.\n";

static const struct argument_switch switches[] = {
    {'l', "lenient", false},
    {'d', "deep", false},
    {'j', "json", false},
    {'h', "help", false},
};

enum { SWITCH_COUNT = sizeof switches / sizeof *switches };

// One container's faults, in the order in which they were found.
struct noted_fault {
    struct gen5_fault fault;
    char *reason; // what fault.reason points to
};

struct verdict {
    struct noted_fault *faults;
    size_t count;
    struct gen5_error error; // why it could not be looked at, or not to its end
};

struct verification {
    struct container_list list;
    struct verdict *verdicts; // one a container
    enum gen5_rigour rigour;
    bool json_wanted;
    struct progress progress;
    // Of the thread that prints.
    size_t faults;
    size_t faulty;
    size_t unread;
};

// A check under way, as the library's calls see it.
struct checking {
    struct verification *verification;
    struct verdict *verdict;
};

// --- Checking, by many threads ------------------------------------------------------------------

static void take_fault(void *context, const struct gen5_fault *fault) {
    struct verdict *verdict = ((struct checking *)context)->verdict;
    struct noted_fault *faults =
        reallocarray(verdict->faults, verdict->count + 1, sizeof *verdict->faults);
    char *reason = strdup(fault->reason);
    if (faults != NULL) {
        verdict->faults = faults;
    }
    if (faults == NULL || reason == NULL) {
        free(reason);
        gen5_error_set_memory(&verdict->error);
        return;
    }
    struct noted_fault *noted = &faults[verdict->count++];
    *noted = (struct noted_fault){*fault, reason};
    noted->fault.reason = reason;
}

static void take_progress(void *context, uint64_t size) {
    progress_add_bytes(&((struct checking *)context)->verification->progress, size);
}

static void check_container(void *context, size_t piece) {
    struct verification *verification = context;
    struct checking checking = {verification, &verification->verdicts[piece]};
    const struct gen5_verify_visitor visitor = {
        .fault = take_fault,
        .progress = take_progress,
        .context = &checking,
        // The last one may be checked alone, all others are checked side by side.
        .one_thread = piece + 1 < verification->list.count,
    };
    struct gen5_error *error = &checking.verdict->error;
    int fd = -1;
    uint64_t size = 0;
    if (regular_file_open(verification->list.items[piece].path, &fd, &size, error) == GEN5_OK) {
        struct gen5_limits limits = gen5_limits_default();
        struct gen5_source source = {.fd = fd, .size = size};
        gen5_verify(&source, &limits, verification->rigour, &visitor, error);
        close(fd);
    }
    progress_add_file(&verification->progress);
}

// --- Telling, by one thread ---------------------------------------------------------------------

static void print_fault(const char *path, const struct gen5_fault *fault) {
    print_harmless(path);
    printf(": %s", terminal_style(stdout, STYLE_RED));
    if (fault->record != GEN5_FAULT_NO_RECORD) {
        printf("chunk %zu (", fault->record);
        print_harmless(fault->part);
        printf(") at byte %" PRId64 ": ", fault->offset);
    } else if (fault->part[0] != '\0') {
        printf("%s chunk at byte %" PRId64 ": ", fault->part, fault->offset);
    } else if (fault->offset != GEN5_OFFSET_NONE) {
        printf("byte %" PRId64 ": ", fault->offset);
    }
    print_harmless(fault->reason);
    printf("%s\n", terminal_style(stdout, STYLE_PLAIN));
}

static void put_fault(struct json_output *json, const struct gen5_fault *fault) {
    json_open(json, NULL, '{');
    if (fault->record != GEN5_FAULT_NO_RECORD) {
        json_number(json, "chunk", fault->record);
    } else {
        json_null(json, "chunk");
    }
    if (fault->part[0] != '\0') {
        json_string(json, "part", fault->part);
    } else {
        json_null(json, "part");
    }
    if (fault->offset != GEN5_OFFSET_NONE) {
        json_number(json, "offset", (uint64_t)fault->offset);
    } else {
        json_null(json, "offset");
    }
    json_string(json, "reason", fault->reason);
    json_close(json, '}');
}

static void print_json(const struct listed_container *container, const struct verdict *verdict) {
    struct json_output json = JSON_OUTPUT_START;
    bool looked = verdict->error.status == GEN5_OK;
    json_open(&json, NULL, '{');
    json_string(&json, "file", container->path);
    json_number(&json, "file_size", container->size);
    json_boolean(&json, "sound", looked && verdict->count == 0);
    json_open(&json, "faults", '[');
    for (size_t i = 0; i < verdict->count; i++) {
        put_fault(&json, &verdict->faults[i].fault);
    }
    json_close(&json, ']');
    if (looked) {
        json_null(&json, "error");
    } else {
        json_string(&json, "error", verdict->error.message);
    }
    json_close(&json, '}');
    json_end_line(&json);
}

static void tell_verdict(void *context, size_t piece) {
    struct verification *verification = context;
    const struct listed_container *container = &verification->list.items[piece];
    struct verdict *verdict = &verification->verdicts[piece];
    bool looked = verdict->error.status == GEN5_OK;
    verification->faults += verdict->count;
    verification->faulty += verdict->count > 0 ? 1 : 0;
    verification->unread += looked ? 0 : 1;
    if (verification->json_wanted || verdict->count > 0 || !looked) {
        progress_hide(&verification->progress);
    }
    if (verification->json_wanted) {
        print_json(container, verdict);
    }
    for (size_t i = 0; i < verdict->count; i++) {
        if (!verification->json_wanted) {
            print_fault(container->path, &verdict->faults[i].fault);
        }
        free(verdict->faults[i].reason);
    }
    if (verdict->count > 0) {
        output_flush();
    }
    if (!looked) {
        complain(container->path, "%s", verdict->error.message);
    }
    free(verdict->faults);
}

static void draw(void *context) {
    progress_draw(&((struct verification *)context)->progress);
}

// A person who waited is told how it went; scripts have the exit status.
static void print_summary(const struct verification *verification) {
    char size[QUANTITY_SIZE];
    fprintf(stderr, "%zu container%s, %s, %.1f s: ", verification->list.count,
            verification->list.count == 1 ? "" : "s",
            quantity_of_bytes(verification->list.size, size),
            progress_seconds(&verification->progress));
    if (verification->faults == 0) {
        fprintf(stderr, "%sno faults%s", terminal_style(stderr, STYLE_GREEN),
                terminal_style(stderr, STYLE_PLAIN));
    } else {
        fprintf(stderr, "%s%zu fault%s in %zu of them%s", terminal_style(stderr, STYLE_RED),
                verification->faults, verification->faults == 1 ? "" : "s", verification->faulty,
                terminal_style(stderr, STYLE_PLAIN));
    }
    if (verification->unread > 0) {
        fprintf(stderr, ", %zu could not be read", verification->unread);
    }
    fputc('\n', stderr);
}

static int verify(struct verification *verification, char *const *paths) {
    container_list_make(paths, CONTAINER_FILES, &verification->list);
    verification->verdicts = calloc(verification->list.count + 1, sizeof *verification->verdicts);
    if (verification->verdicts == NULL) {
        complain("verify", "out of memory");
        container_list_release(&verification->list);
        return COMMAND_TROUBLE;
    }
    progress_start(&verification->progress, verification->list.count, verification->list.size);
    struct work work = {
        .count = verification->list.count,
        .run = check_container,
        .finish = tell_verdict,
        .tick = verification->progress.shown ? draw : NULL,
        .context = verification,
    };
    work_do(&work);
    progress_hide(&verification->progress);
    if (verification->progress.shown && verification->list.count > 0) {
        print_summary(verification);
    }
    int status = !verification->list.complete || verification->unread > 0 ? COMMAND_TROUBLE
                 : verification->faults > 0                               ? COMMAND_DIFFERS
                                                                          : COMMAND_DONE;
    free(verification->verdicts);
    container_list_release(&verification->list);
    return status;
}

int command_verify(char **words) {
    struct verification verification = {.rigour = GEN5_RIGOUR_STRICT};
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    arguments_start(&arguments, "verify", switches, SWITCH_COUNT, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        switch (argument.given->letter) {
        case 'l':
            verification.rigour = GEN5_RIGOUR_LENIENT;
            break;
        case 'd':
            verification.rigour = GEN5_RIGOUR_DEEP;
            break;
        case 'j':
            verification.json_wanted = true;
            break;
        default:
            fputs(help, stdout);
            return COMMAND_DONE;
        }
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    if (arguments.operand_count == 0) {
        complain("verify", "PATH is missing; use gen5fs verify PATH...");
        return COMMAND_USAGE;
    }
    return verify(&verification, arguments.operands);
}
