// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Quoting for the shell.
#include "shell_word.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// Bytes beyond ASCII mean nothing to a shell. A tilde does at the beginning.
static bool is_plain(char character) {
    unsigned char byte = (unsigned char)character;
    return byte >= 0x80 || isalnum(byte) != 0 || strchr("/._-+,:@%=", byte) != NULL;
}

static bool is_plain_word(const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        if (!is_plain(*at)) {
            return false;
        }
    }
    return *text != '\0';
}

// false where it does not fit.
static bool append(struct shell_word *word, size_t *length, const char *piece, size_t size) {
    if (size >= sizeof word->text - *length) {
        return false;
    }
    memcpy(word->text + *length, piece, size);
    *length += size;
    word->text[*length] = '\0';
    return true;
}

// In single quotes everything is itself but for the quote: 'it'\''s'.
static bool append_quoted(struct shell_word *word, size_t *length, const char *text) {
    static const char quote[] = "'\\''";
    bool fits = append(word, length, "'", 1);
    for (; fits && *text != '\0'; text++) {
        fits = *text == '\'' ? append(word, length, quote, sizeof quote - 1)
                             : append(word, length, text, 1);
    }
    return fits && append(word, length, "'", 1);
}

struct shell_word shell_word_of(const char *path) {
    struct shell_word word;
    size_t length = 0;
    word.text[0] = '\0';
    bool fits = path[0] != '-' || append(&word, &length, "./", 2);
    fits = fits && (is_plain_word(path) ? append(&word, &length, path, strlen(path))
                                        : append_quoted(&word, &length, path));
    if (!fits) {
        snprintf(word.text, sizeof word.text, "%s", path);
    }
    return word;
}
