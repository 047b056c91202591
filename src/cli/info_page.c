// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The page that `gen5fs info` prints for a person.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harmless.h"
#include "info_report.h"
#include "page.h"
#include "quantity.h"

enum { NAME_WIDTH_MAX = 24 };

// --- Metadata -----------------------------------------------------------------------------------

// A part of the metadata that is shown under one label: the leaves below a path.
struct section {
    const char *label;
    const char *path; // ends in a dot
};

static const struct section SECTIONS[] = {
    {"settings", "model_info.generation_settings."},
    {"hardware", "model_info.hardware_info."},
    {"other", "model_info."}, // what the lines and sections before have not shown
    {"other", ""},
};

enum { SECTION_COUNT = sizeof SECTIONS / sizeof *SECTIONS };

// Values that have a line of their own.
static const struct {
    const char *label;
    const char *path;
} LINES[] = {
    {"model", "model_info.model_name"},
    {"version", "model_info.version"},
    {"date", "model_info.date"},
    {"prompt", "model_info.prompt"},
};

enum { LINE_COUNT = sizeof LINES / sizeof *LINES };

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_tag(const struct gen5_leaf *leaf) {
    return begins_with(leaf->path, "model_info.tags[") ||
           strcmp(leaf->path, "model_info.tags") == 0;
}

// What is computed is shown with the member that it describes.
static bool is_computed(const struct gen5_leaf *leaf) {
    return begins_with(leaf->path, "file_info.") || begins_with(leaf->path, "chunks");
}

static bool has_line(const struct gen5_leaf *leaf) {
    for (size_t i = 0; i < LINE_COUNT; i++) {
        if (strcmp(leaf->path, LINES[i].path) == 0) {
            return true;
        }
    }
    return is_tag(leaf) || is_computed(leaf);
}

static size_t section_of(const struct gen5_leaf *leaf) {
    size_t section = 0;
    while (!begins_with(leaf->path, SECTIONS[section].path)) {
        section++;
    }
    return section;
}

static void print_lines(const struct gen5_leaves *leaves) {
    for (size_t i = 0; i < LINE_COUNT; i++) {
        for (size_t j = 0; j < leaves->count; j++) {
            const struct gen5_leaf *leaf = &leaves->items[j];
            if (strcmp(leaf->path, LINES[i].path) == 0) {
                page_label(LINES[i].label);
                page_text(leaf->text, leaf->text_length, PAGE_VALUE_COLUMN);
            }
        }
    }
}

static void print_tags(const struct gen5_leaves *leaves) {
    bool any = false;
    for (size_t i = 0; i < leaves->count; i++) {
        const struct gen5_leaf *leaf = &leaves->items[i];
        if (!is_tag(leaf) || leaf->kind == GEN5_LEAF_EMPTY_ARRAY) {
            continue;
        }
        if (any) {
            fputs(", ", stdout);
        } else {
            page_label("tags");
        }
        print_harmless_bytes(leaf->text, leaf->text_length);
        any = true;
    }
    if (any) {
        putchar('\n');
    }
}

static void print_section(const struct gen5_leaves *leaves, size_t section) {
    const char *label = SECTIONS[section].label;
    size_t prefix = strlen(SECTIONS[section].path);
    size_t width = 0;
    for (int printing = 0; printing <= 1; printing++) {
        for (size_t i = 0; i < leaves->count; i++) {
            const struct gen5_leaf *leaf = &leaves->items[i];
            if (has_line(leaf) || section_of(leaf) != section) {
                continue;
            }
            const char *name = leaf->path + prefix;
            size_t length = strlen(name);
            if (printing == 0) {
                width = length > width && length <= NAME_WIDTH_MAX ? length : width;
                continue;
            }
            page_label(label);
            label = NULL;
            print_harmless(name);
            printf("%*s ", (int)(length < width ? width - length : 0), "");
            page_text(leaf->text, leaf->text_length, PAGE_VALUE_COLUMN + 1 + width);
        }
    }
}

// --- Members ------------------------------------------------------------------------------------

// "8.2 kB, stored in 7.6 kB (92.9 %)".
static void print_storage(const struct gen5_record *record) {
    char size[QUANTITY_SIZE], stored[QUANTITY_SIZE], share[QUANTITY_SIZE];
    printf("%s, ", quantity_of_bytes(record->payload_size, size));
    if (gen5_record_is_raw(record)) {
        puts("stored raw");
    } else {
        printf("stored in %s (%s)\n", quantity_of_bytes(record->stored_size, stored),
               quantity_of_share(record->stored_size, record->payload_size, share));
    }
}

static void print_image(const struct info_report *report) {
    const struct gen5_image_description *image = &report->image;
    page_label("image");
    if (report->image_error.status != GEN5_OK) {
        page_damage();
        putchar('\n');
        return;
    }
    if (report->image_described) {
        printf("%s, %" PRIu64 " x %" PRIu64 ", %s, %u bits; ", gen5_image_kind_name(image->kind),
               image->width, image->height, gen5_image_colour_name(image->colour), image->depth);
    } else {
        printf("%s, of unknown size; ", image->kind != GEN5_IMAGE_UNKNOWN
                                            ? gen5_image_kind_name(image->kind)
                                            : "of a kind that is not known");
    }
    print_storage(report->file->container->image);
}

static void print_statistics(const struct gen5_latent_statistics *statistics) {
    if (statistics->element_count > statistics->nan_count + statistics->infinity_count) {
        printf("%.6g to %.6g, mean %.6g, deviation %.6g", statistics->min, statistics->max,
               statistics->mean, statistics->deviation);
    } else {
        fputs("no finite element", stdout);
    }
    if (statistics->nan_count > 0) {
        printf(", %" PRIu64 " NaN", statistics->nan_count);
    }
    if (statistics->infinity_count > 0) {
        printf(", %" PRIu64 " infinite", statistics->infinity_count);
    }
    putchar('\n');
}

static void print_latent(const struct latent_report *latent, bool first) {
    page_label(first ? "latents" : NULL);
    fputs(page_style(STYLE_BOLD), stdout);
    print_harmless_bytes(latent->record->key, latent->record->key_length);
    printf("%s: ", page_style(STYLE_PLAIN));
    if (latent->error.status != GEN5_OK) {
        page_damage();
        putchar('\n');
        return;
    }
    printf("%s, ", gen5_dtype_name(latent->record->dtype));
    page_shape(latent->record);
    putchar('\n');
    page_label(NULL);
    fputs("  ", stdout);
    print_statistics(&latent->statistics);
    page_label(NULL);
    fputs("  ", stdout);
    print_storage(latent->record);
}

static void print_environment(const struct info_report *report) {
    const struct gen5_environment *environment = &report->environment;
    if (report->environment_error.status != GEN5_OK) {
        page_label("environment");
        page_damage();
        putchar('\n');
    }
    for (size_t i = 0; i < environment->count; i++) {
        page_label(i == 0 ? "environment" : NULL);
        print_harmless(environment->components[i].canonical);
        putchar('\n');
    }
}

// --- Chunks that are no members -----------------------------------------------------------------

static bool is_known(const struct gen5_record *record) {
    return memcmp(record->type, "LATN", GEN5_TAG_SIZE) == 0 ||
           memcmp(record->type, "DATA", GEN5_TAG_SIZE) == 0 ||
           memcmp(record->type, "ENVC", GEN5_TAG_SIZE) == 0;
}

static void print_other_chunks(const struct gen5_container *container) {
    const char *label = "other chunks";
    for (size_t i = 0; i < container->manifest->record_count; i++) {
        const struct gen5_record *record = &container->manifest->records[i];
        if (info_is_member(container, record)) {
            continue;
        }
        page_label(label);
        label = NULL;
        print_harmless_bytes(record->type, strnlen(record->type, GEN5_TAG_SIZE));
        printf(" at byte %" PRIu64 ": ", record->offset);
        if (record->damage != NULL) {
            page_damage();
            putchar('\n');
        } else if (is_known(record)) {
            puts("a later record takes its place");
        } else {
            fputs("of a type that is not known, ", stdout);
            print_storage(record);
        }
    }
}

void info_page_print(const struct info_report *report) {
    const struct gen5_container *container = report->file->container;
    size_t chunks = container->manifest->record_count;
    char size[QUANTITY_SIZE];
    fputs(page_style(STYLE_BOLD), stdout);
    print_harmless(report->file->path);
    printf("%s\n", page_style(STYLE_PLAIN));
    page_label("file");
    printf("%s, format %u.%u, %zu chunk%s\n", quantity_of_bytes(report->file->size, size),
           container->header.version_major, container->header.version_minor, chunks,
           chunks == 1 ? "" : "s");
    print_lines(&report->leaves);
    print_tags(&report->leaves);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        print_section(&report->leaves, i);
    }
    if (container->image != NULL) {
        print_image(report);
    }
    for (size_t i = 0; i < container->latent_count; i++) {
        print_latent(&report->latents[i], i == 0);
    }
    if (container->environment != NULL) {
        print_environment(report);
    }
    print_other_chunks(container);
}
