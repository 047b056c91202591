// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which latent of a container is drawn, with which factors, and the sheet as a PNG.
#include "latent_picture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "complaint.h"
#include "gen5/latent.h"
#include "gen5/pixels.h"

static const struct gen5_record *find_latent(const struct container_file *file, const char *key) {
    const struct gen5_container *container = file->container;
    const struct gen5_record *record = NULL;
    if (key != NULL) {
        record = gen5_container_latent(container, key, strlen(key));
    } else if (container->latent_count > 0) {
        record = container->latents[0];
    }
    if (record == NULL && key != NULL) {
        complain(file->path, "has no latent \"%s\"", key);
    } else if (record == NULL) {
        complain(file->path, "has no latent");
    }
    return record;
}

static const struct latent_colours *guess_colours(const struct gen5_container *container,
                                                  size_t channels) {
    char *name = NULL;
    size_t length = 0;
    const struct latent_colours *colours = NULL;
    if (gen5_manifest_value(container->manifest, "model_name", &name, &length, NULL) == GEN5_OK) {
        colours = latent_colours_guess(channels, name);
    }
    free(name);
    return colours;
}

// Which factors are used: none at all where *colours is NULL. False, with a complaint, where those
// that were named do not fit, or where there must be some.
static bool find_colours(const struct latent_picture *wish, const struct container_file *file,
                         uint64_t channels, const struct latent_colours **colours) {
    const char *named = wish->factors;
    *colours = NULL;
    if (named == NULL) {
        *colours = guess_colours(file->container, (size_t)channels);
    } else if (strcmp(named, "none") != 0) {
        *colours = latent_colours_by_name(named);
    }
    if (*colours != NULL && (*colours)->channels != channels) {
        complain(file->path, "the latent has %llu channels, and %s is for %zu",
                 (unsigned long long)channels, named, (*colours)->channels);
        return false;
    }
    if (*colours == NULL && wish->rgb_alone) {
        complain(file->path, "no factors are known for its %llu channels; --factors names some",
                 (unsigned long long)channels);
        return false;
    }
    return true;
}

bool latent_picture_draw(const struct latent_picture *wish, const struct container_file *file,
                         struct contact_sheet *sheet) {
    struct contact_sheet_plan plan = {
        .channels_wanted = !wish->rgb_alone,
        .scale = wish->scale,
    };
    struct gen5_error error = GEN5_ERROR_NONE;
    const struct gen5_record *record = find_latent(file, wish->key);
    if (record == NULL) {
        return false;
    }
    // Of a damaged record the shape says nothing; reading it says why.
    if (record->damage == NULL && !tensor_pictures_of(record, &plan.pictures)) {
        complain(file->path, "the latent is no picture: it has no height and width");
        return false;
    }
    if (record->damage == NULL &&
        !find_colours(wish, file, plan.pictures.channels, &plan.colours)) {
        return false;
    }
    struct gen5_latent latent = {file->container, record};
    float *elements = NULL;
    size_t count = 0;
    if (gen5_latent_read(&latent, &elements, &count, &error) == GEN5_OK) {
        contact_sheet_draw(&plan, elements, sheet, &error);
    }
    free(elements);
    if (error.status != GEN5_OK) {
        complain(file->path, "%s", error.message);
    }
    return error.status == GEN5_OK;
}

// By way of a file in memory, since PNGs are written to files.
enum gen5_status latent_picture_png(const struct contact_sheet *sheet, char **bytes, size_t *size,
                                    struct gen5_error *error) {
    struct gen5_source source;
    int fd = memfd_create("gen5fs-preview", MFD_CLOEXEC);
    if (fd < 0) {
        return gen5_error_set_system(error, errno, "cannot get memory for a file");
    }
    enum gen5_status status = gen5_png_write(fd, sheet->width, sheet->height, sheet->rgb, error);
    if (status == GEN5_OK) {
        status = gen5_source_from_fd(fd, &source, error);
    }
    if (status == GEN5_OK) {
        status = gen5_source_read_all(&source, SIZE_MAX, bytes, size, error);
    }
    close(fd);
    return status;
}
