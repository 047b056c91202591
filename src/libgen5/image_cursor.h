// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reading an image of any size forwards through a small buffer. The cursor goes sticky on the first
// read past the end: that read and all later ones give zeros, and the status is looked at once, at
// the end of a step. Private to libgen5.
#ifndef GEN5_IMAGE_CURSOR_H
#define GEN5_IMAGE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/source.h"

enum { GEN5_IMAGE_CURSOR_SIZE = 16 * 1024 };

struct gen5_image_cursor {
    const struct gen5_source *source; // borrowed
    const char *format;               // "JPEG", for messages
    struct gen5_error *error;         // borrowed, filled when the status stops being GEN5_OK
    enum gen5_status status;
    uint64_t at;           // of the next byte, in bytes from the start of the image
    uint64_t buffer_begin; // of the bytes in the buffer
    size_t buffer_size;
    uint8_t buffer[GEN5_IMAGE_CURSOR_SIZE];
};

// Start at byte 0. In place, as the cursor is large.
void gen5_image_cursor_start(struct gen5_image_cursor *cursor, const struct gen5_source *source,
                             const char *format, struct gen5_error *error);

// GEN5_ERROR_INVALID "the JPEG image is cut off …" where the image ends too early.
void gen5_image_cursor_read(struct gen5_image_cursor *cursor, void *into, size_t size);
uint8_t gen5_image_cursor_u8(struct gen5_image_cursor *cursor);
// Integers of 2, 3, 4 or 8 bytes.
uint64_t gen5_image_cursor_little_endian(struct gen5_image_cursor *cursor, size_t size);
uint64_t gen5_image_cursor_big_endian(struct gen5_image_cursor *cursor, size_t size);

// Go on by `size` bytes, which must be there, or to any place in the image.
void gen5_image_cursor_skip(struct gen5_image_cursor *cursor, uint64_t size);
void gen5_image_cursor_seek(struct gen5_image_cursor *cursor, uint64_t position);

// Go to the next byte of this value, and behind it.
void gen5_image_cursor_find(struct gen5_image_cursor *cursor, uint8_t value);

// Stop with GEN5_ERROR_INVALID at an offset, unless the cursor has stopped before. Returns the
// status that the cursor has then.
enum gen5_status gen5_image_cursor_refuse(struct gen5_image_cursor *cursor, uint64_t offset,
                                          const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
