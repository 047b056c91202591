// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Mutations of JSON texts that mostly stay JSON.
#include "json_mutation.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- Tokens, found without asking for JSON ------------------------------------------------------

enum token_kind { TOKEN_NUMBER, TOKEN_STRING, TOKEN_WORD, TOKEN_BRACKET };

struct token {
    enum token_kind kind;
    size_t begin;
    size_t end; // of a bracket: behind the one that closes it
};

static size_t string_end(const char *text, size_t size, size_t at) {
    for (at++; at < size && text[at] != '"'; at++) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return at < size ? at + 1 : size;
}

static size_t span_end(const char *text, size_t size, size_t at, const char *accepted) {
    while (at < size && text[at] != '\0' && strchr(accepted, text[at]) != NULL) {
        at++;
    }
    return at;
}

static bool next_token(const char *text, size_t size, struct token *token) {
    for (size_t at = token->end; at < size; at++) {
        token->begin = at;
        if (text[at] == '"') {
            token->kind = TOKEN_STRING;
            token->end = string_end(text, size, at);
            return true;
        }
        if (text[at] == '{' || text[at] == '[') {
            token->kind = TOKEN_BRACKET;
            token->end = at + 1;
            return true;
        }
        size_t end = span_end(text, size, at, "0123456789+-.eE");
        if (end > at) {
            token->kind = TOKEN_NUMBER;
            token->end = end;
            return true;
        }
        end = span_end(text, size, at, "abcdefghijklmnopqrstuvwxyzNI");
        if (end > at) {
            token->kind = TOKEN_WORD;
            token->end = end;
            return true;
        }
    }
    return false;
}

// One of the tokens of a kind, each as likely as the others.
static bool pick_token(const char *text, size_t size, enum token_kind kind, struct chance *chance,
                       struct token *picked) {
    struct token token = {.end = 0};
    size_t count = 0;
    while (next_token(text, size, &token)) {
        if (token.kind == kind && chance_below(chance, ++count) == 0) {
            *picked = token;
        }
    }
    return count > 0;
}

// Where the bracket at `at` is closed, or the text ends.
static size_t bracket_end(const char *text, size_t size, size_t at) {
    size_t depth = 0;
    do {
        if (text[at] == '"') {
            at = string_end(text, size, at) - 1;
        } else if (text[at] == '{' || text[at] == '[') {
            depth++;
        } else if (text[at] == '}' || text[at] == ']') {
            depth--;
        }
        at++;
    } while (at < size && depth > 0);
    return at;
}

static bool is_element(const char *text, size_t at) {
    while (at > 0 && text[at - 1] != '\0' && strchr(" \t\r\n", text[at - 1]) != NULL) {
        at--;
    }
    return at > 0 && (text[at - 1] == '[' || text[at - 1] == ',');
}

// One of the objects and arrays that are elements of an array.
static bool pick_element(const char *text, size_t size, struct chance *chance,
                         struct token *picked) {
    struct token token = {.end = 0};
    size_t count = 0;
    while (next_token(text, size, &token)) {
        if (token.kind == TOKEN_BRACKET && is_element(text, token.begin) &&
            chance_below(chance, ++count) == 0) {
            *picked = token;
        }
    }
    if (count > 0) {
        picked->end = bracket_end(text, size, picked->begin);
    }
    return count > 0;
}

// --- Mutations ----------------------------------------------------------------------------------

struct text {
    char *bytes;
    size_t size;
    size_t size_max;
};

// What does not fit is left as it is.
static void replace(struct text *text, const struct token *token, const char *bytes, size_t size) {
    size_t old = token->end - token->begin;
    size_t rest = text->size - token->end;
    if (size > old && size - old > text->size_max - text->size) {
        return;
    }
    memmove(text->bytes + token->begin + size, text->bytes + token->end, rest);
    memcpy(text->bytes + token->begin, bytes, size);
    text->size = token->begin + size + rest;
}

enum { COPY_SIZE_MAX = 1 << 12 };

// Put in a copy of another part of the text, which the move does not reach.
static void replace_by_copy(struct text *text, const struct token *token,
                            const struct token *other) {
    char copy[COPY_SIZE_MAX];
    size_t size = other->end - other->begin;
    if (size <= sizeof copy) {
        memcpy(copy, text->bytes + other->begin, size);
        replace(text, token, copy, size);
    }
}

// Sizes and offsets at the ends of 31, 32, 63 and 64 bits, less the 12 bytes of an inner header and
// the 32 of a header; and what is no size.
static const char *const NUMBERS[] = {
    "0",          "1",          "2",           "11",
    "12",         "13",         "31",          "32",
    "33",         "100000",     "2147483647",  "2147483648",
    "4294967264", "4294967283", "4294967284",  "4294967295",
    "4294967296", "4294967308", "4294967328",  "9223372036854775807",
    "-1",         "-0",         "-4294967296", "9223372036854775808",
    "0.5",        "32.0",       "1e3",         "18446744073709551584",
    "1e400",      "5e-324",     "1E+1",        "18446744073709551604",
    "NaN",        "Infinity",   "-Infinity",   "18446744073709551615",
    "null",       "\"1\"",      "[]",          "18446744073709551616",
};

static const char *const STRINGS[] = {
    "\"\"",
    "\"../x\"",
    "\"/\"",
    "\".\"",
    "\"a\\u0000b\"",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\303\251\"",
    "\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"",
    "\"LATN\"",
    "\"DATA\"",
    "\"ENVC\"",
    "\"META\"",
    "\"F16\"",
    "\"F16\\u0000\"",
    "\"F32\"",
    "\"0000\"",
    "\"float16\"",
    "\"float32\"",
    "\"key\"",
    "\"dtype\"",
    "\"shape\"",
    "\"extra\"",
    "\"hash\"",
    "\"offset\"",
    "\"compressed\"",
    "\"compressed_size\"",
    "\"chunks\"",
    "\"file_info\"",
    "\"uncompressed_size\"",
    "\"model_info\"",
    "\"gen5_metadata\"",
    "\"generation_settings\"",
    "0",
    "null",
    "{}",
};

static const char *const WORDS[] = {"true", "false", "null", "0", "\"\"", "{}", "[]", "NaN"};

static void put_one_of(struct text *text, const struct token *token, const char *const *values,
                       size_t count, struct chance *chance) {
    const char *value = values[chance_below(chance, count)];
    replace(text, token, value, strlen(value));
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void change_number(struct text *text, struct chance *chance) {
    struct token token, other;
    if (!pick_token(text->bytes, text->size, TOKEN_NUMBER, chance, &token)) {
        return;
    }
    size_t way = chance_below(chance, 4);
    if (way == 0 && pick_token(text->bytes, text->size, TOKEN_NUMBER, chance, &other)) {
        replace_by_copy(text, &token, &other);
    } else if (way == 1) {
        // Near what it was: the digits end in a text, which need not.
        char digits[24] = "", near[24];
        size_t size = token.end - token.begin;
        memcpy(digits, text->bytes + token.begin, size < 20 ? size : 20);
        uint64_t value = strtoull(digits, NULL, 10) + chance_below(chance, 33) - 16;
        snprintf(near, sizeof near, "%llu", (unsigned long long)value);
        replace(text, &token, near, strlen(near));
    } else {
        put_one_of(text, &token, NUMBERS, COUNT_OF(NUMBERS), chance);
    }
}

static void change_string(struct text *text, struct chance *chance) {
    struct token token, other;
    if (!pick_token(text->bytes, text->size, TOKEN_STRING, chance, &token)) {
        return;
    }
    size_t way = chance_below(chance, 3);
    if (way == 0 && pick_token(text->bytes, text->size, TOKEN_STRING, chance, &other)) {
        replace_by_copy(text, &token, &other);
    } else if (way == 1 && token.end - token.begin >= 2) {
        // What is between the quotes.
        char inside[COPY_SIZE_MAX];
        size_t size = token.end - token.begin - 2;
        token.begin++;
        token.end--;
        if (size <= sizeof inside) {
            memcpy(inside, text->bytes + token.begin, size);
            size = LLVMFuzzerMutate((uint8_t *)inside, size, sizeof inside);
            replace(text, &token, inside, size);
        }
    } else {
        put_one_of(text, &token, STRINGS, COUNT_OF(STRINGS), chance);
    }
}

static void change_word(struct text *text, struct chance *chance) {
    struct token token;
    if (pick_token(text->bytes, text->size, TOKEN_WORD, chance, &token)) {
        put_one_of(text, &token, WORDS, COUNT_OF(WORDS), chance);
    }
}

static void repeat_element(struct text *text, struct chance *chance) {
    struct token element;
    if (pick_element(text->bytes, text->size, chance, &element)) {
        struct token behind = {.begin = element.end, .end = element.end};
        replace_by_copy(text, &behind, &element);
        replace(text, &behind, ",", 1);
    }
}

static void remove_element(struct text *text, struct chance *chance) {
    struct token element;
    if (!pick_element(text->bytes, text->size, chance, &element)) {
        return;
    }
    if (element.end < text->size && text->bytes[element.end] == ',') {
        element.end++;
    } else if (text->bytes[element.begin - 1] == ',') {
        element.begin--;
    }
    replace(text, &element, "", 0);
}

size_t mutate_json(char *text, size_t size, size_t size_max, struct chance *chance) {
    struct text mutated = {text, size, size_max};
    switch (chance_below(chance, 8)) {
    case 0:
    case 1:
        return LLVMFuzzerMutate((uint8_t *)text, size, size_max);
    case 2:
    case 3:
        change_number(&mutated, chance);
        break;
    case 4:
        change_string(&mutated, chance);
        break;
    case 5:
        change_word(&mutated, chance);
        break;
    case 6:
        repeat_element(&mutated, chance);
        break;
    default:
        remove_element(&mutated, chance);
        break;
    }
    return mutated.size;
}
