// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Checking a container's header (FORMAT.md "Header"), and that its chunks fill the file: back to
// back, META as the last.
#include <inttypes.h>
#include <stdlib.h>

#include "inspection.h"
#include "manifest_record.h"
#include "ownership.h"

// Where the header's fields stand, for messages.
enum {
    OFFSET_VERSION_MAJOR = 4,
    OFFSET_VERSION_MINOR = 5,
    OFFSET_FLAGS = 6,
    OFFSET_CHUNK_COUNT = 16,
    OFFSET_FILE_SIZE = 20,
    OFFSET_RESERVED = 24,
};

static void check_header(const struct gen5_inspection *inspection) {
    const struct gen5_header *header = &inspection->container->header;
    const struct {
        int64_t offset;
        const char *name;
        uint64_t stated;
        uint64_t right;
    } rows[] = {
        {OFFSET_VERSION_MAJOR, "version_major", header->version_major, 1},
        {OFFSET_VERSION_MINOR, "version_minor", header->version_minor, 0},
        {OFFSET_FLAGS, "flags", header->flags, 0},
        {OFFSET_CHUNK_COUNT, "chunk_count", header->chunk_count,
         inspection->container->manifest->record_count},
        {OFFSET_FILE_SIZE, "file_size", header->file_size, inspection->container->source.size},
        {OFFSET_RESERVED, "reserved", header->reserved, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].stated != rows[i].right) {
            gen5_inspection_report(inspection, "", rows[i].offset,
                                   "%s in the header is %" PRIu64 ", it must be %" PRIu64,
                                   rows[i].name, rows[i].stated, rows[i].right);
        }
    }
}

static void check_gap(const struct gen5_inspection *inspection, uint64_t begin, uint64_t end) {
    if (begin < end) {
        gen5_inspection_report(inspection, "", (int64_t)begin, "%" PRIu64 " byte%s no chunk",
                               end - begin, end - begin == 1 ? " belongs to" : "s belong to");
    }
}

// Go through chunks in the order of the file. Those that are damaged are told of by themselves;
// where they lie is not known, and so neither is what lies between the others.
static void check_spans(const struct gen5_inspection *inspection,
                        const struct gen5_record *const *chunks, size_t count, bool all_known) {
    const struct gen5_record *records = inspection->container->manifest->records;
    uint64_t at = GEN5_HEADER_SIZE;
    for (size_t i = 0; i < count; i++) {
        if (chunks[i]->offset < at) {
            struct gen5_error overlap = GEN5_ERROR_NONE;
            gen5_error_set(&overlap, GEN5_ERROR_DAMAGED, (int64_t)chunks[i]->offset,
                           "it overlaps the chunk before it, which ends at byte %" PRIu64, at);
            gen5_inspection_report_chunk(inspection, (size_t)(chunks[i] - records), &overlap);
        } else if (all_known) {
            check_gap(inspection, at, chunks[i]->offset);
        }
        uint64_t end = chunks[i]->offset + chunks[i]->stored_size;
        at = end > at ? end : at;
    }
    uint64_t table = inspection->container->header.table_offset;
    uint64_t table_end = table + inspection->container->header.table_size;
    if (all_known) {
        check_gap(inspection, at, table);
    }
    // Chunks behind META are kept from reading it as the last, but belong to somebody.
    check_gap(inspection, at > table_end ? at : table_end, inspection->container->source.size);
    if (at > table_end) {
        gen5_inspection_report(inspection, "META", (int64_t)table,
                               "chunks lie behind it, it must be the last");
    }
}

enum gen5_status gen5_verify_layout(const struct gen5_inspection *inspection,
                                    struct gen5_error *error) {
    const struct gen5_manifest *manifest = inspection->container->manifest;
    GEN5_AUTO_FREE const struct gen5_record **chunks =
        calloc(manifest->record_count + 1, sizeof(const struct gen5_record *));
    if (chunks == NULL) {
        return gen5_error_set_memory(error);
    }
    size_t count = 0;
    bool all_known = true;
    for (size_t i = 0; i < manifest->record_count; i++) {
        const struct gen5_record *record = &manifest->records[i];
        if (inspection->counts[i] && record->damage == NULL) {
            chunks[count++] = record;
        }
        all_known = all_known && (!inspection->counts[i] || record->damage == NULL);
    }
    check_header(inspection);
    qsort(chunks, count, sizeof *chunks, gen5_record_compare_offsets);
    check_spans(inspection, chunks, count, all_known);
    return GEN5_OK;
}
