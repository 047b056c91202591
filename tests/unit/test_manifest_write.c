// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The manifest's text after a repack: what changes, and above all what does not.
#include "manifest_write.h"

#include <time.h>

#include "container_fixture.h"
#include "json_text.h"
#include "text_builder.h"
#include "text_change.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define HASH_D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

enum { CHUNKS_MAX = 16 };

// --- Help ---------------------------------------------------------------------------------------

// What a test writes: a manifest, and the chunks that its container is to have.
struct work {
    struct gen5_limits limits;
    struct gen5_manifest *old;
    struct gen5_chunk_facts chunks[CHUNKS_MAX];
    size_t count;
    uint64_t file_size;
    char *text; // the outcome
    size_t size;
    struct gen5_error error;
};

static void start(struct work *work, const char *old_text) {
    *work = (struct work){.limits = gen5_limits_default(), .file_size = 1000};
    cr_assert_eq(
        gen5_manifest_parse(old_text, strlen(old_text), &work->limits, &work->old, &work->error),
        GEN5_OK, "%s", work->error.message);
    cr_assert_leq(work->old->record_count, CHUNKS_MAX);
    for (size_t i = 0; i < work->old->record_count; i++) {
        work->chunks[work->count++] = gen5_chunk_facts_of(&work->old->records[i]);
    }
}

static void drop(struct work *work, size_t index) {
    for (size_t i = index; i + 1 < work->count; i++) {
        work->chunks[i] = work->chunks[i + 1];
    }
    work->count--;
}

static void insert(struct work *work, size_t index, struct gen5_chunk_facts facts) {
    for (size_t i = work->count; i > index; i--) {
        work->chunks[i] = work->chunks[i - 1];
    }
    work->chunks[index] = facts;
    work->count++;
}

static enum gen5_status write_status(struct work *work, const char *user_text) {
    free(work->text);
    work->text = NULL;
    work->error = (struct gen5_error)GEN5_ERROR_NONE;
    return gen5_manifest_write(work->old, user_text, user_text != NULL ? strlen(user_text) : 0,
                               work->chunks, work->count, work->file_size, &work->limits,
                               &work->text, &work->size, &work->error);
}

// Write, and check what must hold for all that is written: it can be read, its records are sound
// and say what the chunks are, and it could be stored as it is.
static void write_text(struct work *work, const char *user_text) {
    struct gen5_manifest *written = NULL;
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_assert_eq(write_status(work, user_text), GEN5_OK, "%s", work->error.message);
    cr_assert_eq(strlen(work->text), work->size);
    cr_assert_eq(gen5_manifest_parse(work->text, work->size, &work->limits, &written, &error),
                 GEN5_OK, "%s", error.message);
    cr_assert_eq(written->record_count, work->count, "%s", work->text);
    for (size_t i = 0; i < work->count; i++) {
        const struct gen5_record *record = &written->records[i];
        const struct gen5_chunk_facts *chunk = &work->chunks[i];
        cr_expect_eq(memcmp(record->type, chunk->type, GEN5_TAG_SIZE), 0);
        cr_expect_eq(memcmp(record->flags, chunk->flags, GEN5_TAG_SIZE), 0);
        cr_expect_eq(record->offset, chunk->offset);
        cr_expect_eq(record->stored_size, chunk->stored_size);
        cr_expect_eq(record->payload_size, chunk->payload_size);
        cr_expect_eq(record->compressed, chunk->compressed);
        cr_expect(gen5_digest_equal(&record->digest, &chunk->digest));
        bool was_damaged = chunk->record != NULL && chunk->record->damage != NULL;
        cr_expect(was_damaged || record->damage == NULL, "%s", record->damage);
    }
    const char *old_text = work->old != NULL ? work->old->text : NULL;
    cr_expect_eq(gen5_metadata_check(work->text, work->size, old_text,
                                     old_text != NULL ? work->old->size : 0, &work->limits, &error),
                 GEN5_OK, "%s\n%s", error.message, work->text);
    gen5_manifest_free(written);
}

static void finish(struct work *work) {
    free(work->text);
    gen5_manifest_free(work->old);
}

static void expect_text(const struct work *work, const char *expected) {
    cr_expect_str_eq(work->text, expected);
}

// Replace in memory of the caller's, so that changes can be chained.
static void change(char **text, const char *old, const char *new) {
    char *result = text_replaced(*text, old, new);
    free(*text);
    *text = result;
}

static struct gen5_digest digest_of(const char *hex) {
    struct gen5_digest digest;
    cr_assert(gen5_digest_from_hex(hex, strlen(hex), &digest));
    return digest;
}

static const uint64_t SHAPE[4] = {1, 4, 2, 2};

static struct gen5_chunk_facts new_latent(const char *key) {
    return (struct gen5_chunk_facts){.type = {'L', 'A', 'T', 'N'},
                                     .flags = {'F', '3', '2', '\0'},
                                     .offset = 700,
                                     .stored_size = 76,
                                     .payload_size = 64,
                                     .digest = digest_of(HASH_D),
                                     .dtype = GEN5_DTYPE_FLOAT32,
                                     .rank = 4,
                                     .shape = SHAPE,
                                     .key = key,
                                     .key_length = strlen(key),
                                     .changed = true};
}

static struct gen5_chunk_facts new_image(void) {
    return (struct gen5_chunk_facts){.type = {'D', 'A', 'T', 'A'},
                                     .flags = {'0', '0', '0', '0'},
                                     .offset = 800,
                                     .stored_size = 112,
                                     .payload_size = 100,
                                     .digest = digest_of(HASH_D),
                                     .changed = true};
}

// As the reference lays it out: a latent and an image.
#define HEAD                                                                                       \
    "{\n"                                                                                          \
    "  \"gen5_metadata\": {\n"                                                                     \
    "    \"file_info\": {\n"                                                                       \
    "      \"magic\": \"GEN5\",\n"                                                                 \
    "      \"version_major\": 1,\n"                                                                \
    "      \"version_minor\": 0,\n"                                                                \
    "      \"file_size\": 1000,\n"                                                                 \
    "      \"chunk_count\": 2\n"                                                                   \
    "    },\n"

#define MODEL                                                                                      \
    "    \"model_info\": {\n"                                                                      \
    "      \"model_name\": \"m\",\n"                                                               \
    "      \"version\": \"1\",\n"                                                                  \
    "      \"date\": \"d\",\n"                                                                     \
    "      \"prompt\": \"a puppy\",\n"                                                             \
    "      \"tags\": [],\n"                                                                        \
    "      \"big\": 123456789012345678901234567890,\n"                                             \
    "      \"odd\" :  [1e-05,-0.0, \"\\u00e9\"]\n"                                                 \
    "    },\n"

#define RECORD_LATENT                                                                              \
    "      {\n"                                                                                    \
    "        \"index\": 0,\n"                                                                      \
    "        \"type\": \"LATN\",\n"                                                                \
    "        \"flags\": \"F16\",\n"                                                                \
    "        \"offset\": 32,\n"                                                                    \
    "        \"compressed_size\": 30,\n"                                                           \
    "        \"uncompressed_size\": 48,\n"                                                         \
    "        \"hash\": \"" HASH_A "\",\n"                                                          \
    "        \"extra\": {\n"                                                                       \
    "          \"shape\": [\n"                                                                     \
    "            1,\n"                                                                             \
    "            4,\n"                                                                             \
    "            2,\n"                                                                             \
    "            3\n"                                                                              \
    "          ],\n"                                                                               \
    "          \"dtype\": \"float16\",\n"                                                          \
    "          \"key\": \"noise\"\n"                                                               \
    "        },\n"                                                                                 \
    "        \"compressed\": true\n"                                                               \
    "      }"

#define RECORD_IMAGE                                                                               \
    "      {\n"                                                                                    \
    "        \"index\": 1,\n"                                                                      \
    "        \"type\": \"DATA\",\n"                                                                \
    "        \"flags\": \"0000\",\n"                                                               \
    "        \"offset\": 62,\n"                                                                    \
    "        \"compressed_size\": 92,\n"                                                           \
    "        \"uncompressed_size\": 80,\n"                                                         \
    "        \"hash\": \"" HASH_B "\",\n"                                                          \
    "        \"extra\": {\n"                                                                       \
    "          \"note\": \"kept\"\n"                                                               \
    "        },\n"                                                                                 \
    "        \"compressed\": false\n"                                                              \
    "      }"

#define FOOT                                                                                       \
    "\n"                                                                                           \
    "    ]\n"                                                                                      \
    "  }\n"                                                                                        \
    "}"

static const char OLD[] = HEAD MODEL "    \"chunks\": [\n" RECORD_LATENT ",\n" RECORD_IMAGE FOOT;

// --- From the old manifest's own text -----------------------------------------------------------

Test(manifest_write, changes_nothing_where_nothing_changed) {
    struct work work;
    start(&work, OLD);
    write_text(&work, NULL);
    expect_text(&work, OLD);
    finish(&work);
}

Test(manifest_write, writes_sizes_and_offsets_that_moved) {
    struct work work;
    start(&work, OLD);
    work.file_size = 1234;
    work.chunks[1].offset = 99;
    write_text(&work, NULL);
    char *expected = text_replaced(OLD, "1000", "1234");
    change(&expected, "\"offset\": 62", "\"offset\": 99");
    expect_text(&work, expected);
    free(expected);
    finish(&work);
}

Test(manifest_write, writes_all_that_follows_from_a_new_payload) {
    struct work work;
    start(&work, OLD);
    struct gen5_chunk_facts facts = new_latent("noise");
    facts.record = &work.old->records[0];
    work.chunks[0] = facts;
    write_text(&work, NULL);
    char *expected = text_replaced(OLD, "\"F16\"", "\"F32\"");
    change(&expected, "\"offset\": 32", "\"offset\": 700");
    change(&expected, "\"compressed_size\": 30", "\"compressed_size\": 76");
    change(&expected, "\"uncompressed_size\": 48", "\"uncompressed_size\": 64");
    change(&expected, HASH_A, HASH_D);
    change(&expected, "            3\n", "            2\n");
    change(&expected, "float16", "float32");
    change(&expected, "true", "false");
    expect_text(&work, expected);
    free(expected);
    finish(&work);
}

Test(manifest_write, lays_a_new_shape_out_as_the_old_one) {
    struct work work;
    char *old = text_replaced(
        OLD, "[\n            1,\n            4,\n            2,\n            3\n          ]",
        "[1, 4, 2, 3]");
    start(&work, old);
    struct gen5_chunk_facts facts = new_latent("noise");
    facts.record = &work.old->records[0];
    work.chunks[0] = facts;
    write_text(&work, NULL);
    cr_expect_not_null(strstr(work.text, "\"shape\": [1, 4, 2, 2],\n"), "%s", work.text);
    free(old);
    finish(&work);
}

Test(manifest_write, cuts_out_the_record_of_a_chunk_that_is_gone) {
    struct work work;
    start(&work, OLD);
    drop(&work, 0);
    write_text(&work, NULL);
    char *expected = text_replaced(HEAD MODEL "    \"chunks\": [\n" RECORD_IMAGE FOOT,
                                   "\"index\": 1", "\"index\": 0");
    change(&expected, "\"chunk_count\": 2", "\"chunk_count\": 1");
    expect_text(&work, expected);
    drop(&work, 0);
    write_text(&work, NULL);
    free(expected);
    expected = text_replaced(HEAD MODEL "    \"chunks\": []\n  }\n}", "\"chunk_count\": 2",
                             "\"chunk_count\": 0");
    expect_text(&work, expected);
    free(expected);
    finish(&work);
}

#define RECORD_ADDED                                                                               \
    "      {\n"                                                                                    \
    "        \"index\": 1,\n"                                                                      \
    "        \"type\": \"LATN\",\n"                                                                \
    "        \"flags\": \"F32\",\n"                                                                \
    "        \"offset\": 700,\n"                                                                   \
    "        \"compressed_size\": 76,\n"                                                           \
    "        \"uncompressed_size\": 64,\n"                                                         \
    "        \"hash\": \"" HASH_D "\",\n"                                                          \
    "        \"extra\": {\n"                                                                       \
    "          \"shape\": [\n"                                                                     \
    "            1,\n"                                                                             \
    "            4,\n"                                                                             \
    "            2,\n"                                                                             \
    "            2\n"                                                                              \
    "          ],\n"                                                                               \
    "          \"dtype\": \"float32\",\n"                                                          \
    "          \"key\": \"se\\u00e7ond/\\\"x\\\"\"\n"                                              \
    "        },\n"                                                                                 \
    "        \"compressed\": false\n"                                                              \
    "      }"

Test(manifest_write, writes_the_record_of_an_added_chunk_as_the_reference_would) {
    struct work work;
    start(&work, OLD);
    insert(&work, 1, new_latent("se\xc3\xa7ond/\"x\""));
    write_text(&work, NULL);
    char *expected = text_replaced(HEAD MODEL "    \"chunks\": [\n" RECORD_LATENT ",\n" RECORD_ADDED
                                              ",\n" RECORD_IMAGE FOOT,
                                   "\"chunk_count\": 2", "\"chunk_count\": 3");
    change(&expected, "\"index\": 1,\n        \"type\": \"DATA\"",
           "\"index\": 2,\n        \"type\": \"DATA\"");
    expect_text(&work, expected);
    free(expected);
    finish(&work);
}

Test(manifest_write, fills_an_empty_list_of_chunks) {
    struct work work;
    start(&work, HEAD MODEL "    \"chunks\": []\n  }\n}");
    insert(&work, 0, new_image());
    work.chunks[0].offset = 62;
    write_text(&work, NULL);
    char *expected = text_replaced(HEAD MODEL "    \"chunks\": [\n" RECORD_IMAGE FOOT,
                                   "{\n          \"note\": \"kept\"\n        }", "{}");
    change(&expected, "\"chunk_count\": 2", "\"chunk_count\": 1");
    change(&expected, "\"index\": 1", "\"index\": 0");
    change(&expected, HASH_B, HASH_D);
    change(&expected, "\"compressed_size\": 92", "\"compressed_size\": 112");
    change(&expected, "\"uncompressed_size\": 80", "\"uncompressed_size\": 100");
    expect_text(&work, expected);
    free(expected);
    finish(&work);
}

Test(manifest_write, keeps_spacing_that_no_program_would_make) {
    static const char TEXT[] =
        " {\"gen5_metadata\" :{ \"chunks\":[ {\"type\" :\"DATA\",\"flags\":\"0000\"  , "
        "\"offset\":32,\n"
        "\"compressed_size\":92, \"uncompressed_size\":80,\"hash\":\"" HASH_B
        "\", \"compressed\":false,\"index\" : 0 , \"extra\":{ }} ] ,\n\n "
        "\"file_info\":{\"chunk_count\":1,"
        "\"file_size\":1000,\"magic\":\"\\u0047EN5\" ,\"version_minor\":0,\"version_major\":1},"
        "\"model_info\" : { "
        "\"model_name\":\"\",\"version\":\"\",\"date\":\"\",\"prompt\":\"\",\"tags\":[ ]} } }\n\n";
    struct work work;
    start(&work, TEXT);
    write_text(&work, NULL);
    expect_text(&work, TEXT);
    work.chunks[0].offset = 44;
    write_text(&work, NULL);
    char *expected = text_replaced(TEXT, "\"offset\":32", "\"offset\":44");
    expect_text(&work, expected);
    free(expected);
    finish(&work);
}

Test(manifest_write, adds_fields_that_a_record_lacks_at_its_end) {
    struct work work;
    char *old = text_replaced(OLD, "        \"index\": 0,\n", "");
    change(&old, "      \"file_size\": 1000,\n", "");
    start(&work, old);
    write_text(&work, NULL);
    char *expected = text_replaced(old, "true\n      }", "true,\n        \"index\": 0\n      }");
    change(&expected, "\"chunk_count\": 2\n", "\"chunk_count\": 2,\n      \"file_size\": 1000\n");
    expect_text(&work, expected);
    free(expected);
    free(old);
    finish(&work);
}

Test(manifest_write, writes_computed_values_as_the_reference_reads_them) {
    struct work work;
    char *old = text_replaced(OLD, "\"offset\": 32", "\"offset\": 3.2e1");
    change(&old, HASH_A, "AAAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    change(&old, "            1,\n", "            1.0,\n");
    start(&work, old);
    write_text(&work, NULL);
    expect_text(&work, OLD);
    free(old);
    finish(&work);
}

Test(manifest_write, puts_the_last_of_repeated_fields_right) {
    struct work work;
    char *old = text_replaced(OLD, "\"offset\": 32", "\"offset\": 5, \"offset\": 32");
    start(&work, old);
    work.chunks[0].offset = 77;
    cr_assert_eq(write_status(&work, NULL), GEN5_OK);
    cr_expect_not_null(strstr(work.text, "\"offset\": 5, \"offset\": 77"));
    free(old);
    finish(&work);
}

Test(manifest_write, moves_a_damaged_record_and_keeps_what_it_says) {
    struct work work;
    char *old = text_replaced(OLD, "float16", "float64");
    change(&old, HASH_A, "none");
    start(&work, old);
    cr_assert_not_null(work.old->records[0].damage);
    work.chunks[0].offset = 555;
    write_text(&work, NULL);
    char *expected = text_replaced(old, "\"offset\": 32", "\"offset\": 555");
    expect_text(&work, expected);
    free(expected);
    free(old);
    finish(&work);
}

Test(manifest_write, keeps_records_that_repeat_a_latent) {
    struct work work;
    start(&work, HEAD MODEL "    \"chunks\": [\n" RECORD_LATENT ",\n" RECORD_LATENT FOOT);
    write_text(&work, NULL);
    cr_expect_not_null(strstr(work.text, "\"index\": 1"));
    finish(&work);
}

// --- From a user's document ---------------------------------------------------------------------

Test(manifest_write, keeps_what_a_user_wrote) {
    struct work work;
    start(&work, OLD);
    char *text = text_replaced(OLD, "a puppy", "two puppies");
    change(&text, "\"kept\"", "\"edited\",\n          \"width\": 64.50");
    change(&text, "\"odd\" :  [1e-05,-0.0, ", "\"odd\" :  [1e-5,");
    change(&text, "    ]\n  }\n}", "    ]\n  }\n}\n");
    write_text(&work, text);
    expect_text(&work, text);
    free(text);
    finish(&work);
}

Test(manifest_write, puts_stale_computed_fields_right) {
    struct work work;
    start(&work, OLD);
    char *text = text_replaced(OLD, "\"file_size\": 1000", "\"file_size\": 5");
    change(&text, "\"chunk_count\": 2", "\"chunk_count\": \"two\"");
    change(&text, "\"GEN5\"", "null");
    change(&text, "\"version_major\": 1", "\"version_major\": [2, {}]");
    change(&text, "\"offset\": 32", "\"offset\": -1");
    change(&text, "\"compressed_size\": 30", "\"compressed_size\": {}");
    change(&text, "float16", "float32");
    change(&text, "\"F16\"", "\"F32\"");
    change(&text, HASH_B, HASH_C);
    change(&text, "\"compressed\": false", "\"compressed\": \"\"");
    change(&text, "            4,\n", "            5,\n");
    write_text(&work, text);
    expect_text(&work, OLD);
    free(text);
    finish(&work);
}

Test(manifest_write, inserts_file_info_and_chunks_where_they_are_left_out) {
    struct work work;
    start(&work, OLD);
    write_text(&work, "{\n  \"gen5_metadata\": {\n" MODEL "    \"x\": 1\n  }\n}\n");
    expect_text(&work, HEAD MODEL "    \"x\": 1,\n    \"chunks\": [\n" RECORD_LATENT
                                  ",\n" RECORD_IMAGE FOOT "\n");
    finish(&work);
}

#define MINIFIED_MODEL                                                                             \
    "\"model_info\":{\"model_name\":\"m\",\"version\":\"1\",\"date\":\"d\",\"prompt\":\"p\","      \
    "\"tags\":[]}"

Test(manifest_write, writes_minified_text_into_a_minified_document) {
    struct work work;
    start(&work, OLD);
    insert(&work, 2, new_image());
    drop(&work, 1);
    write_text(&work, "{\"gen5_metadata\":{" MINIFIED_MODEL "}}");
    expect_text(
        &work,
        "{\"gen5_metadata\":{\"file_info\":{\"magic\":\"GEN5\",\"version_major\":1,"
        "\"version_minor\":0,\"file_size\":1000,\"chunk_count\":2}," MINIFIED_MODEL
        ",\"chunks\":[{\"index\":0,\"type\":\"LATN\",\"flags\":\"F16\",\"offset\":32,"
        "\"compressed_size\":30,\"uncompressed_size\":48,\"hash\":\"" HASH_A
        "\",\"extra\":{\"shape\":[1,4,2,3],\"dtype\":\"float16\",\"key\":\"noise\"},"
        "\"compressed\":true},{\"index\":1,\"type\":\"DATA\",\"flags\":\"0000\",\"offset\":800,"
        "\"compressed_size\":112,\"uncompressed_size\":100,\"hash\":\"" HASH_D
        "\",\"extra\":{},\"compressed\":false}]}}");
    finish(&work);
}

#define SPACED_MODEL                                                                               \
    "\"model_info\": {\"model_name\": \"m\", \"version\": \"1\", \"date\": \"d\", \"prompt\": "    \
    "\"p\", "                                                                                      \
    "\"tags\": []}"

Test(manifest_write, indents_with_tabs_in_a_document_that_does) {
    struct work work;
    start(&work, OLD);
    work.count = 0;
    insert(&work, 0, new_image());
    write_text(&work, "{\r\n\t\"gen5_metadata\": {\r\n\t\t" SPACED_MODEL "\r\n\t}\r\n}");
    expect_text(
        &work,
        "{\r\n\t\"gen5_metadata\": {\r\n\t\t\"file_info\": {\r\n\t\t\t\"magic\": \"GEN5\",\r\n"
        "\t\t\t\"version_major\": 1,\r\n\t\t\t\"version_minor\": 0,\r\n\t\t\t\"file_size\": "
        "1000,\r\n"
        "\t\t\t\"chunk_count\": 1\r\n\t\t},\r\n\t\t" SPACED_MODEL
        ",\r\n\t\t\"chunks\": [\r\n\t\t\t{\r\n\t\t\t\t\"index\": 0,\r\n\t\t\t\t\"type\": "
        "\"DATA\",\r\n"
        "\t\t\t\t\"flags\": \"0000\",\r\n\t\t\t\t\"offset\": 800,\r\n\t\t\t\t\"compressed_size\": "
        "112,\r\n"
        "\t\t\t\t\"uncompressed_size\": 100,\r\n\t\t\t\t\"hash\": \"" HASH_D
        "\",\r\n\t\t\t\t\"extra\": {},\r\n\t\t\t\t\"compressed\": "
        "false\r\n\t\t\t}\r\n\t\t]\r\n\t}\r\n}");
    finish(&work);
}

Test(manifest_write, adds_a_record_on_one_line_beside_others_on_one_line) {
    static const char RECORD[] = "{\"index\": 0, \"type\": \"DATA\", \"flags\": \"0000\", "
                                 "\"offset\": 62, \"compressed_size\": 92, "
                                 "\"uncompressed_size\": 80, \"hash\": \"" HASH_B
                                 "\", \"extra\": {}, \"compressed\": false}";
    char *text = NULL;
    struct work work;
    start(&work, OLD);
    drop(&work, 0);
    insert(&work, 1, new_latent("x"));
    cr_assert_gt(asprintf(&text, "%s    \"chunks\": [\n      %s%s", HEAD MODEL, RECORD, FOOT), 0);
    write_text(&work, text);
    free(text);
    cr_assert_gt(
        asprintf(
            &text, "%s    \"chunks\": [\n      %s,\n      %s%s", HEAD MODEL, RECORD,
            "{\"index\": 1, \"type\": \"LATN\", \"flags\": \"F32\", \"offset\": 700, "
            "\"compressed_size\": 76, \"uncompressed_size\": 64, \"hash\": \"" HASH_D
            "\", \"extra\": {\"shape\": [1, 4, 2, 2], \"dtype\": \"float32\", \"key\": \"x\"}, "
            "\"compressed\": false}",
            FOOT),
        0);
    expect_text(&work, text);
    free(text);
    finish(&work);
}

Test(manifest_write, brings_records_back_into_the_order_of_the_chunks) {
    struct work work;
    start(&work, OLD);
    write_text(&work, HEAD MODEL "    \"chunks\": [\n" RECORD_IMAGE ",\n" RECORD_LATENT FOOT);
    expect_text(&work, OLD);
    finish(&work);
}

Test(manifest_write, matches_records_by_hash_before_key_and_by_key_before_position) {
    static const char *const KEYS[] = {"one", "two", "three"};
    static const char *const HASHES[] = {HASH_A, HASH_B, HASH_C};
    struct work work;
    start(&work, HEAD MODEL "    \"chunks\": []\n  }\n}");
    for (size_t i = 0; i < 3; i++) {
        insert(&work, i, new_latent(KEYS[i]));
        work.chunks[i].digest = digest_of(HASHES[i]);
        work.chunks[i].offset = 100 * (i + 1);
    }
    // What stands first has the third's hash, what stands second the first's key.
    write_text(
        &work,
        "{\"gen5_metadata\": {" MINIFIED_MODEL ", \"chunks\": ["
        "{\"type\": \"LATN\", \"mark\": \"three\", \"hash\": \"" HASH_C "\"}, "
        "{\"type\": \"LATN\", \"mark\": \"one\", \"extra\": {\"key\": \"one\"}}, "
        "{\"type\": \"LATN\", \"mark\": \"none\"}, {\"type\": \"DATA\", \"mark\": \"none\"}]}}");
    const char *one = strstr(work.text, "\"mark\": \"one\"");
    const char *three = strstr(work.text, "\"mark\": \"three\"");
    cr_assert_not_null(one);
    cr_assert_not_null(three);
    cr_expect_lt(one - work.text, three - work.text);
    cr_expect_null(strstr(work.text, "\"mark\": \"none\""), "%s", work.text);
    finish(&work);
}

Test(manifest_write, matches_records_by_position_where_nothing_else_is_alike) {
    struct work work;
    start(&work, OLD);
    write_text(&work, "{\"gen5_metadata\": {" MINIFIED_MODEL
                      ", \"chunks\": [{\"type\": \"DATA\", \"extra\": {\"note\": \"new\"}}]}}");
    cr_expect_not_null(strstr(work.text, "\"note\": \"new\""));
    cr_expect_null(strstr(work.text, "kept"));
    finish(&work);
}

Test(manifest_write, matches_a_record_that_has_lost_its_type_by_its_place) {
    struct work work;
    start(&work, OLD);
    write_text(&work, "{\"gen5_metadata\": {" MINIFIED_MODEL
                      ", \"chunks\": [{\"extra\": {\"key\": \"new name\"}}, {\"extra\": {}}]}}");
    cr_expect_not_null(strstr(work.text, "\"key\": \"new name\""), "%s", work.text);
    cr_expect_null(strstr(work.text, "kept"));
    finish(&work);
}

Test(manifest_write, matches_the_record_of_a_chunk_that_was_changed_by_its_old_hash) {
    struct work work;
    start(&work, OLD);
    struct gen5_chunk_facts facts = new_image();
    facts.record = &work.old->records[1];
    work.chunks[1] = facts;
    char *text = text_replaced(OLD, "kept", "edited");
    write_text(&work, text);
    cr_expect_not_null(strstr(work.text, "edited"));
    cr_expect_null(strstr(work.text, HASH_B));
    free(text);
    finish(&work);
}

// --- Keys ---------------------------------------------------------------------------------------

Test(manifest_write, gives_a_latent_the_key_that_the_user_wrote) {
    struct work work;
    start(&work, OLD);
    char *text = text_replaced(OLD, "\"noise\"", "\"\\u6f5c \\ud800\"");
    write_text(&work, text);
    expect_text(&work, text);
    free(text);
    finish(&work);
}

Test(manifest_write, puts_back_a_key_that_was_left_out) {
    struct work work;
    start(&work, OLD);
    char *text = text_replaced(OLD, ",\n          \"key\": \"noise\"", "");
    write_text(&work, text);
    expect_text(&work, OLD);
    free(text);
    finish(&work);
}

Test(manifest_write, gives_an_added_latent_its_own_key) {
    struct work work;
    start(&work, HEAD MODEL "    \"chunks\": []\n  }\n}");
    insert(&work, 0, new_latent("mine"));
    char *text = text_replaced(HEAD MODEL "    \"chunks\": [\n" RECORD_LATENT FOOT, "\"key\"",
                               "\"x\": 1,\n          \"key\"");
    write_text(&work, text);
    cr_expect_not_null(strstr(work.text, "\"x\": 1,\n          \"key\": \"mine\""), "%s",
                       work.text);
    free(text);
    finish(&work);
}

Test(manifest_write, refuses_two_latents_of_one_key) {
    struct work work;
    start(&work, OLD);
    insert(&work, 1, new_latent("second"));
    char *text = text_replaced(OLD, "\"noise\"", "\"sec\\u006fnd\"");
    cr_expect_eq(write_status(&work, text), GEN5_ERROR_INVALID);
    cr_expect_str_eq(work.error.message,
                     "gen5_metadata.chunks: two latents would have the key \"second\"");
    free(text);
    finish(&work);
}

Test(manifest_write, refuses_a_key_that_is_no_string) {
    struct work work;
    start(&work, OLD);
    char *text = text_replaced(OLD, "\"noise\"", "7");
    cr_expect_eq(write_status(&work, text), GEN5_ERROR_INVALID);
    cr_expect_str_eq(work.error.message, "gen5_metadata.chunks[0].extra.key: must be a string");
    free(text);
    finish(&work);
}

Test(manifest_write, refuses_a_new_key_that_is_no_utf_8) {
    struct work work;
    start(&work, OLD);
    insert(&work, 1, new_latent("\xff"));
    cr_expect_eq(write_status(&work, NULL), GEN5_ERROR_INVALID);
    cr_expect_str_eq(work.error.message, "chunk 1: a latent's key must be UTF-8");
    finish(&work);
}

// --- Limits -------------------------------------------------------------------------------------

Test(manifest_write, refuses_a_text_over_the_limit) {
    struct work work;
    start(&work, OLD);
    work.limits.manifest_size_max = strlen(OLD) - 1;
    cr_expect_eq(write_status(&work, NULL), GEN5_ERROR_TOO_LARGE);
    work.limits.manifest_size_max = strlen(OLD);
    cr_expect_eq(write_status(&work, NULL), GEN5_OK);
    work.limits.record_count_max = 1;
    cr_expect_eq(write_status(&work, NULL), GEN5_ERROR_TOO_LARGE);
    finish(&work);
}

Test(manifest_write, does_not_repeat_megabytes_of_indentation) {
    enum { SPACES = 1 << 20 };
    char *text = NULL;
    struct work work;
    start(&work, OLD);
    cr_assert_gt(asprintf(&text, "{\"gen5_metadata\": {\n%*s%s}}", SPACES, "", MINIFIED_MODEL), 0);
    write_text(&work, text);
    cr_expect_lt(work.size, SPACES + 4096);
    free(text);
    finish(&work);
}

Test(manifest_write, matches_65536_records_in_less_than_quadratic_time) {
    enum { COUNT = 65536 };
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_text_builder builder;
    struct gen5_chunk_facts *chunks = calloc(COUNT, sizeof *chunks);
    struct timespec begin, end;
    gen5_text_builder_init(&builder, 64 << 20);
    gen5_text_builder_append_string(&builder,
                                    "{\"gen5_metadata\":{" MINIFIED_MODEL ",\"chunks\":[");
    for (size_t i = 0; i < COUNT; i++) {
        // Every record is the other way round, half of them without a hash that tells.
        gen5_text_builder_append_string(&builder, i > 0 ? "," : "");
        gen5_text_builder_append_string(&builder, "{\"type\":\"LATN\",\"extra\":{\"key\":\"");
        gen5_text_builder_append_number(&builder, COUNT - 1 - i);
        gen5_text_builder_append_string(&builder, "\"},\"hash\":\"" HASH_A "\"}");
    }
    gen5_text_builder_append_string(&builder, "]}}");
    char(*keys)[8] = calloc(COUNT, sizeof *keys);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "%zu", i);
        chunks[i] = new_latent(keys[i]);
        chunks[i].digest = digest_of(i % 2 == 0 ? HASH_A : HASH_B);
    }
    struct gen5_error error = GEN5_ERROR_NONE;
    char *text = NULL;
    size_t size;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    cr_expect_eq(gen5_manifest_write(NULL, builder.bytes, builder.size, chunks, COUNT, 5, &limits,
                                     &text, &size, &error),
                 GEN5_OK, "%s", error.message);
    clock_gettime(CLOCK_MONOTONIC, &end);
    cr_expect_lt(end.tv_sec - begin.tv_sec, 20);
    free(text);
    free(keys);
    free(chunks);
    gen5_text_builder_release(&builder);
}

// --- Blank --------------------------------------------------------------------------------------

Test(manifest_write, makes_a_blank_manifest_that_the_schema_takes) {
    struct work work;
    char *text;
    size_t size;
    cr_assert_eq(gen5_manifest_blank("2026-01-04T09:30:00.123456+00:00", &text, &size, &work.error),
                 GEN5_OK);
    cr_expect_eq(size, strlen(text));
    cr_expect_not_null(strstr(text, "\"date\": \"2026-01-04T09:30:00.123456+00:00\",\n"));
    start(&work, text);
    work.file_size = 0;
    write_text(&work, NULL);
    expect_text(&work, text);
    insert(&work, 0, new_latent("noise"));
    work.file_size = 500;
    write_text(&work, NULL);
    cr_expect_not_null(strstr(work.text, "\"chunks\": [\n      {\n        \"index\": 0,\n"));
    free(text);
    finish(&work);
}

// --- What the reference wrote -------------------------------------------------------------------

// The part of a text from "model_info" to "chunks", which no repack touches.
static void expect_same_model_info(const char *left, const char *right) {
    const char *left_begin = strstr(left, "\"model_info\""), *left_end = strstr(left, "\"chunks\"");
    const char *right_begin = strstr(right, "\"model_info\"");
    cr_assert_not_null(left_begin);
    cr_assert_not_null(left_end);
    cr_assert_not_null(right_begin);
    cr_expect_eq(strncmp(left_begin, right_begin, (size_t)(left_end - left_begin)), 0);
}

static void rewrite(const char *reference) {
    struct work work;
    int fd;
    struct gen5_container *container = open_reference(reference, &fd);
    start(&work, container->manifest->text);
    work.file_size = container->source.size;
    write_text(&work, NULL);
    expect_same_model_info(work.old->text, work.text);
    char *first = strdup(work.text);
    // Its own text given as a user's comes out the same.
    write_text(&work, first);
    expect_text(&work, first);
    // With an image put and a latent added, the rest is still the same.
    insert(&work, work.count, new_image());
    insert(&work, 0, new_latent("one that is not there"));
    write_text(&work, NULL);
    expect_same_model_info(work.old->text, work.text);
    write_text(&work, first);
    expect_same_model_info(work.old->text, work.text);
    free(first);
    finish(&work);
    gen5_container_free(container);
    close(fd);
}

Test(manifest_write, rewrites_what_the_reference_wrote) {
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        rewrite(REFERENCES[i]);
    }
}
