// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Control characters kept from terminals.
#include "harmless.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// C0, DEL, and the second byte of C1 in UTF-8, whose first is 0xc2.
static bool is_control(unsigned char byte, unsigned char before) {
    return byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte >= 0x80 && byte <= 0x9f);
}

void make_harmless(char *text, size_t size) {
    unsigned char before = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (is_control(byte, before)) {
            text[i] = '?';
            if (byte >= 0x80) {
                text[i - 1] = '?'; // what is left of the pair would be no UTF-8
            }
        }
        before = byte;
    }
}

void print_harmless_bytes(const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        unsigned char next = i + 1 < size ? (unsigned char)bytes[i + 1] : 0;
        if (byte == 0xc2 && is_control(next, byte)) {
            fputs("??", stdout);
            i++;
        } else {
            putchar(is_control(byte, 0) ? '?' : byte);
        }
    }
}

void print_harmless(const char *text) {
    print_harmless_bytes(text, strlen(text));
}
