// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Mutations of containers that reach what stands behind zstd and SHA-256.
#include "container_mutation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "gen5/digest.h"
#include "gen5/header.h"
#include "json_mutation.h"
#include "manifest_write.h"
#include "size_arithmetic.h"

enum { CONTENT_SIZE_MAX = 1 << 18 };

// What a chunk holds: inner header and payload, not compressed.
struct content {
    uint8_t bytes[CONTENT_SIZE_MAX];
    size_t size;
};

// A container being changed.
struct subject {
    uint8_t *bytes;
    size_t size;
    size_t size_max;
    struct gen5_header header;
    struct content table; // the inner header and the text of the manifest
};

// --- Chunks -------------------------------------------------------------------------------------

static bool unpack(const struct gen5_source *stored, struct content *content) {
    struct gen5_frame_reader *reader = NULL;
    if (gen5_frame_reader_new(stored, &reader, NULL) != GEN5_OK) {
        return false;
    }
    enum gen5_status status =
        gen5_frame_reader_read(reader, content->bytes, sizeof content->bytes, &content->size, NULL);
    gen5_frame_reader_free(reader);
    return status == GEN5_OK && content->size >= GEN5_CHUNK_HEADER_SIZE;
}

enum storage { STORED_RAW, STORED_IN_RAW_BLOCKS, STORED_COMPRESSED, STORAGE_COUNT };

// The stored form in new memory; NULL where there is none. Raw blocks leave the content where a
// plain mutation can get at it.
static void *pack(const struct content *content, enum storage storage, size_t *size) {
    void *stored = NULL;
    *size = content->size;
    switch (storage) {
    case STORED_IN_RAW_BLOCKS:
        (void)gen5_frame_store(content->bytes, content->size, &stored, size, NULL);
        break;
    case STORED_COMPRESSED:
        (void)gen5_frame_compress(content->bytes, content->size, 1, &stored, size, NULL);
        break;
    case STORED_RAW:
    case STORAGE_COUNT:
        stored = malloc(content->size);
        if (stored != NULL) {
            memcpy(stored, content->bytes, content->size);
        }
        break;
    }
    return stored;
}

// Let the inner header state the size of what follows it.
static void state_size(struct content *content) {
    struct gen5_chunk_header header;
    gen5_chunk_header_read(content->bytes, &header);
    header.payload_size = (uint32_t)(content->size - GEN5_CHUNK_HEADER_SIZE);
    gen5_chunk_header_write(&header, content->bytes);
}

// Put other bytes in place of a part of the file. False where they do not fit.
static bool put(struct subject *subject, size_t offset, size_t old_size, const void *bytes,
                size_t size) {
    size_t behind = subject->size - offset - old_size;
    if (subject->size - old_size > subject->size_max ||
        size > subject->size_max - (subject->size - old_size)) {
        return false;
    }
    memmove(subject->bytes + offset + size, subject->bytes + offset + old_size, behind);
    memcpy(subject->bytes + offset, bytes, size);
    subject->size = offset + size + behind;
    return true;
}

// --- The table ----------------------------------------------------------------------------------

static bool read_table(struct subject *subject) {
    if (gen5_header_read(subject->bytes, subject->size, subject->size, &subject->header, NULL) !=
        GEN5_OK) {
        return false;
    }
    struct gen5_source whole = gen5_source_from_memory(subject->bytes, subject->size);
    struct gen5_source stored =
        gen5_source_window(&whole, subject->header.table_offset, subject->header.table_size);
    return unpack(&stored, &subject->table);
}

static char *table_text(struct subject *subject) {
    return (char *)subject->table.bytes + GEN5_CHUNK_HEADER_SIZE;
}

static size_t table_text_size(const struct subject *subject) {
    return subject->table.size - GEN5_CHUNK_HEADER_SIZE;
}

// Put the table where the header has it, in raw blocks. A file that stated its size goes on to.
static bool write_table(struct subject *subject) {
    struct gen5_header *header = &subject->header;
    bool honest = header->file_size == subject->size;
    size_t size;
    state_size(&subject->table);
    void *stored = pack(&subject->table, STORED_IN_RAW_BLOCKS, &size);
    bool done =
        stored != NULL && put(subject, header->table_offset, header->table_size, stored, size);
    free(stored);
    if (done) {
        header->table_size = (uint32_t)size;
        header->file_size = honest ? (uint32_t)subject->size : header->file_size;
        gen5_header_write(header, subject->bytes);
    }
    return done;
}

// --- One chunk ----------------------------------------------------------------------------------

// The manifest, and what it is to say of its chunks.
struct records {
    struct gen5_manifest *manifest;
    struct gen5_chunk_facts *facts;
};

static void release_records(struct records *records) {
    gen5_manifest_free(records->manifest);
    free(records->facts);
}

static bool read_records(struct subject *subject, struct records *records) {
    struct gen5_limits limits = gen5_limits_default();
    *records = (struct records){NULL, NULL};
    if (gen5_manifest_parse(table_text(subject), table_text_size(subject), &limits,
                            &records->manifest, NULL) != GEN5_OK) {
        return false;
    }
    size_t count = records->manifest->record_count;
    records->facts = calloc(count + 1, sizeof *records->facts);
    if (records->facts == NULL || count == 0) {
        release_records(records);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        records->facts[i] = gen5_chunk_facts_of(&records->manifest->records[i]);
    }
    return true;
}

static bool write_records(struct subject *subject, const struct records *records) {
    struct gen5_limits limits = gen5_limits_default();
    char *text = NULL;
    size_t size = 0;
    limits.manifest_size_max = CONTENT_SIZE_MAX - GEN5_CHUNK_HEADER_SIZE;
    if (gen5_manifest_write(records->manifest, NULL, 0, records->facts,
                            records->manifest->record_count, subject->size, &limits, &text, &size,
                            NULL) != GEN5_OK) {
        return false;
    }
    memcpy(table_text(subject), text, size);
    subject->table.size = GEN5_CHUNK_HEADER_SIZE + size;
    free(text);
    return write_table(subject);
}

// Where a record's chunk lies among the chunks, its content.
static bool read_content(const struct subject *subject, const struct gen5_record *record,
                         struct content *content) {
    struct gen5_source whole = gen5_source_from_memory(subject->bytes, subject->size);
    if (record->offset < GEN5_HEADER_SIZE ||
        !gen5_size_lies_within(record->offset, record->stored_size, subject->header.table_offset)) {
        return false;
    }
    struct gen5_source stored = gen5_source_window(&whole, record->offset, record->stored_size);
    if (record->compressed) {
        return unpack(&stored, content);
    }
    content->size = (size_t)stored.size;
    return content->size >= GEN5_CHUNK_HEADER_SIZE && content->size <= sizeof content->bytes &&
           gen5_source_read(&stored, 0, content->bytes, content->size, NULL) == GEN5_OK;
}

static void change_payload(struct content *content, const struct gen5_record *record,
                           struct chance *chance) {
    uint8_t *payload = content->bytes + GEN5_CHUNK_HEADER_SIZE;
    size_t size = content->size - GEN5_CHUNK_HEADER_SIZE;
    size_t size_max = sizeof content->bytes - GEN5_CHUNK_HEADER_SIZE;
    size_t element = gen5_dtype_size(record->dtype);
    if (memcmp(record->type, "ENVC", GEN5_TAG_SIZE) == 0) {
        size = mutate_json((char *)payload, size, size_max, chance);
    } else {
        size = LLVMFuzzerMutate(payload, size, size_max);
    }
    size -= element > 0 ? size % element : 0;
    content->size = GEN5_CHUNK_HEADER_SIZE + size;
}

// What the record has to say of its changed content.
static bool state_facts(struct gen5_chunk_facts *facts, const struct content *content,
                        uint64_t *shape) {
    size_t element = gen5_dtype_size(facts->dtype);
    struct gen5_chunk_header header;
    gen5_chunk_header_read(content->bytes, &header);
    memcpy(facts->type, header.type, sizeof facts->type);
    memcpy(facts->flags, header.flags, sizeof facts->flags);
    facts->payload_size = content->size - GEN5_CHUNK_HEADER_SIZE;
    if (element > 0) {
        shape[3] = facts->payload_size / element;
        facts->rank = 4;
        facts->shape = shape;
    }
    facts->changed = true;
    return gen5_digest_of(content->bytes + GEN5_CHUNK_HEADER_SIZE, (size_t)facts->payload_size,
                          &facts->digest, NULL) == GEN5_OK;
}

// Put a chunk in its place, and let all that lies behind it move.
static bool put_chunk(struct subject *subject, struct records *records, size_t changed,
                      const struct content *content, enum storage storage) {
    struct gen5_chunk_facts *facts = &records->facts[changed];
    size_t offset = (size_t)facts->offset, old_size = (size_t)facts->stored_size, size;
    void *stored = pack(content, storage, &size);
    bool done = stored != NULL && put(subject, offset, old_size, stored, size);
    free(stored);
    if (!done) {
        return false;
    }
    for (size_t i = 0; i < records->manifest->record_count; i++) {
        if (records->facts[i].offset > offset) {
            records->facts[i].offset += size - old_size;
        }
    }
    bool honest = subject->header.file_size == subject->size - size + old_size;
    subject->header.table_offset += (uint32_t)(size - old_size);
    subject->header.file_size = honest ? (uint32_t)subject->size : subject->header.file_size;
    facts->stored_size = size;
    facts->compressed = storage != STORED_RAW;
    return true;
}

static bool change_chunk(struct subject *subject, struct chance *chance) {
    static struct content content;
    uint64_t shape[4] = {1, 1, 1, 0};
    struct records records;
    if (!read_records(subject, &records)) {
        return false;
    }
    size_t changed = chance_below(chance, records.manifest->record_count);
    const struct gen5_record *record = &records.manifest->records[changed];
    bool done = read_content(subject, record, &content);
    if (done && chance_below(chance, 4) != 0) {
        change_payload(&content, record, chance);
        state_size(&content);
    }
    if (done && chance_below(chance, 16) == 0) {
        LLVMFuzzerMutate(content.bytes, GEN5_CHUNK_HEADER_SIZE, GEN5_CHUNK_HEADER_SIZE);
    }
    enum storage storage = (enum storage)chance_below(chance, STORAGE_COUNT);
    done = done && state_facts(&records.facts[changed], &content, shape) &&
           put_chunk(subject, &records, changed, &content, storage) &&
           write_records(subject, &records);
    release_records(&records);
    return done;
}

// --- A chunk more -------------------------------------------------------------------------------

// A record's text once more behind it, so that two records mean one chunk.
static bool repeat_record(struct subject *subject, const struct gen5_record *record) {
    size_t size = record->text.end - record->text.begin;
    if (size + 1 > sizeof subject->table.bytes - subject->table.size) {
        return false;
    }
    char *end = table_text(subject) + record->text.end;
    memmove(end + size + 1, end, table_text_size(subject) - record->text.end);
    *end = ',';
    memcpy(end + 1, end - size, size);
    subject->table.size += size + 1;
    return true;
}

// And the chunk once more behind the others.
static bool repeat_chunk(struct subject *subject, struct chance *chance) {
    struct records records;
    if (!read_records(subject, &records)) {
        return false;
    }
    size_t original = chance_below(chance, records.manifest->record_count);
    bool done = repeat_record(subject, &records.manifest->records[original]);
    release_records(&records);
    if (!done || !read_records(subject, &records)) {
        return false;
    }
    struct gen5_chunk_facts *facts = &records.facts[original + 1];
    size_t end = subject->header.table_offset;
    done = gen5_size_lies_within(facts->offset, facts->stored_size, end) &&
           put(subject, end, 0, subject->bytes + facts->offset, (size_t)facts->stored_size);
    if (done) {
        facts->offset = end;
        subject->header.table_offset += (uint32_t)facts->stored_size;
        subject->header.file_size += (uint32_t)facts->stored_size;
        subject->header.chunk_count++;
        done = write_records(subject, &records);
    }
    release_records(&records);
    return done;
}

// --- Which --------------------------------------------------------------------------------------

static void change_header(struct subject *subject, struct chance *chance) {
    struct gen5_header *header = &subject->header;
    uint32_t *const fields[] = {&header->table_offset, &header->table_size, &header->chunk_count,
                                &header->file_size};
    uint32_t size = (uint32_t)subject->size;
    const uint32_t values[] = {0,
                               1,
                               GEN5_CHUNK_HEADER_SIZE,
                               GEN5_HEADER_SIZE - 1,
                               GEN5_HEADER_SIZE,
                               size - 1,
                               size,
                               size + 1,
                               size - header->table_offset,
                               header->table_offset + 1,
                               INT32_MAX,
                               (uint32_t)INT32_MAX + 1,
                               UINT32_MAX - header->table_offset,
                               UINT32_MAX - GEN5_CHUNK_HEADER_SIZE,
                               UINT32_MAX};
    *fields[chance_below(chance, 4)] = values[chance_below(chance, sizeof values / sizeof *values)];
    gen5_header_write(header, subject->bytes);
}

static bool change_text(struct subject *subject, struct chance *chance) {
    size_t size = mutate_json(table_text(subject), table_text_size(subject),
                              sizeof subject->table.bytes - GEN5_CHUNK_HEADER_SIZE, chance);
    subject->table.size = GEN5_CHUNK_HEADER_SIZE + size;
    return write_table(subject);
}

static bool change_part(struct subject *subject, struct chance *chance) {
    switch (chance_below(chance, 10)) {
    case 0:
        change_header(subject, chance);
        return true;
    case 1:
        return repeat_chunk(subject, chance);
    case 2:
    case 3:
    case 4:
    case 5:
        return change_chunk(subject, chance);
    default:
        return change_text(subject, chance);
    }
}

size_t mutate_container(uint8_t *bytes, size_t size, size_t size_max, struct chance *chance) {
    static struct subject subject;
    subject.bytes = bytes;
    subject.size = size;
    subject.size_max = size_max;
    if (chance_below(chance, 8) != 0 && read_table(&subject) && change_part(&subject, chance)) {
        return subject.size;
    }
    return LLVMFuzzerMutate(bytes, subject.size, size_max);
}
