// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Checking a whole container: in which order, and how faults are told.
#include "gen5/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspection.h"
#include "manifest_record.h"
#include "ownership.h"
#include "size_arithmetic.h"

// --- Telling ------------------------------------------------------------------------------------

bool gen5_inspection_is_fault(enum gen5_status status) {
    return status != GEN5_OK && status != GEN5_ERROR_SYSTEM && status != GEN5_ERROR_MEMORY;
}

void gen5_inspection_report(const struct gen5_inspection *inspection, const char *part,
                            int64_t offset, const char *reason_format, ...) {
    char reason[GEN5_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, reason_format);
    vsnprintf(reason, sizeof reason, reason_format, arguments);
    va_end(arguments);
    struct gen5_fault fault = {
        .record = GEN5_FAULT_NO_RECORD,
        .offset = offset,
        .status = GEN5_ERROR_DAMAGED,
        .reason = reason,
    };
    snprintf(fault.part, sizeof fault.part, "%s", part);
    inspection->visitor->fault(inspection->visitor->context, &fault);
}

void gen5_inspection_report_chunk(const struct gen5_inspection *inspection, size_t record,
                                  const struct gen5_error *error) {
    const struct gen5_record *about = &inspection->container->manifest->records[record];
    uint64_t end = about->offset + about->stored_size; // of two 32-bit numbers
    bool inside = error->offset >= 0 && (uint64_t)error->offset >= about->offset &&
                  (uint64_t)error->offset < end;
    struct gen5_fault fault = {
        .record = record,
        .offset = inside ? error->offset : (int64_t)about->offset,
        .status = error->status,
        .reason = error->message,
    };
    memcpy(fault.part, about->type, GEN5_TAG_SIZE);
    inspection->visitor->fault(inspection->visitor->context, &fault);
}

// The container cannot even be opened.
static enum gen5_status report_unreadable(const struct gen5_inspection *inspection,
                                          const struct gen5_error *problem,
                                          struct gen5_error *error) {
    if (!gen5_inspection_is_fault(problem->status)) {
        if (error != NULL) {
            *error = *problem;
        }
        return problem->status;
    }
    struct gen5_fault fault = {
        .record = GEN5_FAULT_NO_RECORD,
        .offset = problem->offset,
        .status = problem->status,
        .reason = problem->message,
    };
    inspection->visitor->fault(inspection->visitor->context, &fault);
    return GEN5_OK;
}

// --- Checking -----------------------------------------------------------------------------------

// Members are the container's; chunks of unknown types count all.
static void find_what_counts(struct gen5_inspection *inspection) {
    const struct gen5_container *container = inspection->container;
    const struct gen5_record *records = container->manifest->records;
    for (size_t i = 0; i < container->manifest->record_count; i++) {
        const struct gen5_record *record = &records[i];
        // A latent without a key takes nobody's place.
        inspection->counts[i] = gen5_tag_is(record->type, "DATA") ? record == container->image
                                : gen5_tag_is(record->type, "ENVC")
                                    ? record == container->environment
                                : gen5_tag_is(record->type, "LATN") ? record->key == NULL
                                                                    : true;
    }
    for (size_t i = 0; i < container->latent_count; i++) {
        inspection->counts[container->latents[i] - records] = true;
    }
}

static enum gen5_status verify_opened(struct gen5_inspection *inspection,
                                      struct gen5_error *error) {
    const struct gen5_container *container = inspection->container;
    const struct gen5_verify_visitor *visitor = inspection->visitor;
    size_t record_count = container->manifest->record_count;
    GEN5_AUTO_FREE bool *counts = calloc(record_count + 1, sizeof *counts);
    if (counts == NULL) {
        return gen5_error_set_memory(error);
    }
    inspection->counts = counts;
    find_what_counts(inspection);
    enum gen5_status status = GEN5_OK;
    if (inspection->rigour >= GEN5_RIGOUR_STRICT) {
        status = gen5_verify_layout(inspection, error);
        if (status == GEN5_OK) {
            status = gen5_verify_manifest(inspection, error);
        }
    }
    if (visitor->progress != NULL) {
        visitor->progress(visitor->context,
                          (uint64_t)GEN5_HEADER_SIZE + container->header.table_size);
    }
    for (size_t i = 0; status == GEN5_OK && i < record_count; i++) {
        if (counts[i] || inspection->rigour >= GEN5_RIGOUR_STRICT) {
            status = gen5_verify_chunk(inspection, i, error);
        }
    }
    return status;
}

enum gen5_status gen5_verify(const struct gen5_source *source, const struct gen5_limits *limits,
                             enum gen5_rigour rigour, const struct gen5_verify_visitor *visitor,
                             struct gen5_error *error) {
    struct gen5_container *container = NULL;
    struct gen5_error problem = GEN5_ERROR_NONE;
    struct gen5_inspection inspection = {.rigour = rigour, .visitor = visitor};
    if (gen5_container_open(source, limits, &container, &problem) != GEN5_OK) {
        return report_unreadable(&inspection, &problem, error);
    }
    inspection.container = container;
    enum gen5_status status = verify_opened(&inspection, error);
    gen5_container_free(container);
    return status;
}
