// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which metadata documents may be stored.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/limits.h"
#include "gen5/manifest.h"
#include "text_builder.h"
#include "text_change.h"

static const char DOCUMENT[] =
    "{\n"
    "  \"gen5_metadata\": {\n"
    "    \"model_info\": {\n"
    "      \"model_name\": \"m\", \"version\": \"1\", \"date\": \"d\", \"prompt\": \"p\",\n"
    "      \"tags\": [\"a\", \"b\"],\n"
    "      \"generation_settings\": {\n"
    "        \"seed\": 42, \"steps\": 20, \"sampler\": \"ddim\", \"cfg_scale\": 7.5,\n"
    "        \"scheduler\": \"pndm\", \"eta\": 0.0, \"guidance\": \"g\", \"precision\": \"fp16\",\n"
    "        \"deterministic\": true\n"
    "      },\n"
    "      \"hardware_info\": {\n"
    "        \"machine_name\": \"n\", \"os\": \"linux\", \"cpu\": \"c\", \"cpu_cores\": 8,\n"
    "        \"gpu\": [{\"name\": \"g0\", \"memory_gb\": 24, \"driver\": \"d\", \"cuda_version\": "
    "\"12\"},\n"
    "                {\"name\": \"g1\"}],\n"
    "        \"ram_gb\": 64.0, \"framework\": \"torch\", \"compute_lib\": \"cuda\"\n"
    "      }\n"
    "    },\n"
    "    \"chunks\": [{\"type\": \"LATN\", \"extra\": {\"key\": \"k\"}}, {\"type\": \"DATA\"}]\n"
    "  }\n"
    "}\n";

static enum gen5_status check_against(const char *text, const char *old, struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    return gen5_metadata_check(text, strlen(text), old, old != NULL ? strlen(old) : 0, &limits,
                               error);
}

static enum gen5_status check(const char *text, struct gen5_error *error) {
    return check_against(text, NULL, error);
}

Test(metadata_schema, takes_a_document_with_every_field) {
    struct gen5_error error;
    cr_expect_eq(check(DOCUMENT, &error), GEN5_OK, "%s", error.message);
}

Test(metadata_schema, takes_what_the_schema_allows) {
    static const struct text_change CHANGES[] = {
        {"\"seed\": 42", "\"seed\": 0", NULL},
        {"\"seed\": 42", "\"seed\": 18446744073709551615", NULL},
        {"\"seed\": 42", "\"seed\": 123456789012345678901234567890", NULL},
        {"\"seed\": 42", "\"seed\": 42.0", NULL},
        {"\"steps\": 20", "\"steps\": 2e1", NULL},
        {"\"cfg_scale\": 7.5", "\"cfg_scale\": 5e-324", NULL},
        {"\"cfg_scale\": 7.5", "\"cfg_scale\": NaN", NULL},
        {"\"cfg_scale\": 7.5", "\"cfg_scale\": Infinity", NULL},
        {"\"eta\": 0.0", "\"eta\": -0.0", NULL},
        {"\"eta\": 0.0", "\"eta\": 1e400", NULL},
        {"[\"a\", \"b\"]", "[]", NULL},
        {"\"ram_gb\": 64.0", "\"ram_gb\": 0", NULL},
        {"\"prompt\": \"p\"", "\"prompt\": \"\\ud800 \\u0000\"", NULL},
        {"\"prompt\": \"p\"", "\"prompt\": \"p\", \"Prompt\": 5, \"unknown\": {\"x\": [null, -1]}",
         NULL},
        {"{\"name\": \"g1\"}", "{\"name\": \"g1\", \"x\": null}", NULL},
        {"\"chunks\"", "\"file_info\": {}, \"chunks\"", NULL},
        {"\"chunks\"", "\"file_info\": {\"magic\": 5, \"file_size\": \"x\"}, \"chunks\"", NULL},
        {"\"chunks\"", "\"other_chunks\"", NULL},
        {"\"type\": \"DATA\"", "\"type\": \"DATA\", \"extra\": {\"key\": 5}, \"offset\": \"x\"",
         NULL},
        {"{\n  \"gen5", "{\n  \"x\": [], \"gen5", NULL},
    };
    EXPECT_CHANGES(DOCUMENT, CHANGES, check);
}

#define SETTINGS "gen5_metadata.model_info.generation_settings"
#define HARDWARE "gen5_metadata.model_info.hardware_info"

Test(metadata_schema, names_what_breaks_the_schema) {
    static const struct text_change CHANGES[] = {
        {"\"seed\": 42", "\"seed\": \"abc\"",
         SETTINGS ".seed: must be an integer of 0 or more, is \"abc\""},
        {"\"seed\": 42", "\"seed\": -1", SETTINGS ".seed: must be an integer of 0 or more, is -1"},
        {"\"seed\": 42", "\"seed\": 0.5",
         SETTINGS ".seed: must be an integer of 0 or more, is 0.5"},
        {"\"seed\": 42", "\"seed\": NaN",
         SETTINGS ".seed: must be an integer of 0 or more, is NaN"},
        {"\"seed\": 42", "\"seed\": true",
         SETTINGS ".seed: must be an integer of 0 or more, is true"},
        {"\"seed\": 42, ", "", SETTINGS ".seed: is missing"},
        {"\"seed\": 42", "\"Seed\": 42", SETTINGS ".seed: is missing"},
        {"\"steps\": 20", "\"steps\": 0", SETTINGS ".steps: must be an integer of 1 or more, is 0"},
        {"\"steps\": 20", "\"steps\": {}",
         SETTINGS ".steps: must be an integer of 1 or more, is an object"},
        {"\"sampler\": \"ddim\"", "\"sampler\": null",
         SETTINGS ".sampler: must be a string, is null"},
        {"\"cfg_scale\": 7.5", "\"cfg_scale\": -1e-5",
         SETTINGS ".cfg_scale: must be a number of 0 or more, is -1e-5"},
        {"\"cfg_scale\": 7.5", "\"cfg_scale\": -Infinity",
         SETTINGS ".cfg_scale: must be a number of 0 or more, is -Infinity"},
        {"\"deterministic\": true", "\"deterministic\": 1",
         SETTINGS ".deterministic: must be true or false, is 1"},
        {"[\"a\", \"b\"]", "[\"a\", 5]",
         "gen5_metadata.model_info.tags[1]: must be a string, is 5"},
        {"[\"a\", \"b\"]", "\"a\"",
         "gen5_metadata.model_info.tags: must be an array of strings, is \"a\""},
        {"[\"a\", \"b\"]", "{\"0\": \"a\"}",
         "gen5_metadata.model_info.tags: must be an array of strings, is an object"},
        {"\"tags\": [\"a\", \"b\"],\n", "", "gen5_metadata.model_info.tags: is missing"},
        {"\"date\": \"d\"", "\"date\": 5", "gen5_metadata.model_info.date: must be a string, is 5"},
        {"\"os\": \"linux\", ", "", HARDWARE ".os: is missing"},
        {"\"cpu_cores\": 8", "\"cpu_cores\": 0",
         HARDWARE ".cpu_cores: must be an integer of 1 or more, is 0"},
        {"{\"name\": \"g1\"}", "{}", HARDWARE ".gpu[1].name: is missing"},
        {"{\"name\": \"g1\"}", "5", HARDWARE ".gpu[1]: must be an object, is 5"},
        {"\"memory_gb\": 24", "\"memory_gb\": \"24\"",
         HARDWARE ".gpu[0].memory_gb: must be a number of 0 or more, is \"24\""},
        {"\"generation_settings\": {", "\"generation_settings\": [{}], \"x\": {",
         SETTINGS ": must be an object, is an array"},
        {"\"model_info\"", "\"model\"", "gen5_metadata.model_info: is missing"},
        {"\"chunks\": [", "\"chunks\": {}, \"x\": [",
         "gen5_metadata.chunks: must be an array, is an object"},
        {"\"chunks\": [", "\"chunks\": [5, ", "gen5_metadata.chunks[0]: must be an object, is 5"},
        {"{\"key\": \"k\"}", "[]", "gen5_metadata.chunks[0].extra: must be an object, is an array"},
        {"{\"key\": \"k\"}", "{\"key\": 7}",
         "gen5_metadata.chunks[0].extra.key: must be a string, is 7"},
        {"\"chunks\"", "\"file_info\": null, \"chunks\"",
         "gen5_metadata.file_info: must be an object, is null"},
        {"\"gen5_metadata\"", "\"metadata\"",
         "gen5_metadata: must be an object, the document's own"},
        {"\"prompt\": \"p\"", "\"prompt\": \"p\", \"prompt\": \"q\"",
         "gen5_metadata.model_info.prompt: the object has this key twice"},
        {"\"prompt\": \"p\",", "\"prompt\": \"p\"",
         "not JSON at line 5, column 7: a comma or '}' is expected"},
    };
    EXPECT_CHANGES(DOCUMENT, CHANGES, check);
}

Test(metadata_schema, gives_the_offset_of_what_is_wrong) {
    struct gen5_error error;
    char *text = text_replaced(DOCUMENT, "\"seed\": 42", "\"seed\": -1");
    check(text, &error);
    cr_expect_eq(error.offset, (int64_t)(strstr(text, "-1") - text));
    free(text);
}

Test(metadata_schema, names_the_first_of_several_faults) {
    struct gen5_error error;
    char *once = text_replaced(DOCUMENT, "\"ram_gb\": 64.0", "\"ram_gb\": -1");
    char *twice = text_replaced(once, "\"seed\": 42", "\"seed\": -1");
    char *text = text_replaced(twice, "\"chunks\": [", "\"chunks\": [5, ");
    check(text, &error);
    cr_expect_str_eq(error.message, SETTINGS ".seed: must be an integer of 0 or more, is -1");
    free(once);
    free(twice);
    free(text);
}

Test(metadata_schema, cuts_long_values_and_paths_in_its_messages) {
    struct gen5_text_builder text;
    struct gen5_error error;
    gen5_text_builder_init(&text, 1 << 20);
    gen5_text_builder_append_string(&text,
                                    "{\"gen5_metadata\": {\"model_info\": {\"tags\": [\"a\"], "
                                    "\"model_name\": [], \"prompt\": 1");
    for (size_t i = 0; i < 1000; i++) {
        gen5_text_builder_append_string(&text, "0");
    }
    gen5_text_builder_append_string(&text, "}}}");
    check(text.bytes, &error);
    cr_expect_lt(strlen(error.message), GEN5_ERROR_MESSAGE_SIZE);
    gen5_text_builder_release(&text);
    char *document = text_replaced(
        DOCUMENT, "\"p\"", "1000000000000000000000000000000000000000000000000000000000000000000");
    check(document, &error);
    cr_expect_str_eq(error.message,
                     "gen5_metadata.model_info.prompt: must be a string, is "
                     "100000000000000000000000000000000000000000000000000000000000…");
    free(document);
}

// --- Faults that were there before --------------------------------------------------------------

Test(metadata_schema, lets_faults_pass_that_the_old_document_has) {
    static const char *const CHANGES[][2] = {
        {"\"steps\": 20", "\"steps\": 0"},
        {"\"cpu_cores\": 8", "\"cpu_cores\": 0"},
        {"\"seed\": 42, ", ""},
        {"[\"a\", \"b\"]", "[\"a\", null]"},
        {"[\"a\", \"b\"]", "\"a, b\""},
        {"{\"name\": \"g1\"}", "{}"},
        {"{\"name\": \"g1\"}", "5"},
        {"\"model_name\": \"m\", ", ""},
        {"\"generation_settings\": {", "\"generation_settings\": null, \"x\": {"},
        {"\"prompt\": \"p\"", "\"prompt\": \"p\", \"prompt\": \"q\""},
        {"\"chunks\": [", "\"chunks\": [5, "},
    };
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        struct gen5_error error;
        char *old = text_replaced(DOCUMENT, CHANGES[i][0], CHANGES[i][1]);
        char *text = text_replaced(old, "\"scheduler\": \"pndm\"", "\"scheduler\": \"other\"");
        cr_expect_eq(check(text, &error), GEN5_ERROR_INVALID);
        cr_expect_eq(check_against(text, old, &error), GEN5_OK, "%s: %s", CHANGES[i][1],
                     error.message);
        cr_expect_eq(check_against(text, DOCUMENT, &error), GEN5_ERROR_INVALID, "%s",
                     CHANGES[i][1]);
        free(text);
        free(old);
    }
}

Test(metadata_schema, refuses_another_fault_in_the_same_place) {
    struct gen5_error error;
    char *old = text_replaced(DOCUMENT, "\"steps\": 20", "\"steps\": 0");
    char *text = text_replaced(DOCUMENT, "\"steps\": 20", "\"steps\": -1");
    cr_expect_eq(check_against(text, old, &error), GEN5_ERROR_INVALID);
    free(text);
    text = text_replaced(DOCUMENT, "\"steps\": 20", "\"steps\": 0.0");
    cr_expect_eq(check_against(text, old, &error), GEN5_ERROR_INVALID);
    free(text);
    text = text_replaced(DOCUMENT, "\"steps\": 20, ", "");
    cr_expect_eq(check_against(text, old, &error), GEN5_ERROR_INVALID);
    free(text);
    free(old);
}

Test(metadata_schema, names_a_new_fault_beside_an_old_one) {
    struct gen5_error error;
    char *old = text_replaced(DOCUMENT, "\"seed\": 42", "\"seed\": -1");
    char *text = text_replaced(old, "\"ram_gb\": 64.0", "\"ram_gb\": -1");
    cr_expect_eq(check_against(text, old, &error), GEN5_ERROR_INVALID);
    cr_expect_str_eq(error.message, HARDWARE ".ram_gb: must be a number of 0 or more, is -1");
    free(text);
    free(old);
}

Test(metadata_schema, lets_nothing_pass_for_an_old_text_that_is_no_json) {
    struct gen5_error error;
    char *text = text_replaced(DOCUMENT, "\"steps\": 20", "\"steps\": 0");
    cr_expect_eq(check_against(text, "{", &error), GEN5_ERROR_INVALID);
    cr_expect_eq(check_against(DOCUMENT, "{", &error), GEN5_OK);
    free(text);
}

// --- Limits -------------------------------------------------------------------------------------

Test(metadata_schema, refuses_what_is_over_the_limits) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error;
    size_t size = strlen(DOCUMENT);
    limits.manifest_size_max = size - 1;
    cr_expect_eq(gen5_metadata_check(DOCUMENT, size, NULL, 0, &limits, &error),
                 GEN5_ERROR_TOO_LARGE);
    limits = gen5_limits_default();
    limits.record_count_max = 1;
    cr_expect_eq(gen5_metadata_check(DOCUMENT, size, NULL, 0, &limits, &error), GEN5_ERROR_INVALID);
    cr_expect_str_eq(error.message, "gen5_metadata.chunks: has 2 records, more than 1");
    limits = gen5_limits_default();
    limits.json_depth_max = 5;
    cr_expect_eq(gen5_metadata_check(DOCUMENT, size, NULL, 0, &limits, &error), GEN5_ERROR_INVALID);
    limits.json_depth_max = 6;
    cr_expect_eq(gen5_metadata_check(DOCUMENT, size, NULL, 0, &limits, &error), GEN5_OK);
}

Test(metadata_schema, refuses_a_million_faults_without_looking_at_each_again) {
    struct gen5_text_builder text;
    struct gen5_error error;
    gen5_text_builder_init(&text, 64 << 20);
    gen5_text_builder_append_string(
        &text, "{\"gen5_metadata\": {\"model_info\": {\"model_name\": \"\", \"version\": \"\", "
               "\"date\": \"\", \"prompt\": \"\", \"tags\": [0");
    for (size_t i = 0; i < 1000000; i++) {
        gen5_text_builder_append_string(&text, ", 1");
    }
    gen5_text_builder_append_string(&text, "]}, \"chunks\": []}}");
    cr_expect_eq(check(text.bytes, &error), GEN5_ERROR_INVALID);
    cr_expect_eq(check_against(text.bytes, text.bytes, &error), GEN5_OK);
    gen5_text_builder_release(&text);
}
