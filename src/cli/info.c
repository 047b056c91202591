// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs info`: what containers hold.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "info_report.h"
#include "json_output.h"
#include "latent_picture.h"
#include "output.h"
#include "terminal_picture.h"

static const char help[] =
    "usage: gen5fs info [--json | --preview] FILE...\n"
    "\n"
    "Shows what .gen5 containers hold: model, prompt and settings, the image's size and colours,\n"
    "each latent's key, type, shape, range, mean and standard deviation, the sizes in which they\n"
    "are stored, and the environment. Every payload is read, and checked on the way.\n"
    "\n"
    "  -j, --json     print one line of JSON for each file: file, file_size, version_major,\n"
    "                 version_minor, model_info, image, latents, environment, chunks. Numbers of\n"
    "                 model_info are those of the file, digit by digit; NaN and the infinities, "
    "which\n"
    "                 JSON does not have, are strings. A file that cannot be read has file and "
    "error.\n"
    "  -p, --preview  show the first latent as a picture, too, as gen5fs preview draws it: on a\n"
    "                 terminal that is known to show pictures (kitty, Ghostty, iTerm2, WezTerm,\n"
    "                 mintty)\n"
    "  -h, --help     print this\n"
    "  --             what follows are files, whatever they begin with\n"
    "\n"
    "Exit status: 0 all were shown; 1 a file or a member of one cannot be read, as standard error\n"
    "tells; 2 wrong usage.\n";

static const struct argument_switch switches[] = {
    {'j', "json", false},
    {'p', "preview", false},
    {'h', "help", false},
};

// What was asked for.
struct request {
    bool json;
    bool preview;
    enum terminal_pictures pictures; // that standard output takes
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

// Show the first latent. One that cannot be read is complained about elsewhere, and one that is no
// picture is told by its shape.
static int show_picture(const struct info_report *report, enum terminal_pictures pictures) {
    const struct container_file *file = report->file;
    const struct latent_picture wish = {.key = NULL};
    struct contact_sheet sheet = {.rgb = NULL};
    struct tensor_pictures shape;
    struct gen5_error error = GEN5_ERROR_NONE;
    char *png = NULL;
    size_t size = 0;
    if (file->container->latent_count == 0 || report->latents[0].error.status != GEN5_OK ||
        !tensor_pictures_of(report->latents[0].record, &shape)) {
        return COMMAND_DONE;
    }
    bool drawn = latent_picture_draw(&wish, file, &sheet);
    if (drawn && latent_picture_png(&sheet, &png, &size, &error) == GEN5_OK) {
        terminal_picture_print(stdout, pictures, png, size);
    } else if (drawn) {
        complain(file->path, "%s", error.message);
    }
    free(png);
    free(sheet.rgb);
    return drawn && error.status == GEN5_OK ? COMMAND_DONE : COMMAND_FAILED;
}

static int show_page(const struct info_report *report, const struct request *request, bool first) {
    fputs(first ? "" : "\n", stdout);
    info_page_print(report);
    int status = request->preview ? show_picture(report, request->pictures) : COMMAND_DONE;
    // The page comes before what is said about it, where both go to one place.
    output_flush();
    int complaints = complain_of_members(report);
    return complaints != COMMAND_DONE ? complaints : status;
}

static int show(const char *path, const struct request *request, bool first) {
    struct container_file file = CONTAINER_FILE_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (container_file_open(path, &file, &error) != GEN5_OK) {
        return complain_of(path, &error, request->json);
    }
    struct info_report report;
    int status;
    if (info_report_make(&file, &report, &error) != GEN5_OK) {
        status = complain_of(path, &error, request->json);
    } else if (request->json) {
        info_json_print(&report);
        status = complain_of_members(&report);
    } else {
        status = show_page(&report, request, first);
    }
    info_report_release(&report);
    container_file_release(&file);
    return status;
}

static int check_request(struct request *request, size_t files) {
    if (files == 0) {
        complain("info", "FILE is missing; use gen5fs info FILE...");
        return COMMAND_USAGE;
    }
    if (request->json && request->preview) {
        complain("info", "--json has no place for the picture of --preview; use one of them");
        return COMMAND_USAGE;
    }
    request->pictures = terminal_pictures_of(stdout);
    if (request->preview && request->pictures == TERMINAL_PICTURES_NONE) {
        complain("info", "--preview: standard output is no terminal that is known to show "
                         "pictures; use gen5fs preview FILE -o OUT.png");
        return COMMAND_USAGE;
    }
    return COMMAND_DONE;
}

int command_info(char **words) {
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    struct request request = {.json = false};
    arguments_start(&arguments, "info", switches, sizeof switches / sizeof *switches, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (argument.given->letter == 'h') {
            fputs(help, stdout);
            return COMMAND_DONE;
        }
        request.json = request.json || argument.given->letter == 'j';
        request.preview = request.preview || argument.given->letter == 'p';
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    int status = check_request(&request, arguments.operand_count);
    bool wrong = status != COMMAND_DONE;
    for (size_t i = 0; i < arguments.operand_count && !wrong; i++) {
        int shown = show(arguments.operands[i], &request, i == 0);
        status = shown != COMMAND_DONE ? shown : status;
    }
    return status;
}
