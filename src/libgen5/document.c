// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Documents shown: their leaves, and values on one line.
#include "gen5/document.h"

#include <stdlib.h>
#include <string.h>

#include "document_path.h"
#include "json_document.h"
#include "json_layout.h"
#include "json_literal.h"
#include "ownership.h"

// Of all paths and texts together. An honest manifest of the largest size stays far below.
#define LEAVES_SIZE_MAX ((uint64_t)256 * 1024 * 1024)

// Check the document and find the value at a path; GEN5_JSON_NONE where there is none.
static enum gen5_status find(const char *text, size_t size, const char *path,
                             const struct gen5_limits *limits, struct gen5_json_value *value,
                             struct gen5_error *error) {
    struct gen5_json_document document;
    enum gen5_status status =
        gen5_json_document_open(text, size, limits->json_depth_max, &document, error);
    if (status != GEN5_OK) {
        return status;
    }
    *value = document.root;
    struct gen5_document_step step;
    size_t at = 0;
    while (gen5_document_path_next(path, &at, &step, &status, error)) {
        *value = gen5_document_step_follow(&step, text, *value);
    }
    return status;
}

// --- Leaves -------------------------------------------------------------------------------------

// Where the search stands: one level for each array or object that is open.
struct level {
    size_t path_size; // of the path that leads to it
    size_t index;     // of the element that comes next
    bool array;
    bool empty; // nothing was met in it yet
};

struct search {
    const char *text;
    struct gen5_leaves *leaves;
    size_t capacity;
    uint64_t size; // of all paths and texts so far
    struct gen5_text_builder path;
    struct level *levels;
    size_t depth;
};

static enum gen5_status too_many(struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_LIMIT, GEN5_OFFSET_NONE,
                          "the document has too many values with too long paths");
}

static enum gen5_status make_room(struct search *search, struct gen5_error *error) {
    struct gen5_leaves *leaves = search->leaves;
    if (leaves->count < search->capacity) {
        return GEN5_OK;
    }
    size_t capacity = search->capacity * 2 + 16;
    struct gen5_leaf *items = reallocarray(leaves->items, capacity, sizeof *items);
    if (items == NULL) {
        return gen5_error_set_memory(error);
    }
    leaves->items = items;
    search->capacity = capacity;
    return GEN5_OK;
}

static char *copy_literal(const char *text, struct gen5_span span, size_t *length) {
    *length = span.end - span.begin;
    return strndup(text + span.begin, *length);
}

// Append the leaf to which the search's path leads: `span` of `text`.
static enum gen5_status add_leaf(struct search *search, enum gen5_leaf_kind kind, const char *text,
                                 struct gen5_span span, struct gen5_error *error) {
    enum gen5_status status = gen5_text_builder_check(&search->path, error);
    if (status != GEN5_OK) {
        return status;
    }
    search->size += search->path.size + (span.end - span.begin) + sizeof(struct gen5_leaf);
    if (search->size > LEAVES_SIZE_MAX) {
        return too_many(error);
    }
    status = make_room(search, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_leaf leaf = {.kind = kind};
    leaf.path = strndup(search->path.size > 0 ? search->path.bytes : "", search->path.size);
    leaf.text = kind == GEN5_LEAF_STRING ? gen5_json_string_copy(text, span, &leaf.text_length)
                                         : copy_literal(text, span, &leaf.text_length);
    if (leaf.path == NULL || leaf.text == NULL) {
        free(leaf.path);
        free(leaf.text);
        return gen5_error_set_memory(error);
    }
    search->leaves->items[search->leaves->count++] = leaf;
    return GEN5_OK;
}

static enum gen5_leaf_kind leaf_kind(enum gen5_json_kind kind) {
    switch (kind) {
    case GEN5_JSON_STRING:
        return GEN5_LEAF_STRING;
    case GEN5_JSON_NUMBER:
        return GEN5_LEAF_NUMBER;
    case GEN5_JSON_TRUE:
    case GEN5_JSON_FALSE:
        return GEN5_LEAF_BOOLEAN;
    case GEN5_JSON_ARRAY:
        return GEN5_LEAF_EMPTY_ARRAY;
    case GEN5_JSON_OBJECT:
        return GEN5_LEAF_EMPTY_OBJECT;
    case GEN5_JSON_NONE:
    case GEN5_JSON_NULL:
        break;
    }
    return GEN5_LEAF_NULL;
}

// Shorten the path to what leads to the container that is open.
static void cut_path(struct search *search) {
    size_t size = search->depth > 0 ? search->levels[search->depth - 1].path_size : 0;
    if (search->path.bytes != NULL) {
        search->path.size = size;
        search->path.bytes[size] = '\0';
    }
}

// What begins a value: its step in the path, where it is an element.
static void enter_value(struct search *search) {
    struct level *level = search->depth > 0 ? &search->levels[search->depth - 1] : NULL;
    if (level != NULL) {
        level->empty = false;
    }
    if (level != NULL && level->array) {
        cut_path(search);
        gen5_document_path_add_index(&search->path, level->index++);
    }
}

static enum gen5_status take_event(struct search *search, enum gen5_json_event event,
                                   const struct gen5_json_value *token, struct gen5_error *error) {
    switch (event) {
    case GEN5_JSON_EVENT_KEY:
        cut_path(search);
        gen5_document_path_add_key(&search->path, search->text, token->span);
        return GEN5_OK;
    case GEN5_JSON_EVENT_SCALAR:
        enter_value(search);
        return add_leaf(search, leaf_kind(token->kind), search->text, token->span, error);
    case GEN5_JSON_EVENT_OPEN:
        enter_value(search);
        search->levels[search->depth++] =
            (struct level){search->path.size, 0, token->kind == GEN5_JSON_ARRAY, true};
        return GEN5_OK;
    case GEN5_JSON_EVENT_CLOSE:
        cut_path(search);
        // Shown without the white space that may stand between its brackets.
        return search->levels[--search->depth].empty
                   ? add_leaf(search, leaf_kind(token->kind),
                              token->kind == GEN5_JSON_ARRAY ? "[]" : "{}",
                              (struct gen5_span){0, 2}, error)
                   : GEN5_OK;
    case GEN5_JSON_EVENT_FAULT:
    case GEN5_JSON_EVENT_END:
        break;
    }
    return GEN5_OK;
}

static enum gen5_status search_value(struct search *search, struct gen5_span span,
                                     struct gen5_error *error) {
    struct gen5_json_reader reader;
    // Offsets in the reader's tokens count from the value's own beginning.
    search->text += span.begin;
    gen5_json_reader_init(&reader, search->text, span.end - span.begin, GEN5_JSON_DEPTH_LIMIT,
                          GEN5_JSON_NO_BOM);
    enum gen5_status status = GEN5_OK;
    enum gen5_json_event event = gen5_json_reader_next(&reader);
    while (status == GEN5_OK && event != GEN5_JSON_EVENT_END && event != GEN5_JSON_EVENT_FAULT) {
        status = take_event(search, event, &reader.token, error);
        event = gen5_json_reader_next(&reader);
    }
    return status;
}

enum gen5_status gen5_leaves_read(const char *text, size_t size, const char *path,
                                  const struct gen5_limits *limits, struct gen5_leaves *leaves,
                                  struct gen5_error *error) {
    *leaves = (struct gen5_leaves){NULL, 0};
    struct gen5_json_value value;
    enum gen5_status status = find(text, size, path, limits, &value, error);
    if (status != GEN5_OK || value.kind == GEN5_JSON_NONE) {
        return status;
    }
    GEN5_AUTO_FREE struct level *levels = calloc(GEN5_JSON_DEPTH_LIMIT, sizeof *levels);
    if (levels == NULL) {
        return gen5_error_set_memory(error);
    }
    struct search search = {.text = text, .leaves = leaves, .levels = levels};
    gen5_text_builder_init(&search.path, LEAVES_SIZE_MAX);
    status = search_value(&search, value.span, error);
    gen5_text_builder_release(&search.path);
    if (status != GEN5_OK) {
        gen5_leaves_release(leaves);
    }
    return status;
}

void gen5_leaves_release(struct gen5_leaves *leaves) {
    for (size_t i = 0; i < leaves->count; i++) {
        free(leaves->items[i].path);
        free(leaves->items[i].text);
    }
    free(leaves->items);
    *leaves = (struct gen5_leaves){NULL, 0};
}

bool gen5_leaf_equal(const struct gen5_leaf *left, const struct gen5_leaf *right) {
    if (left->kind != right->kind) {
        return false;
    }
    if (left->kind == GEN5_LEAF_NUMBER) {
        return gen5_json_number_equal(left->text, (struct gen5_span){0, left->text_length},
                                      right->text, (struct gen5_span){0, right->text_length});
    }
    return left->text_length == right->text_length &&
           memcmp(left->text, right->text, left->text_length) == 0;
}

// --- One line -----------------------------------------------------------------------------------

// A number that JSON has, or the name of one that it has not.
static void write_number(struct gen5_text_builder *out, const char *text, struct gen5_span span) {
    const char *digit = text + span.begin + (text[span.begin] == '-' ? 1 : 0);
    const char *quote = *digit == 'N' || *digit == 'I' ? "\"" : "";
    gen5_text_builder_append_string(out, quote);
    gen5_text_builder_append_span(out, text, span);
    gen5_text_builder_append_string(out, quote);
}

static void write_string(struct gen5_text_builder *out, const char *text, struct gen5_span span) {
    size_t length = 0;
    char *decoded = gen5_json_string_copy(text, span, &length);
    if (decoded == NULL) {
        gen5_text_builder_fail(out, GEN5_ERROR_MEMORY);
        return;
    }
    // What was decoded from JSON can be written as JSON.
    (void)gen5_json_string_write(out, decoded, length);
    free(decoded);
}

static void write_token(struct gen5_text_builder *out, const char *text,
                        const struct gen5_json_value *token) {
    if (token->kind == GEN5_JSON_STRING) {
        write_string(out, text, token->span);
    } else if (token->kind == GEN5_JSON_NUMBER) {
        write_number(out, text, token->span);
    } else {
        gen5_text_builder_append_span(out, text, token->span);
    }
}

static void write_line(struct gen5_text_builder *out, const char *text, struct gen5_span span) {
    struct gen5_json_layout layout = gen5_json_layout_default();
    layout.lines = false;
    gen5_json_layout_copy(text + span.begin, span.end - span.begin, &layout, write_token, out);
}

enum gen5_status gen5_document_line(const char *text, size_t size, const char *path,
                                    const struct gen5_limits *limits, char **line,
                                    struct gen5_error *error) {
    struct gen5_json_value value;
    enum gen5_status status = find(text, size, path, limits, &value, error);
    if (status == GEN5_OK && value.kind == GEN5_JSON_NONE) {
        status =
            gen5_error_set(error, GEN5_ERROR_MISSING, GEN5_OFFSET_NONE, "there is no %s", path);
    }
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_text_builder out;
    size_t length = 0;
    // Escapes are six bytes for one at most, and separators two.
    gen5_text_builder_init(&out, 8 * (uint64_t)size);
    write_line(&out, text, value.span);
    status = gen5_text_builder_take(&out, line, &length, error);
    gen5_text_builder_release(&out);
    return status;
}

// --- Bytes --------------------------------------------------------------------------------------

char *gen5_bytes_to_json(const char *bytes, size_t size) {
    struct gen5_text_builder text, out;
    gen5_text_builder_init(&text, 3 * (uint64_t)size);
    gen5_text_builder_init(&out, 18 * (uint64_t)size + 2);
    for (size_t at = 0; at < size;) {
        size_t length = gen5_utf8_length(bytes + at, size - at);
        if (length > 0) {
            gen5_text_builder_append(&text, bytes + at, length);
        } else {
            // U+DC00 and the byte, in the form that gen5_json_string_write takes.
            unsigned byte = (unsigned char)bytes[at];
            length = 1;
            gen5_text_builder_append(
                &text, (char[]){'\xed', (char)(0xb0 | byte >> 6), (char)(0x80 | (byte & 0x3f))}, 3);
        }
        at += length;
    }
    char *literal = NULL;
    size_t literal_size = 0;
    if (text.status == GEN5_OK) {
        (void)gen5_json_string_write(&out, text.bytes, text.size);
        (void)gen5_text_builder_take(&out, &literal, &literal_size, NULL);
    }
    gen5_text_builder_release(&text);
    gen5_text_builder_release(&out);
    return literal;
}

// --- Lists --------------------------------------------------------------------------------------

static bool is_space(char character) {
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static struct gen5_span trim(const char *text, struct gen5_span word) {
    while (word.begin < word.end && is_space(text[word.begin])) {
        word.begin++;
    }
    while (word.begin < word.end && is_space(text[word.end - 1])) {
        word.end--;
    }
    return word;
}

static enum gen5_status check_utf8(const char *text, size_t size, struct gen5_error *error) {
    size_t length = 0;
    for (size_t at = 0; at < size; at += length) {
        length = gen5_utf8_length(text + at, size - at);
        if (length == 0) {
            return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)at,
                                  "no UTF-8 at byte %zu of the list", at);
        }
    }
    return GEN5_OK;
}

enum gen5_status gen5_comma_list_to_json(const char *list, size_t size, char **literal,
                                         struct gen5_error *error) {
    enum gen5_status status = check_utf8(list, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_text_builder out;
    size_t literal_size = 0;
    // A byte is six at most, and a word has two quotes, a comma and a space.
    gen5_text_builder_init(&out, 10 * (uint64_t)size + 2);
    gen5_text_builder_append_string(&out, "[");
    const char *separator = "";
    struct gen5_span part = {0, 0};
    for (; part.begin < size; part.begin = part.end + 1) {
        const char *comma = memchr(list + part.begin, ',', size - part.begin);
        part.end = comma != NULL ? (size_t)(comma - list) : size;
        struct gen5_span word = trim(list, part);
        if (word.begin < word.end) {
            gen5_text_builder_append_string(&out, separator);
            (void)gen5_json_string_write(&out, list + word.begin, word.end - word.begin);
            separator = ", ";
        }
    }
    gen5_text_builder_append_string(&out, "]");
    status = gen5_text_builder_take(&out, literal, &literal_size, error);
    gen5_text_builder_release(&out);
    return status;
}
