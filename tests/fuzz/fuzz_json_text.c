// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The JSON reader on any bytes. What it takes must hold together: cJSON sees the same, strings
// survive being decoded and written, and the document survives being laid out anew.
#include <stdlib.h>
#include <string.h>

#include "json_keys.h"
#include "json_layout.h"
#include "json_literal.h"
#include "json_path.h"
#include "json_text.h"
#include "json_tree.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(const char *text, struct gen5_span literal) {
    struct gen5_text_builder written;
    size_t length;
    char *decoded = gen5_json_string_copy(text, literal, &length);
    require(decoded != NULL);
    require(gen5_json_string_equals(text, literal, decoded, length));
    gen5_text_builder_init(&written, UINT64_MAX);
    require(gen5_json_string_write(&written, decoded, length));
    struct gen5_span whole = {0, written.size};
    require(gen5_json_string_compare(text, literal, written.bytes, whole) == 0);
    gen5_json_string_has_surrogate(text, literal);
    gen5_text_builder_release(&written);
    free(decoded);
}

static void check_number(const char *text, struct gen5_span literal) {
    uint32_t value;
    enum gen5_json_number number = gen5_json_number_class(text, literal);
    if (gen5_json_number_read(text, literal, &value)) {
        require(number == (value == 0 ? GEN5_JSON_NUMBER_ZERO : GEN5_JSON_NUMBER_POSITIVE));
    }
}

// Read the text token by token, and find values by their paths again, which lead elsewhere where
// keys are repeated. Returns how many values it has.
static size_t check_tokens(const char *text, size_t size, bool has_repeated_keys) {
    struct gen5_json_reader reader;
    size_t count = 0;
    gen5_json_reader_init(&reader, text, size, 500, GEN5_JSON_BOM_IGNORED);
    enum gen5_json_event event = gen5_json_reader_next(&reader);
    for (; event != GEN5_JSON_EVENT_END; event = gen5_json_reader_next(&reader)) {
        require(event != GEN5_JSON_EVENT_FAULT);
        struct gen5_json_value token = reader.token;
        if (token.kind == GEN5_JSON_STRING) {
            check_string(text, token.span);
        } else if (token.kind == GEN5_JSON_NUMBER) {
            check_number(text, token.span);
        }
        if (event == GEN5_JSON_EVENT_SCALAR && count++ < 5) {
            struct gen5_json_path path;
            struct gen5_error error;
            require(gen5_json_path_find(text, size, token.span.begin, &path, &error) == GEN5_OK);
            struct gen5_json_value found =
                gen5_json_path_follow(&path, path.count, text, gen5_json_root(text, size));
            require(found.kind != GEN5_JSON_NONE || has_repeated_keys);
            gen5_json_path_release(&path);
            gen5_json_path_error(&error, text, size, token.span.begin, "name", "problem");
        }
    }
    return count;
}

static void check_layout(const char *text, size_t size, size_t values) {
    struct gen5_json_layout layout = gen5_json_layout_default();
    struct gen5_json_value root = gen5_json_root(text, size);
    for (int round = 0; round < 2; round++) {
        struct gen5_text_builder out;
        struct gen5_json_value copy;
        struct gen5_json_fault fault;
        gen5_text_builder_init(&out, 1 << 24);
        gen5_json_layout_copy(text + root.span.begin, root.span.end - root.span.begin, &layout,
                              gen5_json_token_copy, &out);
        if (out.status == GEN5_OK) {
            require(gen5_json_scan(out.bytes, out.size, 500, GEN5_JSON_NO_BOM, &copy, &fault));
            require(copy.kind == root.kind);
            require(check_tokens(out.bytes, out.size, true) == values);
        }
        gen5_text_builder_release(&out);
        layout = gen5_json_layout_of(text, root, &layout);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct gen5_json_value root;
    struct gen5_json_fault fault;
    struct gen5_json_repeated repeated;
    struct gen5_error error;
    if (!gen5_json_scan(text, size, 500, GEN5_JSON_BOM_IGNORED, &root, &fault)) {
        size_t line, column;
        require(fault.offset <= size && fault.reason != NULL);
        gen5_json_position(text, size, fault.offset, &line, &column);
        return 0;
    }
    struct gen5_json_value again = gen5_json_root(text, size);
    require(again.kind == root.kind && again.span.begin == root.span.begin &&
            again.span.end == root.span.end);
    require(gen5_json_keys_repeated(text, size, &repeated, &error) == GEN5_OK);
    size_t values = check_tokens(text, size, repeated.count > 0);
    check_layout(text, size, values);
    require(gen5_json_tree_check(text, size, &error) == GEN5_OK);
    return 0;
}
