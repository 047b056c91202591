// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the tests of containers share: files in memory, the reference's containers, and containers
// made by hand, which may be as wrong as a test wants them.
#ifndef GEN5_TEST_CONTAINER_FIXTURE_H
#define GEN5_TEST_CONTAINER_FIXTURE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_file.h"
#include "frame.h"
#include "gen5/container.h"
#include "gen5/payload.h"
#include "gen5/repack.h"

// --- Files ---

static inline int new_file(void) {
    int fd = memfd_create("gen5-test", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

static inline int file_of(const void *bytes, size_t size) {
    int fd = new_file();
    cr_assert_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
    return fd;
}

static inline struct gen5_source source_of(int fd) {
    struct gen5_source source;
    cr_assert_eq(gen5_source_from_fd(fd, &source, NULL), GEN5_OK);
    return source;
}

// The caller frees the bytes.
static inline char *read_whole(int fd, size_t *size) {
    struct gen5_source source = source_of(fd);
    char *bytes = NULL;
    cr_assert_eq(gen5_source_read_all(&source, UINT64_MAX, &bytes, size, NULL), GEN5_OK);
    return bytes;
}

// Bytes that no compressor shrinks (xorshift64*), the same for the same seed.
static inline void fill_with_noise(void *bytes, size_t size, uint64_t seed) {
    uint64_t state = seed * 2654435769U + 1;
    for (size_t i = 0; i < size; i++) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        ((uint8_t *)bytes)[i] = (uint8_t)((state * 2685821657736338717U) >> 56);
    }
}

// --- The reference's containers ---

static const char *const REFERENCES[] = {
    "big-numbers.gen5",       "default-f16-zstd.gen5",   "extra-fields.gen5",
    "grey-png.gen5",          "jpeg-image.gen5",         "long-prompt.gen5",
    "mixed-dtypes-raw.gen5",  "nan-setting.gen5",        "no-image.gen5",
    "no-settings.gen5",       "odd-latent-keys.gen5",    "one-pixel.gen5",
    "reused-list-first.gen5", "reused-list-second.gen5", "sd15-f32-raw.gen5",
    "sd3-f16-raw.gen5",       "sdxl-f32-zstd.gen5",      "three-latents.gen5",
    "two-gpus.gen5",          "unicode-prompt.gen5",     "webp-image.gen5",
    "wide-batch.gen5",        "zeros-latent.gen5",
};
enum { REFERENCE_COUNT = sizeof REFERENCES / sizeof *REFERENCES };

static inline struct gen5_container *open_container(int fd) {
    struct gen5_source source = source_of(fd);
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error = GEN5_ERROR_NONE;
    struct gen5_container *container = NULL;
    cr_assert_eq(gen5_container_open(&source, &limits, &container, &error), GEN5_OK, "%s",
                 error.message);
    return container;
}

// The descriptor is the caller's to close.
static inline struct gen5_container *open_reference(const char *name, int *fd) {
    char path[256];
    snprintf(path, sizeof path, "reference/%s", name);
    *fd = data_file_open(path);
    return open_container(*fd);
}

// --- Containers made by hand ---

enum { MADE_SIZE_MAX = 16 << 20, MADE_TEXT_SIZE_MAX = 1 << 20 };

struct made {
    uint8_t *bytes;
    size_t size;
    char *records; // the records' JSON so far
    size_t records_size;
    uint32_t record_count;
    size_t last_offset; // of the chunk that was added last
    size_t last_size;
};

static inline struct made make_begin(void) {
    struct made made = {.bytes = calloc(1, MADE_SIZE_MAX),
                        .size = GEN5_HEADER_SIZE,
                        .records = calloc(1, MADE_TEXT_SIZE_MAX)};
    cr_assert(made.bytes != NULL && made.records != NULL);
    return made;
}

static inline void make_free(struct made *made) {
    free(made->bytes);
    free(made->records);
}

static inline void make_bytes(struct made *made, const void *bytes, size_t size) {
    cr_assert_leq(size, MADE_SIZE_MAX - made->size);
    made->last_offset = made->size;
    made->last_size = size;
    if (size > 0) {
        memcpy(made->bytes + made->size, bytes, size);
    }
    made->size += size;
}

// Inner header and payload, in new memory.
static inline char *make_content(const char *type, const char *flags, const void *payload,
                                 size_t size) {
    struct gen5_chunk_header header = {.payload_size = (uint32_t)size};
    memcpy(header.type, type, GEN5_TAG_SIZE);
    memcpy(header.flags, flags, GEN5_TAG_SIZE);
    char *content = malloc(GEN5_CHUNK_HEADER_SIZE + size);
    cr_assert_not_null(content);
    gen5_chunk_header_write(&header, (uint8_t *)content);
    if (size > 0) {
        memcpy(content + GEN5_CHUNK_HEADER_SIZE, payload, size);
    }
    return content;
}

// Add a chunk without a record; `flags` has four bytes.
static inline void make_chunk(struct made *made, const char *type, const char *flags,
                              const void *payload, size_t size, bool compressed) {
    char *content = make_content(type, flags, payload, size);
    if (compressed) {
        void *frame = NULL;
        size_t frame_size = 0;
        cr_assert_eq(gen5_frame_compress(content, GEN5_CHUNK_HEADER_SIZE + size, 3, &frame,
                                         &frame_size, NULL),
                     GEN5_OK);
        make_bytes(made, frame, frame_size);
        free(frame);
    } else {
        make_bytes(made, content, GEN5_CHUNK_HEADER_SIZE + size);
    }
    free(content);
}

__attribute__((format(printf, 2, 3))) static inline void make_text(struct made *made,
                                                                   const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t room = MADE_TEXT_SIZE_MAX - made->records_size;
    int length = vsnprintf(made->records + made->records_size, room, format, arguments);
    va_end(arguments);
    cr_assert(length >= 0 && (size_t)length < room);
    made->records_size += (size_t)length;
}

// Add a record, which may say what it likes. `extra` is a JSON object.
static inline void make_record(struct made *made, const char *type, const char *flags,
                               uint64_t offset, uint64_t stored_size, uint64_t payload_size,
                               const char *hash, const char *extra, bool compressed) {
    make_text(made,
              "%s{\"index\": %" PRIu32 ", \"type\": \"%s\", \"flags\": \"%s\", \"offset\": %" PRIu64
              ", \"compressed_size\": %" PRIu64 ", \"uncompressed_size\": %" PRIu64
              ", \"hash\": \"%s\", \"extra\": %s, \"compressed\": %s}",
              made->record_count > 0 ? ", " : "", made->record_count, type, flags, offset,
              stored_size, payload_size, hash, extra, compressed ? "true" : "false");
    made->record_count++;
}

static inline void hash_of(const void *bytes, size_t size, char hex[GEN5_DIGEST_HEX_SIZE + 1]) {
    struct gen5_digest digest;
    cr_assert_eq(gen5_digest_of(bytes, size, &digest, NULL), GEN5_OK);
    gen5_digest_to_hex(&digest, hex);
}

// Add a chunk and the honest record of it.
static inline void make_member(struct made *made, const char *type, const char *flags,
                               const char *extra, const void *payload, size_t size,
                               bool compressed) {
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    char inner_flags[GEN5_TAG_SIZE + 1] = {0};
    hash_of(payload, size, hex);
    memcpy(inner_flags, flags, strlen(flags));
    make_chunk(made, type, inner_flags, payload, size, compressed);
    make_record(made, type, flags, made->last_offset, made->last_size, size, hex, extra,
                compressed);
}

static inline void make_image(struct made *made, const char *payload, bool compressed) {
    make_member(made, "DATA", "0000", "{}", payload, strlen(payload), compressed);
}

// A latent of shape 1 x 1 x 1 x elements in float16.
static inline void make_latent(struct made *made, const char *key, const void *payload,
                               size_t elements, bool compressed) {
    char extra[512];
    snprintf(extra, sizeof extra,
             "{\"shape\": [1, 1, 1, %zu], \"dtype\": \"float16\", \"key\": \"%s\"}", elements, key);
    make_member(made, "LATN", "F16", extra, payload, 2 * elements, compressed);
}

// The manifest with the records so far; the caller frees it.
static inline char *make_manifest(const struct made *made) {
    char *text = malloc(MADE_TEXT_SIZE_MAX + 1024);
    cr_assert_not_null(text);
    snprintf(text, MADE_TEXT_SIZE_MAX + 1024,
             "{\"gen5_metadata\": {\"file_info\": {\"magic\": \"GEN5\", \"version_major\": 1, "
             "\"version_minor\": 0, \"file_size\": 0, \"chunk_count\": 0}, \"model_info\": "
             "{\"model_name\": \"m\", \"version\": \"1\", \"date\": \"2026-01-04T09:30:00+00:00\", "
             "\"prompt\": \"a prompt\", \"tags\": []}, \"chunks\": [%s]}}",
             made->records);
    return text;
}

static inline void make_header(struct made *made, size_t table_offset, size_t table_size) {
    struct gen5_header header = {.version_major = 1,
                                 .table_offset = (uint32_t)table_offset,
                                 .table_size = (uint32_t)table_size,
                                 .chunk_count = made->record_count,
                                 .file_size = (uint32_t)made->size};
    gen5_header_write(&header, made->bytes);
}

// End the container with this text as its manifest; returns it as a file.
static inline int make_end_with(struct made *made, const char *text, size_t size) {
    make_chunk(made, "META", "0000", text, size, true);
    make_header(made, made->last_offset, made->last_size);
    return file_of(made->bytes, made->size);
}

static inline int make_end(struct made *made) {
    char *text = make_manifest(made);
    int fd = make_end_with(made, text, strlen(text));
    free(text);
    return fd;
}

#endif
