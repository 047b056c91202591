// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Values of JSON documents that stand in containers, for --json: their literals as they are.
#ifndef GEN5FS_CLI_JSON_VALUE_H
#define GEN5FS_CLI_JSON_VALUE_H

#include "gen5/container.h"
#include "json_output.h"

// The value at a path of gen5/document.h in a text; null where there is none.
void json_document_value(struct json_output *json, const char *name, const char *text, size_t size,
                         const char *path, const struct gen5_limits *limits);
// The same in a record of a container's manifest.
void json_record_value(struct json_output *json, const char *name, const char *path,
                       const struct gen5_container *container, const struct gen5_record *record);

#endif
