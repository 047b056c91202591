// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Keys that an object has more than once, found by sorting each object's keys when it closes.
#include "json_keys.h"

#include <stdlib.h>

#include "json_literal.h"

struct key {
    uint32_t begin;
    uint32_t length;
};

// The keys of the objects that are open. Those of the innermost object are on top: objects inside
// it have taken theirs away when they closed.
struct key_stack {
    const char *text;
    struct key *keys;
    size_t count;
    size_t capacity;
    size_t *first; // for each level, where the keys of its container begin
};

static struct gen5_span span_of(const struct key *key) {
    return (struct gen5_span){key->begin, (size_t)key->begin + key->length};
}

static int compare_keys(const void *left, const void *right, void *text) {
    const struct key *one = left, *other = right;
    int order = gen5_json_string_compare(text, span_of(one), text, span_of(other));
    return order != 0 ? order : (one->begin > other->begin) - (one->begin < other->begin);
}

static bool push_key(struct key_stack *stack, struct gen5_span key) {
    if (stack->keys == NULL || stack->count == stack->capacity) {
        size_t capacity = stack->capacity == 0 ? 64 : stack->capacity * 2;
        struct key *keys = reallocarray(stack->keys, capacity, sizeof *keys);
        if (keys == NULL) {
            return false;
        }
        stack->keys = keys;
        stack->capacity = capacity;
    }
    stack->keys[stack->count++] =
        (struct key){(uint32_t)key.begin, (uint32_t)(key.end - key.begin)};
    return true;
}

static void note(struct gen5_json_repeated *repeated, size_t offset) {
    if (repeated->count == GEN5_JSON_REPEATED_MAX) {
        repeated->more = true;
    } else {
        repeated->offsets[repeated->count++] = offset;
    }
}

// Take away the keys from `first` on, and note those that repeat another.
static void pop_keys(struct key_stack *stack, size_t first, struct gen5_json_repeated *repeated) {
    size_t count = stack->count - first;
    if (stack->keys == NULL || count < 2) {
        stack->count = first;
        return;
    }
    struct key *keys = stack->keys + first;
    qsort_r(keys, count, sizeof *keys, compare_keys, (void *)(uintptr_t)stack->text);
    for (size_t i = 1; i < count; i++) {
        if (gen5_json_string_compare(stack->text, span_of(&keys[i - 1]), stack->text,
                                     span_of(&keys[i])) == 0) {
            note(repeated, keys[i].begin);
        }
    }
    stack->count = first;
}

static bool look_through(struct key_stack *stack, struct gen5_json_reader *reader,
                         struct gen5_json_repeated *repeated) {
    enum gen5_json_event event = gen5_json_reader_next(reader);
    while (event != GEN5_JSON_EVENT_END && event != GEN5_JSON_EVENT_FAULT) {
        if (event == GEN5_JSON_EVENT_KEY && !push_key(stack, reader->token.span)) {
            return false;
        }
        if (event == GEN5_JSON_EVENT_OPEN) {
            stack->first[reader->depth - 1] = stack->count;
        }
        if (event == GEN5_JSON_EVENT_CLOSE) {
            pop_keys(stack, stack->first[reader->depth], repeated);
        }
        event = gen5_json_reader_next(reader);
    }
    return true;
}

enum gen5_status gen5_json_keys_repeated(const char *text, size_t size,
                                         struct gen5_json_repeated *repeated,
                                         struct gen5_error *error) {
    *repeated = (struct gen5_json_repeated){.count = 0};
    if (size > UINT32_MAX) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "a document of %zu bytes is too large", size);
    }
    struct key_stack stack = {.text = text};
    stack.first = calloc(GEN5_JSON_DEPTH_LIMIT, sizeof *stack.first);
    struct gen5_json_reader reader;
    gen5_json_reader_init(&reader, text, size, GEN5_JSON_DEPTH_LIMIT, GEN5_JSON_BOM_IGNORED);
    bool done = stack.first != NULL && look_through(&stack, &reader, repeated);
    free(stack.first);
    free(stack.keys);
    return done ? GEN5_OK : gen5_error_set_memory(error);
}
