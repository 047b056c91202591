// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Rewriting containers: what was asked changes, and nothing else.
#include "gen5/repack.h"

#include "container_fixture.h"
#include "gen5/npy.h"
#include "json_literal.h"
#include "json_text.h"
#include "text_change.h"

// --- Checking what was written ---

static struct gen5_json_value file_info_of(const struct gen5_manifest *manifest, const char *name) {
    struct gen5_json_value root;
    struct gen5_json_fault fault;
    cr_assert(gen5_json_scan(manifest->text, manifest->size, 500, GEN5_JSON_NO_BOM, &root, &fault));
    const char *path[] = {"gen5_metadata", "file_info", name};
    for (size_t i = 0; i < 3; i++) {
        root = gen5_json_find(manifest->text, root, path[i]);
    }
    cr_assert_eq(root.kind, GEN5_JSON_NUMBER, "%s", name);
    return root;
}

static uint32_t file_info_number(const struct gen5_manifest *manifest, const char *name) {
    uint32_t number = 0;
    cr_assert(gen5_json_number_read(manifest->text, file_info_of(manifest, name).span, &number));
    return number;
}

// Header and manifest as FORMAT.md binds whoever writes: back to back, true sizes, META last.
static void expect_layout(const struct gen5_container *container) {
    const struct gen5_header *header = &container->header;
    const struct gen5_manifest *manifest = container->manifest;
    cr_expect_eq(header->version_major, 1);
    cr_expect_eq(header->version_minor, 0);
    cr_expect_eq(header->flags, 0);
    cr_expect_eq(header->reserved, 0);
    cr_expect_eq(header->file_size, container->source.size);
    cr_expect_eq(header->chunk_count, manifest->record_count);
    cr_expect_eq((uint64_t)header->table_offset + header->table_size, container->source.size);
    cr_expect_eq(file_info_number(manifest, "file_size"), container->source.size);
    cr_expect_eq(file_info_number(manifest, "chunk_count"), manifest->record_count);
    uint64_t offset = GEN5_HEADER_SIZE;
    for (size_t i = 0; i < manifest->record_count; i++) {
        cr_expect_eq(manifest->records[i].offset, offset, "record %zu", i);
        offset += manifest->records[i].stored_size;
    }
    cr_expect_eq(header->table_offset, offset);
}

static void expect_payloads(const struct gen5_container *container) {
    for (size_t i = 0; i < container->manifest->record_count; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(gen5_payload_copy(container, &container->manifest->records[i], GEN5_VERIFY, -1,
                                       0, &error),
                     GEN5_OK, "record %zu: %s", i, error.message);
    }
}

// Repack into a new file and check it; the caller frees and closes. Payloads are for the caller to
// check where records are damaged.
static struct gen5_container *repack(const struct gen5_container *old,
                                     const struct gen5_edit *edits, size_t count, int *fd) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error = GEN5_ERROR_NONE;
    *fd = new_file();
    cr_assert_eq(gen5_repack(old, edits, count, &limits, *fd, &error), GEN5_OK, "%s",
                 error.message);
    struct gen5_container *container = open_container(*fd);
    expect_layout(container);
    return container;
}

static enum gen5_status try_to_repack(const struct gen5_container *old,
                                      const struct gen5_edit *edits, size_t count,
                                      struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    int fd = new_file();
    enum gen5_status status = gen5_repack(old, edits, count, &limits, fd, error);
    close(fd);
    return status;
}

static void expect_same_stored(const struct gen5_container *old, const struct gen5_record *from,
                               const struct gen5_container *new, const struct gen5_record *to,
                               const char *name) {
    cr_assert(from != NULL && to != NULL, "%s", name);
    cr_assert_eq(from->stored_size, to->stored_size, "%s", name);
    cr_expect_eq(from->compressed, to->compressed, "%s", name);
    cr_expect(gen5_digest_equal(&from->digest, &to->digest), "%s", name);
    size_t size = (size_t)from->stored_size;
    char *left = malloc(size + 1);
    char *right = malloc(size + 1);
    cr_assert(left != NULL && right != NULL);
    cr_assert_eq(gen5_source_read(&old->source, from->offset, left, size, NULL), GEN5_OK);
    cr_assert_eq(gen5_source_read(&new->source, to->offset, right, size, NULL), GEN5_OK);
    cr_expect_eq(memcmp(left, right, size), 0, "%s", name);
    free(left);
    free(right);
}

static void expect_image(const struct gen5_container *container, const void *expected,
                         size_t size) {
    cr_assert_not_null(container->image);
    cr_assert_eq(container->image->payload_size, size);
    char *found = malloc(size + 1);
    cr_assert_not_null(found);
    cr_assert_eq(gen5_payload_read(container, container->image, GEN5_VERIFY, found, NULL), GEN5_OK);
    cr_expect_eq(memcmp(found, expected, size), 0);
    free(found);
}

// --- Content for edits ---

static struct gen5_edit put_bytes(enum gen5_edit_kind kind, const void *bytes, size_t size) {
    return (struct gen5_edit){.kind = kind, .content = gen5_source_from_memory(bytes, size)};
}

static struct gen5_edit put_text(enum gen5_edit_kind kind, const char *text) {
    return put_bytes(kind, text, strlen(text));
}

static struct gen5_edit edit_latent(enum gen5_edit_kind kind, const char *key,
                                    struct gen5_source content) {
    return (struct gen5_edit){
        .kind = kind, .key = key, .key_length = strlen(key), .content = content};
}

static struct gen5_edit remove_latent(const char *key) {
    return edit_latent(GEN5_REMOVE_LATENT, key, gen5_source_from_memory(NULL, 0));
}

// A .npy file of shape 1 x 4 x 8 x columns with elements 0, 1, 2 …; the caller frees it.
static char *make_npy(size_t columns, size_t *size) {
    uint64_t shape[] = {1, 4, 8, columns};
    char header[GEN5_NPY_HEADER_SIZE_MAX];
    size_t header_size = gen5_npy_header_write(GEN5_DTYPE_FLOAT32, shape, 4, header);
    size_t count = 32 * columns;
    *size = header_size + count * sizeof(float);
    char *npy = malloc(*size);
    cr_assert_not_null(npy);
    memcpy(npy, header, header_size);
    for (size_t i = 0; i < count; i++) {
        float element = (float)i;
        memcpy(npy + header_size + i * sizeof element, &element, sizeof element);
    }
    return npy;
}

// --- Without edits, and edits of metadata ---

// Stale records fall away; the others' files change in one literal.
Test(repack, without_edits_changes_the_stated_file_size_alone) {
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        if (strcmp(REFERENCES[i], "reused-list-second.gen5") == 0) {
            continue;
        }
        int old_fd;
        int fd;
        struct gen5_container *old = open_reference(REFERENCES[i], &old_fd);
        struct gen5_container *new = repack(old, NULL, 0, &fd);
        expect_payloads(new);
        cr_assert_eq(new->manifest->record_count, old->manifest->record_count);
        for (size_t j = 0; j < old->manifest->record_count; j++) {
            expect_same_stored(old, &old->manifest->records[j], new, &new->manifest->records[j],
                               REFERENCES[i]);
        }
        struct gen5_span before = file_info_of(old->manifest, "file_size").span;
        struct gen5_span after = file_info_of(new->manifest, "file_size").span;
        cr_assert_eq(before.begin, after.begin, "%s", REFERENCES[i]);
        cr_expect_eq(memcmp(old->manifest->text, new->manifest->text, before.begin), 0, "%s",
                     REFERENCES[i]);
        cr_expect_str_eq(old->manifest->text + before.end, new->manifest->text + after.end, "%s",
                         REFERENCES[i]);
        gen5_container_free(new);
        gen5_container_free(old);
        close(fd);
        close(old_fd);
    }
}

Test(repack, again_without_edits_changes_nothing_at_all) {
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int old_fd;
        int first_fd;
        int second_fd;
        struct gen5_container *old = open_reference(REFERENCES[i], &old_fd);
        struct gen5_container *first = repack(old, NULL, 0, &first_fd);
        struct gen5_container *second = repack(first, NULL, 0, &second_fd);
        size_t first_size = 0;
        size_t second_size = 0;
        char *first_bytes = read_whole(first_fd, &first_size);
        char *second_bytes = read_whole(second_fd, &second_size);
        cr_assert_eq(first_size, second_size, "%s", REFERENCES[i]);
        cr_expect_eq(memcmp(first_bytes, second_bytes, first_size), 0, "%s", REFERENCES[i]);
        free(first_bytes);
        free(second_bytes);
        gen5_container_free(second);
        gen5_container_free(first);
        gen5_container_free(old);
        close(second_fd);
        close(first_fd);
        close(old_fd);
    }
}

Test(repack, drops_stale_records_and_keeps_the_members) {
    int old_fd;
    int fd;
    struct gen5_container *old = open_reference("reused-list-second.gen5", &old_fd);
    struct gen5_container *new = repack(old, NULL, 0, &fd);
    cr_expect_eq(new->manifest->record_count, 3);
    expect_payloads(new);
    expect_same_stored(old, old->image, new, new->image, "image");
    expect_same_stored(old, old->environment, new, new->environment, "environment");
    expect_same_stored(old, old->latents[0], new, new->latents[0], "latent");
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
}

Test(repack, of_metadata_keeps_every_chunk_and_every_other_byte) {
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int old_fd;
        int fd;
        struct gen5_container *old = open_reference(REFERENCES[i], &old_fd);
        char *text =
            text_replaced(old->manifest->text, "\"prompt\":", "\"my\\u00e9\": -0.0, \"prompt\":");
        struct gen5_edit edit = put_text(GEN5_PUT_METADATA, text);
        struct gen5_limits limits = gen5_limits_default();
        struct gen5_error error = GEN5_ERROR_NONE;
        cr_expect_eq(gen5_edit_check(&edit, old, &limits, &error), GEN5_OK, "%s: %s", REFERENCES[i],
                     error.message);
        struct gen5_container *new = repack(old, &edit, 1, &fd);
        expect_payloads(new);
        cr_expect_not_null(strstr(new->manifest->text, "\"my\\u00e9\": -0.0, \"prompt\":"));
        const char *before = strstr(old->manifest->text, "\"prompt\":");
        const char *after = strstr(new->manifest->text, "\"prompt\":");
        size_t same = (size_t)(strstr(before, "\"chunks\"") - before);
        cr_expect_eq(memcmp(before, after, same), 0, "%s", REFERENCES[i]);
        expect_same_stored(old, old->latents[0], new, new->latents[0], REFERENCES[i]);
        gen5_container_free(new);
        gen5_container_free(old);
        free(text);
        close(fd);
        close(old_fd);
    }
}

Test(repack, of_metadata_renames_a_latent) {
    int old_fd;
    int fd;
    struct gen5_container *old = open_reference("three-latents.gen5", &old_fd);
    const struct gen5_record *first = old->latents[0];
    char word[300];
    snprintf(word, sizeof word, "\"key\": \"%s\"", first->key);
    char *text = text_replaced(old->manifest->text, word, "\"key\": \"renamed\"");
    struct gen5_edit edit = put_text(GEN5_PUT_METADATA, text);
    struct gen5_container *new = repack(old, &edit, 1, &fd);
    expect_payloads(new);
    cr_expect_null(gen5_container_latent(new, first->key, first->key_length));
    expect_same_stored(old, first, new, gen5_container_latent(new, "renamed", 7), "renamed");
    gen5_container_free(new);
    close(fd);
    // To a key that another latent has.
    free(text);
    char taken[300];
    snprintf(taken, sizeof taken, "\"key\": \"%s\"", old->latents[1]->key);
    text = text_replaced(old->manifest->text, word, taken);
    edit = put_text(GEN5_PUT_METADATA, text);
    cr_expect_eq(try_to_repack(old, &edit, 1, NULL), GEN5_ERROR_INVALID);
    free(text);
    gen5_container_free(old);
    close(old_fd);
}

// The size is a part of what is compressed: texts of many lengths meet every way that may go.
Test(repack, states_the_true_size_whatever_the_manifest) {
    struct made made = make_begin();
    make_latent(&made, "k", "abcdefgh", 4, false);
    int old_fd = make_end(&made);
    struct gen5_container *old = open_container(old_fd);
    char noise[400];
    fill_with_noise(noise, sizeof noise, 3);
    for (size_t length = 0; length < sizeof noise; length++) {
        char prompt[1024] = "\"a prompt";
        for (size_t i = 0; i < length; i++) {
            size_t end = strlen(prompt);
            prompt[end] = (char)('a' + (uint8_t)noise[i] % 26);
            prompt[end + 1] = '\0';
        }
        char *text = text_replaced(old->manifest->text, "\"a prompt", prompt);
        struct gen5_edit edit = put_text(GEN5_PUT_METADATA, text);
        int fd;
        struct gen5_container *new = repack(old, &edit, 1, &fd);
        cr_expect_lt(new->header.table_size, new->manifest->size, "it is compressed");
        gen5_container_free(new);
        close(fd);
        free(text);
    }
    gen5_container_free(old);
    close(old_fd);
    make_free(&made);
}

// --- Putting and removing members ---

Test(repack, puts_an_image_in_every_reference) {
    size_t size = 0;
    char *image = data_file_read("images/rgb.png", 1 << 16, &size);
    struct gen5_edit edit = put_bytes(GEN5_PUT_IMAGE, image, size);
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int old_fd;
        int fd;
        struct gen5_container *old = open_reference(REFERENCES[i], &old_fd);
        struct gen5_container *new = repack(old, &edit, 1, &fd);
        expect_payloads(new);
        expect_image(new, image, size);
        cr_assert_eq(new->latent_count, old->latent_count);
        for (size_t j = 0; j < old->latent_count; j++) {
            expect_same_stored(old, old->latents[j], new, new->latents[j], REFERENCES[i]);
        }
        if (old->environment != NULL) {
            expect_same_stored(old, old->environment, new, new->environment, REFERENCES[i]);
        }
        gen5_container_free(new);
        gen5_container_free(old);
        close(fd);
        close(old_fd);
    }
    free(image);
}

Test(repack, puts_a_latent_in_every_reference) {
    size_t size = 0;
    char *npy = make_npy(16, &size);
    struct gen5_source content = gen5_source_from_memory(npy, size);
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int old_fd;
        int fd;
        struct gen5_container *old = open_reference(REFERENCES[i], &old_fd);
        const struct gen5_record *first = old->latents[0];
        struct gen5_edit edit = {.kind = GEN5_PUT_LATENT,
                                 .key = first->key,
                                 .key_length = first->key_length,
                                 .content = content};
        struct gen5_container *new = repack(old, &edit, 1, &fd);
        expect_payloads(new);
        cr_assert_eq(new->latent_count, old->latent_count);
        const struct gen5_record *latent = new->latents[0];
        cr_expect_eq(latent->key_length, first->key_length);
        cr_expect_eq(memcmp(latent->key, first->key, first->key_length), 0);
        cr_expect_eq(latent->dtype, GEN5_DTYPE_FLOAT32);
        cr_expect_eq(memcmp(latent->flags, "F32", 4), 0);
        cr_assert_eq(latent->rank, 4);
        cr_expect_eq(latent->shape[3], 16);
        cr_assert_eq(latent->payload_size, 4 * 8 * 16 * 4);
        char payload[4 * 8 * 16 * 4];
        cr_assert_eq(gen5_payload_read(new, latent, GEN5_VERIFY, payload, NULL), GEN5_OK);
        cr_expect_eq(memcmp(payload, npy + size - sizeof payload, sizeof payload), 0);
        if (old->image != NULL) {
            expect_same_stored(old, old->image, new, new->image, REFERENCES[i]);
        }
        gen5_container_free(new);
        gen5_container_free(old);
        close(fd);
        close(old_fd);
    }
    free(npy);
}

Test(repack, removes_members_and_leaves_the_others) {
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        int old_fd;
        struct gen5_container *old = open_reference(REFERENCES[i], &old_fd);
        const struct gen5_record *first = old->latents[0];
        struct gen5_edit edits[3] = {
            {.kind = GEN5_REMOVE_LATENT, .key = first->key, .key_length = first->key_length}};
        size_t count = 1;
        if (old->image != NULL) {
            edits[count++] = (struct gen5_edit){.kind = GEN5_REMOVE_IMAGE};
        }
        if (old->environment != NULL) {
            edits[count++] = (struct gen5_edit){.kind = GEN5_REMOVE_ENVIRONMENT};
        }
        for (size_t j = 0; j < count; j++) {
            int fd;
            struct gen5_container *new = repack(old, &edits[j], 1, &fd);
            expect_payloads(new);
            cr_expect_eq(new->latent_count, old->latent_count - (j == 0 ? 1 : 0));
            cr_expect_eq(new->image == NULL,
                         old->image == NULL || edits[j].kind == GEN5_REMOVE_IMAGE);
            cr_expect_eq(new->environment == NULL,
                         old->environment == NULL || edits[j].kind == GEN5_REMOVE_ENVIRONMENT);
            gen5_container_free(new);
            close(fd);
        }
        int fd;
        struct gen5_container *new = repack(old, edits, count, &fd);
        expect_payloads(new);
        cr_expect_eq(new->manifest->record_count, old->latent_count - 1, "%s", REFERENCES[i]);
        gen5_container_free(new);
        gen5_container_free(old);
        close(fd);
        close(old_fd);
    }
}

Test(repack, removing_what_is_not_there_is_missing) {
    int old_fd;
    struct gen5_container *old = open_reference("no-image.gen5", &old_fd);
    struct gen5_edit edit = {.kind = GEN5_REMOVE_IMAGE};
    cr_expect_eq(try_to_repack(old, &edit, 1, NULL), GEN5_ERROR_MISSING);
    edit = remove_latent("no such key");
    cr_expect_eq(try_to_repack(old, &edit, 1, NULL), GEN5_ERROR_MISSING);
    gen5_container_free(old);
    close(old_fd);
}

Test(repack, two_edits_of_one_member_are_refused) {
    int old_fd;
    struct gen5_container *old = open_reference("three-latents.gen5", &old_fd);
    struct gen5_edit images[] = {put_text(GEN5_PUT_IMAGE, "a"), {.kind = GEN5_REMOVE_IMAGE}};
    cr_expect_eq(try_to_repack(old, images, 2, NULL), GEN5_ERROR_INVALID);
    struct gen5_edit latents[] = {remove_latent(old->latents[0]->key),
                                  remove_latent(old->latents[0]->key)};
    cr_expect_eq(try_to_repack(old, latents, 2, NULL), GEN5_ERROR_INVALID);
    struct gen5_edit metadata[] = {put_text(GEN5_PUT_METADATA, old->manifest->text),
                                   put_text(GEN5_PUT_METADATA, old->manifest->text)};
    cr_expect_eq(try_to_repack(old, metadata, 2, NULL), GEN5_ERROR_INVALID);
    gen5_container_free(old);
    close(old_fd);
}

static void expect_order(const struct gen5_container *container, const char *expected) {
    char found[64] = "";
    for (size_t i = 0; i < container->manifest->record_count; i++) {
        found[i] = container->manifest->records[i].type[0];
    }
    cr_expect_str_eq(found, expected);
}

Test(repack, additions_go_behind_the_last_of_their_kind) {
    size_t size = 0;
    char *npy = make_npy(1, &size);
    struct gen5_source content = gen5_source_from_memory(npy, size);
    struct gen5_edit edits[] = {
        put_text(GEN5_PUT_ENVIRONMENT, "env"), put_text(GEN5_PUT_IMAGE, "image"),
        edit_latent(GEN5_PUT_LATENT, "x", content), edit_latent(GEN5_PUT_LATENT, "y", content)};
    static const struct {
        const char *before; // U: of an unknown type
        const char *after;
    } rows[] = {{"", "LLDE"}, {"U", "LLDEU"}, {"LU", "LLLDEU"}, {"ULUL", "ULULLLDE"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made made = make_begin();
        for (const char *type = rows[i].before; *type != '\0'; type++) {
            char key[2] = {(char)('a' + (type - rows[i].before)), '\0'};
            if (*type == 'L') {
                make_latent(&made, key, "11", 1, false);
            } else {
                make_member(&made, "UNKN", "0000", "{}", "unknown", 7, true);
            }
        }
        int old_fd = make_end(&made);
        int fd;
        struct gen5_container *old = open_container(old_fd);
        struct gen5_container *new = repack(old, edits, 4, &fd);
        expect_payloads(new);
        expect_order(new, rows[i].after);
        gen5_container_free(new);
        gen5_container_free(old);
        close(fd);
        close(old_fd);
        make_free(&made);
    }
    free(npy);
}

Test(repack, put_replaces_a_chunk_where_it_is_and_shadowed_ones_go) {
    struct made made = make_begin();
    make_image(&made, "shadowed", false);
    make_member(&made, "UNKN", "0000", "{\"a\": 1e400}", "unknown", 7, false);
    make_image(&made, "image", false);
    make_latent(&made, "k", "11", 1, false);
    int old_fd = make_end(&made);
    int fd;
    struct gen5_container *old = open_container(old_fd);
    struct gen5_edit edit = put_text(GEN5_PUT_IMAGE, "new image");
    struct gen5_container *new = repack(old, &edit, 1, &fd);
    expect_payloads(new);
    expect_order(new, "UDL");
    expect_image(new, "new image", 9);
    cr_expect_not_null(strstr(new->manifest->text, "{\"a\": 1e400}"));
    gen5_container_free(new);
    close(fd);
    // An edit of something else leaves them both.
    edit = remove_latent("k");
    new = repack(old, &edit, 1, &fd);
    expect_payloads(new);
    expect_order(new, "DUD");
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    make_free(&made);
}

Test(repack, of_a_shadowed_latent_keeps_both_unless_it_is_edited) {
    struct made made = make_begin();
    make_latent(&made, "k", "11", 1, false);
    make_latent(&made, "k", "22", 1, false);
    make_image(&made, "image", false);
    int old_fd = make_end(&made);
    int fd;
    struct gen5_container *old = open_container(old_fd);
    struct gen5_edit edit = put_text(GEN5_PUT_IMAGE, "new image");
    struct gen5_container *new = repack(old, &edit, 1, &fd);
    expect_order(new, "LLD");
    expect_payloads(new);
    gen5_container_free(new);
    close(fd);
    edit = remove_latent("k");
    new = repack(old, &edit, 1, &fd);
    expect_order(new, "D");
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    make_free(&made);
}

Test(repack, latents_that_need_it_are_converted) {
    size_t size = 0;
    char *npy = make_npy(16, &size);
    size_t data = 4 * 8 * 16 * 4;
    char *big_endian = malloc(size);
    cr_assert_not_null(big_endian);
    memcpy(big_endian, npy, size);
    char *descr = strstr(big_endian + 10, "<f4");
    cr_assert_not_null(descr);
    *descr = '>';
    for (size_t i = size - data; i < size; i += 4) {
        for (size_t j = 0; j < 4; j++) {
            big_endian[i + j] = npy[i + 3 - j];
        }
    }
    int old_fd;
    int fd;
    struct gen5_container *old = open_reference("no-image.gen5", &old_fd);
    struct gen5_edit edit =
        edit_latent(GEN5_PUT_LATENT, "big", gen5_source_from_memory(big_endian, size));
    struct gen5_container *new = repack(old, &edit, 1, &fd);
    const struct gen5_record *latent = gen5_container_latent(new, "big", 3);
    cr_assert_not_null(latent);
    cr_assert_eq(latent->payload_size, data);
    char *payload = malloc(data);
    cr_assert_eq(gen5_payload_read(new, latent, GEN5_VERIFY, payload, NULL), GEN5_OK);
    cr_expect_eq(memcmp(payload, npy + size - data, data), 0);
    free(payload);
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    free(big_endian);
    free(npy);
}

// --- What cannot be edited away ---

Test(repack, unknown_chunks_keep_every_byte) {
    struct made made = make_begin();
    char noise[1000];
    fill_with_noise(noise, sizeof noise, 4);
    make_latent(&made, "k", "11", 1, false);
    // No valid chunk of any kind: whatever it is, it is kept.
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    hash_of("", 0, hex);
    make_bytes(&made, noise, sizeof noise);
    make_record(&made, "XY\\u00e9", "\\u0001\\u0002", made.last_offset, made.last_size, 77, hex,
                "{\"z\": [1.50, -0]}", true);
    make_image(&made, "image", true);
    int old_fd = make_end(&made);
    int fd;
    struct gen5_container *old = open_container(old_fd);
    size_t size = 0;
    char *npy = make_npy(100, &size);
    struct gen5_edit edits[] = {
        edit_latent(GEN5_PUT_LATENT, "k", gen5_source_from_memory(npy, size)),
        put_text(GEN5_PUT_IMAGE, "another image")};
    struct gen5_container *new = repack(old, edits, 2, &fd);
    expect_same_stored(old, &old->manifest->records[1], new, &new->manifest->records[1], "unknown");
    cr_expect_not_null(strstr(new->manifest->text, "{\"z\": [1.50, -0]}"));
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    free(npy);
    make_free(&made);
}

Test(repack, damaged_records_are_kept_where_their_bytes_are_their_own) {
    struct made made = make_begin();
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    hash_of("", 0, hex);
    make_image(&made, "image", false);
    size_t image = made.last_offset;
    make_chunk(&made, "LATN", "F16", "1122", 4, false);
    // A dtype that nobody knows: damaged, but its bytes are there and nobody else's.
    make_record(&made, "LATN", "F16", made.last_offset, made.last_size, 4, hex,
                "{\"shape\": [2], \"dtype\": \"bfloat16\", \"key\": \"kept\"}", false);
    make_record(&made, "LATN", "F16", image, 16, 4, hex,
                "{\"shape\": [2], \"dtype\": \"bfloat16\", \"key\": \"in the image\"}", false);
    make_record(&made, "FAR_", "0000", 4000000000U, 16, 4, hex, "{}", false);
    make_record(&made, "HEAD", "0000", 8, 16, 4, hex, "{}", false);
    int old_fd = make_end(&made);
    int fd;
    struct gen5_container *old = open_container(old_fd);
    struct gen5_edit edit = put_text(GEN5_PUT_IMAGE, "new image");
    struct gen5_container *new = repack(old, &edit, 1, &fd);
    expect_order(new, "DL");
    cr_assert_eq(new->latent_count, 1);
    cr_expect_not_null(new->latents[0]->damage);
    expect_same_stored(old, old->latents[0], new, new->latents[0], "damaged");
    cr_expect_not_null(strstr(new->manifest->text, "bfloat16"));
    gen5_container_free(new);
    // A damaged member can be replaced, and removed.
    close(fd);
    size_t size = 0;
    char *npy = make_npy(1, &size);
    struct gen5_edit edits[] = {
        edit_latent(GEN5_PUT_LATENT, "kept", gen5_source_from_memory(npy, size)),
        remove_latent("in the image")};
    new = repack(old, edits, 2, &fd);
    expect_order(new, "DL");
    expect_payloads(new);
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    free(npy);
    make_free(&made);
}

Test(repack, chunks_in_any_order_and_manifest_in_the_middle_are_put_in_order) {
    struct made made = make_begin();
    make_image(&made, "the image", false);
    size_t image_offset = made.last_offset;
    size_t image_size = made.last_size;
    // The latent's record comes first but its chunk last, behind META.
    made.records_size = 0;
    made.record_count = 0;
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    hash_of("1122", 4, hex);
    size_t room = 2000;
    make_record(&made, "LATN", "F16", image_offset + image_size + room, 16, 4, hex,
                "{\"shape\": [1, 1, 1, 2], \"dtype\": \"float16\", \"key\": \"k\"}", false);
    hash_of("the image", 9, hex);
    make_record(&made, "DATA", "0000", image_offset, image_size, 9, hex, "{}", false);
    char *text = make_manifest(&made);
    make_chunk(&made, "META", "0000", text, strlen(text), true);
    free(text);
    size_t table_offset = made.last_offset;
    size_t table_size = made.last_size;
    cr_assert_lt(table_size, room);
    made.size = image_offset + image_size + room;
    make_chunk(&made, "LATN", "F16", "1122", 4, false);
    make_header(&made, table_offset, table_size);
    int old_fd = file_of(made.bytes, made.size);
    int fd;
    struct gen5_container *old = open_container(old_fd);
    struct gen5_container *new = repack(old, NULL, 0, &fd);
    expect_payloads(new);
    expect_order(new, "LD");
    expect_image(new, "the image", 9);
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    make_free(&made);
}

// --- How payloads are stored ---

// A payload of which a part is zeros and the rest noise.
static char *make_partly_zeros(size_t size, size_t zeros) {
    char *bytes = calloc(1, size);
    cr_assert_not_null(bytes);
    fill_with_noise(bytes + zeros, size - zeros, size);
    return bytes;
}

Test(repack, stores_raw_what_does_not_shrink_by_two_percent) {
    static const struct {
        size_t size;
        size_t zeros;
        bool compressed;
    } rows[] = {
        {0, 0, false},
        {1, 0, false},
        {1000, 0, false},
        {1000, 500, true},
        {100000, 0, false},
        {100000, 1000, false},
        {100000, 4000, true},
        {3000000, 0, false},
        {3000000, 1500000, true},
        {3000000, 3000000, true},
        {20000000, 10000000, true},
    };
    int old_fd;
    struct gen5_container *old = open_reference("no-image.gen5", &old_fd);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *bytes = make_partly_zeros(rows[i].size, rows[i].zeros);
        struct gen5_edit edit = put_bytes(GEN5_PUT_IMAGE, bytes, rows[i].size);
        int fd;
        struct gen5_container *new = repack(old, &edit, 1, &fd);
        expect_image(new, bytes, rows[i].size);
        cr_expect_eq(new->image->compressed, rows[i].compressed, "row %zu", i);
        cr_expect(!rows[i].compressed || new->image->stored_size * 50 <= (rows[i].size + 12) * 49,
                  "row %zu", i);
        gen5_container_free(new);
        close(fd);
        free(bytes);
    }
    gen5_container_free(old);
    close(old_fd);
}

Test(repack, content_may_come_from_a_file) {
    enum { SIZE = 3000000 };
    char *bytes = make_partly_zeros(SIZE, 0);
    int content_fd = file_of(bytes, SIZE);
    struct gen5_edit edit = {.kind = GEN5_PUT_IMAGE, .content = source_of(content_fd)};
    int old_fd;
    int fd;
    struct gen5_container *old = open_reference("one-pixel.gen5", &old_fd);
    struct gen5_container *new = repack(old, &edit, 1, &fd);
    expect_payloads(new);
    expect_image(new, bytes, SIZE);
    gen5_container_free(new);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    close(content_fd);
    free(bytes);
}

// --- Limits ---

Test(repack, result_over_four_gibibytes_is_refused) {
    int content_fd = new_file();
    cr_assert_eq(ftruncate(content_fd, (off_t)5 << 30), 0);
    int old_fd;
    struct gen5_container *old = open_reference("one-pixel.gen5", &old_fd);
    struct gen5_edit edit = {.kind = GEN5_PUT_IMAGE, .content = source_of(content_fd)};
    struct gen5_limits limits = gen5_limits_default();
    cr_expect_eq(gen5_edit_check(&edit, NULL, &limits, NULL), GEN5_ERROR_TOO_LARGE);
    cr_expect_eq(try_to_repack(old, &edit, 1, NULL), GEN5_ERROR_TOO_LARGE);
    gen5_container_free(old);
    close(old_fd);
    close(content_fd);
}

// Five records of the same gibibyte, which is a hole in a small file.
Test(repack, records_that_overlap_cannot_blow_up_the_result) {
    struct made made = make_begin();
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    hash_of("", 0, hex);
    uint64_t size = (uint64_t)1 << 30;
    for (int i = 0; i < 5; i++) {
        make_record(&made, "HOLE", "0000", 1 << 20, size, size - 12, hex, "{}", false);
    }
    int old_fd = make_end(&made);
    cr_assert_eq(ftruncate(old_fd, (off_t)size + (1 << 20)), 0);
    struct gen5_container *old = open_container(old_fd);
    struct gen5_limits limits = gen5_limits_default();
    int fd = new_file();
    cr_expect_eq(gen5_repack(old, NULL, 0, &limits, fd, NULL), GEN5_ERROR_TOO_LARGE);
    struct stat attributes;
    cr_assert_eq(fstat(fd, &attributes), 0);
    cr_expect_eq(attributes.st_size, 0);
    gen5_container_free(old);
    close(fd);
    close(old_fd);
    make_free(&made);
}

Test(repack, manifest_and_records_over_the_limits_are_refused) {
    int old_fd;
    struct gen5_container *old = open_reference("three-latents.gen5", &old_fd);
    struct gen5_limits limits = gen5_limits_default();
    int fd = new_file();
    limits.record_count_max = (uint32_t)old->manifest->record_count - 1;
    cr_expect_eq(gen5_repack(old, NULL, 0, &limits, fd, NULL), GEN5_ERROR_TOO_LARGE);
    limits = gen5_limits_default();
    limits.manifest_size_max = 100;
    cr_expect_eq(gen5_repack(old, NULL, 0, &limits, fd, NULL), GEN5_ERROR_TOO_LARGE);
    close(fd);
    gen5_container_free(old);
    close(old_fd);
}

Test(repack, full_disk_is_told) {
    int old_fd;
    struct gen5_container *old = open_reference("one-pixel.gen5", &old_fd);
    struct gen5_limits limits = gen5_limits_default();
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(gen5_repack(old, NULL, 0, &limits, full, &error), GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, ENOSPC, "%s", error.message);
    close(full);
    gen5_container_free(old);
    close(old_fd);
}

Test(repack, old_file_that_was_cut_since_is_damage) {
    struct made made = make_begin();
    make_image(&made, "the image", false);
    int old_fd = make_end(&made);
    struct gen5_container *old = open_container(old_fd);
    cr_assert_eq(ftruncate(old_fd, 40), 0);
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(try_to_repack(old, NULL, 0, &error), GEN5_ERROR_DAMAGED, "%s", error.message);
    gen5_container_free(old);
    close(old_fd);
    make_free(&made);
}

// --- Checks of edits ---

static enum gen5_status check(const struct gen5_edit *edit, struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    return gen5_edit_check(edit, NULL, &limits, error);
}

Test(edit, image_is_checked_with_its_promised_kind) {
    size_t size = 0;
    char *png = data_file_read("images/rgb.png", 1 << 16, &size);
    struct gen5_edit edit = put_bytes(GEN5_PUT_IMAGE, png, size);
    edit.image_kind = GEN5_IMAGE_PNG;
    cr_expect_eq(check(&edit, NULL), GEN5_OK);
    edit.image_kind = GEN5_IMAGE_JPEG;
    cr_expect_eq(check(&edit, NULL), GEN5_ERROR_INVALID);
    edit.image_kind = GEN5_IMAGE_PNG;
    edit.content.size--;
    cr_expect_eq(check(&edit, NULL), GEN5_ERROR_INVALID);
    edit.content.size = 0;
    cr_expect_eq(check(&edit, NULL), GEN5_ERROR_INVALID);
    free(png);
}

Test(edit, latent_is_checked_to_its_last_element) {
    size_t size = 0;
    char *npy = make_npy(16, &size);
    struct gen5_edit edit = edit_latent(GEN5_PUT_LATENT, "k", gen5_source_from_memory(npy, size));
    cr_expect_eq(check(&edit, NULL), GEN5_OK);
    memcpy(npy + size - 4, "\x00\x00\xc0\x7f", 4);
    cr_expect_eq(check(&edit, NULL), GEN5_ERROR_INVALID);
    edit.content.size--;
    cr_expect_eq(check(&edit, NULL), GEN5_ERROR_INVALID);
    free(npy);
}

Test(edit, environment_of_the_reference_is_taken_and_others_are_not) {
    int fd;
    struct gen5_container *container = open_reference("two-gpus.gen5", &fd);
    size_t size = (size_t)container->environment->payload_size;
    char *text = malloc(size);
    cr_assert_eq(gen5_payload_read(container, container->environment, GEN5_VERIFY, text, NULL),
                 GEN5_OK);
    struct gen5_edit edit = put_bytes(GEN5_PUT_ENVIRONMENT, text, size);
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(check(&edit, &error), GEN5_OK, "%s", error.message);
    edit = put_text(GEN5_PUT_ENVIRONMENT, "{}");
    cr_expect_eq(check(&edit, NULL), GEN5_ERROR_INVALID);
    struct gen5_limits limits = gen5_limits_default();
    limits.environment_size_max = size - 1;
    edit = put_bytes(GEN5_PUT_ENVIRONMENT, text, size);
    cr_expect_eq(gen5_edit_check(&edit, NULL, &limits, NULL), GEN5_ERROR_TOO_LARGE);
    free(text);
    gen5_container_free(container);
    close(fd);
}

Test(edit, removals_need_no_check) {
    struct gen5_edit edit = remove_latent("k");
    cr_expect_eq(check(&edit, NULL), GEN5_OK);
    edit.kind = GEN5_REMOVE_IMAGE;
    cr_expect_eq(check(&edit, NULL), GEN5_OK);
    edit.kind = GEN5_REMOVE_ENVIRONMENT;
    cr_expect_eq(check(&edit, NULL), GEN5_OK);
}

Test(edit, metadata_that_is_no_json_is_refused) {
    struct gen5_edit edit = put_text(GEN5_PUT_METADATA, "{\"gen5_metadata\": {");
    cr_expect_eq(check(&edit, NULL), GEN5_ERROR_INVALID);
    struct gen5_limits limits = gen5_limits_default();
    limits.manifest_size_max = 5;
    cr_expect_eq(gen5_edit_check(&edit, NULL, &limits, NULL), GEN5_ERROR_TOO_LARGE);
}

// --- Blank ones ---

Test(repack_blank, is_a_valid_container_without_members) {
    int fd = new_file();
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_assert_eq(gen5_repack_blank(fd, &error), GEN5_OK, "%s", error.message);
    struct gen5_container *container = open_container(fd);
    expect_layout(container);
    cr_expect_eq(container->manifest->record_count, 0);
    struct gen5_limits limits = gen5_limits_default();
    cr_expect_eq(gen5_metadata_check(container->manifest->text, container->manifest->size, NULL, 0,
                                     &limits, &error),
                 GEN5_OK, "%s", error.message);
    char *date = NULL;
    size_t length = 0;
    cr_assert_eq(gen5_manifest_value(container->manifest, "date", &date, &length, NULL), GEN5_OK);
    cr_expect_eq(length, strlen("2026-01-04T09:30:00.123456+00:00"), "%s", date);
    free(date);
    gen5_container_free(container);
    close(fd);
}

Test(repack_blank, can_be_filled) {
    int blank_fd = new_file();
    cr_assert_eq(gen5_repack_blank(blank_fd, NULL), GEN5_OK);
    struct gen5_container *blank = open_container(blank_fd);
    size_t size = 0;
    char *npy = make_npy(2, &size);
    struct gen5_edit edits[] = {
        put_text(GEN5_PUT_IMAGE, "image"),
        edit_latent(GEN5_PUT_LATENT, "a/b\n\"", gen5_source_from_memory(npy, size)),
        put_text(GEN5_PUT_ENVIRONMENT, "{}")};
    int fd;
    struct gen5_container *full = repack(blank, edits, 3, &fd);
    expect_payloads(full);
    expect_order(full, "LDE");
    cr_expect_not_null(gen5_container_latent(full, "a/b\n\"", 5));
    gen5_container_free(full);
    gen5_container_free(blank);
    close(fd);
    close(blank_fd);
    free(npy);
}
