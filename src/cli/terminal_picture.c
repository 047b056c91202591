// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Pictures as escape sequences: the PNG in base64 (RFC 4648).
#include "terminal_picture.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

// kitty takes at most 4096 characters at once, which are so many bytes.
enum { PIECE_SIZE = 4096 / 4 * 3 };

static bool says(const char *variable, const char *word) {
    const char *value = getenv(variable);
    return value != NULL && strcmp(value, word) == 0;
}

static bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

enum terminal_pictures terminal_pictures_of(FILE *stream) {
    if (!terminal_is(stream) || is_set("TMUX") || is_set("STY")) {
        return TERMINAL_PICTURES_NONE;
    }
    if (says("TERM", "xterm-kitty") || says("TERM", "xterm-ghostty") || is_set("KITTY_WINDOW_ID")) {
        return TERMINAL_PICTURES_KITTY;
    }
    bool iterm = says("TERM_PROGRAM", "iTerm.app") || says("LC_TERMINAL", "iTerm2") ||
                 says("TERM_PROGRAM", "WezTerm") || says("TERM_PROGRAM", "mintty");
    return iterm ? TERMINAL_PICTURES_ITERM : TERMINAL_PICTURES_NONE;
}

static void print_base64(FILE *stream, const char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < size; at += 3) {
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++) {
            group = group << 8 | (at + i < size ? (unsigned char)bytes[at + i] : 0);
        }
        fputc(digits[group >> 18], stream);
        fputc(digits[group >> 12 & 63], stream);
        fputc(at + 1 < size ? digits[group >> 6 & 63] : '=', stream);
        fputc(at + 2 < size ? digits[group & 63] : '=', stream);
    }
}

// a=T: transmit and display; f=100: a PNG; q=2: no answer; m: whether more follows.
static void print_kitty(FILE *stream, const char *png, size_t size) {
    for (size_t at = 0; at < size; at += PIECE_SIZE) {
        size_t piece = size - at < PIECE_SIZE ? size - at : PIECE_SIZE;
        fprintf(stream, "\033_G%sm=%d;", at == 0 ? "a=T,f=100,q=2," : "",
                at + piece < size ? 1 : 0);
        print_base64(stream, png + at, piece);
        fputs("\033\\", stream);
    }
}

static void print_iterm(FILE *stream, const char *png, size_t size) {
    fprintf(stream, "\033]1337;File=inline=1;size=%zu:", size);
    print_base64(stream, png, size);
    fputc('\a', stream);
}

void terminal_picture_print(FILE *stream, enum terminal_pictures pictures, const char *png,
                            size_t size) {
    if (pictures == TERMINAL_PICTURES_KITTY) {
        print_kitty(stream, png, size);
    } else {
        print_iterm(stream, png, size);
    }
    fputc('\n', stream);
}
