// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One value of the manifest's model_info, as a person reads it.
#include <stdlib.h>
#include <string.h>

#include "json_document.h"
#include "json_literal.h"
#include "manifest_record.h"
#include "text_builder.h"

static enum gen5_status append_value(struct gen5_text_builder *out, const char *text,
                                     struct gen5_json_value value, struct gen5_error *error) {
    if (value.kind != GEN5_JSON_STRING) {
        gen5_text_builder_append_span(out, text, value.span);
        return GEN5_OK;
    }
    size_t length = 0;
    char *decoded = gen5_json_string_copy(text, value.span, &length);
    if (decoded == NULL) {
        return gen5_error_set_memory(error);
    }
    gen5_text_builder_append(out, decoded, length);
    free(decoded);
    return GEN5_OK;
}

static enum gen5_status append_elements(struct gen5_text_builder *out, const char *text,
                                        struct gen5_json_value array, struct gen5_error *error) {
    struct gen5_json_walk walk = gen5_json_walk_start(text, array);
    struct gen5_json_member member;
    enum gen5_status status = GEN5_OK;
    for (bool first = true; status == GEN5_OK && gen5_json_walk_next(&walk, &member);
         first = false) {
        gen5_text_builder_append_string(out, first ? "" : ",");
        status = append_value(out, text, member.value, error);
    }
    return status;
}

// Go down a dotted path, one name at a time.
static struct gen5_json_value follow(const char *text, struct gen5_json_value value,
                                     const char *path) {
    while (value.kind != GEN5_JSON_NONE) {
        size_t length = strcspn(path, ".");
        struct gen5_json_walk walk = gen5_json_walk_start(text, value);
        struct gen5_json_member member;
        bool object = value.kind == GEN5_JSON_OBJECT;
        value = (struct gen5_json_value){.kind = GEN5_JSON_NONE};
        while (object && gen5_json_walk_next(&walk, &member)) {
            if (gen5_json_string_equals(text, member.key, path, length)) {
                value = member.value; // of several, the last counts
            }
        }
        if (path[length] == '\0') {
            break;
        }
        path += length + 1;
    }
    return value;
}

enum gen5_status gen5_manifest_value(const struct gen5_manifest *manifest, const char *path,
                                     char **value, size_t *length, struct gen5_error *error) {
    *value = NULL;
    *length = 0;
    struct gen5_json_value root = gen5_json_root(manifest->text, manifest->size);
    struct gen5_json_value model_info = gen5_metadata_find(manifest->text, root, "model_info");
    struct gen5_json_value found = follow(manifest->text, model_info, path);
    if (found.kind == GEN5_JSON_NONE) {
        return gen5_error_set(error, GEN5_ERROR_MISSING, GEN5_OFFSET_NONE, "the manifest has no %s",
                              path);
    }
    struct gen5_text_builder out;
    // Joining may only add a "," for each comma that the text has.
    gen5_text_builder_init(&out, 2 * (uint64_t)manifest->size);
    enum gen5_status status = found.kind == GEN5_JSON_ARRAY
                                  ? append_elements(&out, manifest->text, found, error)
                                  : append_value(&out, manifest->text, found, error);
    if (status == GEN5_OK) {
        status = gen5_text_builder_take(&out, value, length, error);
    }
    gen5_text_builder_release(&out);
    return status;
}
