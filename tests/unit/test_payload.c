// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Payloads: right bytes or none.
#include "gen5/payload.h"

#include "container_fixture.h"

static void expect_payload(const struct gen5_container *container, const struct gen5_record *record,
                           const char *expected, size_t size) {
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_assert_eq(record->payload_size, size);
    char *buffer = malloc(size + 1);
    cr_assert_not_null(buffer);
    cr_expect_eq(gen5_payload_read(container, record, GEN5_VERIFY, buffer, &error), GEN5_OK, "%s",
                 error.message);
    cr_expect_eq(memcmp(buffer, expected, size), 0);
    free(buffer);

    int fd = new_file();
    cr_expect_eq(gen5_payload_copy(container, record, GEN5_VERIFY, fd, 7, &error), GEN5_OK, "%s",
                 error.message);
    size_t copied_size = 0;
    char *copied = read_whole(fd, &copied_size);
    cr_expect(size == 0 || copied_size == size + 7);
    cr_expect(size == 0 || memcmp(copied + 7, expected, size) == 0);
    free(copied);
    close(fd);
    cr_expect_eq(gen5_payload_copy(container, record, GEN5_VERIFY, -1, 0, &error), GEN5_OK, "%s",
                 error.message);
}

Test(payload, every_one_of_the_reference_has_its_hash) {
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int fd;
        struct gen5_container *container = open_reference(REFERENCES[i], &fd);
        struct gen5_error error = GEN5_ERROR_NONE;
        for (size_t j = 0; j < container->latent_count; j++) {
            cr_expect_eq(
                gen5_payload_copy(container, container->latents[j], GEN5_VERIFY, -1, 0, &error),
                GEN5_OK, "%s, latent %zu: %s", REFERENCES[i], j, error.message);
        }
        if (container->image != NULL) {
            cr_expect_eq(gen5_payload_copy(container, container->image, GEN5_VERIFY, -1, 0, &error),
                         GEN5_OK, "%s: %s", REFERENCES[i], error.message);
        }
        if (container->environment != NULL) {
            cr_expect_eq(
                gen5_payload_copy(container, container->environment, GEN5_VERIFY, -1, 0, &error),
                GEN5_OK, "%s: %s", REFERENCES[i], error.message);
        }
        gen5_container_free(container);
        close(fd);
    }
}

Test(payload, stale_records_of_the_reference_do_not_pass_as_good) {
    int fd;
    struct gen5_container *container = open_reference("reused-list-second.gen5", &fd);
    for (size_t i = 0; i < 3; i++) {
        enum gen5_status status = gen5_payload_copy(container, &container->manifest->records[i],
                                                    GEN5_VERIFY, -1, 0, NULL);
        cr_expect(status == GEN5_ERROR_HASH || status == GEN5_ERROR_DAMAGED, "record %zu: %d", i,
                  status);
    }
    gen5_container_free(container);
    close(fd);
}

Test(payload, raw_and_compressed_come_out_alike_at_every_size) {
    static const size_t sizes[] = {0, 1, 1000, 262144, 262145, 1000000, 4 << 20, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes * 2; i++) {
        size_t size = sizes[i / 2];
        char *payload = malloc(size + 1);
        cr_assert_not_null(payload);
        fill_with_noise(payload, size, i);
        struct made made = make_begin();
        make_member(&made, "DATA", "0000", "{}", payload, size, i % 2 == 1);
        int fd = make_end(&made);
        struct gen5_container *container = open_container(fd);
        expect_payload(container, container->image, payload, size);
        gen5_container_free(container);
        close(fd);
        make_free(&made);
        free(payload);
    }
}

Test(payload, prefix_is_read_without_the_rest) {
    for (int compressed = 0; compressed < 2; compressed++) {
        struct made made = make_begin();
        make_image(&made, "0123456789", compressed == 1);
        int fd = make_end(&made);
        struct gen5_container *container = open_container(fd);
        char buffer[11] = "";
        cr_expect_eq(gen5_payload_read_prefix(container, container->image, buffer, 4, NULL),
                     GEN5_OK);
        cr_expect_str_eq(buffer, "0123");
        cr_expect_eq(gen5_payload_read_prefix(container, container->image, buffer, 10, NULL),
                     GEN5_OK);
        cr_expect_str_eq(buffer, "0123456789");
        gen5_container_free(container);
        close(fd);
        make_free(&made);
    }
}

// --- Chunks that are not what their record says ---

static const char wrong_hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

// End the container, and see that its last record's payload is refused in every way of reading it.
static void expect_refused(struct made *made, enum gen5_status expected,
                           enum gen5_status unverified, const char *name) {
    int fd = make_end(made);
    struct gen5_container *container = open_container(fd);
    const struct gen5_record *record =
        &container->manifest->records[container->manifest->record_count - 1];
    struct gen5_error error = GEN5_ERROR_NONE;
    char buffer[4096];
    cr_assert_leq(record->payload_size, sizeof buffer);
    cr_expect_eq(gen5_payload_read(container, record, GEN5_VERIFY, buffer, &error), expected,
                 "%s: %d %s", name, error.status, error.message);
    cr_expect_geq(error.offset, 0, "%s", name);
    cr_expect_eq(gen5_payload_copy(container, record, GEN5_VERIFY, -1, 0, &error), expected,
                 "%s: %s", name, error.message);
    cr_expect_eq(gen5_payload_read(container, record, GEN5_NO_VERIFY, buffer, &error), unverified,
                 "%s: %s", name, error.message);
    gen5_container_free(container);
    close(fd);
    make_free(made);
}

Test(payload, wrong_hash_is_noticed_and_can_be_passed_over) {
    for (int compressed = 0; compressed < 2; compressed++) {
        struct made made = make_begin();
        make_chunk(&made, "DATA", "0000", "an image", 8, compressed == 1);
        make_record(&made, "DATA", "0000", made.last_offset, made.last_size, 8, wrong_hash, "{}",
                    compressed == 1);
        expect_refused(&made, GEN5_ERROR_HASH, GEN5_OK, "wrong hash");
    }
}

struct lie {
    const char *name;
    const char *type; // of the record
    int64_t more_stored;
    int64_t more_payload;
    bool chunk_compressed;
    bool record_compressed;
};

Test(payload, record_that_disagrees_with_its_chunk_is_damage) {
    static const struct lie rows[] = {
        {"another type", "ENVC", 0, 0, false, false},
        {"another type, compressed", "ENVC", 0, 0, true, true},
        {"one byte less, raw", "DATA", -1, -1, false, false},
        {"one byte more, raw", "DATA", 1, 1, false, false},
        {"one byte less, compressed", "DATA", 0, -1, true, true},
        {"one byte more, compressed", "DATA", 0, 1, true, true},
        {"frame that is cut", "DATA", -1, 0, true, true},
        {"frame with a byte behind", "DATA", 1, 0, true, true},
        {"raw that is called compressed", "DATA", 0, 0, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct lie *row = &rows[i];
        char hex[GEN5_DIGEST_HEX_SIZE + 1];
        hash_of("an image", 8, hex);
        struct made made = make_begin();
        make_chunk(&made, "DATA", "0000", "an image", 8, row->chunk_compressed);
        size_t offset = made.last_offset;
        size_t size = made.last_size;
        make_bytes(&made, "between", 7);
        make_record(&made, row->type, "0000", offset, size + (uint64_t)row->more_stored,
                    8 + (uint64_t)row->more_payload, hex, "{}", row->record_compressed);
        expect_refused(&made, GEN5_ERROR_DAMAGED, GEN5_ERROR_DAMAGED, row->name);
    }
}

Test(payload, frame_with_another_frame_or_a_skippable_one_is_damage) {
    static const char skippable[] = "\x50\x2a\x4d\x18\x00\x00\x00\x00";
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    hash_of("an image", 8, hex);

    struct made made = make_begin();
    make_chunk(&made, "DATA", "0000", "an image", 8, true);
    size_t offset = made.last_offset;
    size_t size = made.last_size;
    make_chunk(&made, "DATA", "0000", "an image", 8, true);
    make_record(&made, "DATA", "0000", offset, size + made.last_size, 8, hex, "{}", true);
    expect_refused(&made, GEN5_ERROR_DAMAGED, GEN5_ERROR_DAMAGED, "two frames");

    made = make_begin();
    make_bytes(&made, skippable, sizeof skippable - 1);
    offset = made.last_offset;
    make_chunk(&made, "DATA", "0000", "an image", 8, true);
    make_record(&made, "DATA", "0000", offset, made.last_size + sizeof skippable - 1, 8, hex, "{}",
                true);
    expect_refused(&made, GEN5_ERROR_DAMAGED, GEN5_ERROR_DAMAGED, "skippable frame before");

    made = make_begin();
    make_chunk(&made, "DATA", "0000", "an image", 8, true);
    offset = made.last_offset;
    size = made.last_size;
    make_bytes(&made, skippable, sizeof skippable - 1);
    make_record(&made, "DATA", "0000", offset, size + made.last_size, 8, hex, "{}", true);
    expect_refused(&made, GEN5_ERROR_DAMAGED, GEN5_ERROR_DAMAGED, "skippable frame behind");
}

Test(payload, latent_whose_inner_flags_contradict_its_dtype_is_damage) {
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    const char *extra = "{\"shape\": [1, 1, 1, 4], \"dtype\": \"float16\", \"key\": \"k\"}";
    hash_of("abcdefgh", 8, hex);
    struct made made = make_begin();
    make_chunk(&made, "LATN", "F32", "abcdefgh", 8, false);
    make_record(&made, "LATN", "F16", made.last_offset, made.last_size, 8, hex, extra, false);
    expect_refused(&made, GEN5_ERROR_DAMAGED, GEN5_ERROR_DAMAGED, "F32 for float16");

    made = make_begin();
    make_chunk(&made, "LATN", "0000", "abcdefgh", 8, false);
    make_record(&made, "LATN", "F16", made.last_offset, made.last_size, 8, hex, extra, false);
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    expect_payload(container, container->latents[0], "abcdefgh", 8);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

Test(payload, of_a_damaged_record_is_refused_with_its_reason) {
    struct made made = make_begin();
    make_record(&made, "DATA", "0000", 4000000000U, 20, 8, wrong_hash, "{}", false);
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    struct gen5_error error = GEN5_ERROR_NONE;
    char buffer[8];
    cr_expect_eq(gen5_payload_read(container, container->image, GEN5_NO_VERIFY, buffer, &error),
                 GEN5_ERROR_DAMAGED);
    cr_expect_not_null(strstr(error.message, container->image->damage), "%s", error.message);
    cr_expect_eq(gen5_payload_read_prefix(container, container->image, buffer, 8, &error),
                 GEN5_ERROR_DAMAGED);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

Test(payload, file_that_was_cut_since_is_damage) {
    struct made made = make_begin();
    make_image(&made, "an image", false);
    make_image(&made, "another image", true);
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    cr_assert_eq(ftruncate(fd, 40), 0);
    char buffer[16];
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(gen5_payload_read(container, &container->manifest->records[i], GEN5_VERIFY,
                                       buffer, NULL),
                     GEN5_ERROR_DAMAGED);
    }
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

Test(payload, copy_tells_when_the_target_is_full) {
    struct made made = make_begin();
    make_image(&made, "an image", false);
    int fd = make_end(&made);
    struct gen5_container *container = open_container(fd);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(gen5_payload_copy(container, container->image, GEN5_VERIFY, full, 0, &error),
                 GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, ENOSPC);
    close(full);
    gen5_container_free(container);
    close(fd);
    make_free(&made);
}

// Every member is served with the bytes of the unharmed file, or not at all.
Test(payload, no_single_byte_mutation_gives_other_bytes) {
    int fd;
    struct gen5_container *whole = open_reference("one-pixel.gen5", &fd);
    size_t size = 0;
    char *bytes = read_whole(fd, &size);
    struct gen5_limits limits = gen5_limits_default();
    char before[4096];
    char after[4096];
    cr_assert(whole->image != NULL && whole->image->payload_size <= sizeof before);
    cr_assert_eq(gen5_payload_read(whole, whole->image, GEN5_VERIFY, before, NULL), GEN5_OK);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x10);
        struct gen5_source source = gen5_source_from_memory(bytes, size);
        struct gen5_container *container = NULL;
        bool opens = gen5_container_open(&source, &limits, &container, NULL) == GEN5_OK;
        if (opens && container->image != NULL && container->image->payload_size <= sizeof after &&
            gen5_payload_read(container, container->image, GEN5_VERIFY, after, NULL) == GEN5_OK) {
            cr_expect_eq(container->image->payload_size, whole->image->payload_size, "byte %zu", i);
            cr_expect_eq(memcmp(before, after, (size_t)whole->image->payload_size), 0, "byte %zu",
                         i);
        }
        gen5_container_free(container);
        bytes[i] = (char)(bytes[i] ^ 0x10);
    }
    free(bytes);
    gen5_container_free(whole);
    close(fd);
}
