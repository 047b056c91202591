// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What `gen5fs info` finds out about one container, before any of it is shown.
#ifndef GEN5FS_CLI_INFO_REPORT_H
#define GEN5FS_CLI_INFO_REPORT_H

#include <stdbool.h>

#include "container_file.h"
#include "gen5/document.h"
#include "gen5/environment.h"
#include "gen5/image.h"
#include "gen5/latent.h"

struct latent_report {
    const struct gen5_record *record;
    struct gen5_latent_statistics statistics;
    struct gen5_error error; // why the elements cannot be read; GEN5_OK where they can
};

struct info_report {
    const struct container_file *file; // borrowed
    struct gen5_leaves leaves;         // of gen5_metadata
    struct gen5_image_description image;
    struct gen5_error image_error; // why the image cannot be read
    bool image_described;          // its header could be read
    struct latent_report *latents; // as many as the container has
    struct gen5_environment environment;
    struct gen5_error environment_error; // why the environment cannot be read
};

// Members that cannot be read are told in the report. A failure is one of memory, or of metadata
// that is beyond the limits. The report must be released in any case.
enum gen5_status info_report_make(const struct container_file *file, struct info_report *report,
                                  struct gen5_error *error);
void info_report_release(struct info_report *report);

// Whether the record is the image, the environment or a latent that counts.
bool info_is_member(const struct gen5_container *container, const struct gen5_record *record);

// Show it as a page for a person, or as one line of JSON, on standard output.
void info_page_print(const struct info_report *report);
void info_json_print(const struct info_report *report);

#endif
