// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A text that grows by appending, up to a stated maximum.
#include "text_builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void gen5_text_builder_init(struct gen5_text_builder *builder, uint64_t size_max) {
    // Room for the NUL is asked for beyond the maximum, and both have to fit a size_t.
    uint64_t possible = SIZE_MAX / 4;
    *builder = (struct gen5_text_builder){.size_max = size_max < possible ? size_max : possible};
}

void gen5_text_builder_release(struct gen5_text_builder *builder) {
    free(builder->bytes);
    builder->bytes = NULL;
    builder->size = 0;
    builder->capacity = 0;
}

void gen5_text_builder_fail(struct gen5_text_builder *builder, enum gen5_status status) {
    if (builder->status == GEN5_OK) {
        gen5_text_builder_release(builder);
        builder->status = status;
    }
}

// Make room for `size` further bytes and a NUL.
static void reserve(struct gen5_text_builder *builder, size_t size) {
    if (builder->status != GEN5_OK) {
        return;
    }
    if (size > builder->size_max - builder->size) {
        gen5_text_builder_fail(builder, GEN5_ERROR_TOO_LARGE);
        return;
    }
    size_t needed = builder->size + size + 1;
    if (needed <= builder->capacity) {
        return;
    }
    size_t capacity = builder->capacity * 2 > needed ? builder->capacity * 2 : needed;
    capacity = capacity > FIRST_CAPACITY ? capacity : FIRST_CAPACITY;
    char *bytes = realloc(builder->bytes, capacity);
    if (bytes == NULL) {
        gen5_text_builder_fail(builder, GEN5_ERROR_MEMORY);
        return;
    }
    builder->bytes = bytes;
    builder->capacity = capacity;
}

void gen5_text_builder_append(struct gen5_text_builder *builder, const char *bytes, size_t size) {
    reserve(builder, size);
    if (builder->status != GEN5_OK) {
        return;
    }
    if (size > 0) {
        memcpy(builder->bytes + builder->size, bytes, size);
    }
    builder->size += size;
    builder->bytes[builder->size] = '\0';
}

void gen5_text_builder_append_string(struct gen5_text_builder *builder, const char *string) {
    gen5_text_builder_append(builder, string, strlen(string));
}

void gen5_text_builder_append_span(struct gen5_text_builder *builder, const char *text,
                                   struct gen5_span span) {
    gen5_text_builder_append(builder, text + span.begin, span.end - span.begin);
}

void gen5_text_builder_append_number(struct gen5_text_builder *builder, uint64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    gen5_text_builder_append(builder, digits, (size_t)length);
}

enum gen5_status gen5_text_builder_check(const struct gen5_text_builder *builder,
                                         struct gen5_error *error) {
    if (builder->status == GEN5_ERROR_TOO_LARGE) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "the text would have more than %" PRIu64 " bytes", builder->size_max);
    }
    return builder->status == GEN5_OK ? GEN5_OK : gen5_error_set_memory(error);
}

enum gen5_status gen5_text_builder_take(struct gen5_text_builder *builder, char **text,
                                        size_t *size, struct gen5_error *error) {
    gen5_text_builder_append(builder, "", 0); // an empty text has its NUL too
    enum gen5_status status = gen5_text_builder_check(builder, error);
    if (status != GEN5_OK) {
        return status;
    }
    *text = builder->bytes;
    *size = builder->size;
    builder->bytes = NULL;
    gen5_text_builder_release(builder);
    return GEN5_OK;
}
