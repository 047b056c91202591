// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The manifest's text after a repack: what a user wrote, with what follows from the bytes put in
// its place. Private to libgen5.
#ifndef GEN5_MANIFEST_WRITE_H
#define GEN5_MANIFEST_WRITE_H

#include "gen5/manifest.h"

// One chunk of the container that is being written.
struct gen5_chunk_facts {
    char type[GEN5_TAG_SIZE];
    char flags[GEN5_TAG_SIZE];
    uint64_t offset;
    uint64_t stored_size;
    uint64_t payload_size;
    struct gen5_digest digest;
    bool compressed;
    enum gen5_dtype dtype; // LATN only, as rank, shape and key
    uint32_t rank;
    const uint64_t *shape;
    const char *key;
    size_t key_length;
    const struct gen5_record
        *record;  // the chunk's record in the old manifest; NULL for an added chunk
    bool changed; // the payload is new: hash, sizes, flags, dtype and shape are rewritten, not
                  // offsets alone
};

// What a record says of its chunk, unchanged and where it is.
struct gen5_chunk_facts gen5_chunk_facts_of(const struct gen5_record *record);

// Write the manifest's text for these chunks, in this order, as new memory that the caller frees
// (a NUL that is not counted follows).
//
// `user_text` is a document that gen5_metadata_check has taken, or NULL: then the old manifest's
// own text. In it, only these are touched: the five fields of file_info, and of each record index,
// type, flags, offset, compressed_size, uncompressed_size, hash, compressed and extra.shape,
// extra.dtype (extra.key where the chunk is an added one). Values that are right already keep their
// bytes, if the reference reads them too: 32.0 becomes 32, a hash in capitals becomes one in lower
// case. What is missing is added: fields at the end of their object, file_info as the first and
// chunks as the last member of gen5_metadata. Text that is added is indented as its neighbours are.
//
// A record for which the document has none keeps its text from the old manifest; records of the
// document that match no chunk are cut out. A document's record belongs to the chunk with the same
// hash and type, else the same type and key, else the same type and position among its type (see
// manifest_match.h); a record without a usable type is taken for one of the chunk at its position.
// A damaged record whose chunk is not changed gets its index and offset, and otherwise keeps what
// it says and lacks. `old` is NULL only with user_text and without records.
//
// An unchanged chunk whose key the user edited in extra gets the new key. GEN5_ERROR_INVALID where
// two latents would then have one key that they did not have before, where a key is no string, or
// where the key of an added chunk is no UTF-8. GEN5_ERROR_TOO_LARGE where the text or the number of
// records would pass the limits.
enum gen5_status gen5_manifest_write(const struct gen5_manifest *old, const char *user_text,
                                     size_t user_size, const struct gen5_chunk_facts *chunks,
                                     size_t chunk_count, uint64_t file_size,
                                     const struct gen5_limits *limits, char **text, size_t *size,
                                     struct gen5_error *error);

// A manifest without chunks that the schema takes, dated `date` (ISO 8601 with offset).
enum gen5_status gen5_manifest_blank(const char *date, char **text, size_t *size,
                                     struct gen5_error *error);

#endif
