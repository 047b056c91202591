// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The line that `gen5fs info --json` prints for a script.
#include <string.h>

#include "info_report.h"
#include "json_output.h"
#include "json_value.h"

static void put_tag(struct json_output *json, const char *name, const char tag[GEN5_TAG_SIZE]) {
    json_bytes(json, name, tag, strnlen(tag, GEN5_TAG_SIZE));
}

static void put_error(struct json_output *json, const struct gen5_error *error) {
    if (error->status == GEN5_OK) {
        json_null(json, "error");
    } else {
        json_string(json, "error", error->message);
    }
}

// What the manifest says of how a payload is stored.
static void put_storage(struct json_output *json, const struct gen5_record *record) {
    char hash[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&record->digest, hash);
    json_number(json, "size", record->payload_size);
    json_number(json, "stored_size", record->stored_size);
    json_boolean(json, "compressed", record->compressed);
    json_string(json, "hash", hash);
}

static void put_image(struct json_output *json, const struct info_report *report) {
    const struct gen5_container *container = report->file->container;
    const struct gen5_image_description *image = &report->image;
    if (container->image == NULL) {
        json_null(json, "image");
        return;
    }
    json_open(json, "image", '{');
    put_error(json, &report->image_error);
    if (report->image_described) {
        json_string(json, "kind", gen5_image_kind_name(image->kind));
        json_number(json, "width", image->width);
        json_number(json, "height", image->height);
        json_string(json, "colour", gen5_image_colour_name(image->colour));
        json_number(json, "depth", image->depth);
    }
    put_storage(json, container->image);
    json_record_value(json, "extra", "extra", container, container->image);
    json_close(json, '}');
}

static void put_statistics(struct json_output *json,
                           const struct gen5_latent_statistics *statistics) {
    bool any = statistics->element_count > statistics->nan_count + statistics->infinity_count;
    const struct {
        const char *name;
        double value;
    } rows[] = {
        {"min", statistics->min},
        {"max", statistics->max},
        {"mean", statistics->mean},
        {"std", statistics->deviation},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (any) {
            json_double(json, rows[i].name, rows[i].value);
        } else {
            json_null(json, rows[i].name);
        }
    }
    json_number(json, "nan_count", statistics->nan_count);
    json_number(json, "infinity_count", statistics->infinity_count);
}

static void put_latent(struct json_output *json, const struct info_report *report,
                       const struct latent_report *latent) {
    const struct gen5_record *record = latent->record;
    const char *dtype = gen5_dtype_name(record->dtype);
    json_open(json, NULL, '{');
    // As the manifest has it: a key may hold what bytes cannot.
    json_record_value(json, "key", "extra.key", report->file->container, record);
    put_error(json, &latent->error);
    if (dtype != NULL) {
        json_string(json, "dtype", dtype);
    } else {
        json_null(json, "dtype");
    }
    json_open(json, "shape", '[');
    for (uint32_t i = 0; i < record->rank; i++) {
        json_number(json, NULL, record->shape[i]);
    }
    json_close(json, ']');
    if (latent->error.status == GEN5_OK) {
        put_statistics(json, &latent->statistics);
    }
    put_storage(json, record);
    json_record_value(json, "extra", "extra", report->file->container, record);
    json_close(json, '}');
}

static void put_environment(struct json_output *json, const struct info_report *report) {
    const struct gen5_environment *environment = &report->environment;
    if (report->file->container->environment == NULL ||
        report->environment_error.status != GEN5_OK) {
        json_null(json, "environment");
        return;
    }
    json_open(json, "environment", '[');
    for (size_t i = 0; i < environment->count; i++) {
        json_open(json, NULL, '{');
        json_string(json, "component_id", environment->components[i].id);
        json_string(json, "canonical", environment->components[i].canonical);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_chunks(struct json_output *json, const struct gen5_container *container) {
    json_open(json, "chunks", '[');
    for (size_t i = 0; i < container->manifest->record_count; i++) {
        const struct gen5_record *record = &container->manifest->records[i];
        json_open(json, NULL, '{');
        put_tag(json, "type", record->type);
        put_tag(json, "flags", record->flags);
        json_number(json, "offset", record->offset);
        put_storage(json, record);
        if (record->damage != NULL) {
            json_string(json, "error", record->damage);
        } else {
            json_null(json, "error");
        }
        json_close(json, '}');
    }
    json_close(json, ']');
}

void info_json_print(const struct info_report *report) {
    const struct gen5_container *container = report->file->container;
    const struct gen5_manifest *manifest = container->manifest;
    struct json_output json = JSON_OUTPUT_START;
    json_open(&json, NULL, '{');
    json_string(&json, "file", report->file->path);
    json_number(&json, "file_size", report->file->size);
    json_number(&json, "version_major", container->header.version_major);
    json_number(&json, "version_minor", container->header.version_minor);
    json_document_value(&json, "model_info", manifest->text, manifest->size,
                        "gen5_metadata.model_info", &container->limits);
    put_image(&json, report);
    json_open(&json, "latents", '[');
    for (size_t i = 0; i < container->latent_count; i++) {
        put_latent(&json, report, &report->latents[i]);
    }
    json_close(&json, ']');
    put_environment(&json, report);
    put_chunks(&json, container);
    json_close(&json, '}');
    json_end_line(&json);
}
