// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The container's header and the chunks' (FORMAT.md "Header", "A chunk").
#include "gen5/header.h"

#include <stdbool.h>
#include <string.h>

#include "cursor.h"
#include "size_arithmetic.h"

static const char container_magic[] = {'G', 'E', 'N', '5'};
static const char raiiaf_magic[] = {'r', 'a', 'i', 'i', 'a', 'f'};

// Where the header's fields stand, for messages.
enum {
    OFFSET_MAGIC = 0,
    OFFSET_VERSION_MAJOR = 4,
    OFFSET_TABLE_OFFSET = 8,
    OFFSET_TABLE_SIZE = 12
};

static bool starts_with(const uint8_t *bytes, uint64_t size, const char *magic, size_t length) {
    return size >= length && memcmp(bytes, magic, length) == 0;
}

static enum gen5_status check_magic(const uint8_t *bytes, uint64_t size, struct gen5_error *error) {
    if (size == 0) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_MAGIC, "the file is empty");
    }
    if (starts_with(bytes, size, raiiaf_magic, sizeof raiiaf_magic)) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_MAGIC,
                              "this is a RAIIAF file, another format that gen5fs does not read");
    }
    if (!starts_with(bytes, size, container_magic, sizeof container_magic)) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_MAGIC,
                              "not a .gen5 container: the file does not start with \"GEN5\"");
    }
    if (size < GEN5_HEADER_SIZE) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)size,
                              "the file ends within its header, after %llu of %d bytes",
                              (unsigned long long)size, GEN5_HEADER_SIZE);
    }
    return GEN5_OK;
}

static enum gen5_status check_table(const struct gen5_header *header, uint64_t file_size,
                                    struct gen5_error *error) {
    if (header->table_offset < GEN5_HEADER_SIZE) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_TABLE_OFFSET,
                              "chunk_table_offset %u lies within the header", header->table_offset);
    }
    if (header->table_size == 0) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_TABLE_SIZE,
                              "chunk_table_size is 0");
    }
    if (header->table_offset >= file_size) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_TABLE_OFFSET,
                              "chunk_table_offset %u lies behind the end of the file at %llu",
                              header->table_offset, (unsigned long long)file_size);
    }
    if (!gen5_size_lies_within(header->table_offset, header->table_size, file_size)) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_TABLE_SIZE,
                              "chunk_table_size %u passes the end of the file at %llu",
                              header->table_size, (unsigned long long)file_size);
    }
    return GEN5_OK;
}

enum gen5_status gen5_header_read(const uint8_t *bytes, uint64_t size, uint64_t file_size,
                                  struct gen5_header *header, struct gen5_error *error) {
    enum gen5_status status = check_magic(bytes, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_cursor cursor = gen5_cursor_start(bytes, size);
    char magic[GEN5_TAG_SIZE];
    gen5_cursor_read(&cursor, magic, sizeof magic);
    header->version_major = gen5_cursor_u8(&cursor);
    header->version_minor = gen5_cursor_u8(&cursor);
    header->flags = gen5_cursor_u16(&cursor);
    header->table_offset = gen5_cursor_u32(&cursor);
    header->table_size = gen5_cursor_u32(&cursor);
    header->chunk_count = gen5_cursor_u32(&cursor);
    header->file_size = gen5_cursor_u32(&cursor);
    header->reserved = gen5_cursor_u64(&cursor);
    if (header->version_major == 0) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, OFFSET_VERSION_MAJOR,
                              "version_major is 0");
    }
    return check_table(header, file_size, error);
}

// Write `size` bytes of `value`, the lowest first, and move on.
static void put_integer(uint8_t **next, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        *(*next)++ = (uint8_t)(value >> (8 * i));
    }
}

void gen5_header_write(const struct gen5_header *header, uint8_t bytes[GEN5_HEADER_SIZE]) {
    uint8_t *next = bytes;
    memcpy(next, container_magic, sizeof container_magic);
    next += sizeof container_magic;
    put_integer(&next, header->version_major, sizeof header->version_major);
    put_integer(&next, header->version_minor, sizeof header->version_minor);
    put_integer(&next, header->flags, sizeof header->flags);
    put_integer(&next, header->table_offset, sizeof header->table_offset);
    put_integer(&next, header->table_size, sizeof header->table_size);
    put_integer(&next, header->chunk_count, sizeof header->chunk_count);
    put_integer(&next, header->file_size, sizeof header->file_size);
    put_integer(&next, header->reserved, sizeof header->reserved);
}

void gen5_chunk_header_read(const uint8_t bytes[GEN5_CHUNK_HEADER_SIZE],
                            struct gen5_chunk_header *header) {
    struct gen5_cursor cursor = gen5_cursor_start(bytes, GEN5_CHUNK_HEADER_SIZE);
    gen5_cursor_read(&cursor, header->type, sizeof header->type);
    gen5_cursor_read(&cursor, header->flags, sizeof header->flags);
    header->payload_size = gen5_cursor_u32(&cursor);
}

void gen5_chunk_header_write(const struct gen5_chunk_header *header,
                             uint8_t bytes[GEN5_CHUNK_HEADER_SIZE]) {
    uint8_t *next = bytes;
    memcpy(next, header->type, sizeof header->type);
    next += sizeof header->type;
    memcpy(next, header->flags, sizeof header->flags);
    next += sizeof header->flags;
    put_integer(&next, header->payload_size, sizeof header->payload_size);
}
