// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Checking one record and its chunk (FORMAT.md "A chunk", "The manifest", "The environment"), and
// with the greatest rigour what the payload is.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chunk_read.h"
#include "gen5/image.h"
#include "gen5/latent.h"
#include "inspection.h"
#include "json_literal.h"
#include "manifest_record.h"
#include "ownership.h"
#include "payload_reader.h"
#include "scratch_file.h"
#include "size_arithmetic.h"

// A chunk that is being checked.
struct chunk_check {
    const struct gen5_inspection *inspection;
    const struct gen5_record *record;
    size_t index;
};

// --- The record ---------------------------------------------------------------------------------

// What reading a chunk does not need, and is therefore no damage.
static enum gen5_status check_record(const struct chunk_check *check, struct gen5_error *problem) {
    const struct gen5_record *record = check->record;
    const char *text = check->inspection->container->manifest->text;
    struct gen5_json_value fields[GEN5_FIELD_COUNT];
    gen5_json_pick(text, (struct gen5_json_value){GEN5_JSON_OBJECT, record->text}, GEN5_FIELD_NAMES,
                   GEN5_FIELD_COUNT, fields);
    uint32_t index = 0;
    if (fields[GEN5_FIELD_INDEX].kind != GEN5_JSON_NUMBER ||
        !gen5_json_number_read(text, fields[GEN5_FIELD_INDEX].span, &index) ||
        index != check->index) {
        return gen5_error_set(problem, GEN5_ERROR_DAMAGED, (int64_t)record->offset,
                              "its record's \"index\" must be %zu", check->index);
    }
    if (fields[GEN5_FIELD_EXTRA].kind != GEN5_JSON_OBJECT) {
        return gen5_error_set(problem, GEN5_ERROR_DAMAGED, (int64_t)record->offset,
                              "its record's \"extra\" must be an object");
    }
    return GEN5_OK;
}

// The flags that FORMAT.md has for a type; NULL for types unknown.
static const char *flags_of(const struct gen5_record *record) {
    if (gen5_tag_is(record->type, "LATN")) {
        return record->dtype == GEN5_DTYPE_FLOAT16 ? "F16" : "F32"; // and the NUL
    }
    bool plain = gen5_tag_is(record->type, "DATA") || gen5_tag_is(record->type, "ENVC");
    return plain ? "0000" : NULL;
}

static enum gen5_status check_flags(const struct chunk_check *check,
                                    const struct gen5_chunk_header *header,
                                    struct gen5_error *problem) {
    const struct gen5_record *record = check->record;
    const char *flags = flags_of(record);
    if (flags != NULL && memcmp(record->flags, flags, GEN5_TAG_SIZE) != 0) {
        return gen5_error_set(problem, GEN5_ERROR_DAMAGED, (int64_t)record->offset,
                              "its record's flags are \"%.4s\", they must be \"%.4s\"",
                              record->flags, flags);
    }
    if (memcmp(header->flags, record->flags, GEN5_TAG_SIZE) != 0) {
        return gen5_error_set(problem, GEN5_ERROR_DAMAGED, (int64_t)record->offset,
                              "the flags in its own header are \"%.4s\", its record has \"%.4s\"",
                              header->flags, record->flags);
    }
    return GEN5_OK;
}

// --- The payload --------------------------------------------------------------------------------

static enum gen5_status check_payload(const struct chunk_check *check, struct gen5_error *problem) {
    const struct gen5_inspection *inspection = check->inspection;
    const struct gen5_payload_target nowhere = {.fd = -1,
                                                .one_thread = inspection->visitor->one_thread};
    struct gen5_payload_reader *reader = NULL;
    enum gen5_status status = gen5_payload_reader_new(inspection->container, check->record,
                                                      GEN5_VERIFY, &reader, problem);
    if (status == GEN5_OK && inspection->rigour >= GEN5_RIGOUR_STRICT) {
        status = check_flags(check, gen5_payload_reader_header(reader), problem);
    }
    if (status == GEN5_OK) {
        status = gen5_payload_reader_read_all(reader, &nowhere, problem);
    }
    gen5_payload_reader_free(reader);
    return status;
}

static enum gen5_status check_environment(const struct chunk_check *check,
                                          struct gen5_error *problem) {
    const struct gen5_container *container = check->inspection->container;
    const struct gen5_record *record = check->record;
    if (record->payload_size > container->limits.environment_size_max) {
        return gen5_error_set(problem, GEN5_ERROR_LIMIT, (int64_t)record->offset,
                              "an environment of %" PRIu64 " bytes is over the limit of %" PRIu64,
                              record->payload_size, container->limits.environment_size_max);
    }
    size_t size = (size_t)record->payload_size;
    GEN5_AUTO_FREE char *text = malloc(size + 1);
    if (text == NULL) {
        return gen5_error_set_memory(problem);
    }
    enum gen5_status status = gen5_payload_read(container, record, GEN5_NO_VERIFY, text, problem);
    return status == GEN5_OK ? gen5_environment_check(text, size, &container->limits, problem)
                             : status;
}

// The payload as a source: a window of the container where it is raw, else a scratch file, which
// *fd then is.
static enum gen5_status payload_source(const struct chunk_check *check, int *fd,
                                       struct gen5_source *source, struct gen5_error *problem) {
    const struct gen5_container *container = check->inspection->container;
    const struct gen5_record *record = check->record;
    if (gen5_record_is_raw(record)) {
        *source = gen5_source_window(&container->source, record->offset + GEN5_CHUNK_HEADER_SIZE,
                                     record->payload_size);
        return GEN5_OK;
    }
    enum gen5_status status =
        gen5_scratch_file_new(container->source.fd, record->payload_size, fd, problem);
    if (status == GEN5_OK) {
        status = gen5_payload_copy(container, record, GEN5_NO_VERIFY, *fd, 0, problem);
    }
    return status == GEN5_OK ? gen5_source_from_fd(*fd, source, problem) : status;
}

static enum gen5_status check_image(const struct chunk_check *check, struct gen5_error *problem) {
    GEN5_AUTO_CLOSE int fd = -1;
    struct gen5_source source;
    enum gen5_status status = payload_source(check, &fd, &source, problem);
    if (status == GEN5_OK) {
        status = gen5_image_check(&source, GEN5_IMAGE_UNKNOWN,
                                  &check->inspection->container->limits, problem);
    }
    return status;
}

static enum gen5_status check_shape(const struct chunk_check *check, struct gen5_error *problem) {
    enum { RANK = 4 }; // FORMAT.md "What the reference encoder refuses"
    const struct gen5_limits *limits = &check->inspection->container->limits;
    const struct gen5_record *record = check->record;
    if (record->rank != RANK) {
        return gen5_error_set(problem, GEN5_ERROR_INVALID, (int64_t)record->offset,
                              "the latent has %" PRIu32 " dimensions, there must be %d",
                              record->rank, RANK);
    }
    uint64_t elements = 1;
    for (uint32_t i = 0; i < record->rank; i++) {
        elements *= record->shape[i]; // at most the payload's size
        if (record->shape[i] == 0 || record->shape[i] > limits->tensor_dimension_max) {
            return gen5_error_set(problem, GEN5_ERROR_INVALID, (int64_t)record->offset,
                                  "dimension %" PRIu32 " of the latent is %" PRIu64
                                  ", it must be 1 to %" PRIu32,
                                  i, record->shape[i], limits->tensor_dimension_max);
        }
    }
    if (elements > limits->tensor_elements_max) {
        return gen5_error_set(problem, GEN5_ERROR_INVALID, (int64_t)record->offset,
                              "the latent has %" PRIu64 " elements, more than %" PRIu64, elements,
                              limits->tensor_elements_max);
    }
    return GEN5_OK;
}

static enum gen5_status check_latent(const struct chunk_check *check, struct gen5_error *problem) {
    struct gen5_latent latent = {check->inspection->container, check->record};
    struct gen5_latent_statistics statistics;
    enum gen5_status status = check_shape(check, problem);
    if (status == GEN5_OK) {
        status = gen5_latent_measure(&latent, &statistics, problem);
    }
    if (status == GEN5_OK && statistics.nan_count + statistics.infinity_count > 0) {
        status = gen5_error_set(problem, GEN5_ERROR_INVALID, (int64_t)check->record->offset,
                                "the latent has %" PRIu64 " NaN and %" PRIu64 " infinite elements",
                                statistics.nan_count, statistics.infinity_count);
    }
    return status;
}

// What the payload of a member has to be, once it is known to be the one that was stored.
static enum gen5_status check_content(const struct chunk_check *check, struct gen5_error *problem) {
    enum gen5_rigour rigour = check->inspection->rigour;
    const char *type = check->record->type;
    if (rigour >= GEN5_RIGOUR_STRICT && gen5_tag_is(type, "ENVC")) {
        return check_environment(check, problem);
    }
    if (rigour >= GEN5_RIGOUR_DEEP && gen5_tag_is(type, "DATA")) {
        return check_image(check, problem);
    }
    if (rigour >= GEN5_RIGOUR_DEEP && gen5_tag_is(type, "LATN")) {
        return check_latent(check, problem);
    }
    return GEN5_OK;
}

// --- The chunk ----------------------------------------------------------------------------------

enum gen5_status gen5_verify_chunk(const struct gen5_inspection *inspection, size_t record,
                                   struct gen5_error *error) {
    struct chunk_check check = {inspection, &inspection->container->manifest->records[record],
                                record};
    struct gen5_error problem = GEN5_ERROR_NONE;
    enum gen5_status status = check_payload(&check, &problem);
    if (gen5_inspection_is_fault(status) && !inspection->counts[record]) {
        gen5_error_prefix(&problem, "a later record takes its place");
    } else if (status == GEN5_OK && !inspection->counts[record]) {
        status = gen5_error_set(&problem, GEN5_ERROR_DAMAGED, (int64_t)check.record->offset,
                                "a later record takes its place");
    }
    if (status == GEN5_OK && inspection->rigour >= GEN5_RIGOUR_STRICT) {
        status = check_record(&check, &problem);
    }
    if (status == GEN5_OK) {
        status = check_content(&check, &problem);
    }
    if (inspection->visitor->progress != NULL) {
        inspection->visitor->progress(inspection->visitor->context, check.record->stored_size);
    }
    if (gen5_inspection_is_fault(status)) {
        gen5_inspection_report_chunk(inspection, record, &problem);
        return GEN5_OK;
    }
    if (status != GEN5_OK && error != NULL) {
        *error = problem;
    }
    return gen5_payload_locate(status, check.record, error);
}
