// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reading an image of any size forwards through a small buffer.
#include "image_cursor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "size_arithmetic.h"

void gen5_image_cursor_start(struct gen5_image_cursor *cursor, const struct gen5_source *source,
                             const char *format, struct gen5_error *error) {
    cursor->source = source;
    cursor->format = format;
    cursor->error = error;
    cursor->status = GEN5_OK;
    cursor->at = 0;
    cursor->buffer_begin = 0;
    cursor->buffer_size = 0;
}

enum gen5_status gen5_image_cursor_refuse(struct gen5_image_cursor *cursor, uint64_t offset,
                                          const char *format, ...) {
    if (cursor->status != GEN5_OK) {
        return cursor->status;
    }
    char message[GEN5_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    cursor->status = gen5_error_set(cursor->error, GEN5_ERROR_INVALID, (int64_t)offset,
                                    "%s (%s image, byte %llu)", message, cursor->format,
                                    (unsigned long long)offset);
    return cursor->status;
}

static void refuse_cut(struct gen5_image_cursor *cursor) {
    gen5_image_cursor_refuse(cursor, cursor->source->size, "the image is cut off");
}

// True where `size` bytes are there; else the cursor stops.
static bool has(struct gen5_image_cursor *cursor, uint64_t size) {
    if (cursor->status == GEN5_OK &&
        !gen5_size_lies_within(cursor->at, size, cursor->source->size)) {
        refuse_cut(cursor);
    }
    return cursor->status == GEN5_OK;
}

// Read from the source. A file that became shorter meanwhile is a cut one too.
static bool fetch(struct gen5_image_cursor *cursor, uint64_t offset, void *into, size_t size) {
    enum gen5_status status = gen5_source_read(cursor->source, offset, into, size, cursor->error);
    if (status == GEN5_ERROR_DAMAGED) {
        refuse_cut(cursor);
    } else if (status != GEN5_OK) {
        cursor->status = status;
    }
    return cursor->status == GEN5_OK;
}

// The bytes of the buffer from the cursor on, at least one unless the cursor has stopped.
static size_t buffered(struct gen5_image_cursor *cursor, const uint8_t **bytes) {
    if (!has(cursor, 1)) {
        return 0;
    }
    if (cursor->at < cursor->buffer_begin ||
        cursor->at - cursor->buffer_begin >= cursor->buffer_size) {
        uint64_t rest = cursor->source->size - cursor->at;
        size_t size = (size_t)gen5_size_smaller(rest, sizeof cursor->buffer);
        cursor->buffer_size = 0;
        if (!fetch(cursor, cursor->at, cursor->buffer, size)) {
            return 0;
        }
        cursor->buffer_begin = cursor->at;
        cursor->buffer_size = size;
    }
    size_t used = (size_t)(cursor->at - cursor->buffer_begin);
    *bytes = cursor->buffer + used;
    return cursor->buffer_size - used;
}

void gen5_image_cursor_read(struct gen5_image_cursor *cursor, void *into, size_t size) {
    uint8_t *next = into;
    size_t left = has(cursor, size) ? size : 0;
    while (left > 0) {
        const uint8_t *bytes = NULL;
        size_t piece = (size_t)gen5_size_smaller(buffered(cursor, &bytes), left);
        if (piece == 0) {
            break;
        }
        memcpy(next, bytes, piece);
        next += piece;
        left -= piece;
        cursor->at += piece;
    }
    if (cursor->status != GEN5_OK) {
        memset(into, 0, size);
    }
}

uint8_t gen5_image_cursor_u8(struct gen5_image_cursor *cursor) {
    uint8_t value = 0;
    gen5_image_cursor_read(cursor, &value, sizeof value);
    return value;
}

uint64_t gen5_image_cursor_little_endian(struct gen5_image_cursor *cursor, size_t size) {
    uint8_t bytes[sizeof(uint64_t)] = {0};
    assert(size <= sizeof bytes);
    gen5_image_cursor_read(cursor, bytes, size);
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--) {
        value = (value << 8) | bytes[i - 1];
    }
    return value;
}

uint64_t gen5_image_cursor_big_endian(struct gen5_image_cursor *cursor, size_t size) {
    uint8_t bytes[sizeof(uint64_t)] = {0};
    assert(size <= sizeof bytes);
    gen5_image_cursor_read(cursor, bytes, size);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = (value << 8) | bytes[i];
    }
    return value;
}

void gen5_image_cursor_skip(struct gen5_image_cursor *cursor, uint64_t size) {
    if (has(cursor, size)) {
        cursor->at += size;
    }
}

void gen5_image_cursor_seek(struct gen5_image_cursor *cursor, uint64_t position) {
    if (cursor->status == GEN5_OK && position > cursor->source->size) {
        refuse_cut(cursor);
    }
    if (cursor->status == GEN5_OK) {
        cursor->at = position;
    }
}

void gen5_image_cursor_find(struct gen5_image_cursor *cursor, uint8_t value) {
    const uint8_t *bytes = NULL;
    for (size_t size; (size = buffered(cursor, &bytes)) > 0; cursor->at += size) {
        const uint8_t *found = memchr(bytes, value, size);
        if (found != NULL) {
            cursor->at += (uint64_t)(found - bytes) + 1;
            return;
        }
    }
}
