// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The page that `gen5fs diff` prints for a person.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "comparison.h"
#include "drift.h"
#include "harmless.h"
#include "page.h"

static const char *const SIDE_NAMES[SIDE_COUNT] = {"first", "second"};

static void print_equal(void) {
    printf("%sequal%s", page_style(STYLE_GREEN), page_style(STYLE_PLAIN));
}

static void print_alone(int side) {
    printf("%sin the %s alone%s\n", page_style(STYLE_RED), SIDE_NAMES[side],
           page_style(STYLE_PLAIN));
}

// "; PSNR 40.21 dB", where there is one.
static void print_psnr(double psnr) {
    if (isfinite(psnr)) {
        printf("; PSNR %.2f dB", psnr);
    }
}

// --- Settings -----------------------------------------------------------------------------------

static void print_side(const struct compared_setting *setting, int side) {
    static const enum terminal_style styles[SIDE_COUNT] = {STYLE_RED, STYLE_GREEN};
    const struct gen5_leaf *leaf = setting->sides[side];
    const struct gen5_leaf *other = setting->sides[1 - side];
    if (leaf == NULL) {
        return;
    }
    page_label(NULL);
    printf("%s%c%s ", page_style(styles[side]), side == FIRST ? '-' : '+', page_style(STYLE_PLAIN));
    // "42" and 42 must not look the same.
    bool quoted = leaf->kind == GEN5_LEAF_STRING && other != NULL && other->kind != leaf->kind;
    if (quoted) {
        putchar('"');
        print_harmless_bytes(leaf->text, leaf->text_length);
        puts("\"");
    } else {
        page_text(leaf->text, leaf->text_length, PAGE_VALUE_COLUMN + 3);
    }
}

static void print_settings(const struct comparison *comparison) {
    page_label("settings");
    if (comparison->setting_count == 0) {
        print_equal();
        putchar('\n');
    }
    for (size_t i = 0; i < comparison->setting_count; i++) {
        const struct compared_setting *setting = &comparison->settings[i];
        const struct gen5_leaf *any =
            setting->sides[FIRST] != NULL ? setting->sides[FIRST] : setting->sides[SECOND];
        if (i > 0) {
            page_label(NULL);
        }
        print_harmless(any->path);
        putchar('\n');
        print_side(setting, FIRST);
        print_side(setting, SECOND);
    }
}

// --- Latents ------------------------------------------------------------------------------------

static void print_latent_difference(const struct compared_latent *latent) {
    const struct gen5_latent_difference *difference = &latent->difference;
    if (!difference->same_dtype) {
        printf("%s and %s", gen5_dtype_name(latent->sides[FIRST]->dtype),
               gen5_dtype_name(latent->sides[SECOND]->dtype));
    }
    if (!difference->same_shape) {
        fputs(difference->same_dtype ? "" : ", ", stdout);
        page_shape(latent->sides[FIRST]);
        fputs(" and ", stdout);
        page_shape(latent->sides[SECOND]);
    } else if (difference->different_count == 0) {
        fputs(", the same values", stdout);
    } else {
        printf("%s%" PRIu64 " of %" PRIu64 " elements differ", difference->same_dtype ? "" : ", ",
               difference->different_count, difference->element_count);
        if (difference->incomparable_count > 0) {
            printf(", %" PRIu64 " of them not finite", difference->incomparable_count);
        }
        printf("; max %.6g, mean %.6g", difference->max_absolute, difference->mean_absolute);
        print_psnr(difference->psnr);
    }
    putchar('\n');
}

static void print_latent(const struct compared_latent *latent, bool first) {
    const struct gen5_record *any =
        latent->sides[FIRST] != NULL ? latent->sides[FIRST] : latent->sides[SECOND];
    page_label(first ? "latents" : NULL);
    fputs(page_style(STYLE_BOLD), stdout);
    print_harmless_bytes(any->key, any->key_length);
    printf("%s: ", page_style(STYLE_PLAIN));
    if (latent->sides[FIRST] == NULL || latent->sides[SECOND] == NULL) {
        print_alone(latent->sides[FIRST] == NULL ? SECOND : FIRST);
    } else if (latent->error.status != GEN5_OK) {
        page_damage();
        printf(" in the %s\n", SIDE_NAMES[latent->failed]);
    } else if (latent->equal) {
        print_equal();
        putchar('\n');
    } else {
        print_latent_difference(latent);
    }
}

// --- The image ----------------------------------------------------------------------------------

static void print_pixels(const struct compared_image *image) {
    const struct gen5_pixels *pixels = image->pixels;
    const struct gen5_pixels_difference *difference = &image->difference;
    printf("%" PRIu32 " x %" PRIu32, pixels[FIRST].width, pixels[FIRST].height);
    if (!difference->same_size) {
        printf(" and %" PRIu32 " x %" PRIu32 "\n", pixels[SECOND].width, pixels[SECOND].height);
    } else if (difference->different_count == 0) {
        fputs(", ", stdout);
        print_equal();
        puts(image->same_file ? "" : " pixel for pixel, in files that differ");
    } else {
        printf(", %" PRIu64 " of %" PRIu64 " pixels differ; max %.6g", difference->different_count,
               difference->pixel_count, difference->max_absolute);
        print_psnr(difference->psnr);
        putchar('\n');
    }
}

static void print_undecoded(const struct compared_image *image) {
    if (image->same_file) {
        print_equal();
        putchar('\n');
        return;
    }
    fputs("the files differ", stdout);
    for (int i = 0; i < SIDE_COUNT; i++) {
        if (image->pixel_errors[i].status != GEN5_OK) {
            printf("; %s: ", SIDE_NAMES[i]);
            print_harmless(image->pixel_errors[i].message);
        }
    }
    putchar('\n');
}

static void print_damaged(const struct gen5_error errors[SIDE_COUNT]) {
    page_damage();
    bool both = errors[FIRST].status != GEN5_OK && errors[SECOND].status != GEN5_OK;
    int side = errors[FIRST].status != GEN5_OK ? FIRST : SECOND;
    printf(" in %s%s\n", both ? "both" : "the ", both ? "" : SIDE_NAMES[side]);
}

static bool any_failed(const struct gen5_error errors[SIDE_COUNT]) {
    return errors[FIRST].status != GEN5_OK || errors[SECOND].status != GEN5_OK;
}

static void print_image(const struct compared_image *image) {
    if (!image->present[FIRST] && !image->present[SECOND]) {
        return;
    }
    page_label("image");
    if (!image->present[FIRST] || !image->present[SECOND]) {
        print_alone(image->present[FIRST] ? FIRST : SECOND);
    } else if (any_failed(image->errors)) {
        print_damaged(image->errors);
    } else if (image->decoded) {
        print_pixels(image);
    } else {
        print_undecoded(image);
    }
}

// --- The environment ----------------------------------------------------------------------------

static void print_environment(const struct compared_environment *environment) {
    static const struct drift_sides sides = {"first", "second", "first", "second"};
    if (!environment->present[FIRST] && !environment->present[SECOND]) {
        return;
    }
    page_label("environment");
    if (any_failed(environment->errors)) {
        print_damaged(environment->errors);
    } else if (environment->present[FIRST] != environment->present[SECOND]) {
        print_alone(environment->present[FIRST] ? FIRST : SECOND);
    } else if (environment->count == 0) {
        print_equal();
        putchar('\n');
    } else {
        for (size_t i = 0; i < environment->count; i++) {
            if (i > 0) {
                page_label(NULL);
            }
            drift_print(&environment->drifts[i], &sides);
            putchar('\n');
        }
    }
}

void comparison_page_print(const struct comparison *comparison) {
    for (int i = 0; i < SIDE_COUNT; i++) {
        page_label(SIDE_NAMES[i]);
        fputs(page_style(STYLE_BOLD), stdout);
        print_harmless(comparison->files[i]->path);
        printf("%s\n", page_style(STYLE_PLAIN));
    }
    print_settings(comparison);
    for (size_t i = 0; i < comparison->latent_count; i++) {
        print_latent(&comparison->latents[i], i == 0);
    }
    print_image(&comparison->image);
    print_environment(&comparison->environment);
}
