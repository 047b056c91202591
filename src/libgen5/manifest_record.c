// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One record of the manifest, read from its JSON object.
#include "manifest_record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/header.h"
#include "json_literal.h"
#include "size_arithmetic.h"

const char *const GEN5_FIELD_NAMES[GEN5_FIELD_COUNT] = {
    "index", "type",  "flags",      "offset", "compressed_size", "uncompressed_size",
    "hash",  "extra", "compressed",
};

const char *const GEN5_INFO_NAMES[GEN5_INFO_COUNT] = {"magic", "version_major", "version_minor",
                                                      "file_size", "chunk_count"};

const char *const GEN5_EXTRA_NAMES[GEN5_EXTRA_COUNT] = {"shape", "dtype", "key"};

static const struct {
    const char *name;
    size_t size;
} DTYPES[] = {
    [GEN5_DTYPE_NONE] = {NULL, 0},
    [GEN5_DTYPE_FLOAT16] = {"float16", 2},
    [GEN5_DTYPE_FLOAT32] = {"float32", 4},
};

size_t gen5_dtype_size(enum gen5_dtype dtype) {
    return DTYPES[dtype].size;
}

const char *gen5_dtype_name(enum gen5_dtype dtype) {
    return DTYPES[dtype].name;
}

bool gen5_tag_is(const char tag[GEN5_TAG_SIZE], const char *name) {
    return strncmp(tag, name, GEN5_TAG_SIZE) == 0;
}

struct gen5_json_value gen5_metadata_find(const char *text, struct gen5_json_value root,
                                          const char *name) {
    return gen5_json_find(text, gen5_json_find(text, root, "gen5_metadata"), name);
}

// A record being read. Memory that runs out is told once, at the end.
struct reading {
    const char *text;
    struct gen5_record *record;
    bool out_of_memory;
};

// Note why the chunk cannot be read; the first reason is kept.
__attribute__((format(printf, 2, 3))) static void damage(struct reading *reading,
                                                         const char *format, ...) {
    if (reading->record->damage != NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&reading->record->damage, format, arguments) < 0) {
        reading->record->damage = NULL;
        reading->out_of_memory = true;
    }
    va_end(arguments);
}

// A field that is missing, or that has another JSON type than it must have.
static bool has_kind(struct reading *reading, struct gen5_json_value value,
                     enum gen5_json_kind kind, const char *name, const char *wanted) {
    if (value.kind == kind) {
        return true;
    }
    if (value.kind == GEN5_JSON_NONE) {
        damage(reading, "the record has no \"%s\"", name);
    } else {
        damage(reading, "\"%s\" is no %s", name, wanted);
    }
    return false;
}

static uint64_t read_number(struct reading *reading, struct gen5_json_value value,
                            const char *name) {
    uint32_t number = 0;
    if (has_kind(reading, value, GEN5_JSON_NUMBER, name, "number") &&
        !gen5_json_number_read(reading->text, value.span, &number)) {
        int length =
            (int)(value.span.end - value.span.begin > 40 ? 40 : value.span.end - value.span.begin);
        damage(reading, "\"%s\" is %.*s, not an integer from 0 to 4294967295", name, length,
               reading->text + value.span.begin);
        return 0;
    }
    return number;
}

// Read a tag of four bytes; a shorter one is filled up with NULs where that is allowed.
static void read_tag(struct reading *reading, struct gen5_json_value value, const char *name,
                     size_t size_min, char tag[GEN5_TAG_SIZE]) {
    // No character of four bytes needs a literal of more than these, quotes included.
    char decoded[2 + 6 * GEN5_TAG_SIZE];
    if (!has_kind(reading, value, GEN5_JSON_STRING, name, "string")) {
        return;
    }
    size_t length = 0;
    bool fits = value.span.end - value.span.begin <= sizeof decoded;
    if (fits) {
        length = gen5_json_string_decode(reading->text, value.span, decoded);
    }
    if (!fits || length < size_min || length > GEN5_TAG_SIZE) {
        damage(reading, "\"%s\" is no tag of four characters", name);
        return;
    }
    memcpy(tag, decoded, length);
}

static void read_hash(struct reading *reading, struct gen5_json_value value) {
    const char *name = GEN5_FIELD_NAMES[GEN5_FIELD_HASH];
    if (!has_kind(reading, value, GEN5_JSON_STRING, name, "string")) {
        return;
    }
    char hex[2 + 6 * GEN5_DIGEST_HEX_SIZE];
    struct gen5_digest digest;
    if (value.span.end - value.span.begin > sizeof hex ||
        !gen5_digest_from_hex(hex, gen5_json_string_decode(reading->text, value.span, hex),
                              &digest)) {
        damage(reading, "\"%s\" is no SHA-256 of 64 hexadecimal digits", name);
        return;
    }
    reading->record->digest = digest;
}

static void read_compressed(struct reading *reading, struct gen5_json_value value) {
    const char *name = GEN5_FIELD_NAMES[GEN5_FIELD_COMPRESSED];
    reading->record->compressed = value.kind == GEN5_JSON_TRUE;
    if (value.kind != GEN5_JSON_TRUE) {
        has_kind(reading, value, GEN5_JSON_FALSE, name, "boolean");
    }
}

static void read_dtype(struct reading *reading, struct gen5_json_value value) {
    if (!has_kind(reading, value, GEN5_JSON_STRING, "dtype", "string")) {
        return;
    }
    for (enum gen5_dtype dtype = GEN5_DTYPE_FLOAT16; dtype <= GEN5_DTYPE_FLOAT32; dtype++) {
        const char *name = gen5_dtype_name(dtype);
        if (gen5_json_string_equals(reading->text, value.span, name, strlen(name))) {
            reading->record->dtype = dtype;
            return;
        }
    }
    damage(reading, "\"dtype\" is neither float16 nor float32");
}

// Returns false where the shape cannot be used; the rank is 0 then.
static bool read_shape(struct reading *reading, struct gen5_json_value value) {
    struct gen5_record *record = reading->record;
    if (!has_kind(reading, value, GEN5_JSON_ARRAY, "shape", "array")) {
        return false;
    }
    struct gen5_json_walk walk = gen5_json_walk_start(reading->text, value);
    struct gen5_json_member member;
    uint32_t rank = 0;
    while (gen5_json_walk_next(&walk, &member)) {
        uint32_t dimension = 0;
        if (rank == GEN5_RANK_MAX) {
            damage(reading, "\"shape\" has more than %d dimensions", GEN5_RANK_MAX);
            return false;
        }
        if (member.value.kind != GEN5_JSON_NUMBER ||
            !gen5_json_number_read(reading->text, member.value.span, &dimension)) {
            damage(reading, "dimension %" PRIu32 " of \"shape\" is no integer from 0 to 4294967295",
                   rank);
            return false;
        }
        record->shape[rank++] = dimension;
    }
    record->rank = rank;
    return true;
}

// Shape and dtype say how large the payload is (FORMAT.md, LATN).
static void check_tensor_size(struct reading *reading) {
    const struct gen5_record *record = reading->record;
    uint64_t size = gen5_dtype_size(record->dtype);
    for (uint32_t i = 0; i < record->rank; i++) {
        if (!gen5_size_multiply(size, record->shape[i], &size)) {
            damage(reading, "\"shape\" has more elements than can be counted");
            return;
        }
    }
    if (record->dtype != GEN5_DTYPE_NONE && size != record->payload_size) {
        damage(reading,
               "shape and dtype make %" PRIu64 " bytes, but \"uncompressed_size\" is %" PRIu64,
               size, record->payload_size);
    }
}

static void read_latent(struct reading *reading, struct gen5_json_value extra) {
    struct gen5_json_value values[GEN5_EXTRA_COUNT];
    const char *name = GEN5_FIELD_NAMES[GEN5_FIELD_EXTRA];
    if (!has_kind(reading, extra, GEN5_JSON_OBJECT, name, "object")) {
        return;
    }
    gen5_json_pick(reading->text, extra, GEN5_EXTRA_NAMES, GEN5_EXTRA_COUNT, values);
    read_dtype(reading, values[GEN5_EXTRA_DTYPE]);
    if (read_shape(reading, values[GEN5_EXTRA_SHAPE])) {
        check_tensor_size(reading);
    }
    struct gen5_json_value key = values[GEN5_EXTRA_KEY];
    if (has_kind(reading, key, GEN5_JSON_STRING, "key", "string")) {
        struct gen5_record *record = reading->record;
        record->key = gen5_json_string_copy(reading->text, key.span, &record->key_length);
        reading->out_of_memory = reading->out_of_memory || record->key == NULL;
    }
}

static void check_raw_size(struct reading *reading) {
    const struct gen5_record *record = reading->record;
    if (!record->compressed &&
        record->stored_size != record->payload_size + GEN5_CHUNK_HEADER_SIZE) {
        damage(reading,
               "a raw chunk of %" PRIu64 " bytes is stored in %" PRIu64
               ", but \"compressed_size\" is %" PRIu64,
               record->payload_size, record->payload_size + GEN5_CHUNK_HEADER_SIZE,
               record->stored_size);
    }
}

enum gen5_status gen5_record_read(const char *text, struct gen5_json_value value,
                                  struct gen5_record *record, struct gen5_error *error) {
    *record = (struct gen5_record){.text = value.span};
    struct reading reading = {text, record, false};
    struct gen5_json_value fields[GEN5_FIELD_COUNT];
    gen5_json_pick(text, value, GEN5_FIELD_NAMES, GEN5_FIELD_COUNT, fields);
    if (value.kind != GEN5_JSON_OBJECT) {
        damage(&reading, "the record is no object");
    }
    read_tag(&reading, fields[GEN5_FIELD_TYPE], "type", GEN5_TAG_SIZE, record->type);
    read_tag(&reading, fields[GEN5_FIELD_FLAGS], "flags", 0, record->flags);
    record->offset = read_number(&reading, fields[GEN5_FIELD_OFFSET], "offset");
    record->stored_size = read_number(&reading, fields[GEN5_FIELD_STORED_SIZE], "compressed_size");
    record->payload_size =
        read_number(&reading, fields[GEN5_FIELD_PAYLOAD_SIZE], "uncompressed_size");
    read_hash(&reading, fields[GEN5_FIELD_HASH]);
    read_compressed(&reading, fields[GEN5_FIELD_COMPRESSED]);
    check_raw_size(&reading);
    if (gen5_tag_is(record->type, "LATN")) {
        read_latent(&reading, fields[GEN5_FIELD_EXTRA]);
    }
    return reading.out_of_memory ? gen5_error_set_memory(error) : GEN5_OK;
}

void gen5_record_release(struct gen5_record *record) {
    free(record->key);
    free(record->damage);
    record->key = NULL;
    record->damage = NULL;
}

int gen5_record_compare_offsets(const void *left, const void *right) {
    const struct gen5_record *a = *(const struct gen5_record *const *)left;
    const struct gen5_record *b = *(const struct gen5_record *const *)right;
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}
