// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Finding out what a container holds.
#include "info_report.h"

#include <stdlib.h>

#include "gen5/payload.h"

// Images are described from so many bytes at most: where the header of a larger one lies further
// behind, as that of a TIFF may, its size stays unknown.
enum { IMAGE_HEAD_SIZE_MAX = 64 * 1024 * 1024 };

static enum gen5_status read_image_head(const struct gen5_container *container, char **bytes,
                                        size_t *size, struct gen5_error *error) {
    const struct gen5_record *record = container->image;
    if (record->damage != NULL || record->payload_size <= IMAGE_HEAD_SIZE_MAX) {
        *size = (size_t)record->payload_size;
        return member_read(container, record, IMAGE_HEAD_SIZE_MAX, bytes, error);
    }
    *size = IMAGE_HEAD_SIZE_MAX;
    *bytes = malloc(*size);
    if (*bytes == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status = gen5_payload_copy(container, record, GEN5_VERIFY, -1, 0, error);
    return status == GEN5_OK ? gen5_payload_read_prefix(container, record, *bytes, *size, error)
                             : status;
}

static void look_at_image(struct info_report *report) {
    const struct gen5_container *container = report->file->container;
    char *bytes = NULL;
    size_t size = 0;
    if (read_image_head(container, &bytes, &size, &report->image_error) == GEN5_OK) {
        struct gen5_source source = gen5_source_from_memory(bytes, size);
        report->image_described = gen5_image_describe(&source, &report->image, NULL) == GEN5_OK;
    }
    free(bytes);
}

static enum gen5_status look_at_latents(struct info_report *report, struct gen5_error *error) {
    const struct gen5_container *container = report->file->container;
    report->latents = calloc(container->latent_count + 1, sizeof *report->latents);
    if (report->latents == NULL) {
        return gen5_error_set_memory(error);
    }
    for (size_t i = 0; i < container->latent_count; i++) {
        struct latent_report *latent = &report->latents[i];
        struct gen5_latent measured = {container, container->latents[i]};
        latent->record = container->latents[i];
        gen5_latent_measure(&measured, &latent->statistics, &latent->error);
    }
    return GEN5_OK;
}

enum gen5_status info_report_make(const struct container_file *file, struct info_report *report,
                                  struct gen5_error *error) {
    *report = (struct info_report){.file = file};
    const struct gen5_container *container = file->container;
    const struct gen5_manifest *manifest = container->manifest;
    enum gen5_status status = gen5_leaves_read(manifest->text, manifest->size, "gen5_metadata",
                                               &container->limits, &report->leaves, error);
    if (status == GEN5_OK) {
        status = look_at_latents(report, error);
    }
    if (status != GEN5_OK) {
        return status;
    }
    if (container->image != NULL) {
        look_at_image(report);
    }
    if (container->environment != NULL) {
        environment_of(container, &report->environment, &report->environment_error);
    }
    return GEN5_OK;
}

bool info_is_member(const struct gen5_container *container, const struct gen5_record *record) {
    if (record == container->image || record == container->environment) {
        return true;
    }
    for (size_t i = 0; i < container->latent_count; i++) {
        if (record == container->latents[i]) {
            return true;
        }
    }
    return false;
}

void info_report_release(struct info_report *report) {
    gen5_leaves_release(&report->leaves);
    gen5_environment_release(&report->environment);
    free(report->latents);
    report->latents = NULL;
}
