// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A second opinion on a document: cJSON's tree compared, in step, with what our own reader says.
#include "json_tree.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json_literal.h"

// cJSON 1.7 reads numbers through a buffer of 64 bytes.
enum { NUMBER_LENGTH_MAX = 63 };

// --- A copy that cJSON can read -----------------------------------------------------------------

static void replace_number(char *copy, struct gen5_span span) {
    char letter = copy[span.begin + (copy[span.begin] == '-' ? 1 : 0)];
    size_t length = span.end - span.begin;
    if (letter == 'N' || letter == 'I' || length > NUMBER_LENGTH_MAX) {
        memset(copy + span.begin, ' ', length);
        copy[span.begin] = '0';
    }
}

static bool is_surrogate(const char *escape, const char *first_digits) {
    return (escape[2] == 'd' || escape[2] == 'D') && strchr(first_digits, escape[3]) != NULL;
}

// U+FFFD, the replacement character.
static const char REPLACEMENT[] = {'f', 'f', 'f', 'd'};

// Make the replacement character of each escape that is half of a pair.
static void replace_surrogates(char *copy, struct gen5_span span) {
    size_t at = span.begin + 1;
    while (at < span.end) {
        if (copy[at] != '\\') {
            at++;
            continue;
        }
        if (copy[at + 1] != 'u') {
            at += 2;
            continue;
        }
        bool high = is_surrogate(copy + at, "89abAB");
        bool low = is_surrogate(copy + at, "cdefCDEF");
        if (high && copy[at + 6] == '\\' && copy[at + 7] == 'u' &&
            is_surrogate(copy + at + 6, "cdefCDEF")) {
            at += 12;
            continue;
        }
        if (high || low) {
            memcpy(copy + at + 2, REPLACEMENT, sizeof REPLACEMENT);
        }
        at += 6;
    }
}

// Prepare the copy, which ends in a NUL. False where it is nothing to ask cJSON about.
static bool prepare(char *copy, size_t size) {
    struct gen5_json_reader reader;
    gen5_json_reader_init(&reader, copy, size, CJSON_NESTING_LIMIT, GEN5_JSON_BOM_IGNORED);
    size_t values = 0;
    enum gen5_json_event event = gen5_json_reader_next(&reader);
    while (event != GEN5_JSON_EVENT_END && event != GEN5_JSON_EVENT_FAULT) {
        if (event == GEN5_JSON_EVENT_KEY || reader.token.kind == GEN5_JSON_STRING) {
            replace_surrogates(copy, reader.token.span);
        } else if (reader.token.kind == GEN5_JSON_NUMBER) {
            replace_number(copy, reader.token.span);
        }
        if (event != GEN5_JSON_EVENT_CLOSE && ++values > GEN5_JSON_TREE_VALUES_MAX) {
            return false;
        }
        event = gen5_json_reader_next(&reader);
    }
    return event == GEN5_JSON_EVENT_END;
}

// --- In step ------------------------------------------------------------------------------------

struct comparison {
    const char *text;
    char *decoded;                                 // room for the longest string
    const cJSON *parents[CJSON_NESTING_LIMIT + 1]; // the containers that are open
    size_t depth;
    const cJSON *next; // the value that the reader must tell next; NULL at the end of a container
};

static bool same_string(struct comparison *comparison, struct gen5_span literal,
                        const char *string) {
    size_t length = gen5_json_string_decode(comparison->text, literal, comparison->decoded);
    comparison->decoded[length] = '\0';
    // Both end at the first NUL, should the string have one.
    return string != NULL && strcmp(comparison->decoded, string) == 0;
}

static bool same_scalar(struct comparison *comparison, const struct gen5_json_value *token,
                        const cJSON *node) {
    switch (token->kind) {
    case GEN5_JSON_NULL:
        return cJSON_IsNull(node) != 0;
    case GEN5_JSON_FALSE:
        return cJSON_IsFalse(node) != 0;
    case GEN5_JSON_TRUE:
        return cJSON_IsTrue(node) != 0;
    case GEN5_JSON_NUMBER:
        return cJSON_IsNumber(node) != 0;
    case GEN5_JSON_STRING:
        return cJSON_IsString(node) && same_string(comparison, token->span, node->valuestring);
    case GEN5_JSON_NONE:
    case GEN5_JSON_ARRAY:
    case GEN5_JSON_OBJECT:
        break;
    }
    return false;
}

static bool same_event(struct comparison *comparison, enum gen5_json_event event,
                       const struct gen5_json_value *token) {
    const cJSON *node = comparison->next;
    switch (event) {
    case GEN5_JSON_EVENT_KEY:
        return node != NULL && same_string(comparison, token->span, node->string);
    case GEN5_JSON_EVENT_SCALAR:
        if (node == NULL || !same_scalar(comparison, token, node)) {
            return false;
        }
        comparison->next = comparison->depth > 0 ? node->next : NULL;
        return true;
    case GEN5_JSON_EVENT_OPEN:
        if (node == NULL || !(token->kind == GEN5_JSON_OBJECT ? cJSON_IsObject(node) != 0
                                                              : cJSON_IsArray(node) != 0)) {
            return false;
        }
        comparison->parents[comparison->depth++] = node;
        comparison->next = node->child;
        return true;
    case GEN5_JSON_EVENT_CLOSE:
        if (node != NULL || comparison->depth == 0) {
            return false;
        }
        node = comparison->parents[--comparison->depth];
        comparison->next = comparison->depth > 0 ? node->next : NULL;
        return true;
    case GEN5_JSON_EVENT_FAULT:
    case GEN5_JSON_EVENT_END:
        break;
    }
    return event == GEN5_JSON_EVENT_END;
}

static bool same_tree(struct comparison *comparison, const char *text, size_t size) {
    struct gen5_json_reader reader;
    gen5_json_reader_init(&reader, text, size, CJSON_NESTING_LIMIT, GEN5_JSON_BOM_IGNORED);
    enum gen5_json_event event;
    do {
        event = gen5_json_reader_next(&reader);
        if (!same_event(comparison, event, &reader.token)) {
            return false;
        }
    } while (event != GEN5_JSON_EVENT_END);
    return true;
}

static enum gen5_status compare(const char *copy, size_t size, struct gen5_error *error) {
    cJSON *tree = NULL;
    // cJSON does not say whether it had no memory: what is wrong with the document is so twice.
    for (int tries = 0; tree == NULL && tries < 2; tries++) {
        // The NUL is given along, so that it checks that nothing but white space follows the value.
        tree = cJSON_ParseWithLengthOpts(copy, size + 1, NULL, 1);
    }
    if (tree == NULL) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                              "the document is not JSON that cJSON understands");
    }
    struct comparison *comparison = calloc(1, sizeof *comparison);
    char *decoded = malloc(size + 1);
    enum gen5_status status = GEN5_OK;
    if (comparison == NULL || decoded == NULL) {
        status = gen5_error_set_memory(error);
    } else {
        comparison->text = copy;
        comparison->decoded = decoded;
        comparison->next = tree;
        if (!same_tree(comparison, copy, size)) {
            status = gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                    "the document is JSON that cJSON understands otherwise");
        }
    }
    free(decoded);
    free(comparison);
    cJSON_Delete(tree);
    return status;
}

enum gen5_status gen5_json_tree_check(const char *text, size_t size, struct gen5_error *error) {
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        return gen5_error_set_memory(error);
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    enum gen5_status status = prepare(copy, size) ? compare(copy, size, error) : GEN5_OK;
    free(copy);
    return status;
}
