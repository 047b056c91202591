// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A whole JSON document: opened when it was stored, checked when it is to be stored.
#include "json_document.h"

#include <string.h>

#include "json_keys.h"
#include "json_literal.h"
#include "json_path.h"
#include "json_tree.h"

// Python refuses to read longer ones (sys.int_info.default_max_str_digits).
enum { INTEGER_DIGITS_MAX = 4300 };

static enum gen5_status scan(const char *text, size_t size, uint32_t depth_max,
                             enum gen5_json_mark mark, enum gen5_status not_json,
                             enum gen5_status too_deep, struct gen5_json_document *document,
                             struct gen5_error *error) {
    *document = (struct gen5_json_document){.text = text, .size = size};
    struct gen5_json_fault fault;
    if (gen5_json_scan(text, size, depth_max, mark, &document->root, &fault)) {
        return GEN5_OK;
    }
    size_t line, column;
    gen5_json_position(text, size, fault.offset, &line, &column);
    return gen5_error_set(error, fault.too_deep ? too_deep : not_json, (int64_t)fault.offset,
                          "not JSON at line %zu, column %zu: %s", line, column, fault.reason);
}

enum gen5_status gen5_json_document_open(const char *text, size_t size, uint32_t depth_max,
                                         struct gen5_json_document *document,
                                         struct gen5_error *error) {
    return scan(text, size, depth_max, GEN5_JSON_BOM_IGNORED, GEN5_ERROR_DAMAGED, GEN5_ERROR_LIMIT,
                document, error);
}

// --- What stands in the old document too --------------------------------------------------------

static bool same_literal(const struct gen5_json_document *one, struct gen5_span left,
                         const struct gen5_json_document *other, struct gen5_span right) {
    size_t size = left.end - left.begin;
    return size == right.end - right.begin &&
           memcmp(one->text + left.begin, other->text + right.begin, size) == 0;
}

// True where the old document repeats the same key, with the same value, at the same path.
static bool old_repeats(const struct gen5_json_document *document,
                        const struct gen5_json_path *path, size_t offset,
                        const struct gen5_json_document *old) {
    struct gen5_json_value object =
        gen5_json_path_follow(path, path->count - 1, old->text, old->root);
    struct gen5_span key = path->steps[path->count - 1].key;
    struct gen5_span value = gen5_json_value_of_key(document->text, document->size, offset).span;
    struct gen5_json_walk walk = gen5_json_walk_start(old->text, object);
    struct gen5_json_member member;
    bool seen = false;
    while (object.kind == GEN5_JSON_OBJECT && gen5_json_walk_next(&walk, &member)) {
        if (gen5_json_string_compare(document->text, key, old->text, member.key) != 0) {
            continue;
        }
        if (seen && same_literal(document, value, old, member.value.span)) {
            return true;
        }
        seen = true;
    }
    return false;
}

// --- Checks -------------------------------------------------------------------------------------

static enum gen5_status check_repeated_key(const struct gen5_json_document *document, size_t offset,
                                           const struct gen5_json_document *old,
                                           struct gen5_error *error) {
    if (old != NULL) {
        struct gen5_json_path path;
        enum gen5_status status =
            gen5_json_path_find(document->text, document->size, offset, &path, error);
        bool stood = status == GEN5_OK && old_repeats(document, &path, offset, old);
        gen5_json_path_release(&path);
        if (status != GEN5_OK || stood) {
            return status;
        }
    }
    return gen5_json_path_error(error, document->text, document->size, offset, NULL,
                                "the object has this key twice");
}

static enum gen5_status check_keys(const struct gen5_json_document *document,
                                   const struct gen5_json_document *old, struct gen5_error *error) {
    struct gen5_json_repeated repeated;
    enum gen5_status status =
        gen5_json_keys_repeated(document->text, document->size, &repeated, error);
    if (repeated.more) {
        old = NULL; // so many are no oversight, and each costs a look at both documents
    }
    for (size_t i = 0; status == GEN5_OK && i < repeated.count; i++) {
        status = check_repeated_key(document, repeated.offsets[i], old, error);
    }
    return status;
}

static bool is_long_integer(const char *text, struct gen5_json_value token) {
    size_t length = token.span.end - token.span.begin;
    size_t digits = length - (text[token.span.begin] == '-' ? 1 : 0);
    if (token.kind != GEN5_JSON_NUMBER || digits <= INTEGER_DIGITS_MAX) {
        return false;
    }
    const char *literal = text + token.span.begin;
    return memchr(literal, '.', length) == NULL && memchr(literal, 'e', length) == NULL &&
           memchr(literal, 'E', length) == NULL;
}

static enum gen5_status check_long_integer(const struct gen5_json_document *document,
                                           struct gen5_span literal,
                                           const struct gen5_json_document *old,
                                           struct gen5_error *error) {
    if (old != NULL) {
        struct gen5_json_path path;
        enum gen5_status status =
            gen5_json_path_find(document->text, document->size, literal.begin, &path, error);
        struct gen5_json_value value = {.kind = GEN5_JSON_NONE};
        if (status == GEN5_OK) {
            value = gen5_json_path_follow(&path, path.count, old->text, old->root);
        }
        gen5_json_path_release(&path);
        if (status != GEN5_OK || same_literal(document, literal, old, value.span)) {
            return status;
        }
    }
    return gen5_json_path_error(error, document->text, document->size, literal.begin, NULL,
                                "Python reads no integer of more than 4300 digits");
}

static enum gen5_status check_integers(const struct gen5_json_document *document,
                                       const struct gen5_json_document *old,
                                       struct gen5_error *error) {
    struct gen5_json_reader reader;
    gen5_json_reader_init(&reader, document->text, document->size, GEN5_JSON_DEPTH_LIMIT,
                          GEN5_JSON_BOM_IGNORED);
    enum gen5_json_event event = gen5_json_reader_next(&reader);
    size_t count = 0;
    while (event != GEN5_JSON_EVENT_END && event != GEN5_JSON_EVENT_FAULT) {
        if (event == GEN5_JSON_EVENT_SCALAR && is_long_integer(document->text, reader.token)) {
            // As with repeated keys, a document with many of them is not compared.
            bool compared = ++count <= GEN5_JSON_REPEATED_MAX;
            enum gen5_status status =
                check_long_integer(document, reader.token.span, compared ? old : NULL, error);
            if (status != GEN5_OK) {
                return status;
            }
        }
        event = gen5_json_reader_next(&reader);
    }
    return GEN5_OK;
}

static bool has_mark(const char *text, size_t size) {
    return size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
}

enum gen5_status gen5_json_document_check(const char *text, size_t size,
                                          const struct gen5_json_document *old, uint32_t depth_max,
                                          struct gen5_json_document *document,
                                          struct gen5_error *error) {
    *document = (struct gen5_json_document){.text = text, .size = size};
    bool old_has_mark = old != NULL && has_mark(old->text, old->size);
    if (has_mark(text, size) && !old_has_mark) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, 0,
                              "not JSON at line 1, column 1: a byte order mark stands there; save "
                              "the file as UTF-8 without one");
    }
    enum gen5_json_mark mark = old_has_mark ? GEN5_JSON_BOM_IGNORED : GEN5_JSON_NO_BOM;
    enum gen5_status status =
        scan(text, size, depth_max, mark, GEN5_ERROR_INVALID, GEN5_ERROR_INVALID, document, error);
    if (status == GEN5_OK) {
        status = check_keys(document, old, error);
    }
    if (status == GEN5_OK) {
        status = check_integers(document, old, error);
    }
    if (status == GEN5_OK) {
        status = gen5_json_tree_check(text, size, error);
    }
    return status;
}
