// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs diff`: what differs between two containers.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "command.h"
#include "comparison.h"
#include "complaint.h"
#include "interruption.h"
#include "json_output.h"
#include "new_file.h"
#include "output.h"

static const char help[] =
    "usage: gen5fs diff [--json] [--image OUT.png [-f]] A.gen5 B.gen5\n"
    "\n"
    "Shows how two containers differ: settings by their path in the metadata, latents by their "
    "key\n"
    "(how many elements differ, the greatest and the mean absolute difference, PSNR), pixels of "
    "the\n"
    "decoded images, and the environments. What follows from the bytes (sizes, offsets, hashes, "
    "how\n"
    "payloads are stored) and the layout of JSON do not count, nor does how an image of the same\n"
    "pixels is encoded. Images are decoded where both are PNGs, of up to 64 million pixels; "
    "others\n"
    "are compared byte for byte.\n"
    "\n"
    "PSNR is in dB; the peak is a latent's own range in A, and the whole range of a sample.\n"
    "\n"
    "  -i, --image OUT.png  write a picture of the differing pixels: absolute differences, as "
    "bright\n"
    "                       as they can be, on black\n"
    "  -f, --force          replace OUT.png where it is there already\n"
    "  -j, --json           print one line of JSON: first, second, equal, settings (path, first,\n"
    "                       second, of which one is left out where it lacks the value), latents\n"
    "                       (by key), image, environment. Numbers of the metadata are those of "
    "the\n"
    "                       file, digit by digit; a PSNR that is infinite is null\n"
    "  -h, --help           print this\n"
    "  --                   what follows are files, whatever they begin with\n"
    "\n"
    "Exit status: 0 nothing differs; 1 something does; 2 something could not be compared, as\n"
    "standard error tells, or wrong usage.\n";

static const struct argument_switch switches[] = {
    {'i', "image", true},
    {'f', "force", false},
    {'j', "json", false},
    {'h', "help", false},
};

// What was asked for.
struct request {
    const char *picture; // OUT.png or NULL
    bool overwrite;
    bool json_wanted;
};

// --- The picture --------------------------------------------------------------------------------

static enum gen5_status write_picture(const struct compared_image *image, struct new_file *file,
                                      struct gen5_error *error) {
    enum { COLOURS = 3 };
    const struct gen5_pixels *first = &image->pixels[FIRST];
    uint8_t *rgb = calloc((size_t)first->width * first->height, COLOURS);
    if (rgb == NULL) {
        return gen5_error_set_memory(error);
    }
    gen5_pixels_draw_difference(first, &image->pixels[SECOND], rgb);
    interruption_watch(); // there is something on disk from here on
    enum gen5_status status = new_file_begin(file, error);
    if (status == GEN5_OK) {
        status = gen5_png_write(file->replacement.fd, first->width, first->height, rgb, error);
    }
    free(rgb);
    return status == GEN5_OK ? new_file_commit(file, error) : status;
}

// Returns the exit status that this makes.
static int make_picture(const struct comparison *comparison, struct new_file *file,
                        const char *path) {
    const struct compared_image *image = &comparison->image;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (!image->present[FIRST] || !image->present[SECOND]) {
        complain(path, "not written: there are no two images");
    } else if (!image->decoded) {
        complain(path, "not written: the images cannot both be decoded");
    } else if (!image->difference.same_size) {
        complain(path, "not written: the images are not of one size");
    } else if (write_picture(image, file, &error) != GEN5_OK) {
        complain(path, "%s", error.message);
    } else {
        return COMMAND_DONE;
    }
    return COMMAND_TROUBLE;
}

// --- Telling ------------------------------------------------------------------------------------

static void complain_of_members(const struct comparison *comparison) {
    for (size_t i = 0; i < comparison->latent_count; i++) {
        const struct compared_latent *latent = &comparison->latents[i];
        if (latent->error.status != GEN5_OK) {
            complain(comparison->files[latent->failed]->path, "%s", latent->error.message);
        }
    }
    for (int i = 0; i < SIDE_COUNT; i++) {
        const struct gen5_error *image = &comparison->image.errors[i];
        const struct gen5_error *environment = &comparison->environment.errors[i];
        if (image->status != GEN5_OK) {
            complain(comparison->files[i]->path, "%s", image->message);
        }
        if (environment->status != GEN5_OK) {
            complain(comparison->files[i]->path, "%s", environment->message);
        }
    }
}

static int show(const struct comparison *comparison, const struct request *request,
                struct new_file *picture) {
    if (request->json_wanted) {
        comparison_json_print(comparison);
    } else {
        comparison_page_print(comparison);
        // The page comes before what is said about it, where both go to one place.
        output_flush();
    }
    complain_of_members(comparison);
    int status = !comparison->complete ? COMMAND_TROUBLE
                 : !comparison->equal  ? COMMAND_DIFFERS
                                       : COMMAND_DONE;
    int drawn = request->picture != NULL ? make_picture(comparison, picture, request->picture)
                                         : COMMAND_DONE;
    return drawn > status ? drawn : status;
}

static int compare(const struct container_file files[SIDE_COUNT], const struct request *request,
                   struct new_file *picture) {
    struct comparison comparison;
    struct gen5_error error = GEN5_ERROR_NONE;
    int failed = FIRST;
    int status = COMMAND_TROUBLE;
    if (comparison_make(&files[FIRST], &files[SECOND], request->picture != NULL, &comparison,
                        &failed, &error) == GEN5_OK) {
        status = show(&comparison, request, picture);
    } else {
        complain(files[failed].path, "%s", error.message);
    }
    comparison_release(&comparison);
    return status;
}

// --- Opening ------------------------------------------------------------------------------------

static bool open_both(char *const *paths, struct container_file files[SIDE_COUNT]) {
    bool opened = true;
    for (int i = 0; i < SIDE_COUNT; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        if (container_file_open(paths[i], &files[i], &error) != GEN5_OK) {
            complain(paths[i], "%s", error.message);
            opened = false;
        }
    }
    return opened;
}

static int diff(char *const *paths, const struct request *request) {
    struct container_file files[SIDE_COUNT] = {CONTAINER_FILE_NONE, CONTAINER_FILE_NONE};
    struct new_file picture = NEW_FILE_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    int status = COMMAND_TROUBLE;
    if (request->picture != NULL &&
        new_file_open(&picture, request->picture, request->overwrite, &error) != GEN5_OK) {
        complain(request->picture, "%s", error.message);
    } else if (open_both(paths, files)) {
        status = compare(files, request, &picture);
    }
    new_file_release(&picture);
    container_file_release(&files[FIRST]);
    container_file_release(&files[SECOND]);
    interruption_finish();
    return status;
}

int command_diff(char **words) {
    struct request request = {.picture = NULL};
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    arguments_start(&arguments, "diff", switches, sizeof switches / sizeof *switches, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        switch (argument.given->letter) {
        case 'i':
            request.picture = argument.text;
            break;
        case 'f':
            request.overwrite = true;
            break;
        case 'j':
            request.json_wanted = true;
            break;
        default:
            fputs(help, stdout);
            return COMMAND_DONE;
        }
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    if (arguments.operand_count != SIDE_COUNT) {
        complain("diff", "needs two containers; use gen5fs diff A.gen5 B.gen5");
        return COMMAND_USAGE;
    }
    return diff(arguments.operands, &request);
}
