// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The few Python literals that a .npy header is made of (NEP 1: "a Python literal expression of a
// dictionary"). The reader goes sticky at the first fault, which is looked at once, at the end.
// Private to libgen5.
#ifndef GEN5_NPY_LITERAL_H
#define GEN5_NPY_LITERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Longer strings than this stand in no header that is of use here.
enum { GEN5_NPY_STRING_SIZE_MAX = 64 };

struct gen5_npy_literal {
    const char *text; // borrowed
    size_t size;
    size_t at;         // of the next byte, or of the fault
    const char *fault; // NULL, or what is wrong at `at`, in words
};

struct gen5_npy_literal gen5_npy_literal_start(const char *text, size_t size);

// Go faulty, unless a fault came before.
void gen5_npy_literal_fail(struct gen5_npy_literal *literal, const char *fault);

// The next byte behind white space, without taking it; NUL at the end of the text and after a
// fault.
char gen5_npy_literal_peek(struct gen5_npy_literal *literal);
// Take the byte behind white space if it is `sign`.
bool gen5_npy_literal_accept(struct gen5_npy_literal *literal, char sign);
// The same, but anything else is the fault.
void gen5_npy_literal_expect(struct gen5_npy_literal *literal, char sign, const char *fault);

// A string in single or double quotes without escapes, ended by a NUL.
void gen5_npy_literal_string(struct gen5_npy_literal *literal,
                             char string[GEN5_NPY_STRING_SIZE_MAX]);
// True or False.
bool gen5_npy_literal_boolean(struct gen5_npy_literal *literal);
// A whole number of decimal digits; an L behind it, as Python 2 wrote, is skipped.
uint64_t gen5_npy_literal_integer(struct gen5_npy_literal *literal);
// Nothing but white space may follow.
void gen5_npy_literal_end(struct gen5_npy_literal *literal);

#endif
