// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reading little-endian fields out of bytes that nobody has checked. The cursor goes sticky on the
// first read past the end: that read and all later ones give zeros, and `overrun` says so once, at
// the end. Private to libgen5.
#ifndef GEN5_CURSOR_H
#define GEN5_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "size_arithmetic.h"

struct gen5_cursor {
    const uint8_t *bytes; // borrowed
    uint64_t size;
    uint64_t at;
    bool overrun;
};

static inline struct gen5_cursor gen5_cursor_start(const void *bytes, uint64_t size) {
    return (struct gen5_cursor){.bytes = bytes, .size = size, .at = 0, .overrun = false};
}

static inline void gen5_cursor_read(struct gen5_cursor *cursor, void *into, size_t size) {
    if (cursor->overrun || !gen5_size_lies_within(cursor->at, size, cursor->size)) {
        cursor->overrun = true;
        memset(into, 0, size);
        return;
    }
    memcpy(into, cursor->bytes + cursor->at, size);
    cursor->at += size;
}

static inline uint64_t gen5_cursor_integer(struct gen5_cursor *cursor, size_t size) {
    uint8_t bytes[sizeof(uint64_t)] = {0};
    gen5_cursor_read(cursor, bytes, size);
    uint64_t value = 0;
    for (size_t i = sizeof bytes; i > 0; i--) {
        value = (value << 8) | bytes[i - 1];
    }
    return value;
}

static inline uint8_t gen5_cursor_u8(struct gen5_cursor *cursor) {
    return (uint8_t)gen5_cursor_integer(cursor, sizeof(uint8_t));
}

static inline uint16_t gen5_cursor_u16(struct gen5_cursor *cursor) {
    return (uint16_t)gen5_cursor_integer(cursor, sizeof(uint16_t));
}

static inline uint32_t gen5_cursor_u32(struct gen5_cursor *cursor) {
    return (uint32_t)gen5_cursor_integer(cursor, sizeof(uint32_t));
}

static inline uint64_t gen5_cursor_u64(struct gen5_cursor *cursor) {
    return gen5_cursor_integer(cursor, sizeof(uint64_t));
}

#endif
