// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Whether an environment document may be stored (FORMAT.md "The environment"): the reference reads
// exactly two keys, and compares the digests of the components with those of its own machine.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment_fields.h"
#include "gen5/digest.h"
#include "json_document.h"
#include "json_literal.h"
#include "json_path.h"
#include "ownership.h"

const char *const GEN5_ENVIRONMENT_FIELD_NAMES[GEN5_ENVIRONMENT_FIELD_COUNT] = {"env_version",
                                                                                "components"};
// The misspelling is part of the format.
const char *const GEN5_COMPONENT_FIELD_NAMES[GEN5_COMPONENT_FIELD_COUNT] = {
    "component_id", "cononical_str", "component_sha256_digest"};

static enum gen5_status refuse(const struct gen5_json_document *document, size_t offset,
                               const char *name, const char *problem, struct gen5_error *error) {
    return gen5_json_path_error(error, document->text, document->size, offset, name, problem);
}

// The digest must be that of the canonical string, in the form in which it is compared.
static enum gen5_status check_digest(const struct gen5_json_document *document,
                                     struct gen5_span canonical, struct gen5_span stated,
                                     struct gen5_error *error) {
    if (gen5_json_string_has_surrogate(document->text, canonical)) {
        return refuse(document, canonical.begin, NULL, "has a lone surrogate, so it has no digest",
                      error);
    }
    size_t length = 0;
    GEN5_AUTO_FREE char *string = gen5_json_string_copy(document->text, canonical, &length);
    if (string == NULL) {
        return gen5_error_set_memory(error);
    }
    struct gen5_digest digest;
    enum gen5_status status = gen5_digest_of(string, length, &digest, error);
    if (status != GEN5_OK) {
        return status;
    }
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&digest, hex);
    if (!gen5_json_string_equals(document->text, stated, hex, GEN5_DIGEST_HEX_SIZE)) {
        char problem[GEN5_DIGEST_HEX_SIZE + 64];
        snprintf(problem, sizeof problem, "must be the SHA-256 of %s, %s",
                 GEN5_COMPONENT_FIELD_NAMES[GEN5_COMPONENT_CANONICAL], hex);
        return refuse(document, stated.begin, NULL, problem, error);
    }
    return GEN5_OK;
}

static enum gen5_status check_component(const struct gen5_json_document *document,
                                        struct gen5_json_value component,
                                        struct gen5_error *error) {
    if (component.kind != GEN5_JSON_OBJECT) {
        return refuse(document, component.span.begin, NULL, "must be an object", error);
    }
    struct gen5_json_value values[GEN5_COMPONENT_FIELD_COUNT];
    gen5_json_pick(document->text, component, GEN5_COMPONENT_FIELD_NAMES,
                   GEN5_COMPONENT_FIELD_COUNT, values);
    for (size_t i = 0; i < GEN5_COMPONENT_FIELD_COUNT; i++) {
        if (values[i].kind == GEN5_JSON_NONE) {
            return refuse(document, component.span.begin, GEN5_COMPONENT_FIELD_NAMES[i],
                          "is missing", error);
        }
        if (values[i].kind != GEN5_JSON_STRING) {
            return refuse(document, values[i].span.begin, NULL, "must be a string", error);
        }
    }
    return check_digest(document, values[GEN5_COMPONENT_CANONICAL].span,
                        values[GEN5_COMPONENT_DIGEST].span, error);
}

// No key but the two may be there.
static enum gen5_status check_keys(const struct gen5_json_document *document,
                                   struct gen5_error *error) {
    struct gen5_json_walk walk = gen5_json_walk_start(document->text, document->root);
    struct gen5_json_member member;
    while (gen5_json_walk_next(&walk, &member)) {
        bool known = false;
        for (size_t i = 0; i < GEN5_ENVIRONMENT_FIELD_COUNT; i++) {
            known = known || gen5_json_string_equals(document->text, member.key,
                                                     GEN5_ENVIRONMENT_FIELD_NAMES[i],
                                                     strlen(GEN5_ENVIRONMENT_FIELD_NAMES[i]));
        }
        if (!known) {
            return refuse(document, member.key.begin, NULL,
                          "an environment has no keys but env_version and components", error);
        }
    }
    return GEN5_OK;
}

static enum gen5_status check_values(const struct gen5_json_document *document,
                                     struct gen5_error *error) {
    struct gen5_json_value values[GEN5_ENVIRONMENT_FIELD_COUNT];
    gen5_json_pick(document->text, document->root, GEN5_ENVIRONMENT_FIELD_NAMES,
                   GEN5_ENVIRONMENT_FIELD_COUNT, values);
    for (size_t i = 0; i < GEN5_ENVIRONMENT_FIELD_COUNT; i++) {
        if (values[i].kind == GEN5_JSON_NONE) {
            return refuse(document, document->root.span.begin, GEN5_ENVIRONMENT_FIELD_NAMES[i],
                          "is missing", error);
        }
    }
    uint32_t version = 0;
    struct gen5_json_value stated = values[GEN5_ENVIRONMENT_VERSION];
    if (stated.kind != GEN5_JSON_NUMBER ||
        !gen5_json_number_read(document->text, stated.span, &version) ||
        version != GEN5_ENVIRONMENT_VERSION_VALUE) {
        return refuse(document, stated.span.begin, NULL, "must be 1", error);
    }
    if (values[GEN5_ENVIRONMENT_COMPONENTS].kind != GEN5_JSON_ARRAY) {
        return refuse(document, values[GEN5_ENVIRONMENT_COMPONENTS].span.begin, NULL,
                      "must be an array", error);
    }
    struct gen5_json_walk walk =
        gen5_json_walk_start(document->text, values[GEN5_ENVIRONMENT_COMPONENTS]);
    struct gen5_json_member member;
    enum gen5_status status = GEN5_OK;
    while (status == GEN5_OK && gen5_json_walk_next(&walk, &member)) {
        status = check_component(document, member.value, error);
    }
    return status;
}

enum gen5_status gen5_environment_check(const char *text, size_t size,
                                        const struct gen5_limits *limits,
                                        struct gen5_error *error) {
    if (size > limits->environment_size_max) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "an environment of %zu bytes is over the limit of %" PRIu64, size,
                              limits->environment_size_max);
    }
    struct gen5_json_document document;
    enum gen5_status status =
        gen5_json_document_check(text, size, NULL, limits->json_depth_max, &document, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (document.root.kind != GEN5_JSON_OBJECT) {
        return refuse(&document, document.root.span.begin, NULL, "must be an object", error);
    }
    status = check_keys(&document, error);
    return status == GEN5_OK ? check_values(&document, error) : status;
}
