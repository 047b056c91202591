// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Opening containers: the reference's, and those that lie.
#include "gen5/container.h"

#include "container_fixture.h"
#include "json_literal.h"
#include "json_text.h"

static enum gen5_status try_to_open(int fd, const struct gen5_limits *limits,
                                    struct gen5_error *error) {
    struct gen5_source source = source_of(fd);
    struct gen5_container *container = NULL;
    enum gen5_status status = gen5_container_open(&source, limits, &container, error);
    cr_expect_eq(status == GEN5_OK, container != NULL);
    gen5_container_free(container);
    return status;
}

static void expect_refused(int fd, enum gen5_status expected, const char *name) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(try_to_open(fd, &limits, &error), expected, "%s: %d %s", name, error.status,
                 error.message);
    cr_expect_neq(error.message[0], '\0', "%s", name);
    cr_expect_geq(error.offset, 0, "%s: %s", name, error.message);
    close(fd);
}

// --- The reference's files, against what its decoder said of them ---

static char *expectations(struct gen5_json_value *root) {
    int fd = data_file_open("reference/expected.json");
    size_t size = 0;
    char *text = read_whole(fd, &size);
    close(fd);
    struct gen5_json_fault fault;
    cr_assert(gen5_json_scan(text, size, 50, GEN5_JSON_NO_BOM, root, &fault));
    return text;
}

static void expect_string(const char *text, struct gen5_json_value value, const char *found,
                          const char *name) {
    cr_expect(gen5_json_string_equals(text, value.span, found, strlen(found)), "%s: %s", name,
              found);
}

static void expect_member(const char *text, struct gen5_json_value expected, const char *name,
                          const struct gen5_record *record) {
    cr_expect_eq(expected.kind != GEN5_JSON_NONE && expected.kind != GEN5_JSON_NULL, record != NULL,
                 "%s", name);
    if (record == NULL) {
        return;
    }
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(&record->digest, hex);
    expect_string(text, gen5_json_find(text, expected, "sha256"), hex, name);
    uint32_t size = 0;
    cr_expect(gen5_json_number_read(text, gen5_json_find(text, expected, "size").span, &size));
    cr_expect_eq(record->payload_size, size, "%s", name);
    cr_expect_null(record->damage, "%s: %s", name, record->damage);
}

static void expect_manifest(const char *text, struct gen5_json_value expected, const char *name,
                            const struct gen5_manifest *manifest) {
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    hash_of(manifest->text, manifest->size, hex);
    expect_string(text, gen5_json_find(text, expected, "sha256"), hex, name);
}

// Each of the reference's latents is a record; those that are members come in this order.
static void expect_latents(const char *text, struct gen5_json_value expected, const char *name,
                           const struct gen5_container *container) {
    struct gen5_json_walk walk = gen5_json_walk_start(text, expected);
    struct gen5_json_member element;
    size_t index = 0;
    while (gen5_json_walk_next(&walk, &element)) {
        struct gen5_json_value key = gen5_json_find(text, element.value, "key");
        while (index < container->manifest->record_count &&
               memcmp(container->manifest->records[index].type, "LATN", 4) != 0) {
            index++;
        }
        cr_assert_lt(index, container->manifest->record_count, "%s", name);
        const struct gen5_record *record = &container->manifest->records[index++];
        cr_expect(gen5_json_string_equals(text, key.span, record->key, record->key_length), "%s",
                  name);
        const struct gen5_record *member =
            gen5_container_latent(container, record->key, record->key_length);
        cr_assert_not_null(member, "%s", name);
        cr_expect_geq(member, record, "%s: a later record wins", name);
    }
}

Test(container, opens_every_file_of_the_reference) {
    struct gen5_json_value root;
    char *text = expectations(&root);
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int fd;
        struct gen5_container *container = open_reference(REFERENCES[i], &fd);
        struct gen5_json_value expected = gen5_json_find(text, root, REFERENCES[i]);
        cr_assert_eq(expected.kind, GEN5_JSON_OBJECT, "%s", REFERENCES[i]);
        if (gen5_json_find(text, expected, "metadata.json").kind == GEN5_JSON_NONE) {
            // A stale record keeps the reference's decoder from reading this one at all.
            gen5_container_free(container);
            close(fd);
            continue;
        }
        expect_member(text, gen5_json_find(text, expected, "image"), REFERENCES[i],
                      container->image);
        expect_member(text, gen5_json_find(text, expected, "env.json"), REFERENCES[i],
                      container->environment);
        expect_manifest(text, gen5_json_find(text, expected, "metadata.json"), REFERENCES[i],
                        container->manifest);
        expect_latents(text, gen5_json_find(text, expected, "latents"), REFERENCES[i], container);
        gen5_container_free(container);
        close(fd);
    }
    free(text);
}

// --- Members ---

Test(container, last_record_of_a_member_wins_and_first_gives_the_order) {
    struct made made = make_begin();
    make_latent(&made, "b", "11", 1, false);
    make_image(&made, "old image", false);
    make_latent(&made, "a", "22", 1, false);
    make_latent(&made, "b", "33", 1, false);
    make_image(&made, "new image", true);
    make_member(&made, "ENVC", "0000", "{}", "{}", 2, false);
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    cr_expect_eq(container->image, &container->manifest->records[4]);
    cr_expect_eq(container->environment, &container->manifest->records[5]);
    cr_assert_eq(container->latent_count, 2);
    cr_expect_eq(container->latents[0], &container->manifest->records[3]);
    cr_expect_eq(container->latents[1], &container->manifest->records[2]);
    cr_expect_eq(gen5_container_latent(container, "b", 1), container->latents[0]);
    cr_expect_null(gen5_container_latent(container, "c", 1));
    cr_expect_null(gen5_container_latent(container, "b", 0));
    cr_expect(gen5_record_is_raw(container->latents[0]));
    cr_expect_not(gen5_record_is_raw(container->image));
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

Test(container, without_records_has_no_members) {
    struct made made = make_begin();
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    cr_expect_null(container->image);
    cr_expect_null(container->environment);
    cr_expect_eq(container->latent_count, 0);
    gen5_container_free(container);
    gen5_container_free(NULL);
    close(fd);
    make_free(&made);
}

Test(container, keys_that_differ_by_case_or_a_nul_are_different) {
    struct made made = make_begin();
    make_latent(&made, "Key", "11", 1, false);
    make_latent(&made, "key", "22", 1, false);
    make_latent(&made, "key\\u0000", "33", 1, false);
    make_latent(&made, "", "44", 1, false);
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    cr_assert_eq(container->latent_count, 4);
    cr_expect_eq(gen5_container_latent(container, "key", 4), container->latents[2]);
    cr_expect_eq(gen5_container_latent(container, "", 0), container->latents[3]);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

// --- Records that lie ---

struct lie {
    const char *name;
    uint64_t offset;
    uint64_t stored_size;
    uint64_t payload_size;
    bool compressed;
};

Test(container, record_that_points_elsewhere_is_damaged_and_its_neighbours_are_not) {
    static const struct lie rows[] = {
        {"in the header", 31, 20, 8, false},
        {"at the start", 0, 20, 8, false},
        {"behind the end", 100000, 20, 8, false},
        {"at 2^32 - 1", UINT32_MAX, 20, 8, false},
        {"over the end", 40, 100000, 99988, false},
        {"sum over 2^32", UINT32_MAX, UINT32_MAX, UINT32_MAX, true},
        {"shorter than a header", 32, 11, 0, false},
        {"empty", 32, 0, 0, true},
        {"into META", 33, 9 + 12 + 1, 10, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made made = make_begin();
        make_image(&made, "an image!", false);
        char hex[GEN5_DIGEST_HEX_SIZE + 1];
        hash_of("", 0, hex);
        make_record(&made, "XTRA", "0000", rows[i].offset, rows[i].stored_size,
                    rows[i].payload_size, hex, "{}", rows[i].compressed);
        int fd = make_end(&made);
        struct gen5_container *container = open_container(fd);
        cr_expect_not_null(container->manifest->records[1].damage, "%s", rows[i].name);
        cr_expect_null(container->image->damage, "%s", rows[i].name);
        gen5_container_free(container);
        close(fd);
        make_free(&made);
    }
}

Test(container, record_that_is_the_manifest_itself_is_damaged) {
    struct made made = make_begin();
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    hash_of("", 0, hex);
    make_record(&made, "DATA", "0000", 32, 13, 1, hex, "{}", false);
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    cr_expect_not_null(container->image->damage);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

Test(container, records_that_overlap_are_left_to_the_hash) {
    int fd;
    struct gen5_container *container = open_reference("reused-list-second.gen5", &fd);
    cr_expect_gt(container->manifest->record_count, 3);
    cr_expect_null(container->image->damage);
    cr_expect_null(container->environment->damage);
    gen5_container_free(container);
    close(fd);
}

Test(container, payload_over_the_limit_is_damaged) {
    struct made made = make_begin();
    make_image(&made, "an image!", true);
    int fd = make_end(&made);
    struct gen5_source source = source_of(fd);
    struct gen5_limits limits = gen5_limits_default();
    limits.payload_size_max = 8;
    struct gen5_container *container = NULL;
    cr_assert_eq(gen5_container_open(&source, &limits, &container, NULL), GEN5_OK);
    cr_expect_not_null(container->image->damage);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

Test(container, sixty_thousand_latents_open_and_are_found_at_once) {
    enum { COUNT = 60000, TEXT_SIZE_MAX = 16 << 20 };
    char *text = malloc(TEXT_SIZE_MAX);
    cr_assert_not_null(text);
    size_t size = (size_t)snprintf(text, TEXT_SIZE_MAX, "{\"gen5_metadata\": {\"chunks\": [");
    for (int i = 0; i < COUNT; i++) {
        size += (size_t)snprintf(
            text + size, TEXT_SIZE_MAX - size,
            "%s{\"index\":0,\"type\":\"LATN\",\"flags\":\"F16\",\"offset\":32,"
            "\"compressed_size\":14,\"uncompressed_size\":2,\"hash\":\"\",\"extra\":"
            "{\"shape\":[1],\"dtype\":\"float16\",\"key\":\"%d\"},\"compressed\":false}",
            i > 0 ? "," : "", i / 2);
        cr_assert_lt(size, TEXT_SIZE_MAX);
    }
    size += (size_t)snprintf(text + size, TEXT_SIZE_MAX - size, "]}}");
    struct made made = make_begin();
    int fd = make_end_with(&made, text, size);
    struct gen5_container *container = open_container(fd);
    cr_expect_eq(container->latent_count, COUNT / 2);
    for (size_t i = 0; i < container->latent_count; i++) {
        const struct gen5_record *record = container->latents[i];
        cr_assert_eq(gen5_container_latent(container, record->key, record->key_length), record);
    }
    cr_expect_null(gen5_container_latent(container, "30000", 5));
    gen5_container_free(container);
    close(fd);
    free(text);
    make_free(&made);
}

// --- Files that are no containers ---

Test(container, every_truncation_is_refused) {
    int fd;
    struct gen5_container *container = open_reference("one-pixel.gen5", &fd);
    gen5_container_free(container);
    size_t size = 0;
    char *bytes = read_whole(fd, &size);
    close(fd);
    for (size_t cut = 0; cut < size; cut++) {
        expect_refused(file_of(bytes, cut), GEN5_ERROR_DAMAGED, "truncated");
    }
    free(bytes);
}

Test(container, garbage_behind_the_manifest_is_let_pass) {
    struct made made = make_begin();
    make_image(&made, "an image!", false);
    close(make_end(&made));
    make_bytes(&made, "garbage", 7);
    int fd = file_of(made.bytes, made.size);
    struct gen5_container *container = open_container(fd);
    cr_expect_null(container->image->damage);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

Test(container, chunk_count_that_disagrees_is_let_pass) {
    struct made made = make_begin();
    make_image(&made, "an image!", false);
    made.record_count = 4000000000U;
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    cr_expect_eq(container->manifest->record_count, 1);
    cr_expect_eq(container->header.chunk_count, 4000000000U);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

// A container whose META chunk is `stored`.
static int with_table(const void *stored, size_t size) {
    struct made made = make_begin();
    make_bytes(&made, stored, size);
    make_header(&made, made.last_offset, made.last_size);
    int fd = file_of(made.bytes, made.size);
    make_free(&made);
    return fd;
}

// A container whose META chunk is a frame of `content`, with `behind` after it.
static int with_table_content(const void *content, size_t size, const char *behind) {
    void *frame = NULL;
    size_t frame_size = 0;
    cr_assert_eq(gen5_frame_compress(content, size, 3, &frame, &frame_size, NULL), GEN5_OK);
    char *stored = malloc(frame_size + strlen(behind) + 1);
    cr_assert_not_null(stored);
    memcpy(stored, frame, frame_size);
    memcpy(stored + frame_size, behind, strlen(behind) + 1);
    int fd = with_table(stored, frame_size + strlen(behind));
    free(stored);
    free(frame);
    return fd;
}

static const char smallest[] = "{\"gen5_metadata\": {\"chunks\": []}}";

Test(container, manifest_that_is_not_stored_as_promised_is_refused) {
    size_t size = sizeof smallest - 1;
    char *content = make_content("META", "0000", smallest, size);
    size_t whole = GEN5_CHUNK_HEADER_SIZE + size;
    int fd = with_table_content(content, whole, "");
    gen5_container_free(open_container(fd));
    close(fd);

    expect_refused(with_table(content, whole), GEN5_ERROR_DAMAGED, "stored raw");
    expect_refused(with_table_content(content, whole, "x"), GEN5_ERROR_DAMAGED, "garbage behind");
    expect_refused(with_table_content(content, 11, ""), GEN5_ERROR_DAMAGED, "no whole header");
    expect_refused(with_table_content(content, 0, ""), GEN5_ERROR_DAMAGED, "nothing");
    content[GEN5_CHUNK_HEADER_SIZE - 4]++;
    expect_refused(with_table_content(content, whole, ""), GEN5_ERROR_DAMAGED, "another size");
    content[GEN5_CHUNK_HEADER_SIZE - 4]--;
    content[0] = 'D';
    expect_refused(with_table_content(content, whole, ""), GEN5_ERROR_DAMAGED, "another type");
    free(content);

    char *no_json = make_content("META", "0000", "no JSON", 7);
    expect_refused(with_table_content(no_json, 19, ""), GEN5_ERROR_DAMAGED, "no JSON");
    free(no_json);
    char *two = make_content("META", "0000", smallest, size);
    void *frame = NULL;
    size_t frame_size = 0;
    cr_assert_eq(gen5_frame_compress(two, whole, 3, &frame, &frame_size, NULL), GEN5_OK);
    char *twice = malloc(2 * frame_size);
    cr_assert_not_null(twice);
    memcpy(twice, frame, frame_size);
    memcpy(twice + frame_size, frame, frame_size);
    expect_refused(with_table(twice, 2 * frame_size), GEN5_ERROR_DAMAGED, "two frames");
    free(twice);
    free(frame);
    free(two);
}

Test(container, bomb_is_refused_before_it_is_unpacked) {
    enum { SIZE = 300 << 20 };
    char *content = malloc(SIZE);
    cr_assert_not_null(content);
    memset(content, ' ', SIZE);
    struct gen5_chunk_header header = {.payload_size = SIZE - GEN5_CHUNK_HEADER_SIZE};
    memcpy(header.type, "META", 4);
    gen5_chunk_header_write(&header, (uint8_t *)content);
    int fd = with_table_content(content, SIZE, "");
    free(content);
    struct stat attributes;
    cr_assert_eq(fstat(fd, &attributes), 0);
    cr_expect_lt(attributes.st_size, 64 * 1024);
    expect_refused(fd, GEN5_ERROR_LIMIT, "300 MiB of spaces");
}

// A frame header that states a size of 2^63, and nothing behind it.
Test(container, absurd_claims_are_refused_by_the_limits) {
    static const char claim[] = "\x28\xb5\x2f\xfd\xc0\x38\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00";
    expect_refused(with_table(claim, sizeof claim - 1), GEN5_ERROR_LIMIT, "2^63 bytes");
}

Test(container, manifest_as_large_as_the_limit_is_read_and_a_larger_one_is_not) {
    size_t size = sizeof smallest - 1;
    char *content = make_content("META", "0000", smallest, size);
    int fd = with_table_content(content, GEN5_CHUNK_HEADER_SIZE + size, "");
    struct gen5_limits limits = gen5_limits_default();
    limits.manifest_size_max = size;
    cr_expect_eq(try_to_open(fd, &limits, NULL), GEN5_OK);
    limits.manifest_size_max = size - 1;
    cr_expect_eq(try_to_open(fd, &limits, NULL), GEN5_ERROR_LIMIT);
    close(fd);
    free(content);
}

Test(container, every_single_byte_mutation_opens_or_is_refused) {
    int fd;
    struct gen5_container *container = open_reference("one-pixel.gen5", &fd);
    gen5_container_free(container);
    size_t size = 0;
    char *bytes = read_whole(fd, &size);
    close(fd);
    struct gen5_limits limits = gen5_limits_default();
    for (size_t i = 0; i < size * 3; i++) {
        static const uint8_t flips[] = {0x01, 0x80, 0xff};
        bytes[i / 3] = (char)((uint8_t)bytes[i / 3] ^ flips[i % 3]);
        struct gen5_source source = gen5_source_from_memory(bytes, size);
        struct gen5_error error = GEN5_ERROR_NONE;
        if (gen5_container_open(&source, &limits, &container, &error) == GEN5_OK) {
            gen5_container_free(container);
        } else {
            cr_expect_neq(error.message[0], '\0');
        }
        bytes[i / 3] = (char)((uint8_t)bytes[i / 3] ^ flips[i % 3]);
    }
    free(bytes);
}
