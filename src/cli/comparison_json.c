// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The line that `gen5fs diff --json` prints for a script.
#include <stdio.h>
#include <stdlib.h>

#include "comparison.h"
#include "drift.h"
#include "json_output.h"
#include "json_value.h"

static const char *const SIDE_NAMES[SIDE_COUNT] = {"first", "second"};

static void put_error(struct json_output *json, const struct gen5_error *error) {
    if (error->status == GEN5_OK) {
        json_null(json, "error");
    } else {
        json_string(json, "error", error->message);
    }
}

// The first of two that says something.
static const struct gen5_error *first_error(const struct gen5_error errors[SIDE_COUNT]) {
    return errors[FIRST].status != GEN5_OK ? &errors[FIRST] : &errors[SECOND];
}

// A member that one lacks has the name of that one.
static void put_missing(struct json_output *json, bool in_first, bool in_second) {
    if (in_first && in_second) {
        json_null(json, "missing_in");
    } else {
        json_string(json, "missing_in", SIDE_NAMES[in_first ? SECOND : FIRST]);
    }
}

// --- Settings -----------------------------------------------------------------------------------

static void put_setting(struct json_output *json, const struct comparison *comparison,
                        const struct compared_setting *setting) {
    const struct gen5_leaf *any =
        setting->sides[FIRST] != NULL ? setting->sides[FIRST] : setting->sides[SECOND];
    char *path = NULL;
    json_open(json, NULL, '{');
    json_string(json, "path", any->path);
    bool made =
        asprintf(&path, "gen5_metadata%s%s", any->path[0] == '[' ? "" : ".", any->path) >= 0;
    for (int i = 0; i < SIDE_COUNT; i++) {
        const struct gen5_container *container = comparison->files[i]->container;
        const struct gen5_manifest *manifest = container->manifest;
        if (setting->sides[i] == NULL || !made) {
            // What is not there has no name, since null is a value.
            continue;
        }
        json_document_value(json, SIDE_NAMES[i], manifest->text, manifest->size, path,
                            &container->limits);
    }
    free(path);
    json_close(json, '}');
}

// --- Members ------------------------------------------------------------------------------------

static void put_latent(struct json_output *json, const struct comparison *comparison,
                       const struct compared_latent *latent) {
    const struct gen5_latent_difference *difference = &latent->difference;
    int any = latent->sides[FIRST] != NULL ? FIRST : SECOND;
    json_open(json, NULL, '{');
    json_record_value(json, "key", "extra.key", comparison->files[any]->container,
                      latent->sides[any]);
    put_missing(json, latent->sides[FIRST] != NULL, latent->sides[SECOND] != NULL);
    put_error(json, &latent->error);
    json_boolean(json, "equal", latent->equal);
    bool compared = latent->sides[FIRST] != NULL && latent->sides[SECOND] != NULL &&
                    latent->error.status == GEN5_OK;
    if (compared) {
        json_boolean(json, "same_dtype", difference->same_dtype);
        json_boolean(json, "same_shape", difference->same_shape);
    }
    if (compared && difference->same_shape) {
        json_number(json, "element_count", difference->element_count);
        json_number(json, "different_count", difference->different_count);
        json_number(json, "incomparable_count", difference->incomparable_count);
        json_double(json, "max_absolute", difference->max_absolute);
        json_double(json, "mean_absolute", difference->mean_absolute);
        json_double(json, "psnr", difference->psnr);
    }
    json_close(json, '}');
}

static void put_image(struct json_output *json, const struct compared_image *image) {
    const struct gen5_pixels_difference *difference = &image->difference;
    if (!image->present[FIRST] && !image->present[SECOND]) {
        json_null(json, "image");
        return;
    }
    bool both = image->present[FIRST] && image->present[SECOND];
    json_open(json, "image", '{');
    put_missing(json, image->present[FIRST], image->present[SECOND]);
    put_error(json, first_error(image->errors)->status != GEN5_OK
                        ? first_error(image->errors)
                        : first_error(image->pixel_errors));
    json_boolean(json, "equal", image->equal);
    json_boolean(json, "same_file", both && image->same_file);
    if (image->decoded) {
        json_boolean(json, "same_size", difference->same_size);
        for (int i = 0; i < SIDE_COUNT; i++) {
            json_open(json, SIDE_NAMES[i], '{');
            json_number(json, "width", image->pixels[i].width);
            json_number(json, "height", image->pixels[i].height);
            json_close(json, '}');
        }
    }
    if (image->decoded && difference->same_size) {
        json_number(json, "pixel_count", difference->pixel_count);
        json_number(json, "different_count", difference->different_count);
        json_double(json, "max_absolute", difference->max_absolute);
        json_double(json, "psnr", difference->psnr);
    }
    json_close(json, '}');
}

static void put_environment(struct json_output *json,
                            const struct compared_environment *environment) {
    static const struct drift_sides sides = {"first", "second", "first", "second"};
    if (!environment->present[FIRST] && !environment->present[SECOND]) {
        json_null(json, "environment");
        return;
    }
    json_open(json, "environment", '{');
    put_missing(json, environment->present[FIRST], environment->present[SECOND]);
    put_error(json, first_error(environment->errors));
    json_open(json, "drift", '[');
    for (size_t i = 0; i < environment->count; i++) {
        drift_put(json, &environment->drifts[i], &sides);
    }
    json_close(json, ']');
    json_close(json, '}');
}

void comparison_json_print(const struct comparison *comparison) {
    struct json_output json = JSON_OUTPUT_START;
    json_open(&json, NULL, '{');
    json_string(&json, "first", comparison->files[FIRST]->path);
    json_string(&json, "second", comparison->files[SECOND]->path);
    json_boolean(&json, "equal", comparison->equal && comparison->complete);
    json_open(&json, "settings", '[');
    for (size_t i = 0; i < comparison->setting_count; i++) {
        put_setting(&json, comparison, &comparison->settings[i]);
    }
    json_close(&json, ']');
    json_open(&json, "latents", '[');
    for (size_t i = 0; i < comparison->latent_count; i++) {
        put_latent(&json, comparison, &comparison->latents[i]);
    }
    json_close(&json, ']');
    put_image(&json, &comparison->image);
    put_environment(&json, &comparison->environment);
    json_close(&json, '}');
    json_end_line(&json);
}
