// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container being checked, as the parts of gen5_verify share it. Private to libgen5.
#ifndef GEN5_INSPECTION_H
#define GEN5_INSPECTION_H

#include "gen5/container.h"
#include "gen5/verify.h"

struct gen5_inspection {
    const struct gen5_container *container;
    enum gen5_rigour rigour;
    const struct gen5_verify_visitor *visitor;
    // One a record: whether it counts, which one that a later record takes the place of does not.
    bool *counts;
};

// Tell a fault of the file (`part` is "") or of META.
void gen5_inspection_report(const struct gen5_inspection *inspection, const char *part,
                            int64_t offset, const char *reason_format, ...)
    __attribute__((format(printf, 4, 5)));

// Tell a fault of the chunk of a record. An offset that does not lie in the chunk, such as one in
// its payload, becomes the chunk's own.
void gen5_inspection_report_chunk(const struct gen5_inspection *inspection, size_t record,
                                  const struct gen5_error *error);

// Whether an error is one of the bytes that are stored, and not of the machine that reads them.
bool gen5_inspection_is_fault(enum gen5_status status);

// The header's fields, and where the chunks lie.
enum gen5_status gen5_verify_layout(const struct gen5_inspection *inspection,
                                    struct gen5_error *error);
// META's inner header, file_info and the schema.
enum gen5_status gen5_verify_manifest(const struct gen5_inspection *inspection,
                                      struct gen5_error *error);
// A record and the chunk that it describes.
enum gen5_status gen5_verify_chunk(const struct gen5_inspection *inspection, size_t record,
                                   struct gen5_error *error);

#endif
