// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// One record of the manifest, read from its JSON object (FORMAT.md "The manifest"). Private to
// libgen5.
#ifndef GEN5_MANIFEST_RECORD_H
#define GEN5_MANIFEST_RECORD_H

#include "gen5/manifest.h"
#include "json_text.h"

// The nine fields of a record, in the order in which the reference writes them.
enum gen5_record_field {
    GEN5_FIELD_INDEX,
    GEN5_FIELD_TYPE,
    GEN5_FIELD_FLAGS,
    GEN5_FIELD_OFFSET,
    GEN5_FIELD_STORED_SIZE,
    GEN5_FIELD_PAYLOAD_SIZE,
    GEN5_FIELD_HASH,
    GEN5_FIELD_EXTRA,
    GEN5_FIELD_COMPRESSED,
    GEN5_FIELD_COUNT,
};
extern const char *const GEN5_FIELD_NAMES[GEN5_FIELD_COUNT];

// The fields of file_info, in the same order.
enum gen5_info_field {
    GEN5_INFO_MAGIC,
    GEN5_INFO_MAJOR,
    GEN5_INFO_MINOR,
    GEN5_INFO_FILE_SIZE,
    GEN5_INFO_CHUNK_COUNT,
    GEN5_INFO_COUNT,
};
extern const char *const GEN5_INFO_NAMES[GEN5_INFO_COUNT];

// What a latent's record has in "extra".
enum gen5_extra_field { GEN5_EXTRA_SHAPE, GEN5_EXTRA_DTYPE, GEN5_EXTRA_KEY, GEN5_EXTRA_COUNT };
extern const char *const GEN5_EXTRA_NAMES[GEN5_EXTRA_COUNT];

// True where the record is of this type, "LATN" and so on.
bool gen5_tag_is(const char tag[GEN5_TAG_SIZE], const char *name);

// Read a record from a value of a text that gen5_json_scan has passed. Every field that can be used
// is filled, also where others are damaged; those that cannot are zero (a key NULL). The only
// failure is GEN5_ERROR_MEMORY; the record must be released then too.
enum gen5_status gen5_record_read(const char *text, struct gen5_json_value value,
                                  struct gen5_record *record, struct gen5_error *error);
void gen5_record_release(struct gen5_record *record);

// For qsort(3) of pointers to records of one manifest: by offset, and where these are the same in
// the manifest's order.
int gen5_record_compare_offsets(const void *left, const void *right);

// The value of gen5_metadata.chunks or another member of gen5_metadata, in a document.
struct gen5_json_value gen5_metadata_find(const char *text, struct gen5_json_value root,
                                          const char *name);

#endif
