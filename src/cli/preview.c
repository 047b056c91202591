// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs preview`: a latent as a picture.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "container_file.h"
#include "gen5/pixels.h"
#include "interruption.h"
#include "latent_picture.h"
#include "new_file.h"

static const char help[] =
    "usage: gen5fs preview [-o OUT.png [-f]] [--latent KEY] [--rgb | --factors NAME] [--scale N]\n"
    "                      FILE\n"
    "\n"
    "Draws a latent of a container as a PNG: every channel in grey, its least element black and "
    "its\n"
    "greatest white, and what is not finite in magenta. In front of them stands a quick look in\n"
    "colours, for latents of 4 and 16 channels, by linear factors that were published for a "
    "family\n"
    "of models. It is what the colours are like, not what the model's own decoder makes of it:\n"
    "\n"
    "  sd1   4 channels, Stable Diffusion 1\n"
    "        https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204\n"
    "  sdxl  4 channels, Stable Diffusion XL\n"
    "        https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space\n"
    "  sd3   16 channels, Stable Diffusion 3\n"
    "        https://github.com/Stability-AI/sd3.5 (sd3_impls.py, decode_latent_to_preview)\n"
    "\n"
    "Which of them is told by the number of channels and, for sdxl, by an \"xl\" in the model's "
    "name.\n"
    "A model with \"flux\" in its name has none.\n"
    "\n"
    "  -o, --output OUT.png  where to; without it the picture goes to standard output\n"
    "  -f, --force           replace OUT.png where it is there already\n"
    "  -l, --latent KEY      the latent with this key, not the first one\n"
    "  -r, --rgb             draw the look in colours alone\n"
    "  -F, --factors NAME    sd1, sdxl or sd3, or none: no look in colours\n"
    "  -s, --scale N         draw each element as a square of N pixels; without it pictures are\n"
    "                        enlarged to up to 256 pixels\n"
    "  -h, --help            print this\n"
    "  --                    what follows are files, whatever they begin with\n"
    "\n"
    "Exit status: 0 drawn; 1 not, as standard error tells; 2 wrong usage.\n";

static const struct argument_switch switches[] = {
    {'o', "output", true},  {'f', "force", false}, {'l', "latent", true}, {'r', "rgb", false},
    {'F', "factors", true}, {'s', "scale", true},  {'h', "help", false},
};

enum { SWITCH_COUNT = sizeof switches / sizeof *switches, SCALE_MAX = 1000 };

// What was asked for.
struct request {
    const char *path;
    const char *output; // NULL: standard output
    bool overwrite;
    struct latent_picture picture;
    bool help;
};

// --- Where it goes ------------------------------------------------------------------------------

static enum gen5_status write_file(const struct contact_sheet *sheet, struct new_file *file,
                                   struct gen5_error *error) {
    interruption_watch(); // there is something on disk from here on
    enum gen5_status status = new_file_begin(file, error);
    if (status == GEN5_OK) {
        status =
            gen5_png_write(file->replacement.fd, sheet->width, sheet->height, sheet->rgb, error);
    }
    return status == GEN5_OK ? new_file_commit(file, error) : status;
}

// By way of memory: a pipe cannot be written to at an offset.
static enum gen5_status print_picture(const struct contact_sheet *sheet, struct gen5_error *error) {
    char *bytes = NULL;
    size_t size = 0;
    enum gen5_status status = latent_picture_png(sheet, &bytes, &size, error);
    if (status == GEN5_OK) {
        fwrite(bytes, 1, size, stdout);
    }
    free(bytes);
    return status;
}

static bool hand_out(const struct request *request, const struct contact_sheet *sheet,
                     struct new_file *file) {
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status =
        request->output != NULL ? write_file(sheet, file, &error) : print_picture(sheet, &error);
    if (status != GEN5_OK) {
        complain(request->output != NULL ? request->output : "standard output", "%s",
                 error.message);
    }
    return status == GEN5_OK;
}

static int preview(const struct request *request) {
    struct container_file container = CONTAINER_FILE_NONE;
    struct new_file file = NEW_FILE_NONE;
    struct contact_sheet sheet = {.rgb = NULL};
    struct gen5_error error = GEN5_ERROR_NONE;
    bool drawn = false;
    if (request->output != NULL &&
        new_file_open(&file, request->output, request->overwrite, &error) != GEN5_OK) {
        complain(request->output, "%s", error.message);
    } else if (container_file_open(request->path, &container, &error) != GEN5_OK) {
        complain(request->path, "%s", error.message);
    } else {
        drawn = latent_picture_draw(&request->picture, &container, &sheet) &&
                hand_out(request, &sheet, &file);
    }
    free(sheet.rgb);
    container_file_release(&container);
    new_file_release(&file);
    interruption_finish();
    return drawn ? COMMAND_DONE : COMMAND_FAILED;
}

// --- What was typed -----------------------------------------------------------------------------

// False where the scale is none.
static bool take_scale(struct request *request, const char *text) {
    char *end = NULL;
    errno = 0;
    unsigned long scale = strtoul(text, &end, 10);
    bool valid = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && scale > 0 &&
                 scale <= SCALE_MAX;
    request->picture.scale = valid ? (uint32_t)scale : 0;
    return valid;
}

static bool take_factors(struct request *request, const char *text) {
    request->picture.factors = text;
    return strcmp(text, "none") == 0 || latent_colours_by_name(text) != NULL;
}

// False, with a complaint, where the value is wrong.
static bool take_switch(struct request *request, const struct argument *argument) {
    const char *text = argument->text;
    switch (argument->given->letter) {
    case 'o':
        request->output = text;
        break;
    case 'f':
        request->overwrite = true;
        break;
    case 'l':
        request->picture.key = text;
        break;
    case 'r':
        request->picture.rgb_alone = true;
        break;
    case 'F':
        if (!take_factors(request, text)) {
            complain("preview", "--factors %s: there are sd1, sdxl, sd3 and none", text);
            return false;
        }
        break;
    case 's':
        if (!take_scale(request, text)) {
            complain("preview", "--scale %s: must be a number from 1 to %d", text, SCALE_MAX);
            return false;
        }
        break;
    default:
        request->help = true;
        break;
    }
    return true;
}

static int check_request(const struct request *request, size_t files) {
    if (files != 1) {
        complain("preview", "%s; use gen5fs preview FILE -o OUT.png",
                 files == 0 ? "FILE is missing" : "one FILE makes one picture");
        return COMMAND_USAGE;
    }
    if (request->picture.rgb_alone && request->picture.factors != NULL &&
        strcmp(request->picture.factors, "none") == 0) {
        complain("preview", "--rgb draws what --factors none leaves out");
        return COMMAND_USAGE;
    }
    if (request->output == NULL && isatty(STDOUT_FILENO)) {
        complain("preview", "a terminal shows no PNG; use -o OUT.png or a pipe");
        return COMMAND_USAGE;
    }
    return COMMAND_DONE;
}

int command_preview(char **words) {
    struct request request = {.path = NULL};
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    arguments_start(&arguments, "preview", switches, SWITCH_COUNT, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        if (!take_switch(&request, &argument)) {
            return COMMAND_USAGE;
        }
        if (request.help) {
            fputs(help, stdout);
            return COMMAND_DONE;
        }
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    int status = check_request(&request, arguments.operand_count);
    request.path = arguments.operands[0];
    return status == COMMAND_DONE ? preview(&request) : status;
}
