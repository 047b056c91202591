// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A fuzzer's bytes, taken from the front; zeros behind the end.
#ifndef GEN5_FUZZ_INPUT_H
#define GEN5_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
    const uint8_t *bytes;
    size_t size;
};

static inline uint8_t take_byte(struct input *input) {
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->bytes++;
}

static inline size_t take_size(struct input *input) {
    size_t low = take_byte(input);
    return low | (size_t)take_byte(input) << 8;
}

// At most `size` bytes, as many as there are.
static inline struct input take_bytes(struct input *input, size_t size) {
    struct input taken = {input->bytes, size < input->size ? size : input->size};
    input->bytes += taken.size;
    input->size -= taken.size;
    return taken;
}

// What stands in front of the next NUL, which is taken too; all of it where there is none.
static inline struct input take_text(struct input *input) {
    const uint8_t *end = input->size > 0 ? memchr(input->bytes, '\0', input->size) : NULL;
    struct input taken = take_bytes(input, end != NULL ? (size_t)(end - input->bytes) : SIZE_MAX);
    take_byte(input);
    return taken;
}

#endif
