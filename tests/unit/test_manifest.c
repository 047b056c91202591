// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reading manifests: records, their damage, and the values of model_info.
#include "gen5/manifest.h"

#include <time.h>

#include "container_fixture.h"
#include "text_builder.h"
#include "text_change.h"

#define HASH "3df27328831fb14e4ba214482abdcb1f73c5996b77359ea6ce59ddf101040abb"

static struct gen5_manifest *parse(const char *text) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_manifest *manifest = NULL;
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_assert_eq(gen5_manifest_parse(text, strlen(text), &limits, &manifest, &error), GEN5_OK, "%s",
                 error.message);
    return manifest;
}

static enum gen5_status refused(const char *text, struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_manifest *manifest = NULL;
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    enum gen5_status status = gen5_manifest_parse(text, strlen(text), &limits, &manifest, error);
    cr_expect_null(manifest);
    return status;
}

// A manifest whose only record is `record`.
static struct gen5_manifest *parse_record(const char *record) {
    char *text = NULL;
    cr_assert_gt(asprintf(&text, "{\"gen5_metadata\": {\"chunks\": [%s]}}", record), 0);
    struct gen5_manifest *manifest = parse(text);
    cr_assert_eq(manifest->record_count, 1);
    free(text);
    return manifest;
}

// A sound latent with one piece of its text replaced.
static const char LATENT[] =
    "{\"index\": 0, \"type\": \"LATN\", \"flags\": \"F16\", \"offset\": 32, \"compressed_size\": "
    "100, "
    "\"uncompressed_size\": 48, \"hash\": \"" HASH "\", \"extra\": {\"shape\": [1, 4, 2, 3], "
    "\"dtype\": \"float16\", \"key\": \"noise\"}, \"compressed\": true}";

// --- Whole manifests ----------------------------------------------------------------------------

Test(manifest, keeps_the_text_bit_for_bit) {
    const char *text = " {\"gen5_metadata\":\r\n{ \"chunks\" : [ ] , \"x\":1e-05}}\n";
    struct gen5_manifest *manifest = parse(text);
    cr_expect_str_eq(manifest->text, text);
    cr_expect_eq(manifest->size, strlen(text));
    cr_expect_eq(manifest->record_count, 0);
    gen5_manifest_free(manifest);
}

Test(manifest, refuses_what_has_no_list_of_chunks) {
    static const char *const TEXTS[] = {
        "",
        "{",
        "[]",
        "1",
        "{}",
        "{\"gen5_metadata\": []}",
        "{\"gen5_metadata\": {}}",
        "{\"gen5_metadata\": {\"chunks\": {}}}",
        "{\"gen5_metadata\": {\"chunks\": null}}",
        "{\"GEN5_metadata\": {\"chunks\": []}}",
        "{\"gen5_metadata\": {\"Chunks\": []}}",
        "{\"gen5_metadata\": {\"chunks\": []}} x",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct gen5_error error;
        cr_expect_eq(refused(TEXTS[i], &error), GEN5_ERROR_DAMAGED, "%s", TEXTS[i]);
        cr_expect_str_neq(error.message, "", "%s", TEXTS[i]);
    }
}

Test(manifest, says_line_and_column_of_what_is_no_json) {
    struct gen5_error error;
    refused("{\"gen5_metadata\": {\n  \"chunks\": [}\n}", &error);
    cr_expect_str_eq(error.message,
                     "the manifest: not JSON at line 2, column 14: a value is expected");
    cr_expect_eq(error.offset, 33);
}

Test(manifest, reads_keys_that_are_escaped_and_a_byte_order_mark) {
    struct gen5_manifest *manifest =
        parse("\xef\xbb\xbf{\"gen5\\u005fmetadata\": {\"\\u0063hunks\": [1]}}");
    cr_expect_eq(manifest->record_count, 1);
    gen5_manifest_free(manifest);
}

Test(manifest, takes_the_last_of_repeated_keys) {
    struct gen5_manifest *manifest =
        parse("{\"gen5_metadata\": 5, \"gen5_metadata\": {\"chunks\": 1, \"chunks\": [1, 2]}}");
    cr_expect_eq(manifest->record_count, 2);
    gen5_manifest_free(manifest);
}

Test(manifest, refuses_more_than_the_limits_allow) {
    static const char TEXT[] = "{\"gen5_metadata\": {\"chunks\": [1, 2, [[]]]}}";
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_manifest *manifest;
    struct gen5_error error;
    limits.record_count_max = 2;
    cr_expect_eq(gen5_manifest_parse(TEXT, strlen(TEXT), &limits, &manifest, &error),
                 GEN5_ERROR_LIMIT);
    limits = gen5_limits_default();
    limits.json_depth_max = 4;
    cr_expect_eq(gen5_manifest_parse(TEXT, strlen(TEXT), &limits, &manifest, &error),
                 GEN5_ERROR_LIMIT);
    limits = gen5_limits_default();
    limits.manifest_size_max = strlen(TEXT) - 1;
    cr_expect_eq(gen5_manifest_parse(TEXT, strlen(TEXT), &limits, &manifest, &error),
                 GEN5_ERROR_LIMIT);
    limits.manifest_size_max++;
    cr_expect_eq(gen5_manifest_parse(TEXT, strlen(TEXT), &limits, &manifest, &error), GEN5_OK);
    gen5_manifest_free(manifest);
}

Test(manifest, refuses_a_million_records_quickly) {
    struct gen5_text_builder builder;
    struct gen5_error error;
    gen5_text_builder_init(&builder, 64 << 20);
    gen5_text_builder_append_string(&builder, "{\"gen5_metadata\": {\"chunks\": [0");
    for (size_t i = 0; i < 1000000; i++) {
        gen5_text_builder_append_string(&builder, ", {\"type\": \"LATN\"}");
    }
    gen5_text_builder_append_string(&builder, "]}}");
    cr_expect_eq(refused(builder.bytes, &error), GEN5_ERROR_LIMIT);
    gen5_text_builder_release(&builder);
}

// --- Records ------------------------------------------------------------------------------------

Test(manifest, reads_every_field_of_a_record) {
    struct gen5_manifest *manifest = parse_record(LATENT);
    const struct gen5_record *record = &manifest->records[0];
    cr_expect_null(record->damage, "%s", record->damage);
    cr_expect_eq(memcmp(record->type, "LATN", 4), 0);
    cr_expect_eq(memcmp(record->flags, "F16\0", 4), 0);
    cr_expect_eq(record->offset, 32);
    cr_expect_eq(record->stored_size, 100);
    cr_expect_eq(record->payload_size, 48);
    cr_expect(record->compressed);
    cr_expect_eq(record->dtype, GEN5_DTYPE_FLOAT16);
    cr_assert_eq(record->rank, 4);
    cr_expect_eq(record->shape[1], 4);
    cr_expect_eq(record->shape[3], 3);
    cr_expect_str_eq(record->key, "noise");
    cr_expect_eq(record->key_length, 5);
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&record->digest, hex);
    cr_expect_str_eq(hex, HASH);
    cr_expect_eq(record->text.end - record->text.begin, strlen(LATENT));
    cr_expect_eq(memcmp(manifest->text + record->text.begin, LATENT, strlen(LATENT)), 0);
    gen5_manifest_free(manifest);
}

Test(manifest, lets_pass_what_does_not_keep_a_chunk_from_being_read) {
    static const char *const CHANGES[][2] = {
        {"\"index\": 0, ", ""},
        {"\"index\": 0", "\"index\": \"zero\""},
        {"\"offset\": 32", "\"offset\": 3.2e1"},
        {"\"compressed_size\": 100", "\"compressed_size\": 100.0"},
        {"[1, 4, 2, 3]", "[1.0, 4e0, 2, 3]"},
        {"[1, 4, 2, 3]", "[24]"},
        {"\"LATN\"", "\"\\u004cATN\""},
        {"\"key\": \"noise\"", "\"key\": \"\""},
        {"\"key\": \"noise\"", "\"key\": \"no\", \"key\": \"noise\""},
        {"\"offset\": 32", "\"offset\": \"x\", \"offset\": 32"},
        {HASH, "3DF27328831FB14E4BA214482ABDCB1F73C5996B77359EA6CE59DDF101040ABB"},
        {"true}", "true, \"unknown\": {\"x\": [null]}}"},
    };
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        char *text = text_replaced(LATENT, CHANGES[i][0], CHANGES[i][1]);
        struct gen5_manifest *manifest = parse_record(text);
        cr_expect_null(manifest->records[0].damage, "%s: %s", CHANGES[i][1],
                       manifest->records[0].damage);
        gen5_manifest_free(manifest);
        free(text);
    }
}

Test(manifest, marks_records_that_cannot_be_used) {
    static const char *const CHANGES[][3] = {
        {"\"LATN\"", "5", "\"type\" is no string"},
        {"\"type\": \"LATN\", ", "", "the record has no \"type\""},
        {"\"LATN\"", "\"LATENT\"", "\"type\" is no tag of four characters"},
        {"\"LATN\"", "\"LAT\"", "\"type\" is no tag of four characters"},
        {"\"F16\"", "\"F16__\"", "\"flags\" is no tag of four characters"},
        {"\"F16\"", "null", "\"flags\" is no string"},
        {"\"offset\": 32", "\"offset\": -1",
         "\"offset\" is -1, not an integer from 0 to 4294967295"},
        {"\"offset\": 32", "\"offset\": 0.5",
         "\"offset\" is 0.5, not an integer from 0 to 4294967295"},
        {"\"offset\": 32", "\"offset\": 4294967296",
         "\"offset\" is 4294967296, not an integer from 0 to 4294967295"},
        {"\"offset\": 32", "\"offset\": NaN",
         "\"offset\" is NaN, not an integer from 0 to 4294967295"},
        {"\"offset\": 32", "\"offset\": \"32\"", "\"offset\" is no number"},
        {"\"offset\": 32, ", "", "the record has no \"offset\""},
        {"\"compressed_size\": 100", "\"compressed_size\": [100]",
         "\"compressed_size\" is no number"},
        {"\"uncompressed_size\": 48", "\"uncompressed_size\": 1e10",
         "\"uncompressed_size\" is 1e10, not an integer from 0 to 4294967295"},
        {"\"3df2", "\"xdf2", "\"hash\" is no SHA-256 of 64 hexadecimal digits"},
        {"\"3df2", "\"0003df2", "\"hash\" is no SHA-256 of 64 hexadecimal digits"},
        {"\"hash\": \"" HASH "\"", "\"hash\": false", "\"hash\" is no string"},
        {"true}", "1}", "\"compressed\" is no boolean"},
        {"true}", "false}",
         "a raw chunk of 48 bytes is stored in 60, but \"compressed_size\" is 100"},
        {"\"extra\"", "\"Extra\"", "the record has no \"extra\""},
        {"{\"shape\": [1, 4, 2, 3], \"dtype\": \"float16\", \"key\": \"noise\"}", "[]",
         "\"extra\" is no object"},
        {"[1, 4, 2, 3]", "[1, 4, 2, 4]",
         "shape and dtype make 64 bytes, but \"uncompressed_size\" is 48"},
        {"\"float16\"", "\"float32\"",
         "shape and dtype make 96 bytes, but \"uncompressed_size\" is 48"},
        {"\"float16\"", "\"float64\"", "\"dtype\" is neither float16 nor float32"},
        {"[1, 4, 2, 3]", "[4294967295, 4294967295, 2, 4294967295]",
         "\"shape\" has more elements than can be counted"},
        {"[1, 4, 2, 3]", "[1, -4, -2, 3]",
         "dimension 1 of \"shape\" is no integer from 0 to 4294967295"},
        {"[1, 4, 2, 3]", "[1, \"4\"]",
         "dimension 1 of \"shape\" is no integer from 0 to 4294967295"},
        {"[1, 4, 2, 3]", "24", "\"shape\" is no array"},
        {"[1, 4, 2, 3]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,24]",
         "\"shape\" has more than 32 dimensions"},
        {"\"noise\"", "7", "\"key\" is no string"},
        {", \"key\": \"noise\"", "", "the record has no \"key\""},
    };
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        char *text = text_replaced(LATENT, CHANGES[i][0], CHANGES[i][1]);
        struct gen5_manifest *manifest = parse_record(text);
        const char *damage = manifest->records[0].damage;
        cr_expect(damage != NULL && strcmp(damage, CHANGES[i][2]) == 0, "%s: %s", CHANGES[i][1],
                  damage);
        gen5_manifest_free(manifest);
        free(text);
    }
}

Test(manifest, marks_records_that_are_no_objects) {
    struct gen5_manifest *manifest =
        parse("{\"gen5_metadata\": {\"chunks\": [[], null, \"x\", 5]}}");
    cr_assert_eq(manifest->record_count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_str_eq(manifest->records[i].damage, "the record is no object");
    }
    gen5_manifest_free(manifest);
}

Test(manifest, fills_what_it_can_of_a_damaged_record) {
    char *text = text_replaced(LATENT, "\"float16\"", "\"int8\"");
    struct gen5_manifest *manifest = parse_record(text);
    const struct gen5_record *record = &manifest->records[0];
    cr_expect_not_null(record->damage);
    cr_expect_str_eq(record->key, "noise");
    cr_expect_eq(record->offset, 32);
    cr_expect_eq(record->stored_size, 100);
    gen5_manifest_free(manifest);
    free(text);
}

Test(manifest, leaves_the_extra_of_other_types_alone) {
    struct gen5_manifest *manifest =
        parse_record("{\"type\": \"XTRA\", \"flags\": \"\\u0001\\u0002\\u0003\", \"offset\": 32, "
                     "\"compressed_size\": 19, "
                     "\"uncompressed_size\": 7, \"hash\": \"" HASH
                     "\", \"extra\": {\"shape\": 5, \"key\": 7}, \"compressed\": false}");
    cr_expect_null(manifest->records[0].damage, "%s", manifest->records[0].damage);
    cr_expect_null(manifest->records[0].key);
    cr_expect_eq(memcmp(manifest->records[0].flags, "\1\2\3\0", 4), 0);
    gen5_manifest_free(manifest);
}

Test(manifest, decodes_hostile_keys) {
    static const struct {
        const char *literal;
        const char *key;
        size_t length;
    } ROWS[] = {
        {"\"../../etc/passwd\"", "../../etc/passwd", 16}, {"\"a\\u0000b\"", "a\0b", 3},
        {"\"\\u6f5c\\n\"", "\xe6\xbd\x9c\n", 4},          {"\"\\ud800\"", "\xed\xa0\x80", 3},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char *text = text_replaced(LATENT, "\"noise\"", ROWS[i].literal);
        struct gen5_manifest *manifest = parse_record(text);
        const struct gen5_record *record = &manifest->records[0];
        cr_expect_null(record->damage);
        cr_assert_eq(record->key_length, ROWS[i].length, "%s", ROWS[i].literal);
        cr_expect_eq(memcmp(record->key, ROWS[i].key, ROWS[i].length + 1), 0, "%s",
                     ROWS[i].literal);
        gen5_manifest_free(manifest);
        free(text);
    }
}

// --- Values -------------------------------------------------------------------------------------

static const char VALUES[] =
    "{\"gen5_metadata\": {\"chunks\": [], \"model_info\": {\"prompt\": \"a \\\"b\\\"\\n\\u00e9\", "
    "\"tags\": [\"one\", \"tw\\u006f\", 3], \"empty\": [], \"old\": 1, \"old\": 2, "
    "\"generation_settings\": {\"seed\": 18446744073709551615, \"eta\": 1e-05, \"on\": true, "
    "\"none\": null, \"object\": {\"x\" :1}}}}}";

Test(manifest, gives_values_as_a_person_reads_them) {
    static const char *const ROWS[][2] = {
        {"prompt", "a \"b\"\n\xc3\xa9"},
        {"tags", "one,two,3"},
        {"empty", ""},
        {"old", "2"},
        {"generation_settings.seed", "18446744073709551615"},
        {"generation_settings.eta", "1e-05"},
        {"generation_settings.on", "true"},
        {"generation_settings.none", "null"},
        {"generation_settings.object", "{\"x\" :1}"},
        {"generation_settings.object.x", "1"},
    };
    struct gen5_manifest *manifest = parse(VALUES);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char *value;
        size_t length;
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_assert_eq(gen5_manifest_value(manifest, ROWS[i][0], &value, &length, &error), GEN5_OK,
                     "%s: %s", ROWS[i][0], error.message);
        cr_expect_str_eq(value, ROWS[i][1], "%s", ROWS[i][0]);
        cr_expect_eq(length, strlen(ROWS[i][1]));
        free(value);
    }
    gen5_manifest_free(manifest);
}

Test(manifest, says_which_values_are_missing) {
    static const char *const PATHS[] = {
        "",
        "Prompt",
        "prompt.x",
        "tags.0",
        "generation_settings.",
        "generation_settings.steps",
        "generation_settings.seed.x",
        ".",
        "..",
        "hardware_info.os",
    };
    struct gen5_manifest *manifest = parse(VALUES);
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        char *value;
        size_t length;
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(gen5_manifest_value(manifest, PATHS[i], &value, &length, &error),
                     GEN5_ERROR_MISSING, "%s", PATHS[i]);
        cr_expect_null(value);
    }
    gen5_manifest_free(manifest);
}

// --- What the reference wrote -------------------------------------------------------------------

Test(manifest, reads_what_the_reference_wrote_without_damage) {
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int fd;
        struct gen5_container *container = open_reference(REFERENCES[i], &fd);
        struct gen5_manifest *again = parse(container->manifest->text);
        cr_expect_gt(again->record_count, 0);
        for (size_t j = 0; j < again->record_count; j++) {
            cr_expect_null(again->records[j].damage, "%s: %s", REFERENCES[i],
                           again->records[j].damage);
        }
        gen5_manifest_free(again);
        gen5_container_free(container);
        close(fd);
    }
}

Test(manifest, is_read_in_some_tens_of_microseconds) {
    struct gen5_text_builder builder;
    struct timespec begin, end;
    enum { ROUNDS = 2000 };
    gen5_text_builder_init(&builder, 1 << 20);
    gen5_text_builder_append_string(&builder,
                                    "{\"gen5_metadata\": {\"model_info\": {\"prompt\": \"");
    for (size_t i = 0; i < 1000; i++) {
        gen5_text_builder_append_string(&builder, "x");
    }
    gen5_text_builder_append_string(&builder, "\"}, \"chunks\": [");
    for (size_t i = 0; i < 3; i++) {
        gen5_text_builder_append_string(&builder, i > 0 ? ", " : "");
        gen5_text_builder_append_string(&builder, LATENT);
    }
    gen5_text_builder_append_string(&builder, "]}}");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t i = 0; i < ROUNDS; i++) {
        gen5_manifest_free(parse(builder.bytes));
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    // Wide enough for a slow machine under a sanitizer.
    cr_expect_lt(seconds / ROUNDS, 1e-3, "%f us", seconds / ROUNDS * 1e6);
    gen5_text_builder_release(&builder);
}

// --- The user's part -----------------------------------------------------------------------------

#define OTHER_HASH "0000000000000000000000000000000000000000000000000000000000000001"

// Two latents, an image and what is around them.
static const char TWO_LATENTS[] =
    "{\"gen5_metadata\": {\"file_info\": {\"magic\": \"GEN5\", \"file_size\": 900, \"mine\": [1]}, "
    "\"model_info\": {\"prompt\": \"a, b\", \"chunks\": [{\"file_size\": 3}]}, \"chunks\": ["
    "{\"index\": 0, \"type\": \"LATN\", \"flags\": \"F16\", \"offset\": 32, \"compressed_size\": "
    "100, \"uncompressed_size\": 48, \"hash\": \"" HASH "\", \"extra\": {\"shape\": [1, 4, 2, 3], "
    "\"dtype\": \"float16\", \"key\": \"noise\", \"note\": {\"shape\": [1]}}, \"compressed\": "
    "true}, "
    "{\"index\": 1, \"type\": \"DATA\", \"flags\": \"0000\", \"offset\": 132, \"compressed_size\": "
    "20, "
    "\"uncompressed_size\": 8, \"hash\": \"" OTHER_HASH "\", \"extra\": {\"shape\": 1}, "
    "\"compressed\": false, \"own\": null}]}}";

Test(manifest, two_with_the_same_user_s_part_are_equal) {
    static const struct {
        const char *what;
        const char *from;
        const char *to;
        bool equal;
    } ROWS[] = {
        {"white space", "\"model_info\": {", "\"model_info\" :\n {", true},
        {"a file's size", "900", "901", true},
        {"a field of file_info that is missing", "\"file_size\": 900, ", "", true},
        {"an offset", "\"offset\": 132", "\"offset\": 133", true},
        {"an image's hash", "\"" OTHER_HASH "\"", "\"" HASH "\"", true},
        {"a latent's hash", "\"" HASH "\"", "\"" OTHER_HASH "\"", true},
        {"a latent's shape", "[1, 4, 2, 3]", "[1, 4, 3, 2]", true},
        {"another latent", "\"chunks\": [{\"index\": 0",
         "\"chunks\": [{\"type\": \"LATN\"}, {\"index\": 0", true},
        {"a field of a record that is missing", "\"index\": 1, ", "", true},
        {"the prompt", "a, b", "a b", false},
        {"the user's own in file_info", "[1]", "[2]", false},
        {"what is called like a computed field", "\"file_size\": 3", "\"file_size\": 4", false},
        {"a latent's note", "\"note\": {\"shape\": [1]}", "\"note\": {\"shape\": [2]}", false},
        {"a latent's note that is gone", ", \"note\": {\"shape\": [1]}", "", false},
        {"a latent's key", "\"key\": \"noise\"", "\"key\": \"grain\"", false},
        {"an image's extra", "\"extra\": {\"shape\": 1}", "\"extra\": {\"shape\": 2}", false},
        {"the user's own in a record", "\"own\": null", "\"own\": true", false},
    };
    struct gen5_manifest *before = parse(TWO_LATENTS);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char *text = text_replaced(TWO_LATENTS, ROWS[i].from, ROWS[i].to);
        struct gen5_manifest *after = parse(text);
        bool equal = !ROWS[i].equal;
        cr_expect_eq(gen5_manifest_user_part_equal(before, after, &equal, NULL), GEN5_OK);
        cr_expect_eq(equal, ROWS[i].equal, "%s", ROWS[i].what);
        cr_expect_eq(gen5_manifest_user_part_equal(after, before, &equal, NULL), GEN5_OK);
        cr_expect_eq(equal, ROWS[i].equal, "%s, the other way round", ROWS[i].what);
        gen5_manifest_free(after);
        free(text);
    }
    gen5_manifest_free(before);
}
