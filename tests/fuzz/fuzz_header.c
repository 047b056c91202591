// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Fuzz target: the container's header and a chunk's. What is read must come out again when written.
#include "gen5/header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gen5_header header;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (gen5_header_read(data, size, size, &header, &error) == GEN5_OK) {
        uint8_t bytes[GEN5_HEADER_SIZE];
        gen5_header_write(&header, bytes);
        bool inside = (uint64_t)header.table_offset + header.table_size <= size;
        if (memcmp(bytes, data, sizeof bytes) != 0 || !inside) {
            abort();
        }
    } else if (error.status == GEN5_OK || error.message[0] == '\0') {
        abort();
    }
    if (size >= GEN5_CHUNK_HEADER_SIZE) {
        struct gen5_chunk_header chunk;
        uint8_t bytes[GEN5_CHUNK_HEADER_SIZE];
        gen5_chunk_header_read(data, &chunk);
        gen5_chunk_header_write(&chunk, bytes);
        if (memcmp(bytes, data, sizeof bytes) != 0) {
            abort();
        }
    }
    return 0;
}
