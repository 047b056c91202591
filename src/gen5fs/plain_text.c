// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Control characters taken out of names.
#include "plain_text.h"

static char plain(char character) {
    return (unsigned char)character < 0x20 || character == 0x7f ? '?' : character;
}

void plain_text_make(char *text) {
    for (; *text != '\0'; text++) {
        *text = plain(*text);
    }
}

void plain_text_print(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        fputc(plain(*text), out);
    }
}
