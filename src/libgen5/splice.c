// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A list of replacements over a text that itself stays as it is.
#include "splice.h"

#include <stdlib.h>

void gen5_splices_init(struct gen5_splices *splices, uint64_t size_max) {
    *splices = (struct gen5_splices){.count = 0};
    gen5_text_builder_init(&splices->inserted, size_max);
}

void gen5_splices_release(struct gen5_splices *splices) {
    free(splices->items);
    splices->items = NULL;
    splices->count = 0;
    gen5_text_builder_release(&splices->inserted);
}

static bool make_room(struct gen5_splices *splices) {
    if (splices->count < splices->capacity) {
        return true;
    }
    size_t capacity = splices->capacity == 0 ? 8 : splices->capacity * 2;
    struct gen5_splice *items = reallocarray(splices->items, capacity, sizeof *items);
    if (items == NULL) {
        gen5_text_builder_fail(&splices->inserted, GEN5_ERROR_MEMORY);
        return false;
    }
    splices->items = items;
    splices->capacity = capacity;
    return true;
}

void gen5_splices_add(struct gen5_splices *splices, struct gen5_span span, const char *bytes,
                      size_t size) {
    size_t begin = splices->inserted.size;
    gen5_text_builder_append(&splices->inserted, bytes, size);
    if (!make_room(splices)) {
        return;
    }
    size_t at = splices->count++;
    while (at > 0 && splices->items[at - 1].span.begin > span.begin) {
        splices->items[at] = splices->items[at - 1];
        at--;
    }
    splices->items[at] = (struct gen5_splice){span, {begin, begin + size}};
}

void gen5_splices_apply(const struct gen5_splices *splices, const char *text,
                        struct gen5_span whole, struct gen5_text_builder *out) {
    if (splices->inserted.status != GEN5_OK) {
        gen5_text_builder_fail(out, splices->inserted.status);
        return;
    }
    size_t at = whole.begin;
    for (size_t i = 0; i < splices->count; i++) {
        const struct gen5_splice *splice = &splices->items[i];
        gen5_text_builder_append(out, text + at, splice->span.begin - at);
        gen5_text_builder_append_span(out, splices->inserted.bytes, splice->inserted);
        at = splice->span.end;
    }
    gen5_text_builder_append(out, text + at, whole.end - at);
}
