// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Comparing two containers.
#include "comparison.h"

#include <stdlib.h>
#include <string.h>

#include "compared_settings.h"
#include "gen5/payload.h"

// 8 bytes a pixel, for two pictures at once: 1 GiB.
enum { PIXELS_MAX = 64 * 1024 * 1024 };

// --- Latents ------------------------------------------------------------------------------------

static void compare_latent(const struct comparison *comparison, struct compared_latent *latent) {
    if (latent->sides[FIRST] == NULL || latent->sides[SECOND] == NULL) {
        return;
    }
    struct gen5_latent sides[SIDE_COUNT];
    for (int i = 0; i < SIDE_COUNT; i++) {
        sides[i] = (struct gen5_latent){comparison->files[i]->container, latent->sides[i]};
    }
    const struct gen5_latent *failed = NULL;
    if (gen5_latent_compare(&sides[FIRST], &sides[SECOND], &latent->difference, &failed,
                            &latent->error) != GEN5_OK) {
        latent->failed = failed == &sides[SECOND] ? SECOND : FIRST;
        return;
    }
    const struct gen5_latent_difference *difference = &latent->difference;
    latent->equal =
        difference->same_dtype && difference->same_shape && difference->different_count == 0;
}

static enum gen5_status compare_latents(struct comparison *comparison, struct gen5_error *error) {
    const struct gen5_container *first = comparison->files[FIRST]->container;
    const struct gen5_container *second = comparison->files[SECOND]->container;
    size_t count = first->latent_count + second->latent_count;
    comparison->latents = calloc(count + 1, sizeof *comparison->latents);
    if (comparison->latents == NULL) {
        return gen5_error_set_memory(error);
    }
    for (size_t i = 0; i < first->latent_count; i++) {
        const struct gen5_record *record = first->latents[i];
        comparison->latents[comparison->latent_count++] = (struct compared_latent){
            .sides = {record, gen5_container_latent(second, record->key, record->key_length)}};
    }
    for (size_t i = 0; i < second->latent_count; i++) {
        const struct gen5_record *record = second->latents[i];
        if (gen5_container_latent(first, record->key, record->key_length) == NULL) {
            comparison->latents[comparison->latent_count++] =
                (struct compared_latent){.sides = {NULL, record}};
        }
    }
    for (size_t i = 0; i < comparison->latent_count; i++) {
        compare_latent(comparison, &comparison->latents[i]);
    }
    return GEN5_OK;
}

// --- The image ----------------------------------------------------------------------------------

// The hash that a record states was checked when its payload was read.
static bool is_same_file(const struct gen5_record *first, const struct gen5_record *second) {
    return first->payload_size == second->payload_size &&
           gen5_digest_equal(&first->digest, &second->digest);
}

// Decode one image. Its pixels may be beyond comparing where its bytes are sound.
static void read_pixels(const struct gen5_container *container, struct compared_image *image,
                        int side) {
    struct gen5_limits limits = container->limits;
    limits.image_pixels_max = PIXELS_MAX;
    char *bytes = NULL;
    if (member_read(container, container->image, limits.payload_size_max, &bytes,
                    &image->errors[side]) == GEN5_OK) {
        struct gen5_source source =
            gen5_source_from_memory(bytes, (size_t)container->image->payload_size);
        gen5_pixels_read(&source, &limits, &image->pixels[side], &image->pixel_errors[side]);
    }
    free(bytes);
}

static void check_image(const struct gen5_container *container, struct gen5_error *error) {
    gen5_payload_copy(container, container->image, GEN5_VERIFY, -1, 0, error);
}

static bool is_decoded(const struct compared_image *image, int side) {
    return image->pixels[side].samples != NULL && image->pixel_errors[side].status == GEN5_OK;
}

static void compare_image(struct comparison *comparison, bool pixels_wanted) {
    struct compared_image *image = &comparison->image;
    const struct gen5_container *containers[SIDE_COUNT];
    for (int i = 0; i < SIDE_COUNT; i++) {
        containers[i] = comparison->files[i]->container;
        image->present[i] = containers[i]->image != NULL;
    }
    if (!image->present[FIRST] || !image->present[SECOND]) {
        image->equal = image->present[FIRST] == image->present[SECOND];
        return;
    }
    image->same_file = is_same_file(containers[FIRST]->image, containers[SECOND]->image);
    for (int i = 0; i < SIDE_COUNT; i++) {
        if (pixels_wanted || !image->same_file) {
            read_pixels(containers[i], image, i);
        } else {
            check_image(containers[i], &image->errors[i]);
        }
    }
    image->decoded = is_decoded(image, FIRST) && is_decoded(image, SECOND);
    if (image->decoded) {
        image->difference = gen5_pixels_compare(&image->pixels[FIRST], &image->pixels[SECOND]);
    }
    image->equal = image->same_file || (image->decoded && image->difference.same_size &&
                                        image->difference.different_count == 0);
}

// --- The environment ----------------------------------------------------------------------------

static enum gen5_status compare_environments(struct comparison *comparison,
                                             struct gen5_error *error) {
    struct compared_environment *environment = &comparison->environment;
    bool readable = true;
    for (int i = 0; i < SIDE_COUNT; i++) {
        const struct gen5_container *container = comparison->files[i]->container;
        environment->present[i] = container->environment != NULL;
        if (environment->present[i]) {
            environment_of(container, &environment->sides[i], &environment->errors[i]);
        }
        readable = readable && environment->errors[i].status == GEN5_OK;
    }
    if (!readable) {
        return GEN5_OK;
    }
    // Where one has no environment, all of the other's is missing in it.
    return gen5_environment_compare(&environment->sides[FIRST], &environment->sides[SECOND],
                                    &environment->drifts, &environment->count, error);
}

// --- The whole ----------------------------------------------------------------------------------

static void conclude(struct comparison *comparison) {
    const struct compared_environment *environment = &comparison->environment;
    comparison->equal = comparison->setting_count == 0 && comparison->image.equal &&
                        environment->count == 0 &&
                        environment->present[FIRST] == environment->present[SECOND];
    comparison->complete = true;
    for (int i = 0; i < SIDE_COUNT; i++) {
        comparison->complete = comparison->complete &&
                               comparison->image.errors[i].status == GEN5_OK &&
                               environment->errors[i].status == GEN5_OK;
    }
    for (size_t i = 0; i < comparison->latent_count; i++) {
        comparison->equal = comparison->equal && comparison->latents[i].equal;
        comparison->complete =
            comparison->complete && comparison->latents[i].error.status == GEN5_OK;
    }
}

enum gen5_status comparison_make(const struct container_file *first,
                                 const struct container_file *second, bool pixels_wanted,
                                 struct comparison *comparison, int *failed,
                                 struct gen5_error *error) {
    *comparison = (struct comparison){.files = {first, second}};
    *failed = FIRST;
    enum gen5_status status = GEN5_OK;
    for (int i = 0; status == GEN5_OK && i < SIDE_COUNT; i++) {
        const struct gen5_container *container = comparison->files[i]->container;
        *failed = i;
        status =
            gen5_leaves_read(container->manifest->text, container->manifest->size, "gen5_metadata",
                             &container->limits, &comparison->leaves[i], error);
    }
    if (status == GEN5_OK) {
        status = compared_settings_find(comparison, error);
    }
    if (status == GEN5_OK) {
        status = compare_latents(comparison, error);
    }
    if (status == GEN5_OK) {
        compare_image(comparison, pixels_wanted);
        status = compare_environments(comparison, error);
    }
    conclude(comparison);
    return status;
}

void comparison_release(struct comparison *comparison) {
    for (int i = 0; i < SIDE_COUNT; i++) {
        gen5_leaves_release(&comparison->leaves[i]);
        gen5_pixels_release(&comparison->image.pixels[i]);
        gen5_environment_release(&comparison->environment.sides[i]);
    }
    free(comparison->settings);
    free(comparison->latents);
    free(comparison->environment.drifts);
    *comparison = (struct comparison){.files = {NULL, NULL}};
}
