// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Environments read, written and compared.
#include "gen5/environment.h"

#include <stdlib.h>
#include <string.h>

#include "environment_fields.h"
#include "json_document.h"
#include "json_layout.h"
#include "json_literal.h"
#include "ownership.h"

// --- Reading ------------------------------------------------------------------------------------

// Append a component, whose two strings become the environment's, on failure too: NULL where there
// was no memory for them. Its digest is `stated`, or that of the canonical string where it is NULL.
static enum gen5_status append(struct gen5_environment *environment, char *id, char *canonical,
                               const struct gen5_digest *stated, struct gen5_error *error) {
    GEN5_AUTO_FREE char *owned_id = id;
    GEN5_AUTO_FREE char *owned_canonical = canonical;
    struct gen5_digest digest;
    if (id == NULL || canonical == NULL) {
        return gen5_error_set_memory(error);
    }
    if (stated != NULL) {
        digest = *stated;
    } else if (gen5_digest_of(canonical, strlen(canonical), &digest, error) != GEN5_OK) {
        return GEN5_ERROR_MEMORY; // its only failure
    }
    struct gen5_component *components =
        reallocarray(environment->components, environment->count + 1, sizeof *components);
    if (components == NULL) {
        return gen5_error_set_memory(error);
    }
    components[environment->count++] =
        (struct gen5_component){gen5_steal(&owned_id), gen5_steal(&owned_canonical), digest};
    environment->components = components;
    return GEN5_OK;
}

// A string's copy, cut at a NUL, which no component has.
static char *copy_string(const char *text, struct gen5_json_value value) {
    size_t length = 0;
    return gen5_json_string_copy(text, value.span, &length);
}

static enum gen5_status read_component(struct gen5_environment *environment, const char *text,
                                       struct gen5_json_value component, struct gen5_error *error) {
    struct gen5_json_value values[GEN5_COMPONENT_FIELD_COUNT];
    gen5_json_pick(text, component, GEN5_COMPONENT_FIELD_NAMES, GEN5_COMPONENT_FIELD_COUNT, values);
    if (values[GEN5_COMPONENT_ID].kind != GEN5_JSON_STRING ||
        values[GEN5_COMPONENT_CANONICAL].kind != GEN5_JSON_STRING) {
        return GEN5_OK;
    }
    struct gen5_digest digest;
    struct gen5_json_value hex = values[GEN5_COMPONENT_DIGEST];
    bool stated =
        hex.kind == GEN5_JSON_STRING &&
        gen5_digest_from_hex(text + hex.span.begin + 1, hex.span.end - hex.span.begin - 2, &digest);
    return append(environment, copy_string(text, values[GEN5_COMPONENT_ID]),
                  copy_string(text, values[GEN5_COMPONENT_CANONICAL]), stated ? &digest : NULL,
                  error);
}

enum gen5_status gen5_environment_read(const char *text, size_t size,
                                       const struct gen5_limits *limits,
                                       struct gen5_environment *environment,
                                       struct gen5_error *error) {
    *environment = (struct gen5_environment)GEN5_ENVIRONMENT_NONE;
    if (size > limits->environment_size_max) {
        return gen5_error_set(error, GEN5_ERROR_LIMIT, 0,
                              "its %zu bytes are more than the limit of %llu", size,
                              (unsigned long long)limits->environment_size_max);
    }
    struct gen5_json_document document;
    enum gen5_status status =
        gen5_json_document_open(text, size, limits->json_depth_max, &document, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_json_value components = gen5_json_find(
        text, document.root, GEN5_ENVIRONMENT_FIELD_NAMES[GEN5_ENVIRONMENT_COMPONENTS]);
    if (components.kind != GEN5_JSON_ARRAY) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)document.root.span.begin,
                              "the environment has no array of components");
    }
    struct gen5_json_walk walk = gen5_json_walk_start(text, components);
    struct gen5_json_member member;
    while (status == GEN5_OK && gen5_json_walk_next(&walk, &member)) {
        status = read_component(environment, text, member.value, error);
    }
    if (status != GEN5_OK) {
        gen5_environment_release(environment);
    }
    return status;
}

void gen5_environment_release(struct gen5_environment *environment) {
    for (size_t i = 0; i < environment->count; i++) {
        free(environment->components[i].id);
        free(environment->components[i].canonical);
    }
    free(environment->components);
    *environment = (struct gen5_environment)GEN5_ENVIRONMENT_NONE;
}

// --- Writing ------------------------------------------------------------------------------------

enum gen5_status gen5_environment_add(struct gen5_environment *environment, const char *id,
                                      const char *canonical, struct gen5_error *error) {
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): append takes them over
    return append(environment, strdup(id), strdup(canonical), NULL, error);
}

static void write_key(struct gen5_json_writer *writer, const char *name) {
    gen5_json_writer_item(writer);
    (void)gen5_json_string_write(writer->out, name, strlen(name));
    gen5_text_builder_append(writer->out, writer->layout.colon.bytes, writer->layout.colon.size);
}

// False where the string is no UTF-8. JSON could hold lone surrogates, but these have no digest.
static bool write_string(struct gen5_text_builder *out, const char *string) {
    struct gen5_span literal = {.begin = out->size};
    bool valid = gen5_json_string_write(out, string, strlen(string));
    literal.end = out->size;
    return valid &&
           (out->status != GEN5_OK || !gen5_json_string_has_surrogate(out->bytes, literal));
}

static bool write_component(struct gen5_json_writer *writer,
                            const struct gen5_component *component) {
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&component->digest, hex);
    const char *values[GEN5_COMPONENT_FIELD_COUNT] = {
        [GEN5_COMPONENT_ID] = component->id,
        [GEN5_COMPONENT_CANONICAL] = component->canonical,
        [GEN5_COMPONENT_DIGEST] = hex,
    };
    bool valid = true;
    gen5_json_writer_item(writer);
    gen5_json_writer_open(writer, "{");
    for (size_t i = 0; i < GEN5_COMPONENT_FIELD_COUNT; i++) {
        write_key(writer, GEN5_COMPONENT_FIELD_NAMES[i]);
        valid = write_string(writer->out, values[i]) && valid;
    }
    gen5_json_writer_close(writer, "}");
    return valid;
}

enum gen5_status gen5_environment_write(const struct gen5_environment *environment, char **text,
                                        size_t *size, struct gen5_error *error) {
    struct gen5_text_builder out;
    gen5_text_builder_init(&out, UINT64_MAX);
    struct gen5_json_writer writer = {&out, gen5_json_layout_default(), true};
    bool valid = true;
    gen5_json_writer_open(&writer, "{");
    write_key(&writer, GEN5_ENVIRONMENT_FIELD_NAMES[GEN5_ENVIRONMENT_VERSION]);
    gen5_text_builder_append_number(&out, GEN5_ENVIRONMENT_VERSION_VALUE);
    write_key(&writer, GEN5_ENVIRONMENT_FIELD_NAMES[GEN5_ENVIRONMENT_COMPONENTS]);
    gen5_json_writer_open(&writer, "[");
    for (size_t i = 0; i < environment->count; i++) {
        valid = write_component(&writer, &environment->components[i]) && valid;
    }
    gen5_json_writer_close(&writer, "]");
    gen5_json_writer_close(&writer, "}");
    enum gen5_status status = gen5_text_builder_check(&out, error);
    if (status == GEN5_OK && !valid) {
        status = gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                "the environment holds bytes that are no UTF-8");
    }
    if (status == GEN5_OK) {
        status = gen5_text_builder_take(&out, text, size, error);
    }
    gen5_text_builder_release(&out);
    return status;
}

// --- Comparing ----------------------------------------------------------------------------------

static bool same_id(const struct gen5_component *left, const struct gen5_component *right) {
    return strcmp(left->id, right->id) == 0;
}

// Set pairs[i] to the component of `second` that components[i] of `first` is held against, each to
// one at most, where `equal` digests are asked for or not; taken[j] says which of `second` have
// one. Environments have a handful of components: the limit on their size keeps this from hurting.
static void find_pairs(const struct gen5_environment *first, const struct gen5_environment *second,
                       bool equal, const struct gen5_component **pairs, bool *taken) {
    for (size_t i = 0; i < first->count; i++) {
        for (size_t j = 0; j < second->count && pairs[i] == NULL; j++) {
            const struct gen5_component *candidate = &second->components[j];
            if (!taken[j] && same_id(&first->components[i], candidate) &&
                (!equal || gen5_digest_equal(&first->components[i].digest, &candidate->digest))) {
                pairs[i] = candidate;
                taken[j] = true;
            }
        }
    }
}

enum gen5_status gen5_environment_compare(const struct gen5_environment *first,
                                          const struct gen5_environment *second,
                                          struct gen5_drift **drifts, size_t *count,
                                          struct gen5_error *error) {
    GEN5_AUTO_FREE const struct gen5_component **pairs =
        calloc(first->count + 1, sizeof(const struct gen5_component *));
    GEN5_AUTO_FREE bool *taken = calloc(second->count + 1, sizeof *taken);
    GEN5_AUTO_FREE struct gen5_drift *found =
        calloc(first->count + second->count + 1, sizeof *found);
    if (pairs == NULL || taken == NULL || found == NULL) {
        return gen5_error_set_memory(error);
    }
    find_pairs(first, second, true, pairs, taken);
    find_pairs(first, second, false, pairs, taken);
    *count = 0;
    for (size_t i = 0; i < first->count; i++) {
        const struct gen5_component *component = &first->components[i];
        if (pairs[i] == NULL) {
            found[(*count)++] = (struct gen5_drift){GEN5_DRIFT_MISSING_IN_SECOND, component, NULL};
        } else if (!gen5_digest_equal(&component->digest, &pairs[i]->digest)) {
            found[(*count)++] = (struct gen5_drift){GEN5_DRIFT_DIFFERS, component, pairs[i]};
        }
    }
    for (size_t j = 0; j < second->count; j++) {
        if (!taken[j]) {
            found[(*count)++] =
                (struct gen5_drift){GEN5_DRIFT_MISSING_IN_FIRST, NULL, &second->components[j]};
        }
    }
    *drifts = gen5_steal(&found);
    return GEN5_OK;
}
