// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Manifests of any kind: read, then written again for the chunks that they list. What is written
// must be read again, say the same, and in the end come out the same when it is written once more.
#include <stdlib.h>
#include <string.h>

#include "gen5/manifest.h"
#include "manifest_write.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_values(const struct gen5_manifest *manifest) {
    static const char *const PATHS[] = {"prompt", "tags", "generation_settings.seed", "a.b", ""};
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        char *value = NULL;
        size_t length;
        gen5_manifest_value(manifest, PATHS[i], &value, &length, NULL);
        free(value);
    }
}

static void check_same(const struct gen5_manifest *one, const struct gen5_manifest *other) {
    require(one->record_count == other->record_count);
    for (size_t i = 0; i < one->record_count; i++) {
        const struct gen5_record *left = &one->records[i], *right = &other->records[i];
        // Damage may go away: an offset that was missing is written.
        require(left->damage != NULL ||
                (right->damage == NULL && memcmp(left->type, right->type, GEN5_TAG_SIZE) == 0 &&
                 left->stored_size == right->stored_size && left->rank == right->rank &&
                 left->key_length == right->key_length &&
                 gen5_digest_equal(&left->digest, &right->digest)));
    }
}

static struct gen5_manifest *write_again(const struct gen5_manifest *manifest, bool as_user) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_chunk_facts *chunks = calloc(manifest->record_count + 1, sizeof *chunks);
    struct gen5_manifest *written = NULL;
    char *text = NULL;
    size_t size;
    require(chunks != NULL);
    for (size_t i = 0; i < manifest->record_count; i++) {
        chunks[i] = gen5_chunk_facts_of(&manifest->records[i]);
    }
    enum gen5_status status =
        gen5_manifest_write(manifest, as_user ? manifest->text : NULL, manifest->size, chunks,
                            manifest->record_count, 4711, &limits, &text, &size, NULL);
    if (status == GEN5_OK) {
        require(gen5_manifest_parse(text, size, &limits, &written, NULL) == GEN5_OK);
    } else {
        // As a user's, a text may be refused for its keys.
        require(as_user && status == GEN5_ERROR_INVALID);
    }
    free(text);
    free(chunks);
    return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_manifest *manifest;
    if (gen5_manifest_parse((const char *)data, size, &limits, &manifest, NULL) != GEN5_OK) {
        return 0;
    }
    read_values(manifest);
    struct gen5_manifest *once = write_again(manifest, false);
    check_same(manifest, once);
    struct gen5_manifest *twice = write_again(once, false);
    check_same(once, twice);
    struct gen5_manifest *thrice = write_again(twice, false);
    require(twice->size == thrice->size && memcmp(twice->text, thrice->text, twice->size) == 0);
    struct gen5_manifest *as_user = write_again(manifest, true);
    require(as_user == NULL || as_user->record_count == manifest->record_count);
    gen5_manifest_free(as_user);
    gen5_manifest_free(thrice);
    gen5_manifest_free(twice);
    gen5_manifest_free(once);
    gen5_manifest_free(manifest);
    return 0;
}
