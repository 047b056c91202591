// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The values of two metadata documents, matched by their sorted paths.
#include "compared_settings.h"

#include <stdlib.h>
#include <string.h>

// --- What is the user's -------------------------------------------------------------------------

static bool is_among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *behind(const char *path, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(path, prefix, length) == 0 ? path + length : NULL;
}

// DESIGN.md 2.2 rule 6: file_info, and of each record what is not in its extra; of that, shape and
// dtype. Keys are what latents are compared by.
static bool is_computed(const struct gen5_leaf *leaf) {
    static const char *const of_file[] = {"magic", "version_major", "version_minor", "file_size",
                                          "chunk_count"};
    static const char *const of_record[] = {
        "index", "type",       "flags",       "offset",    "compressed_size", "uncompressed_size",
        "hash",  "compressed", "extra.dtype", "extra.key", "extra.shape",
    };
    const char *rest = behind(leaf->path, "file_info.");
    if (rest != NULL) {
        return is_among(rest, of_file, sizeof of_file / sizeof *of_file);
    }
    if (strcmp(leaf->path, "chunks") == 0) {
        return leaf->kind == GEN5_LEAF_EMPTY_ARRAY;
    }
    const char *index = behind(leaf->path, "chunks[");
    const char *dot = index != NULL ? strchr(index, '.') : NULL;
    if (dot == NULL) {
        return false;
    }
    // Every record has an extra: an empty one says nothing.
    if (leaf->kind == GEN5_LEAF_EMPTY_OBJECT && strcmp(dot + 1, "extra") == 0) {
        return true;
    }
    return is_among(dot + 1, of_record, sizeof of_record / sizeof *of_record) ||
           behind(dot + 1, "extra.shape[") != NULL;
}

// --- Matching -----------------------------------------------------------------------------------

// The leaves of one document that count, sorted by path.
struct sorted {
    const struct gen5_leaf **items;
    size_t count;
};

// Of equal paths the later one comes first.
static int by_path(const void *left, const void *right) {
    const struct gen5_leaf *a = *(const struct gen5_leaf *const *)left;
    const struct gen5_leaf *b = *(const struct gen5_leaf *const *)right;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : a > b ? -1 : a < b ? 1 : 0;
}

static int path_against(const void *path, const void *item) {
    return strcmp(path, (*(const struct gen5_leaf *const *)item)->path);
}

// Of a key that is repeated, the last value counts.
static bool sort(const struct gen5_leaves *leaves, struct sorted *sorted) {
    sorted->items = calloc(leaves->count + 1, sizeof *sorted->items);
    if (sorted->items == NULL) {
        return false;
    }
    for (size_t i = 0; i < leaves->count; i++) {
        if (!is_computed(&leaves->items[i])) {
            sorted->items[sorted->count++] = &leaves->items[i];
        }
    }
    qsort(sorted->items, sorted->count, sizeof *sorted->items, by_path);
    size_t kept = 0;
    for (size_t i = 0; i < sorted->count; i++) {
        if (kept == 0 || strcmp(sorted->items[kept - 1]->path, sorted->items[i]->path) != 0) {
            sorted->items[kept++] = sorted->items[i];
        }
    }
    sorted->count = kept;
    return true;
}

static const struct gen5_leaf *find(const struct sorted *sorted, const char *path) {
    const struct gen5_leaf **found =
        bsearch(path, sorted->items, sorted->count, sizeof *sorted->items, path_against);
    return found != NULL ? *found : NULL;
}

static void add(struct comparison *comparison, const struct gen5_leaf *first,
                const struct gen5_leaf *second) {
    comparison->settings[comparison->setting_count++] =
        (struct compared_setting){.sides = {first, second}};
}

static void match(struct comparison *comparison, const struct sorted sorted[SIDE_COUNT]) {
    for (size_t i = 0; i < comparison->leaves[FIRST].count; i++) {
        const struct gen5_leaf *leaf = &comparison->leaves[FIRST].items[i];
        if (find(&sorted[FIRST], leaf->path) != leaf) {
            continue; // computed, or not the one that counts
        }
        const struct gen5_leaf *other = find(&sorted[SECOND], leaf->path);
        if (other == NULL || !gen5_leaf_equal(leaf, other)) {
            add(comparison, leaf, other);
        }
    }
    for (size_t i = 0; i < comparison->leaves[SECOND].count; i++) {
        const struct gen5_leaf *leaf = &comparison->leaves[SECOND].items[i];
        if (find(&sorted[SECOND], leaf->path) == leaf && find(&sorted[FIRST], leaf->path) == NULL) {
            add(comparison, NULL, leaf);
        }
    }
}

enum gen5_status compared_settings_find(struct comparison *comparison, struct gen5_error *error) {
    struct sorted sorted[SIDE_COUNT] = {{NULL, 0}, {NULL, 0}};
    size_t count = comparison->leaves[FIRST].count + comparison->leaves[SECOND].count;
    comparison->settings = calloc(count + 1, sizeof *comparison->settings);
    bool ready = comparison->settings != NULL && sort(&comparison->leaves[FIRST], &sorted[FIRST]) &&
                 sort(&comparison->leaves[SECOND], &sorted[SECOND]);
    if (ready) {
        match(comparison, sorted);
    }
    free(sorted[FIRST].items);
    free(sorted[SECOND].items);
    return ready ? GEN5_OK : gen5_error_set_memory(error);
}
