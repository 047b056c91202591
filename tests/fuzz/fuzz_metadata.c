// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Documents that someone wants to store. What the check takes can be written into a container: the
// outcome is read again, lists the container's chunks, and passes the check itself. Behind a NUL,
// the input may have the old document.
#include <stdlib.h>
#include <string.h>

#include "gen5/manifest.h"
#include "manifest_write.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t SHAPE[] = {1, 2, 1, 3};

static const struct gen5_chunk_facts CHUNKS[] = {
    {.type = {'L', 'A', 'T', 'N'},
     .flags = {'F', '1', '6', '\0'},
     .offset = 32,
     .stored_size = 24,
     .payload_size = 12,
     .digest = {{1, 2, 3}},
     .dtype = GEN5_DTYPE_FLOAT16,
     .rank = 4,
     .shape = SHAPE,
     .key = "noise",
     .key_length = 5,
     .changed = true},
    {.type = {'D', 'A', 'T', 'A'},
     .flags = {'0', '0', '0', '0'},
     .offset = 56,
     .stored_size = 17,
     .payload_size = 20,
     .digest = {{4, 5, 6}},
     .compressed = true,
     .changed = true},
};

static void check_records(const struct gen5_manifest *manifest, size_t chunk_count) {
    require(manifest->record_count == chunk_count);
    for (size_t i = 0; i < chunk_count; i++) {
        require(manifest->records[i].damage == NULL);
        require(manifest->records[i].offset == CHUNKS[i].offset);
        require(gen5_digest_equal(&manifest->records[i].digest, &CHUNKS[i].digest));
    }
}

static void write_chunks(const char *text, size_t size, size_t chunk_count) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_manifest *manifest = NULL;
    struct gen5_error error;
    char *written = NULL;
    size_t written_size;
    require(gen5_manifest_write(NULL, text, size, CHUNKS, chunk_count, 100, &limits, &written,
                                &written_size, &error) == GEN5_OK);
    require(gen5_manifest_parse(written, written_size, &limits, &manifest, &error) == GEN5_OK);
    check_records(manifest, chunk_count);
    require(gen5_metadata_check(written, written_size, NULL, 0, &limits, &error) == GEN5_OK);
    gen5_manifest_free(manifest);
    free(written);
}

static void check_with_old(const char *text, size_t size, const char *old, size_t old_size) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error;
    bool good = gen5_metadata_check(text, size, old, old_size, &limits, &error) == GEN5_OK;
    // An old document never makes the check stricter.
    require(good || gen5_metadata_check(text, size, NULL, 0, &limits, &error) != GEN5_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error;
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\0', size) : NULL;
    gen5_environment_check(text, size, &limits, &error);
    if (end != NULL) {
        size_t text_size = (size_t)(end - text);
        check_with_old(text, text_size, end + 1, size - text_size - 1);
        return 0;
    }
    enum gen5_status status = gen5_metadata_check(text, size, NULL, 0, &limits, &error);
    if (status != GEN5_OK) {
        // All faults have a place, but for that of which cJSON is of another opinion.
        require(status == GEN5_ERROR_INVALID && error.offset != GEN5_OFFSET_NONE);
        return 0;
    }
    write_chunks(text, size, 0);
    write_chunks(text, size, sizeof CHUNKS / sizeof *CHUNKS);
    // Its own faults are always let through.
    require(gen5_metadata_check(text, size, text, size, &limits, &error) == GEN5_OK);
    return 0;
}
