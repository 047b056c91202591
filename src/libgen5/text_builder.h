// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A text that grows by appending, up to a stated maximum. Private to libgen5.
//
// The first failure sticks: later calls do nothing, and gen5_text_builder_take tells it. So a
// caller appends piece by piece and checks once.
#ifndef GEN5_TEXT_BUILDER_H
#define GEN5_TEXT_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/manifest.h"

struct gen5_text_builder {
    char *bytes; // NULL while nothing was appended; else ended by a NUL that is not counted
    size_t size;
    size_t capacity;
    uint64_t size_max;
    enum gen5_status status; // GEN5_OK, GEN5_ERROR_MEMORY or GEN5_ERROR_TOO_LARGE
};

void gen5_text_builder_init(struct gen5_text_builder *builder, uint64_t size_max);
void gen5_text_builder_release(struct gen5_text_builder *builder);

void gen5_text_builder_append(struct gen5_text_builder *builder, const char *bytes, size_t size);
void gen5_text_builder_append_string(struct gen5_text_builder *builder, const char *string);
void gen5_text_builder_append_span(struct gen5_text_builder *builder, const char *text,
                                   struct gen5_span span);
void gen5_text_builder_append_number(struct gen5_text_builder *builder, uint64_t number);

// Let the builder fail, unless it has failed before.
void gen5_text_builder_fail(struct gen5_text_builder *builder, enum gen5_status status);

// GEN5_OK, or the failure that stuck, in words.
enum gen5_status gen5_text_builder_check(const struct gen5_text_builder *builder,
                                         struct gen5_error *error);

// Hand the text over: the caller frees *text. The builder is empty afterwards, and needs no
// release. With a failure nothing is handed over.
enum gen5_status gen5_text_builder_take(struct gen5_text_builder *builder, char **text,
                                        size_t *size, struct gen5_error *error);

#endif
