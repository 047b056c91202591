// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container from memory: opened, every payload decoded, and verified. A payload that is given out
// has the size and hash that its record states, in one piece as in many; where nothing is found
// wrong, every member can be read.
#include "gen5/container.h"

#include <stdlib.h>
#include <string.h>

#include "gen5/payload.h"
#include "gen5/verify.h"
#include "require.h"
#include "small_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// --- Reading ---

static void check_payload(const struct gen5_container *container,
                          const struct gen5_record *record) {
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = gen5_payload_copy(container, record, GEN5_VERIFY, -1, 0, &error);
    if (record->damage != NULL) {
        require(status == GEN5_ERROR_DAMAGED);
        return;
    }
    size_t size = (size_t)record->payload_size; // the limits keep it small
    char *payload = malloc(size + 1);
    require(payload != NULL);
    require(gen5_payload_read(container, record, GEN5_VERIFY, payload, NULL) == status);
    struct gen5_digest digest;
    require(status != GEN5_OK || (gen5_digest_of(payload, size, &digest, NULL) == GEN5_OK &&
                                  gen5_digest_equal(&digest, &record->digest)));
    char prefix[16];
    size_t prefix_size = size < sizeof prefix ? size : sizeof prefix;
    bool read = gen5_payload_read_prefix(container, record, prefix, prefix_size, NULL) == GEN5_OK;
    require(status != GEN5_OK || (read && memcmp(prefix, payload, prefix_size) == 0));
    free(payload);
}

static void check_payloads(const struct gen5_container *container) {
    size_t count = container->manifest->record_count;
    for (size_t i = 0; i < count && i < 64; i++) {
        check_payload(container, &container->manifest->records[i]);
    }
    for (size_t i = 0; i < container->latent_count; i++) {
        const struct gen5_record *latent = container->latents[i];
        require(gen5_container_latent(container, latent->key, latent->key_length) == latent);
    }
}

// --- Verifying ---

static void count_fault(void *context, const struct gen5_fault *fault) {
    require(fault->status != GEN5_OK && fault->reason[0] != '\0');
    ++*(size_t *)context;
}

static size_t count_faults(const struct gen5_source *source, const struct gen5_limits *limits,
                           enum gen5_rigour rigour) {
    size_t count = 0;
    struct gen5_verify_visitor visitor = {.fault = count_fault, .context = &count};
    require(gen5_verify(source, limits, rigour, &visitor, NULL) == GEN5_OK);
    return count;
}

static bool is_readable(const struct gen5_container *container, const struct gen5_record *record) {
    return record == NULL ||
           gen5_payload_copy(container, record, GEN5_VERIFY, -1, 0, NULL) == GEN5_OK;
}

static bool are_members_readable(const struct gen5_container *container) {
    bool readable = container != NULL && is_readable(container, container->image) &&
                    is_readable(container, container->environment);
    for (size_t i = 0; readable && i < container->latent_count; i++) {
        readable = is_readable(container, container->latents[i]);
    }
    return readable;
}

static void check_faults(const struct gen5_source *source, const struct gen5_limits *limits,
                         const struct gen5_container *container) {
    // What is no fault with the greatest rigour is none with the least.
    if (count_faults(source, limits, GEN5_RIGOUR_DEEP) == 0 ||
        count_faults(source, limits, GEN5_RIGOUR_LENIENT) == 0) {
        require(are_members_readable(container));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gen5_source source = gen5_source_from_memory(data, size);
    struct gen5_limits limits = small_limits();
    struct gen5_container *container = NULL;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (gen5_container_open(&source, &limits, &container, &error) == GEN5_OK) {
        check_payloads(container);
    } else {
        require(container == NULL && error.message[0] != '\0');
    }
    check_faults(&source, &limits, container);
    gen5_container_free(container);
    return 0;
}
