// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What `gen5fs diff` finds out about two containers, before any of it is shown.
#ifndef GEN5FS_CLI_COMPARISON_H
#define GEN5FS_CLI_COMPARISON_H

#include <stdbool.h>

#include "container_file.h"
#include "gen5/document.h"
#include "gen5/environment.h"
#include "gen5/latent.h"
#include "gen5/pixels.h"

enum { FIRST, SECOND, SIDE_COUNT };

// A value of the metadata, at the same path in both; NULL where one has none.
struct compared_setting {
    const struct gen5_leaf *sides[SIDE_COUNT]; // borrowed of the leaves
};

// The latents of one key.
struct compared_latent {
    const struct gen5_record *sides[SIDE_COUNT]; // NULL where one has none
    struct gen5_latent_difference difference;    // where both have it
    struct gen5_error error;                     // why one cannot be read
    int failed;                                  // which one
    bool equal;
};

struct compared_image {
    bool present[SIDE_COUNT];
    struct gen5_error errors[SIDE_COUNT]; // why one cannot be read
    bool same_file;                       // byte for byte
    // Where the files differ: why the pixels cannot be compared, such as a kind that is not
    // decoded.
    struct gen5_error pixel_errors[SIDE_COUNT];
    bool decoded; // of files that are the same too, where the pixels were asked for
    struct gen5_pixels pixels[SIDE_COUNT];
    struct gen5_pixels_difference difference; // where both were decoded
    bool equal;                               // to the eye: pixel for pixel, or byte for byte
};

struct compared_environment {
    bool present[SIDE_COUNT];
    struct gen5_error errors[SIDE_COUNT]; // why one cannot be read
    struct gen5_environment sides[SIDE_COUNT];
    struct gen5_drift *drifts;
    size_t count;
};

struct comparison {
    const struct container_file *files[SIDE_COUNT]; // borrowed
    struct gen5_leaves leaves[SIDE_COUNT];          // of gen5_metadata
    struct compared_setting *settings;              // those that differ
    size_t setting_count;
    struct compared_latent *latents; // all, those of the first container first
    size_t latent_count;
    struct compared_image image;
    struct compared_environment environment;
    bool equal;    // in all that could be read
    bool complete; // all could be read
};

// Compare two containers. What follows from the bytes is left aside: sizes, offsets, hashes, and
// how a payload is stored. `pixels_wanted`: decode images that are the same file too.
// Members that cannot be read are told in the comparison. A failure is one of memory, or of
// metadata that is beyond the limits, in files[*failed]. The comparison must be released in any
// case.
enum gen5_status comparison_make(const struct container_file *first,
                                 const struct container_file *second, bool pixels_wanted,
                                 struct comparison *comparison, int *failed,
                                 struct gen5_error *error);
void comparison_release(struct comparison *comparison);

// Show it as a page for a person, or as one line of JSON, on standard output.
void comparison_page_print(const struct comparison *comparison);
void comparison_json_print(const struct comparison *comparison);

#endif
