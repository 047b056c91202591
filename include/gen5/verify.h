// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Checking a whole container against FORMAT.md, without stopping at the first fault.
#ifndef GEN5_VERIFY_H
#define GEN5_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/export.h"
#include "gen5/header.h"
#include "gen5/limits.h"
#include "gen5/source.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gen5_rigour {
    // Only what keeps a reader from getting a member as it was stored: the structure that leads to
    // the chunks that count, their sizes and their hashes.
    GEN5_RIGOUR_LENIENT,
    // All that FORMAT.md asks of a writer, the file_size of the manifest aside, which the reference
    // itself writes wrong: every header field, chunks back to back without a byte between them or
    // behind META, no record that a later one takes the place of, the schema, the environment's
    // digests. Unknown chunk types are let pass.
    GEN5_RIGOUR_STRICT,
    // The contents too, which takes longer: the image is whole, and a PNG decodes; latents have
    // four dimensions within the limits, and no NaN or infinity.
    GEN5_RIGOUR_DEEP,
};

#define GEN5_FAULT_NO_RECORD SIZE_MAX

struct gen5_fault {
    size_t record;                // the chunk's position in the manifest, or GEN5_FAULT_NO_RECORD
    char part[GEN5_TAG_SIZE + 1]; // the chunk's type; "META"; "" where it is the file as a whole
    int64_t offset;               // in the file, as near to the fault as is known
    enum gen5_status status;      // GEN5_ERROR_DAMAGED, _HASH, _LIMIT or _INVALID
    const char *reason;           // one line; only during the call
};

struct gen5_verify_visitor {
    void (*fault)(void *context, const struct gen5_fault *fault);
    // `size` further bytes of the file were looked at. May be NULL. What repeats or overlaps is
    // told again, so that the sum may be more than the file's size, and gaps are not told.
    void (*progress)(void *context, uint64_t size);
    void *context;
    // Payloads are hashed by the thread that reads them, which takes the least time of processors:
    // for callers who keep these busy with other containers. Else a second thread hashes what is
    // large meanwhile.
    bool one_thread;
};

// Check a container and tell each fault as it is found: those of the whole file first, then the
// chunks' in the manifest's order. GEN5_OK says that the container was looked at, sound or not;
// GEN5_ERROR_SYSTEM and GEN5_ERROR_MEMORY that it could not be, or not to its end.
GEN5_EXPORT enum gen5_status gen5_verify(const struct gen5_source *source,
                                         const struct gen5_limits *limits, enum gen5_rigour rigour,
                                         const struct gen5_verify_visitor *visitor,
                                         struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
