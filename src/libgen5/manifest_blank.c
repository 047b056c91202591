// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The manifest of a container that has nothing in it yet.
#include <string.h>

#include "json_literal.h"
#include "manifest_write.h"
#include "text_builder.h"

// As json.dumps(…, indent=2) lays it out; the file's size is put in when it is known.
static const char BEFORE_DATE[] = "{\n"
                                  "  \"gen5_metadata\": {\n"
                                  "    \"file_info\": {\n"
                                  "      \"magic\": \"GEN5\",\n"
                                  "      \"version_major\": 1,\n"
                                  "      \"version_minor\": 0,\n"
                                  "      \"file_size\": 0,\n"
                                  "      \"chunk_count\": 0\n"
                                  "    },\n"
                                  "    \"model_info\": {\n"
                                  "      \"model_name\": \"\",\n"
                                  "      \"version\": \"\",\n"
                                  "      \"date\": ";

static const char BEHIND_DATE[] = ",\n"
                                  "      \"prompt\": \"\",\n"
                                  "      \"tags\": []\n"
                                  "    },\n"
                                  "    \"chunks\": []\n"
                                  "  }\n"
                                  "}";

enum gen5_status gen5_manifest_blank(const char *date, char **text, size_t *size,
                                     struct gen5_error *error) {
    // An escape is six bytes at most, for a byte or more.
    uint64_t size_max = sizeof BEFORE_DATE + sizeof BEHIND_DATE + 6 * (uint64_t)strlen(date) + 2;
    struct gen5_text_builder out;
    gen5_text_builder_init(&out, size_max);
    gen5_text_builder_append_string(&out, BEFORE_DATE);
    bool valid = gen5_json_string_write(&out, date, strlen(date));
    gen5_text_builder_append_string(&out, BEHIND_DATE);
    enum gen5_status status =
        valid ? gen5_text_builder_take(&out, text, size, error)
              : gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE, "a date must be UTF-8");
    gen5_text_builder_release(&out);
    return status;
}
