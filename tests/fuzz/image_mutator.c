// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// libFuzzer's mutator for the target image. A PNG stays one: a chunk's content is changed, pixels
// behind their compression, or a chunk is repeated, removed or moved, and lengths and CRCs are
// mended. Other images are changed as mere bytes.
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "chance.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed);

enum {
    SIGNATURE_SIZE = 8,
    CHUNK_HEAD_SIZE = 8, // length and type
    CHUNK_OVERHEAD = 12, // and the CRC
    CHUNK_COUNT_MAX = 64,
    CONTENT_SIZE_MAX = 1 << 16,
};

// PNG specification, 5.3: where chunks begin; the last offset is where they end.
struct chunks {
    size_t offsets[CHUNK_COUNT_MAX + 1];
    size_t count;
};

static uint32_t read_length(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void write_number(uint8_t *bytes, uint32_t number) {
    for (size_t i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static bool find_chunks(const uint8_t *data, size_t size, struct chunks *chunks) {
    size_t at = SIGNATURE_SIZE;
    chunks->count = 0;
    if (size < SIGNATURE_SIZE || memcmp(data, "\x89PNG\r\n\x1a\n", SIGNATURE_SIZE) != 0) {
        return false;
    }
    while (chunks->count < CHUNK_COUNT_MAX && size - at >= CHUNK_OVERHEAD &&
           read_length(data + at) <= size - at - CHUNK_OVERHEAD) {
        chunks->offsets[chunks->count++] = at;
        at += CHUNK_OVERHEAD + read_length(data + at);
    }
    chunks->offsets[chunks->count] = at;
    return chunks->count > 0;
}

static void write_chunk(uint8_t *chunk, const uint8_t *content, size_t size) {
    write_number(chunk, (uint32_t)size);
    memcpy(chunk + CHUNK_HEAD_SIZE, content, size);
    uLong crc = crc32(0, chunk + 4, (uInt)(size + 4));
    write_number(chunk + CHUNK_HEAD_SIZE + size, (uint32_t)crc);
}

// Put a chunk's content in place of what it has.
static size_t put_content(uint8_t *data, size_t size, size_t size_max, size_t begin, size_t end,
                          const uint8_t *content, size_t content_size) {
    size_t new_end = begin + CHUNK_OVERHEAD + content_size;
    if (new_end > size_max || size - end > size_max - new_end) {
        return size;
    }
    memmove(data + new_end, data + end, size - end);
    write_chunk(data + begin, content, content_size);
    return new_end + size - end;
}

// Pixels, profiles and texts are compressed: change what is behind.
static size_t change_compressed(uint8_t *content, size_t size, size_t size_max) {
    static uint8_t plain[CONTENT_SIZE_MAX];
    uLongf plain_size = sizeof plain;
    uLongf packed_size = size_max;
    if (uncompress(plain, &plain_size, content, size) != Z_OK) {
        return LLVMFuzzerMutate(content, size, size_max);
    }
    plain_size = LLVMFuzzerMutate(plain, plain_size, sizeof plain);
    // Not compressed, so that a later mutation reaches it too.
    return compress2(content, &packed_size, plain, plain_size, 0) == Z_OK ? packed_size : size;
}

static size_t change_chunk(uint8_t *data, size_t size, size_t size_max, const struct chunks *chunks,
                           struct chance *chance) {
    static uint8_t content[CONTENT_SIZE_MAX];
    size_t changed = chance_below(chance, chunks->count);
    size_t begin = chunks->offsets[changed], end = chunks->offsets[changed + 1];
    size_t content_size = end - begin - CHUNK_OVERHEAD;
    if (content_size > sizeof content) {
        return size;
    }
    memcpy(content, data + begin + CHUNK_HEAD_SIZE, content_size);
    bool pixels = memcmp(data + begin + 4, "IDAT", 4) == 0;
    if (chance_below(chance, 16) == 0) {
        LLVMFuzzerMutate(data + begin + 4, 4, 4);
    } else if (pixels && chance_below(chance, 2) == 0) {
        content_size = change_compressed(content, content_size, sizeof content);
    } else {
        content_size = LLVMFuzzerMutate(content, content_size, sizeof content);
    }
    return put_content(data, size, size_max, begin, end, content, content_size);
}

// Put a copy of one chunk in front of another.
static size_t repeat_chunk(uint8_t *data, size_t size, size_t size_max, const struct chunks *chunks,
                           struct chance *chance) {
    static uint8_t copy[CONTENT_SIZE_MAX];
    size_t from = chance_below(chance, chunks->count);
    size_t to = chunks->offsets[chance_below(chance, chunks->count + 1)];
    size_t length = chunks->offsets[from + 1] - chunks->offsets[from];
    if (length > sizeof copy || length > size_max - size) {
        return size;
    }
    memcpy(copy, data + chunks->offsets[from], length);
    memmove(data + to + length, data + to, size - to);
    memcpy(data + to, copy, length);
    return size + length;
}

static size_t remove_chunk(uint8_t *data, size_t size, const struct chunks *chunks,
                           struct chance *chance) {
    size_t removed = chance_below(chance, chunks->count);
    size_t begin = chunks->offsets[removed], end = chunks->offsets[removed + 1];
    memmove(data + begin, data + end, size - end);
    return size - (end - begin);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed) {
    struct chance chance = chance_from(seed);
    struct chunks chunks;
    if (!find_chunks(data, size, &chunks)) {
        return LLVMFuzzerMutate(data, size, size_max);
    }
    switch (chance_below(&chance, 8)) {
    case 0:
        return LLVMFuzzerMutate(data, size, size_max);
    case 1:
        return repeat_chunk(data, size, size_max, &chunks, &chance);
    case 2:
        return remove_chunk(data, size, &chunks, &chance);
    default:
        return change_chunk(data, size, size_max, &chunks, &chance);
    }
}
