// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Containers out of a fuzzer's bytes, in one of three ways: the bytes as they are; a manifest's
// text and the chunks' part, so that mutations reach the parsers behind the compression; and chunks
// with records that are mostly honest, so that they reach what happens to good containers.
#ifndef GEN5_FUZZ_CONTAINER_INPUT_H
#define GEN5_FUZZ_CONTAINER_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "gen5/container.h"
#include "gen5/digest.h"

// The fuzzer's bytes, taken from the front; zeros behind the end.
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

// A container in the making. What does not fit is left out.
enum { BUILT_SIZE_MAX = 1 << 20, BUILT_TEXT_MAX = 1 << 18 };

struct built {
    uint8_t bytes[BUILT_SIZE_MAX];
    size_t size;
    char text[BUILT_TEXT_MAX];
    size_t text_size;
};

static inline bool built_add(struct built *built, const void *bytes, size_t size) {
    if (size > BUILT_SIZE_MAX - built->size) {
        return false;
    }
    if (size > 0) {
        memcpy(built->bytes + built->size, bytes, size);
    }
    built->size += size;
    return true;
}

// Add inner header and payload, in a frame where it is asked for. Returns the stored size.
static inline size_t built_add_chunk(struct built *built, const char *type, const char *flags,
                                     struct input payload, bool compressed) {
    static uint8_t content[BUILT_SIZE_MAX];
    struct gen5_chunk_header header = {.payload_size = (uint32_t)payload.size};
    memcpy(header.type, type, GEN5_TAG_SIZE);
    memcpy(header.flags, flags, GEN5_TAG_SIZE);
    if (payload.size > BUILT_SIZE_MAX - GEN5_CHUNK_HEADER_SIZE) {
        return 0;
    }
    gen5_chunk_header_write(&header, content);
    if (payload.size > 0) {
        memcpy(content + GEN5_CHUNK_HEADER_SIZE, payload.bytes, payload.size);
    }
    size_t content_size = GEN5_CHUNK_HEADER_SIZE + payload.size;
    if (!compressed) {
        return built_add(built, content, content_size) ? content_size : 0;
    }
    void *frame = NULL;
    size_t frame_size = 0;
    if (gen5_frame_compress(content, content_size, 1, &frame, &frame_size, NULL) != GEN5_OK) {
        return 0;
    }
    bool added = built_add(built, frame, frame_size);
    free(frame);
    return added ? frame_size : 0;
}

static inline void built_end(struct built *built, const char *text, size_t text_size) {
    size_t offset = built->size;
    struct input payload = {(const uint8_t *)text, text_size};
    size_t size = built_add_chunk(built, "META", "0000", payload, true);
    struct gen5_header header = {.version_major = 1,
                                 .table_offset = (uint32_t)offset,
                                 .table_size = (uint32_t)size,
                                 .file_size = (uint32_t)built->size};
    gen5_header_write(&header, built->bytes);
}

// One chunk and its record, in which at most one number lies.
static inline void built_add_record(struct built *built, struct input *input, bool first) {
    static const char *const types[] = {"LATN", "DATA", "ENVC", "XYZ1"};
    uint8_t choice = take_byte(input);
    const char *type = types[choice & 3];
    bool compressed = (choice & 4) != 0;
    bool latent = (choice & 3) == 0;
    uint8_t lie = take_byte(input);
    struct input payload = take_bytes(input, take_size(input) & 0x1fff & (latent ? ~1U : ~0U));
    payload.size -= latent ? payload.size & 1 : 0;
    struct gen5_digest digest;
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    if (gen5_digest_of(payload.bytes, payload.size, &digest, NULL) != GEN5_OK) {
        abort();
    }
    digest.bytes[0] ^= lie == 7 ? 1 : 0;
    gen5_digest_to_hex(&digest, hex);
    size_t offset = built->size;
    size_t stored = built_add_chunk(built, type, latent ? "F16" : "0000", payload, compressed);
    size_t room = BUILT_TEXT_MAX - built->text_size;
    char extra[128] = "{}";
    if (latent) {
        snprintf(extra, sizeof extra, "{\"shape\": [%zu], \"dtype\": \"%s\", \"key\": \"k%d\"}",
                 payload.size / 2, lie == 6 ? "bfloat16" : "float16", choice >> 5);
    }
    int length = snprintf(
        built->text + built->text_size, room,
        "%s{\"index\":0,\"type\":\"%s\",\"flags\":\"%s\",\"offset\":%zu,"
        "\"compressed_size\":%zu,\"uncompressed_size\":%zu,\"hash\":\"%s\",\"extra\":%s,"
        "\"compressed\":%s}",
        first ? "" : ",", type, latent ? "F16" : "0000",
        lie == 1 ? offset + take_size(input) : offset, lie == 2 ? take_size(input) : stored,
        lie == 3 ? take_size(input) : payload.size, hex, extra, compressed ? "true" : "false");
    if (length > 0 && (size_t)length < room) {
        built->text_size += (size_t)length;
    } else {
        built->text[built->text_size] = '\0';
    }
}

static inline void built_records(struct built *built, struct input *input) {
    static char text[BUILT_TEXT_MAX + 512];
    size_t count = take_byte(input) & 15;
    for (size_t i = 0; i < count; i++) {
        built_add_record(built, input, built->text_size == 0);
    }
    int length = snprintf(
        text, sizeof text,
        "{\"gen5_metadata\": {\"file_info\": {\"magic\": \"GEN5\", \"version_major\": 1, "
        "\"version_minor\": 0, \"file_size\": 1, \"chunk_count\": 1}, \"model_info\": "
        "{\"model_name\": \"\", \"version\": \"\", \"date\": \"\", \"prompt\": \"\", \"tags\": "
        "[]}, \"chunks\": [%s]}}",
        built->text);
    built_end(built, text, (size_t)length);
}

// The container that the front of the input makes; the rest of the input is left for edits. The
// bytes are good until the next call.
static inline struct gen5_source take_container(struct input *input) {
    static struct built built;
    built.size = GEN5_HEADER_SIZE;
    built.text_size = 0;
    built.text[0] = '\0';
    uint8_t way = take_byte(input) % 3;
    if (way == 0) {
        return gen5_source_from_memory(input->bytes, input->size);
    }
    if (way == 1) {
        struct input text = take_bytes(input, take_size(input));
        struct input chunks = take_bytes(input, take_size(input));
        built_add(&built, chunks.bytes, chunks.size);
        built_end(&built, (const char *)text.bytes, text.size);
    } else {
        built_records(&built, input);
    }
    return gen5_source_from_memory(built.bytes, built.size);
}

static inline struct gen5_limits fuzz_limits(void) {
    struct gen5_limits limits = gen5_limits_default();
    limits.payload_size_max = 1 << 20;
    limits.manifest_size_max = 1 << 20;
    return limits;
}

#endif
