// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The main function of a fuzz target where there is no libFuzzer: gives the target each file it is
// told of, and each file in the folders (one level deep and further) it is told of. What is not
// there is no error, since a target may have no corpus yet.
#include <fts.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_SIZE_MAX = 64 << 20 };

// The whole file in new memory of exactly its size, so that a sanitizer sees the first byte too
// many.
static uint8_t *read_file(const char *path, size_t size) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return NULL;
    }
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    if (bytes != NULL && fread(bytes, 1, size, stream) != size) {
        free(bytes);
        bytes = NULL;
    }
    fclose(stream);
    return bytes;
}

static bool replay(const char *path, const struct stat *attributes) {
    if (attributes->st_size > FILE_SIZE_MAX) {
        fprintf(stderr, "%s: larger than any input\n", path);
        return false;
    }
    size_t size = (size_t)attributes->st_size;
    uint8_t *bytes = read_file(path, size);
    if (bytes == NULL) {
        perror(path);
        return false;
    }
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return true;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", argv[0]);
        return 2;
    }
    FTS *walk = fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL) {
        perror("fts_open");
        return 1;
    }
    size_t count = 0;
    bool good = true;
    for (FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        if (entry->fts_info == FTS_F) {
            // The name comes before a crash, which says nothing of its input.
            printf("%s\n", entry->fts_path);
            fflush(stdout);
            good = replay(entry->fts_path, entry->fts_statp) && good;
            count++;
        }
    }
    fts_close(walk);
    printf("%zu inputs\n", count);
    return good ? 0 : 1;
}
