// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Checking a container's manifest as a whole (FORMAT.md "The manifest"): its chunk, file_info, and
// the schema for what is the user's. The records are checked with their chunks.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chunk_read.h"
#include "frame.h"
#include "inspection.h"
#include "json_literal.h"
#include "manifest_record.h"

static int64_t table_offset(const struct gen5_inspection *inspection) {
    return inspection->container->header.table_offset;
}

// The container was opened, so the chunk can be read and is a META chunk.
static enum gen5_status check_inner_header(const struct gen5_inspection *inspection,
                                           struct gen5_error *error) {
    const struct gen5_container *container = inspection->container;
    struct gen5_source stored = gen5_source_window(
        &container->source, container->header.table_offset, container->header.table_size);
    struct gen5_chunk_reader *reader = NULL;
    enum gen5_status status =
        gen5_chunk_reader_new(&stored, true, container->manifest->size, &reader, error);
    if (status == GEN5_OK &&
        memcmp(gen5_chunk_reader_header(reader)->flags, "0000", GEN5_TAG_SIZE) != 0) {
        gen5_inspection_report(inspection, "META", table_offset(inspection),
                               "the flags in its own header must be \"0000\"");
    }
    gen5_chunk_reader_free(reader);
    return status;
}

// What file_info says, against the header that says the same.
static void check_file_info(const struct gen5_inspection *inspection) {
    const struct gen5_manifest *manifest = inspection->container->manifest;
    const struct gen5_header *header = &inspection->container->header;
    static const char *const NAMES[] = {"magic", "version_major", "version_minor", "chunk_count",
                                        "file_size"};
    enum { MAGIC, VERSION_MAJOR, VERSION_MINOR, CHUNK_COUNT, FILE_SIZE, COUNT };
    const uint32_t right[COUNT] = {
        [VERSION_MAJOR] = header->version_major,
        [VERSION_MINOR] = header->version_minor,
        [CHUNK_COUNT] = header->chunk_count,
    };
    struct gen5_json_value root = gen5_json_root(manifest->text, manifest->size);
    struct gen5_json_value file_info = gen5_metadata_find(manifest->text, root, "file_info");
    struct gen5_json_value values[COUNT];
    gen5_json_pick(manifest->text, file_info, NAMES, COUNT, values);
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t number = 0;
        bool is_number = values[i].kind == GEN5_JSON_NUMBER &&
                         gen5_json_number_read(manifest->text, values[i].span, &number);
        // The file's size may be any: the reference computes it too early.
        bool sound = i == MAGIC ? values[i].kind == GEN5_JSON_STRING &&
                                      gen5_json_string_equals(manifest->text, values[i].span,
                                                              "GEN5", strlen("GEN5"))
                                : is_number && (i == FILE_SIZE || number == right[i]);
        if (!sound && (i == MAGIC || !is_number)) {
            gen5_inspection_report(inspection, "META", table_offset(inspection),
                                   "gen5_metadata.file_info.%s: %s", NAMES[i],
                                   values[i].kind == GEN5_JSON_NONE ? "is missing"
                                   : i == MAGIC                     ? "must be \"GEN5\""
                                                : "must be an integer from 0 to 4294967295");
        } else if (!sound) {
            gen5_inspection_report(inspection, "META", table_offset(inspection),
                                   "gen5_metadata.file_info.%s: is %" PRIu32
                                   ", the header has %" PRIu32,
                                   NAMES[i], number, right[i]);
        }
    }
}

enum gen5_status gen5_verify_manifest(const struct gen5_inspection *inspection,
                                      struct gen5_error *error) {
    const struct gen5_container *container = inspection->container;
    const struct gen5_manifest *manifest = container->manifest;
    enum gen5_status status = check_inner_header(inspection, error);
    if (status != GEN5_OK) {
        return status;
    }
    check_file_info(inspection);
    struct gen5_error problem = GEN5_ERROR_NONE;
    status =
        gen5_metadata_check(manifest->text, manifest->size, NULL, 0, &container->limits, &problem);
    if (gen5_inspection_is_fault(status)) {
        gen5_inspection_report(inspection, "META", table_offset(inspection), "%s", problem.message);
        return GEN5_OK;
    }
    if (error != NULL) {
        *error = problem;
    }
    return status;
}
