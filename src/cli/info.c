// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs info`: what containers hold.
#include <stdbool.h>
#include <stdio.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "info_report.h"
#include "json_output.h"
#include "output.h"

static const char help[] =
    "usage: gen5fs info [--json] FILE...\n"
    "\n"
    "Shows what .gen5 containers hold: model, prompt and settings, the image's size and colours,\n"
    "each latent's key, type, shape, range, mean and standard deviation, the sizes in which they\n"
    "are stored, and the environment. Every payload is read, and checked on the way.\n"
    "\n"
    "  -j, --json  print one line of JSON for each file: file, file_size, version_major,\n"
    "              version_minor, model_info, image, latents, environment, chunks. Numbers of\n"
    "              model_info are those of the file, digit by digit; NaN and the infinities, "
    "which\n"
    "              JSON does not have, are strings. A file that cannot be read has file and "
    "error.\n"
    "  -h, --help  print this\n"
    "  --          what follows are files, whatever they begin with\n"
    "\n"
    "Exit status: 0 all were shown; 1 a file or a member of one cannot be read, as standard error\n"
    "tells; 2 wrong usage.\n";

static const struct argument_switch switches[] = {
    {'j', "json", false},
    {'h', "help", false},
};

static int complain_of(const char *path, const struct gen5_error *error, bool json_wanted) {
    complain(path, "%s", error->message);
    if (json_wanted) {
        struct json_output json = JSON_OUTPUT_START;
        json_open(&json, NULL, '{');
        json_string(&json, "file", path);
        json_string(&json, "error", error->message);
        json_close(&json, '}');
        json_end_line(&json);
    }
    return COMMAND_FAILED;
}

// Tell why members, and other chunks, cannot be read. Returns the exit status that this makes.
static int complain_of_members(const struct info_report *report) {
    const char *path = report->file->path;
    const struct gen5_container *container = report->file->container;
    int status = COMMAND_DONE;
    if (report->image_error.status != GEN5_OK) {
        status = complain_of(path, &report->image_error, false);
    }
    for (size_t i = 0; i < container->latent_count; i++) {
        if (report->latents[i].error.status != GEN5_OK) {
            status = complain_of(path, &report->latents[i].error, false);
        }
    }
    if (report->environment_error.status != GEN5_OK) {
        status = complain_of(path, &report->environment_error, false);
    }
    for (size_t i = 0; i < container->manifest->record_count; i++) {
        const struct gen5_record *record = &container->manifest->records[i];
        if (record->damage != NULL && !info_is_member(container, record)) {
            complain(path, "%.4s chunk at byte %llu: %s", record->type,
                     (unsigned long long)record->offset, record->damage);
            status = COMMAND_FAILED;
        }
    }
    return status;
}

static int show(const char *path, bool json_wanted, bool first) {
    struct container_file file = CONTAINER_FILE_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (container_file_open(path, &file, &error) != GEN5_OK) {
        return complain_of(path, &error, json_wanted);
    }
    struct info_report report;
    int status;
    if (info_report_make(&file, &report, &error) != GEN5_OK) {
        status = complain_of(path, &error, json_wanted);
    } else if (json_wanted) {
        info_json_print(&report);
        status = complain_of_members(&report);
    } else {
        fputs(first ? "" : "\n", stdout);
        info_page_print(&report);
        // The page comes before what is said about it, where both go to one place.
        output_flush();
        status = complain_of_members(&report);
    }
    info_report_release(&report);
    container_file_release(&file);
    return status;
}

int command_info(char **words) {
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    bool json_wanted = false;
    arguments_start(&arguments, "info", switches, sizeof switches / sizeof *switches, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (argument.given->letter == 'h') {
            fputs(help, stdout);
            return COMMAND_DONE;
        }
        json_wanted = true;
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    if (arguments.operand_count == 0) {
        complain("info", "FILE is missing; use gen5fs info FILE...");
        return COMMAND_USAGE;
    }
    int status = COMMAND_DONE;
    for (size_t i = 0; i < arguments.operand_count; i++) {
        int shown = show(arguments.operands[i], json_wanted, i == 0);
        status = shown != COMMAND_DONE ? shown : status;
    }
    return status;
}
