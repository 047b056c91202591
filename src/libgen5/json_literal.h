// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What JSON literals mean: strings decoded and written, numbers judged without turning them into
// doubles. All of these want spans that gen5_json_scan has passed. Private to libgen5.
//
// Decoded strings are UTF-8. JSON can also hold lone surrogates ("\ud800"), which UTF-8 can not:
// they become the three bytes that UTF-8's pattern would give (ED A0 80 … ED BF BF, known as
// WTF-8). So different strings stay different, and gen5_json_string_write makes the same escapes of
// them again.
#ifndef GEN5_JSON_LITERAL_H
#define GEN5_JSON_LITERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/manifest.h"
#include "text_builder.h"

// The length of the UTF-8 character at the start of `bytes` (RFC 3629: no surrogates, nothing too
// long, nothing over U+10FFFF), or 0 where there is none.
size_t gen5_utf8_length(const char *bytes, size_t size);

// Decode a string literal, quotes included in the span, into `out`, which has room for as many
// bytes as the span. Returns how many were written; no NUL is added.
size_t gen5_json_string_decode(const char *text, struct gen5_span literal, char *out);
// The same into new memory with a NUL that is not counted. NULL where there is no memory.
char *gen5_json_string_copy(const char *text, struct gen5_span literal, size_t *length);

// Compare decoded strings, without memory of their own.
bool gen5_json_string_equals(const char *text, struct gen5_span literal, const char *bytes,
                             size_t size);
int gen5_json_string_compare(const char *left_text, struct gen5_span left, const char *right_text,
                             struct gen5_span right);

// True where the string holds a lone surrogate, so that it can not be written in UTF-8.
bool gen5_json_string_has_surrogate(const char *text, struct gen5_span literal);

// Write a string literal as Python's json.dumps does: in ASCII, with \uXXXX for everything else.
// False where the bytes are neither UTF-8 nor lone surrogates in the form above.
bool gen5_json_string_write(struct gen5_text_builder *out, const char *bytes, size_t size);

// What a number is. As in JSON Schema's draft-07, 1.0 and 1e3 are integers; an integer may have any
// number of digits. A literal that Python reads as an infinite double is none.
enum gen5_json_number {
    GEN5_JSON_NUMBER_NEGATIVE, // below 0, -Infinity too
    GEN5_JSON_NUMBER_FRACTION, // 0 or more and no integer; Infinity and NaN too
    GEN5_JSON_NUMBER_ZERO,     // -0 too
    GEN5_JSON_NUMBER_POSITIVE, // an integer of 1 or more
};
enum gen5_json_number gen5_json_number_class(const char *text, struct gen5_span literal);

// The value of an integer from 0 to UINT32_MAX in any of its forms; false for all others.
bool gen5_json_number_read(const char *text, struct gen5_span literal, uint32_t *value);

// Whether two literals are the same number, digit by digit: 1 equals 1.0, -0 equals 0, and NaN
// equals NaN.
bool gen5_json_number_equal(const char *left_text, struct gen5_span left, const char *right_text,
                            struct gen5_span right);

#endif
