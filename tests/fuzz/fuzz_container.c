// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Fuzz target: opening a container and decoding every payload. A payload that is given out has the
// size and hash that its record states, in one piece as in many.
#include "gen5/container.h"

#include <stdlib.h>

#include "container_input.h"
#include "gen5/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_payload(const struct gen5_container *container,
                          const struct gen5_record *record) {
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = gen5_payload_copy(container, record, GEN5_VERIFY, -1, 0, &error);
    if (record->damage != NULL) {
        if (status != GEN5_ERROR_DAMAGED) {
            abort();
        }
        return;
    }
    char *payload = malloc((size_t)record->payload_size + 1);
    if (payload == NULL) {
        abort(); // the limits keep it small
    }
    if (gen5_payload_read(container, record, GEN5_VERIFY, payload, NULL) != status) {
        abort();
    }
    struct gen5_digest digest;
    if (status == GEN5_OK &&
        (gen5_digest_of(payload, (size_t)record->payload_size, &digest, NULL) != GEN5_OK ||
         !gen5_digest_equal(&digest, &record->digest))) {
        abort();
    }
    size_t prefix = (size_t)(record->payload_size < 16 ? record->payload_size : 16);
    if (gen5_payload_read_prefix(container, record, payload, prefix, NULL) != GEN5_OK &&
        status == GEN5_OK) {
        abort();
    }
    free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {data, size};
    struct gen5_source source = take_container(&input);
    struct gen5_limits limits = fuzz_limits();
    struct gen5_container *container = NULL;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (gen5_container_open(&source, &limits, &container, &error) != GEN5_OK) {
        if (error.message[0] == '\0') {
            abort();
        }
        return 0;
    }
    size_t count = container->manifest->record_count;
    for (size_t i = 0; i < count && i < 64; i++) {
        check_payload(container, &container->manifest->records[i]);
    }
    for (size_t i = 0; i < container->latent_count; i++) {
        const struct gen5_record *latent = container->latents[i];
        if (gen5_container_latent(container, latent->key, latent->key_length) != latent) {
            abort();
        }
    }
    gen5_container_free(container);
    return 0;
}
