// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// JSON on standard output.
#include "json_output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/document.h"
#include "output.h"

// What comes in front of a value. Names are the program's own and need no escapes.
static void begin_value(struct json_output *json, const char *name) {
    if (!json->empty) {
        fputs(", ", stdout);
    }
    if (name != NULL) {
        printf("\"%s\": ", name);
    }
    json->empty = false;
}

void json_open(struct json_output *json, const char *name, char bracket) {
    begin_value(json, name);
    putchar(bracket);
    json->empty = true;
}

void json_close(struct json_output *json, char bracket) {
    putchar(bracket);
    json->empty = false;
}

void json_end_line(struct json_output *json) {
    putchar('\n');
    output_flush();
    json->empty = true;
}

void json_literal(struct json_output *json, const char *name, const char *literal) {
    begin_value(json, name);
    fputs(literal, stdout);
}

void json_bytes(struct json_output *json, const char *name, const char *bytes, size_t size) {
    char *literal = gen5_bytes_to_json(bytes, size);
    json_literal(json, name, literal != NULL ? literal : "null");
    free(literal);
}

void json_string(struct json_output *json, const char *name, const char *value) {
    json_bytes(json, name, value, strlen(value));
}

void json_number(struct json_output *json, const char *name, uint64_t value) {
    begin_value(json, name);
    printf("%" PRIu64, value);
}

void json_double(struct json_output *json, const char *name, double value) {
    if (!isfinite(value)) {
        json_null(json, name);
        return;
    }
    begin_value(json, name);
    printf("%.17g", value);
}

void json_boolean(struct json_output *json, const char *name, bool value) {
    json_literal(json, name, value ? "true" : "false");
}

void json_null(struct json_output *json, const char *name) {
    json_literal(json, name, "null");
}
