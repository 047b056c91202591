// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Bytes that grow, as files are put together in memory. A program that makes samples ends where
// memory does.
#ifndef GEN5FS_SAMPLES_BYTES_H
#define GEN5FS_SAMPLES_BYTES_H

#include <stddef.h>
#include <stdint.h>

// Zero-initialised is empty. `data` is the caller's to free.
struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

// Says why on standard error, after the program's name, and exits.
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

// Room for so many more, which are appended without moving what is there.
void bytes_reserve(struct bytes *bytes, size_t size);
void bytes_append(struct bytes *bytes, const void *data, size_t size);
void bytes_append_u8(struct bytes *bytes, unsigned value);
// The lower `size` bytes of a value, up to 4.
void bytes_append_big_endian(struct bytes *bytes, uint32_t value, size_t size);
void bytes_append_little_endian(struct bytes *bytes, uint32_t value, size_t size);
// At most 4095 bytes at once.
__attribute__((format(printf, 2, 3))) void bytes_print(struct bytes *bytes, const char *format,
                                                       ...);

#endif
