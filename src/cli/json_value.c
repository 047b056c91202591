// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Values of JSON documents, for --json.
#include "json_value.h"

#include <stdlib.h>

#include "gen5/document.h"

void json_document_value(struct json_output *json, const char *name, const char *text, size_t size,
                         const char *path, const struct gen5_limits *limits) {
    char *line = NULL;
    if (gen5_document_line(text, size, path, limits, &line, NULL) == GEN5_OK) {
        json_literal(json, name, line);
    } else {
        json_null(json, name);
    }
    free(line);
}

void json_record_value(struct json_output *json, const char *name, const char *path,
                       const struct gen5_container *container, const struct gen5_record *record) {
    const char *text = container->manifest->text + record->text.begin;
    size_t size = record->text.end - record->text.begin;
    json_document_value(json, name, text, size, path, &container->limits);
}
