// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The word that somebody probably meant, by Levenshtein's distance.
#include "closest.h"

#include <string.h>

enum { WORD_SIZE_MAX = 40 };

static size_t least(size_t one, size_t two, size_t three) {
    size_t less = one < two ? one : two;
    return less < three ? less : three;
}

// Both words have at most WORD_SIZE_MAX bytes.
static size_t distance(const char *one, const char *two) {
    size_t one_length = strlen(one);
    size_t two_length = strlen(two);
    // row[j]: from the first i bytes of `one` to the first j of `two`.
    size_t row[WORD_SIZE_MAX + 1];
    for (size_t j = 0; j <= two_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= one_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= two_length; j++) {
            size_t above = row[j];
            size_t replaced = diagonal + (one[i - 1] == two[j - 1] ? 0 : 1);
            row[j] = least(above + 1, row[j - 1] + 1, replaced);
            diagonal = above;
        }
    }
    return row[two_length];
}

const char *closest_word(const char *given, const char *const *words, size_t count) {
    size_t length = strlen(given);
    if (length > WORD_SIZE_MAX) {
        return NULL;
    }
    size_t nearest = length / 3 + 2;
    const char *word = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) > WORD_SIZE_MAX) {
            continue;
        }
        size_t far = distance(given, words[i]);
        if (far < nearest) {
            nearest = far;
            word = words[i];
        }
    }
    return word;
}
