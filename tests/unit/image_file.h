// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The files of tests/data/images.
#ifndef GEN5_TEST_IMAGE_FILE_H
#define GEN5_TEST_IMAGE_FILE_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct image_file {
    uint8_t *bytes; // the caller frees it
    size_t size;
};

// With room for `capacity` bytes, which are at least the file's.
static inline struct image_file image_file_load(const char *name, size_t capacity) {
    char path[4096];
    const char *folder = getenv("GEN5_TEST_DATA");
    cr_assert_not_null(folder, "GEN5_TEST_DATA is not set");
    snprintf(path, sizeof path, "%s/images/%s", folder, name);
    FILE *stream = fopen(path, "rb");
    cr_assert_not_null(stream, "%s", path);
    struct image_file file = {.bytes = malloc(capacity)};
    file.size = fread(file.bytes, 1, capacity, stream);
    fclose(stream);
    return file;
}

#endif
