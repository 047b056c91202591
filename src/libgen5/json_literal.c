// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What JSON literals mean: strings decoded and written, numbers judged by their digits.
#include "json_literal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- Characters ---------------------------------------------------------------------------------

static bool is_continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

// RFC 3629, section 4: the second byte's range depends on the first.
size_t gen5_utf8_length(const char *bytes, size_t size) {
    const unsigned char *byte = (const unsigned char *)bytes;
    if (size >= 1 && byte[0] < 0x80) {
        return 1;
    }
    if (size >= 2 && byte[0] >= 0xC2 && byte[0] <= 0xDF) {
        return is_continuation(byte[1]) ? 2 : 0;
    }
    if (size >= 3 && byte[0] >= 0xE0 && byte[0] <= 0xEF) {
        bool second = byte[0] == 0xE0   ? byte[1] >= 0xA0 && byte[1] <= 0xBF
                      : byte[0] == 0xED ? byte[1] >= 0x80 && byte[1] <= 0x9F
                                        : is_continuation(byte[1]);
        return second && is_continuation(byte[2]) ? 3 : 0;
    }
    if (size >= 4 && byte[0] >= 0xF0 && byte[0] <= 0xF4) {
        bool second = byte[0] == 0xF0   ? byte[1] >= 0x90 && byte[1] <= 0xBF
                      : byte[0] == 0xF4 ? byte[1] >= 0x80 && byte[1] <= 0x8F
                                        : is_continuation(byte[1]);
        return second && is_continuation(byte[2]) && is_continuation(byte[3]) ? 4 : 0;
    }
    return 0;
}

static bool is_high_surrogate(uint32_t character) {
    return character >= 0xD800 && character <= 0xDBFF;
}

static bool is_low_surrogate(uint32_t character) {
    return character >= 0xDC00 && character <= 0xDFFF;
}

static uint32_t hex_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return (uint32_t)(digit - '0');
    }
    return (uint32_t)((digit | 0x20) - 'a' + 10);
}

// The UTF-16 unit of the escape \uXXXX at `at`.
static uint32_t unit_at(const char *text, size_t at) {
    uint32_t unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        unit = unit << 4 | hex_value(text[i]);
    }
    return unit;
}

static bool is_unit(const char *text, size_t at, size_t end) {
    return at < end && end - at >= 6 && text[at] == '\\' && text[at + 1] == 'u';
}

static char simple_escape(char letter) {
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter; // a quote, a backslash, a slash
    }
}

static size_t put_character(uint32_t character, char out[4]) {
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xC0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xE0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 0x3F));
        out[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 0x3F));
    out[2] = (char)(0x80 | (character >> 6 & 0x3F));
    out[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

// Decode the escape at *at, whose backslash was seen, and go behind it.
static size_t take_escape(const char *text, size_t *at, size_t end, char out[4]) {
    if (!is_unit(text, *at, end)) {
        out[0] = simple_escape(text[*at + 1]);
        *at += 2;
        return 1;
    }
    uint32_t character = unit_at(text, *at);
    *at += 6;
    if (is_high_surrogate(character) && is_unit(text, *at, end)) {
        uint32_t low = unit_at(text, *at);
        if (is_low_surrogate(low)) {
            character = 0x10000 + ((character - 0xD800) << 10) + (low - 0xDC00);
            *at += 6;
        }
    }
    return put_character(character, out);
}

// The inside of a literal, piece by piece: an escape's bytes, or one byte that stands for itself.
static size_t take_piece(const char *text, size_t *at, size_t end, char out[4]) {
    if (text[*at] == '\\' && end - *at >= 2) {
        return take_escape(text, at, end, out);
    }
    out[0] = text[*at];
    *at += 1;
    return 1;
}

static struct gen5_span inside(struct gen5_span literal) {
    return (struct gen5_span){literal.begin + 1, literal.end - 1};
}

// --- Strings ------------------------------------------------------------------------------------

size_t gen5_json_string_decode(const char *text, struct gen5_span literal, char *out) {
    struct gen5_span span = inside(literal);
    size_t length = 0;
    while (span.begin < span.end) {
        char piece[4] = {0};
        size_t size = take_piece(text, &span.begin, span.end, piece);
        memcpy(out + length, piece, size);
        length += size;
    }
    return length;
}

char *gen5_json_string_copy(const char *text, struct gen5_span literal, size_t *length) {
    char *copy = malloc(literal.end - literal.begin);
    if (copy != NULL) {
        *length = gen5_json_string_decode(text, literal, copy);
        copy[*length] = '\0'; // the two quotes left room for it
    }
    return copy;
}

// How many bytes in front are the same, up to the first escape.
static size_t common_size(const char *text, struct gen5_span span, const char *bytes, size_t size) {
    size_t longest = span.end - span.begin < size ? span.end - span.begin : size;
    size_t i = 0;
    while (i < longest && text[span.begin + i] == bytes[i] && bytes[i] != '\\') {
        i++;
    }
    return i;
}

bool gen5_json_string_equals(const char *text, struct gen5_span literal, const char *bytes,
                             size_t size) {
    struct gen5_span span = inside(literal);
    if (span.end - span.begin < size) {
        return false; // no escape is shorter than what it stands for
    }
    // Nearly no key has escapes, and most differ early.
    size_t matched = common_size(text, span, bytes, size);
    span.begin += matched;
    if (span.begin < span.end && text[span.begin] != '\\') {
        return false;
    }
    while (span.begin < span.end) {
        char piece[4] = {0};
        size_t length = take_piece(text, &span.begin, span.end, piece);
        if (length > size - matched || memcmp(bytes + matched, piece, length) != 0) {
            return false;
        }
        matched += length;
    }
    return matched == size;
}

// A literal read byte by byte, decoded.
struct decoded {
    const char *text;
    struct gen5_span rest;
    char piece[4];
    size_t piece_size;
    size_t piece_at;
};

// The next byte, or -1 at the end.
static int next_byte(struct decoded *decoded) {
    if (decoded->piece_at == decoded->piece_size) {
        if (decoded->rest.begin >= decoded->rest.end) {
            return -1;
        }
        decoded->piece_size =
            take_piece(decoded->text, &decoded->rest.begin, decoded->rest.end, decoded->piece);
        decoded->piece_at = 0;
    }
    return (unsigned char)decoded->piece[decoded->piece_at++];
}

int gen5_json_string_compare(const char *left_text, struct gen5_span left, const char *right_text,
                             struct gen5_span right) {
    struct decoded one = {.text = left_text, .rest = inside(left)};
    struct decoded other = {.text = right_text, .rest = inside(right)};
    int left_byte, right_byte;
    do {
        left_byte = next_byte(&one);
        right_byte = next_byte(&other);
    } while (left_byte == right_byte && left_byte >= 0);
    return (left_byte > right_byte) - (left_byte < right_byte);
}

bool gen5_json_string_has_surrogate(const char *text, struct gen5_span literal) {
    struct gen5_span span = inside(literal);
    while (span.begin < span.end) {
        char piece[4] = {0};
        bool escape = text[span.begin] == '\\';
        size_t size = take_piece(text, &span.begin, span.end, piece);
        if (escape && size == 3 && piece[0] == '\xED' && (unsigned char)piece[1] >= 0xA0) {
            return true;
        }
    }
    return false;
}

// Read one character; lone surrogates are let through. False where there is none.
static bool take_character(const char *bytes, size_t size, size_t *at, uint32_t *character) {
    const unsigned char *byte = (const unsigned char *)bytes + *at;
    size_t length = gen5_utf8_length(bytes + *at, size - *at);
    if (length == 0 && size - *at >= 3 && byte[0] == 0xED && byte[1] >= 0xA0 && byte[1] <= 0xBF &&
        is_continuation(byte[2])) {
        length = 3;
    }
    if (length == 0) {
        return false;
    }
    static const unsigned char FIRST_MASK[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    *character = byte[0] & FIRST_MASK[length];
    for (size_t i = 1; i < length; i++) {
        *character = *character << 6 | (byte[i] & 0x3F);
    }
    *at += length;
    return true;
}

static void write_unit(struct gen5_text_builder *out, uint32_t unit) {
    char escape[8];
    int length = snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unit & 0xFFFF));
    gen5_text_builder_append(out, escape, (size_t)length);
}

static void write_character(struct gen5_text_builder *out, uint32_t character) {
    static const char NAMED[] = "\"\\\b\f\n\r\t";
    static const char LETTERS[] = "\"\\bfnrt";
    const char *named = character != 0 && character < 0x80 ? strchr(NAMED, (int)character) : NULL;
    if (named != NULL) {
        gen5_text_builder_append(out, (char[]){'\\', LETTERS[named - NAMED]}, 2);
    } else if (character >= 0x20 && character < 0x7F) {
        gen5_text_builder_append(out, (char[]){(char)character}, 1);
    } else if (character < 0x10000) {
        write_unit(out, character);
    } else {
        write_unit(out, 0xD800 + ((character - 0x10000) >> 10));
        write_unit(out, 0xDC00 + (character & 0x3FF));
    }
}

bool gen5_json_string_write(struct gen5_text_builder *out, const char *bytes, size_t size) {
    gen5_text_builder_append(out, "\"", 1);
    for (size_t at = 0; at < size;) {
        uint32_t character = 0;
        if (!take_character(bytes, size, &at, &character)) {
            return false;
        }
        write_character(out, character);
    }
    gen5_text_builder_append(out, "\"", 1);
    return true;
}

// --- Numbers ------------------------------------------------------------------------------------

// A finite number is its significant digits times ten to the power of `scale`.
struct number {
    bool finite;
    bool negative;
    bool has_point;          // a point or an exponent: Python makes a double of it
    struct gen5_span digits; // from the first to the last that is not 0; a point may lie among them
    size_t digit_count;      // 0 for zero
    int64_t scale;
};

// Far above what a double can hold, and far from overflowing when digits are counted in.
#define EXPONENT_MAX ((int64_t)1 << 40)

static int64_t read_exponent(const char *text, struct gen5_span span) {
    bool negative = text[span.begin] == '-';
    int64_t value = 0;
    for (size_t i = span.begin; i < span.end; i++) {
        if (text[i] >= '0' && text[i] <= '9' && value < EXPONENT_MAX) {
            value = value * 10 + (text[i] - '0');
        }
    }
    return negative ? -value : value;
}

// Find the significant digits of the mantissa, and how many digits follow the point.
static void read_mantissa(const char *text, struct gen5_span mantissa, struct number *number) {
    size_t counted = 0; // digits from the first significant one on, trailing zeros included
    int64_t fraction = 0;
    for (size_t i = mantissa.begin; i < mantissa.end; i++) {
        if (text[i] == '.') {
            number->has_point = true;
            continue;
        }
        fraction += number->has_point ? 1 : 0;
        if (text[i] != '0' && counted == 0) {
            number->digits.begin = i;
        }
        counted += text[i] != '0' || counted > 0 ? 1 : 0;
        if (text[i] != '0') {
            number->digits.end = i + 1;
            number->digit_count = counted;
        }
    }
    number->scale = (int64_t)(counted - number->digit_count) - fraction;
}

static struct number read_number(const char *text, struct gen5_span literal) {
    struct number number = {.finite = true, .negative = text[literal.begin] == '-'};
    size_t begin = literal.begin + (number.negative ? 1 : 0);
    if (begin < literal.end && (text[begin] == 'I' || text[begin] == 'N')) {
        number.finite = false;
        return number;
    }
    size_t end = begin;
    while (end < literal.end && text[end] != 'e' && text[end] != 'E') {
        end++;
    }
    read_mantissa(text, (struct gen5_span){begin, end}, &number);
    if (end < literal.end) {
        number.has_point = true;
        number.scale += read_exponent(text, (struct gen5_span){end + 1, literal.end});
    }
    return number;
}

// A double holds no number of more than 309 digits before its point (IEEE 754 binary64).
static bool is_infinite_double(const struct number *number) {
    return number->has_point && (int64_t)number->digit_count + number->scale > 309;
}

enum gen5_json_number gen5_json_number_class(const char *text, struct gen5_span literal) {
    struct number number = read_number(text, literal);
    if (!number.finite) {
        return number.negative ? GEN5_JSON_NUMBER_NEGATIVE : GEN5_JSON_NUMBER_FRACTION;
    }
    if (number.digit_count == 0) {
        return GEN5_JSON_NUMBER_ZERO;
    }
    if (number.negative) {
        return GEN5_JSON_NUMBER_NEGATIVE;
    }
    bool integer = number.scale >= 0 && !is_infinite_double(&number);
    return integer ? GEN5_JSON_NUMBER_POSITIVE : GEN5_JSON_NUMBER_FRACTION;
}

bool gen5_json_number_read(const char *text, struct gen5_span literal, uint32_t *value) {
    struct number number = read_number(text, literal);
    if (!number.finite) {
        return false;
    }
    if (number.digit_count == 0) {
        *value = 0;
        return true;
    }
    // UINT32_MAX has ten digits.
    if (number.negative || number.scale < 0 || (int64_t)number.digit_count + number.scale > 10) {
        return false;
    }
    uint64_t result = 0;
    for (size_t i = number.digits.begin; i < number.digits.end; i++) {
        if (text[i] != '.') {
            result = result * 10 + (uint64_t)(text[i] - '0');
        }
    }
    for (int64_t i = 0; i < number.scale; i++) {
        result *= 10;
    }
    *value = (uint32_t)result;
    return result <= UINT32_MAX;
}

// The next digit of a number's significant ones, a point skipped; NUL behind the last.
static char next_digit(const char *text, struct gen5_span *digits) {
    if (digits->begin < digits->end && text[digits->begin] == '.') {
        digits->begin++;
    }
    return digits->begin < digits->end ? text[digits->begin++] : '\0';
}

bool gen5_json_number_equal(const char *left_text, struct gen5_span left, const char *right_text,
                            struct gen5_span right) {
    struct number one = read_number(left_text, left);
    struct number other = read_number(right_text, right);
    if (!one.finite || !other.finite) {
        // NaN and the infinities have one literal each.
        return left.end - left.begin == right.end - right.begin &&
               memcmp(left_text + left.begin, right_text + right.begin, left.end - left.begin) == 0;
    }
    if (one.digit_count == 0 || other.digit_count == 0) {
        return one.digit_count == other.digit_count;
    }
    if (one.negative != other.negative || one.digit_count != other.digit_count ||
        one.scale != other.scale) {
        return false;
    }
    char digit;
    do {
        digit = next_digit(left_text, &one.digits);
        if (digit != next_digit(right_text, &other.digits)) {
            return false;
        }
    } while (digit != '\0');
    return true;
}
