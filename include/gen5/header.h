// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The 32 bytes that a container starts with, and the 12 bytes that a chunk starts with
// (FORMAT.md "Header" and "A chunk"). All integers are little-endian.
#ifndef GEN5_HEADER_H
#define GEN5_HEADER_H

#include <stdint.h>

#include "gen5/error.h"
#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GEN5_HEADER_SIZE = 32, GEN5_CHUNK_HEADER_SIZE = 12, GEN5_TAG_SIZE = 4 };

// The largest container that the header's 32-bit fields can describe.
#define GEN5_FILE_SIZE_MAX ((uint64_t)UINT32_MAX)

struct gen5_header {
    uint8_t version_major;
    uint8_t version_minor;
    uint16_t flags;
    uint32_t table_offset; // where the META chunk starts
    uint32_t table_size;   // its stored size
    uint32_t chunk_count;
    uint32_t file_size;
    uint64_t reserved;
};

// Check and read a header. The table must lie behind the header and within `file_size` bytes, which
// is the real size of the file; the header's own file_size and chunk_count are reported as they
// are. GEN5_ERROR_DAMAGED names the field and its offset; a RAIIAF file is named as such.
GEN5_EXPORT enum gen5_status gen5_header_read(const uint8_t *bytes, uint64_t size,
                                              uint64_t file_size, struct gen5_header *header,
                                              struct gen5_error *error);
GEN5_EXPORT void gen5_header_write(const struct gen5_header *header,
                                   uint8_t bytes[GEN5_HEADER_SIZE]);

struct gen5_chunk_header {
    char type[GEN5_TAG_SIZE];
    char flags[GEN5_TAG_SIZE];
    uint32_t payload_size;
};

GEN5_EXPORT void gen5_chunk_header_read(const uint8_t bytes[GEN5_CHUNK_HEADER_SIZE],
                                        struct gen5_chunk_header *header);
GEN5_EXPORT void gen5_chunk_header_write(const struct gen5_chunk_header *header,
                                         uint8_t bytes[GEN5_CHUNK_HEADER_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
