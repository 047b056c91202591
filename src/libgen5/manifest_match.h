// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which record of an edited document belongs to which chunk of the container. Private to libgen5.
#ifndef GEN5_MANIFEST_MATCH_H
#define GEN5_MANIFEST_MATCH_H

#include "manifest_write.h"

#define GEN5_MATCH_NONE SIZE_MAX

// Set matches[i] to the index of the record that belongs to chunks[i], or to GEN5_MATCH_NONE. A
// record belongs to one chunk at most. Tried in this order: same type, hash and key; same type and
// hash; the same two with the hash that the chunk had before it was changed; same type and key;
// same type and position among its type. Of several that are alike, the last ones are taken, in
// order, as the last record of a member is the one that counts. O(n log n). GEN5_ERROR_MEMORY.
enum gen5_status gen5_manifest_match(const struct gen5_record *records, size_t record_count,
                                     const struct gen5_chunk_facts *chunks, size_t chunk_count,
                                     size_t *matches, struct gen5_error *error);

#endif
