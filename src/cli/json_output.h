// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// JSON on standard output, one object a line, for --json. Every JSON reader takes it (RFC 8259 in
// ASCII): strings of any bytes are escaped (gen5_bytes_to_json), numbers that JSON does not have
// are null.
//
//     struct json_output json = JSON_OUTPUT_START;
//     json_open(&json, NULL, '{');
//     json_string(&json, "file", path);
//     json_close(&json, '}');
//     json_end_line(&json);
//
// The name is that of the member; NULL for the outermost value and for the elements of an array.
#ifndef GEN5FS_CLI_JSON_OUTPUT_H
#define GEN5FS_CLI_JSON_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_output {
    bool empty; // nothing stands in the open object or array yet
};
#define JSON_OUTPUT_START                                                                          \
    { true }

void json_open(struct json_output *json, const char *name, char bracket);
void json_close(struct json_output *json, char bracket);
// The line is handed to whoever reads, and the output can be used for another one.
void json_end_line(struct json_output *json);

void json_string(struct json_output *json, const char *name, const char *value);
void json_bytes(struct json_output *json, const char *name, const char *bytes, size_t size);
void json_number(struct json_output *json, const char *name, uint64_t value);
// With as many digits as bring the same double back.
void json_double(struct json_output *json, const char *name, double value);
void json_boolean(struct json_output *json, const char *name, bool value);
void json_null(struct json_output *json, const char *name);
// A value that is JSON on one line already.
void json_literal(struct json_output *json, const char *name, const char *literal);

#endif
