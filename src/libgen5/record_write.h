// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The text of one record after a repack. Private to libgen5.
#ifndef GEN5_RECORD_WRITE_H
#define GEN5_RECORD_WRITE_H

#include "json_layout.h"
#include "manifest_write.h"

// Append the text of the record `value` of `text` with its computed fields made those of `chunk`,
// which is the `index`-th. Fields that are missing are added at the end; "{}" becomes a whole
// record. `outer` is the layout in which the record stands. A record that is damaged, and whose
// chunk was not changed, keeps what it had: only index and offset are written. Failures are the
// builder's, and GEN5_ERROR_INVALID where the key of an added chunk is no UTF-8.
enum gen5_status gen5_record_write(const char *text, struct gen5_json_value value,
                                   const struct gen5_chunk_facts *chunk, size_t index,
                                   const struct gen5_manifest *old,
                                   const struct gen5_json_layout *outer,
                                   struct gen5_text_builder *out, struct gen5_error *error);

#endif
