// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

void bytes_reserve(struct bytes *bytes, size_t size) {
    if (size > bytes->capacity - bytes->size) {
        bytes->capacity = 2 * (bytes->size + size);
        uint8_t *larger = realloc(bytes->data, bytes->capacity);
        if (larger == NULL) {
            fail("out of memory");
        }
        bytes->data = larger;
    }
}

void bytes_append(struct bytes *bytes, const void *data, size_t size) {
    bytes_reserve(bytes, size);
    if (size > 0) {
        memcpy(bytes->data + bytes->size, data, size);
    }
    bytes->size += size;
}

void bytes_append_u8(struct bytes *bytes, unsigned value) {
    uint8_t byte = (uint8_t)value;
    bytes_append(bytes, &byte, sizeof byte);
}

void bytes_append_big_endian(struct bytes *bytes, uint32_t value, size_t size) {
    for (size_t i = size; i > 0; i--) {
        bytes_append_u8(bytes, value >> 8 * (i - 1));
    }
}

void bytes_append_little_endian(struct bytes *bytes, uint32_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bytes_append_u8(bytes, value >> 8 * i);
    }
}

void bytes_print(struct bytes *bytes, const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(length >= 0 && (size_t)length < sizeof text);
    bytes_append(bytes, text, (size_t)length);
}
