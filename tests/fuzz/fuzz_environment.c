// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Two environments, with a NUL between them: read, written and read again, and compared. What is
// written says what was read; each component is found once among the pairs and the differences.
#include "gen5/environment.h"

#include <string.h>

#include "gen5/manifest.h"
#include "input.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// --- One environment ---

static bool is_honest(const struct gen5_environment *environment) {
    struct gen5_digest digest;
    for (size_t i = 0; i < environment->count; i++) {
        const struct gen5_component *component = &environment->components[i];
        require(gen5_digest_of(component->canonical, strlen(component->canonical), &digest, NULL) ==
                GEN5_OK);
        if (!gen5_digest_equal(&digest, &component->digest)) {
            return false;
        }
    }
    return true;
}

static void require_same(const struct gen5_environment *left,
                         const struct gen5_environment *right) {
    require(left->count == right->count);
    for (size_t i = 0; i < left->count; i++) {
        const struct gen5_component *one = &left->components[i], *other = &right->components[i];
        require(strcmp(one->id, other->id) == 0);
        require(strcmp(one->canonical, other->canonical) == 0);
        require(gen5_digest_equal(&one->digest, &other->digest));
    }
}

static void check_written(const struct gen5_environment *environment) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_environment again;
    struct gen5_error error = GEN5_ERROR_NONE;
    char *text = NULL;
    size_t size = 0;
    enum gen5_status status = gen5_environment_write(environment, &text, &size, &error);
    if (status != GEN5_OK) {
        require(status == GEN5_ERROR_INVALID); // a lone surrogate
        return;
    }
    require(gen5_environment_read(text, size, &limits, &again, NULL) == GEN5_OK);
    require_same(environment, &again);
    require(!is_honest(environment) ||
            gen5_environment_check(text, size, &limits, NULL) == GEN5_OK);
    gen5_environment_release(&again);
    free(text);
}

static bool read_environment(struct input text, struct gen5_environment *environment) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error = GEN5_ERROR_NONE;
    const char *bytes = (const char *)text.bytes;
    bool read = gen5_environment_read(bytes, text.size, &limits, environment, &error) == GEN5_OK;
    require(read || (environment->count == 0 && error.message[0] != '\0'));
    // What may be stored can be read.
    bool storable = gen5_environment_check(bytes, text.size, &limits, &error) == GEN5_OK;
    require(storable ? read && is_honest(environment) : error.message[0] != '\0');
    if (read) {
        check_written(environment);
    }
    return read;
}

// --- Two ---

struct counts {
    size_t differing;
    size_t only_first;
    size_t only_second;
};

static struct counts compare(const struct gen5_environment *first,
                             const struct gen5_environment *second) {
    struct counts counts = {0, 0, 0};
    struct gen5_drift *drifts = NULL;
    size_t count = 0;
    require(gen5_environment_compare(first, second, &drifts, &count, NULL) == GEN5_OK);
    for (size_t i = 0; i < count; i++) {
        const struct gen5_drift *drift = &drifts[i];
        require((drift->first == NULL) == (drift->kind == GEN5_DRIFT_MISSING_IN_FIRST));
        require((drift->second == NULL) == (drift->kind == GEN5_DRIFT_MISSING_IN_SECOND));
        if (drift->kind == GEN5_DRIFT_DIFFERS) {
            require(strcmp(drift->first->id, drift->second->id) == 0);
            require(!gen5_digest_equal(&drift->first->digest, &drift->second->digest));
            counts.differing++;
        }
        counts.only_first += drift->second == NULL ? 1 : 0;
        counts.only_second += drift->first == NULL ? 1 : 0;
    }
    free(drifts);
    return counts;
}

static void check_compared(const struct gen5_environment *first,
                           const struct gen5_environment *second) {
    struct counts there = compare(first, second), back = compare(second, first);
    require(there.differing == back.differing);
    require(there.only_first == back.only_second && there.only_second == back.only_first);
    require(first->count - there.only_first == second->count - there.only_second);
    struct counts same = compare(first, first);
    require(same.differing == 0 && same.only_first == 0 && same.only_second == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {data, size};
    struct gen5_environment first, second;
    bool read = read_environment(take_text(&input), &first);
    read = read_environment(input, &second) && read;
    if (read) {
        check_compared(&first, &second);
    }
    gen5_environment_release(&first);
    gen5_environment_release(&second);
    return 0;
}
