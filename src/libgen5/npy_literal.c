// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The few Python literals that a .npy header is made of.
#include "npy_literal.h"

#include <string.h>

#include "size_arithmetic.h"

struct gen5_npy_literal gen5_npy_literal_start(const char *text, size_t size) {
    return (struct gen5_npy_literal){.text = text, .size = size, .at = 0, .fault = NULL};
}

void gen5_npy_literal_fail(struct gen5_npy_literal *literal, const char *fault) {
    if (literal->fault == NULL) {
        literal->fault = fault;
    }
}

static bool is_space(char sign) {
    return sign == ' ' || sign == '\t' || sign == '\n' || sign == '\r' || sign == '\f';
}

char gen5_npy_literal_peek(struct gen5_npy_literal *literal) {
    if (literal->fault != NULL) {
        return '\0';
    }
    while (literal->at < literal->size && is_space(literal->text[literal->at])) {
        literal->at++;
    }
    return literal->at < literal->size ? literal->text[literal->at] : '\0';
}

bool gen5_npy_literal_accept(struct gen5_npy_literal *literal, char sign) {
    if (gen5_npy_literal_peek(literal) != sign) {
        return false;
    }
    literal->at++;
    return true;
}

void gen5_npy_literal_expect(struct gen5_npy_literal *literal, char sign, const char *fault) {
    if (!gen5_npy_literal_accept(literal, sign)) {
        gen5_npy_literal_fail(literal, fault);
    }
}

void gen5_npy_literal_string(struct gen5_npy_literal *literal,
                             char string[GEN5_NPY_STRING_SIZE_MAX]) {
    string[0] = '\0';
    char quote = gen5_npy_literal_peek(literal);
    if (quote != '\'' && quote != '"') {
        gen5_npy_literal_fail(literal, "a string in quotes was expected");
        return;
    }
    size_t begin = literal->at + 1;
    const char *close = memchr(literal->text + begin, quote, literal->size - begin);
    if (close == NULL) {
        gen5_npy_literal_fail(literal, "a string is not closed");
        return;
    }
    size_t length = (size_t)(close - (literal->text + begin));
    if (length >= GEN5_NPY_STRING_SIZE_MAX) {
        gen5_npy_literal_fail(literal, "a string is longer than any that belongs there");
        return;
    }
    if (memchr(literal->text + begin, '\\', length) != NULL ||
        memchr(literal->text + begin, '\0', length) != NULL) {
        gen5_npy_literal_fail(literal, "a string has characters that do not belong there");
        return;
    }
    memcpy(string, literal->text + begin, length);
    string[length] = '\0';
    literal->at = begin + length + 1;
}

// Take `word` if it comes next. What may follow it is the caller's grammar to say.
static bool accept_word(struct gen5_npy_literal *literal, const char *word) {
    size_t length = strlen(word);
    if (gen5_npy_literal_peek(literal) != word[0] || literal->size - literal->at < length ||
        memcmp(literal->text + literal->at, word, length) != 0) {
        return false;
    }
    literal->at += length;
    return true;
}

bool gen5_npy_literal_boolean(struct gen5_npy_literal *literal) {
    if (accept_word(literal, "True")) {
        return true;
    }
    if (!accept_word(literal, "False")) {
        gen5_npy_literal_fail(literal, "True or False was expected");
    }
    return false;
}

static bool is_digit(char sign) {
    return sign >= '0' && sign <= '9';
}

uint64_t gen5_npy_literal_integer(struct gen5_npy_literal *literal) {
    char first = gen5_npy_literal_peek(literal);
    if (!is_digit(first)) {
        gen5_npy_literal_fail(literal, first == '-' ? "a negative number makes no dimension"
                                                    : "a whole number was expected");
        return 0;
    }
    uint64_t value = 0;
    for (; literal->at < literal->size && is_digit(literal->text[literal->at]); literal->at++) {
        uint64_t digit = (uint64_t)(literal->text[literal->at] - '0');
        if (!gen5_size_multiply(value, 10, &value) || !gen5_size_add(value, digit, &value)) {
            gen5_npy_literal_fail(literal, "a number is larger than any dimension can be");
            return 0;
        }
    }
    if (literal->at < literal->size && literal->text[literal->at] == 'L') {
        literal->at++;
    }
    return value;
}

void gen5_npy_literal_end(struct gen5_npy_literal *literal) {
    gen5_npy_literal_peek(literal);
    if (literal->fault == NULL && literal->at < literal->size) {
        gen5_npy_literal_fail(literal, "nothing may follow the dictionary");
    }
}
