// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What README.md promises about writing, rule by rule and in its order.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

// --- 1: any way a program saves works ---

static void save_in_place(struct bytes content) {
    int fd = openat(mounted.root, IMAGE, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    file_write_at(fd, content, 0);
    expect_errno(ftruncate(fd, (off_t)content.size), 0);
    cr_expect_eq(close_status(fd), 0);
}

static void save_truncated(struct bytes content) {
    cr_expect_eq(file_save(mounted.root, IMAGE, content), 0);
}

static void save_by_appending(struct bytes content) {
    int fd = openat(mounted.root, IMAGE, O_WRONLY | O_TRUNC | O_APPEND | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    for (size_t at = 0; at < content.size; at += 100) {
        size_t size = content.size - at < 100 ? content.size - at : 100;
        cr_assert_eq(write(fd, content.data + at, size), (ssize_t)size);
    }
    cr_expect_eq(close_status(fd), 0);
}

static void save_aside_and_rename(struct bytes content) {
    cr_expect_eq(file_save(mounted.root, SCRATCH, content), 0);
    expect_errno(renameat(mounted.root, SCRATCH, mounted.root, IMAGE), 0);
}

static void save_after_renaming_the_old_away(struct bytes content) {
    expect_errno(renameat(mounted.root, IMAGE, mounted.root, CONTAINER "/image.png~"), 0);
    cr_expect_eq(file_save(mounted.root, IMAGE, content), 0);
    expect_errno(unlinkat(mounted.root, CONTAINER "/image.png~", 0), 0);
}

static void save_after_deleting(struct bytes content) {
    expect_errno(unlinkat(mounted.root, IMAGE, 0), 0);
    cr_expect_eq(file_save(mounted.root, IMAGE, content), 0);
}

static void save_by_mapping(struct bytes content) {
    int fd = openat(mounted.root, IMAGE, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    expect_errno(ftruncate(fd, (off_t)content.size), 0);
    void *map = mmap(NULL, content.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(map, MAP_FAILED);
    memcpy(map, content.data, content.size);
    expect_errno(munmap(map, content.size), 0);
    cr_expect_eq(close_status(fd), 0);
}

MOUNT_TEST(promises, any_way_a_program_saves_works) {
    static void (*const ways[])(struct bytes content) = {
        save_in_place,         save_truncated,      save_by_appending,
        save_aside_and_rename, save_after_deleting, save_after_renaming_the_old_away,
        save_by_mapping,
    };
    struct bytes images[] = {some_image(), another_image()};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        // What is there differs from what is saved, each time.
        struct bytes image = images[i % 2];
        ways[i](image);
        BYTES found = stored(CONTAINER, "image");
        cr_expect(bytes_equal(found, image), "way %zu: it is not in the container", i);
        BYTES read = file_read(mounted.root, IMAGE);
        cr_expect(bytes_equal(read, image), "way %zu: it is not read back", i);
    }
    bytes_free(&images[0]);
    bytes_free(&images[1]);
}

// --- 2: committed on close and on fsync ---

// A commit puts another file in the container's place. To run a program is no way to look for one:
// the child closes what the test has open.
static ino_t container_file(void) {
    return file_stat(mounted.source, CONTAINER).st_ino;
}

MOUNT_TEST(promises, a_member_is_committed_when_it_is_closed_and_on_fsync) {
    BYTES image = some_image();
    BYTES other = another_image();
    ino_t before = container_file();
    int fd = openat(mounted.root, IMAGE, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    file_write_at(fd, image, 0);
    cr_expect_eq(container_file(), before, "it was committed while it was written");
    expect_errno(fsync(fd), 0);
    ino_t synced = container_file();
    cr_expect_neq(synced, before, "fsync has committed nothing");
    file_write_at(fd, other, 0);
    cr_expect_eq(container_file(), synced, "it was committed while it was written");
    cr_expect_eq(close_status(fd), 0);
    cr_expect_neq(container_file(), synced, "close has committed nothing");
    expect_stored(CONTAINER, "image", other);
}

// --- 3: what is not valid is refused ---

MOUNT_TEST(promises, what_is_not_valid_never_replaces_what_is) {
    static const struct {
        const char *path;
        const char *member;
        const char *content;
        const char *reason;
    } rows[] = {
        {IMAGE, "image", "no image at all", "PNG"},
        {LATENT, "latent:initial_noise", "no array at all", "npy"},
        {METADATA, "metadata", "{\n  \"gen5_metadata\": [}\n", "line 2"},
        {ENVIRONMENT, "environment", "{\"env_version\": 1}", "components"},
    };
    mounted_expect_in_log("was not stored");
    mounted_expect_in_log("was not saved");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        BYTES before = stored(CONTAINER, rows[i].member);
        BYTES content = bytes_of(rows[i].content);
        cr_expect_eq(file_save(mounted.root, rows[i].path, content), EINVAL, "%s", rows[i].path);
        expect_stored(CONTAINER, rows[i].member, before);
        BYTES reason = reason_of(rows[i].path);
        cr_expect(bytes_contain(reason, rows[i].reason), "%s: \"%s\"", rows[i].path, reason.data);
    }
}

// --- 4: nothing is lost ---

MOUNT_TEST(promises, nothing_that_was_written_is_lost) {
    BYTES refused = bytes_of("written with care, and no image");
    BYTES left = bytes_of("scratch that nobody removed");
    mounted_expect_in_log("was not stored");
    mounted_expect_in_log("is kept in .gen5fs/rescued/");
    mounted_expect_in_log("are kept in .gen5fs/rescued/");
    cr_expect_eq(file_save(mounted.root, IMAGE, refused), EINVAL);
    cr_expect_eq(file_save(mounted.root, SEVERAL "/draft.txt", left), 0);
    mounted_again(NULL);
    BYTES kept = rescued(CONTAINER);
    BYTES kept_too = rescued(SEVERAL);
    expect_bytes(kept, refused);
    expect_bytes(kept_too, left);
}

// --- 5: other names are scratch ---

MOUNT_TEST(promises, other_names_are_scratch_until_they_are_renamed_to_a_member) {
    BYTES image = some_image();
    BYTES before = stored(CONTAINER, "metadata");
    struct stat old = file_stat(mounted.source, CONTAINER);
    cr_expect_eq(file_save(mounted.root, SCRATCH, image), 0);
    BYTES read = file_read(mounted.root, SCRATCH);
    expect_bytes(read, image);
    cr_expect_eq(file_stat(mounted.source, CONTAINER).st_ino, old.st_ino, "it was rewritten");
    expect_errno(renameat(mounted.root, SCRATCH, mounted.root, IMAGE), 0);
    expect_stored(CONTAINER, "image", image);
    cr_expect(!file_exists(mounted.root, SCRATCH));
}

// --- 6: a rewrite changes what was asked ---

// The user's part of the metadata: what stands between file_info and the chunks.
static struct bytes model_info(const char *container) {
    BYTES text = stored(container, "metadata");
    const char *begin = strstr(text.data, "\"model_info\"");
    const char *end = strstr(text.data, "\"chunks\"");
    cr_assert(begin != NULL && end != NULL && begin < end);
    return bytes_copy(begin, (size_t)(end - begin));
}

MOUNT_TEST(promises, a_rewrite_changes_what_was_asked_and_nothing_else) {
    static const char *const members[] = {"environment", "latent:initial_noise",
                                          "latent:optimized_noise", "latent:final_latent"};
    enum { MEMBERS = sizeof members / sizeof *members };
    struct bytes before[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) {
        before[i] = stored(SEVERAL, members[i]);
    }
    BYTES text = model_info(SEVERAL);
    BYTES image = some_image();
    cr_expect_eq(file_save(mounted.root, SEVERAL "/image.png", image), 0);
    expect_stored(SEVERAL, "image", image);
    for (size_t i = 0; i < MEMBERS; i++) {
        expect_stored(SEVERAL, members[i], before[i]);
        bytes_free(&before[i]);
    }
    BYTES after = model_info(SEVERAL);
    expect_bytes(after, text);
}

// --- 7: the reference reads it ---

// By every rule that the reference's own files follow: each look into the source checks them.
MOUNT_TEST(promises, what_is_written_the_reference_reads) {
    BYTES image = some_image();
    BYTES latent = latent_with_zeros(LATENT, 64);
    BYTES text = metadata_with_prompt(METADATA, "a lighthouse at dusk");
    BYTES environment = file_read(mounted.root, SEVERAL "/env.json");
    cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
    cr_expect_eq(file_save(mounted.root, LATENT, latent), 0);
    cr_expect_eq(file_save(mounted.root, METADATA, text), 0);
    cr_expect_eq(file_save(mounted.root, ENVIRONMENT, environment), 0);
    BYTES tensor = bytes_copy(latent.data + NPY_HEADER_SIZE, latent.size - NPY_HEADER_SIZE);
    BYTES metadata = stored(CONTAINER, "metadata");
    expect_stored(CONTAINER, "image", image);
    expect_stored(CONTAINER, "latent:initial_noise", tensor);
    expect_stored(CONTAINER, "environment", environment);
    cr_expect(bytes_contain(metadata, "\"prompt\": \"a lighthouse at dusk\""));
}

// --- 8: .npy ---

// 0, 1, 2, 3, 4, 5 in float32 and float16, as numbers.
static const uint32_t wide[] = {0, 0x3f800000, 0x40000000, 0x40400000, 0x40800000, 0x40a00000};
static const uint32_t narrow[] = {0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500};
enum { ROWS = 2, COLUMNS = 3, ELEMENTS = ROWS * COLUMNS };

struct npy_form {
    unsigned char version;
    bool big_endian;
    bool is_wide;
    bool fortran;
};

// The elements of a tensor of 1 x 1 x ROWS x COLUMNS.
static struct bytes elements(struct npy_form form) {
    size_t width = form.is_wide ? 4 : 2;
    char data[ELEMENTS * 4];
    for (size_t i = 0; i < ELEMENTS; i++) {
        size_t number = form.fortran ? i % ROWS * COLUMNS + i / ROWS : i;
        uint32_t value = (form.is_wide ? wide : narrow)[number];
        for (size_t byte = 0; byte < width; byte++) {
            size_t place = form.big_endian ? width - 1 - byte : byte;
            data[i * width + place] = (char)(value >> (8 * byte));
        }
    }
    return bytes_copy(data, ELEMENTS * width);
}

static struct bytes npy_file(struct npy_form form) {
    char dictionary[128];
    char file[512] = "\x93NUMPY";
    int length = snprintf(dictionary, sizeof dictionary,
                          "{'descr': '%cf%d', 'fortran_order': %s, 'shape': (1, 1, %d, %d), }\n",
                          form.big_endian ? '>' : '<', form.is_wide ? 4 : 2,
                          form.fortran ? "True" : "False", ROWS, COLUMNS);
    BYTES data = elements(form);
    file[6] = (char)form.version;
    file[8] = (char)length;
    size_t header = form.version == 1 ? 10 : 12;
    memcpy(file + header, dictionary, (size_t)length);
    memcpy(file + header + length, data.data, data.size);
    return bytes_copy(file, header + (size_t)length + data.size);
}

MOUNT_TEST(promises, npy_of_every_version_byte_order_and_layout_is_taken) {
    for (unsigned row = 0; row < 3 * 8; row++) {
        struct npy_form form = {.version = (unsigned char)(1 + row / 8),
                                .big_endian = (row & 1) != 0,
                                .is_wide = (row & 2) != 0,
                                .fortran = (row & 4) != 0};
        BYTES file = npy_file(form);
        BYTES tensor = elements((struct npy_form){.is_wide = form.is_wide});
        cr_expect_eq(file_save(mounted.root, LATENT, file), 0, "row %u", row);
        BYTES found = stored(CONTAINER, "latent:initial_noise");
        cr_expect(bytes_equal(found, tensor), "row %u", row);
    }
}

// --- 9: containers come and go ---

// A path in the mount, or one that begins at the top.
static const char *tool_path(const char *path, char buffer[2048]) {
    snprintf(buffer, 2048, "%s/%s", mounted.root_path, path);
    return path[0] == '/' ? path : buffer;
}

static void run_tool(const char *tool, const char *option, const char *from, const char *to) {
    char paths[2][2048];
    const char *words[] = {"/usr/bin/env",
                           tool,
                           option,
                           tool_path(from, paths[0]),
                           to != NULL ? tool_path(to, paths[1]) : NULL,
                           NULL};
    cr_expect_eq(run_program((char *const *)words, -1), 0, "%s %s %s", tool, option, from);
}

MOUNT_TEST(promises, containers_come_and_go_with_ordinary_tools) {
    BYTES image = stored(CONTAINER, "image");
    BYTES latent = stored(SEVERAL, "latent:final_latent");
    char file[2048];
    expect_errno(mkdirat(mounted.root, "new.gen5", 0755), 0);
    BYTES blank = stored("new.gen5", "metadata");
    cr_expect_gt(blank.size, 0);
    run_tool("cp", "-r", SEVERAL, "copy.gen5");
    expect_stored("copy.gen5", "latent:final_latent", latent);
    run_tool("mv", "-T", "copy.gen5", "moved.gen5");
    expect_stored("moved.gen5", "latent:final_latent", latent);
    cr_expect(!file_exists(mounted.source, "copy.gen5"));
    run_tool("rm", "-r", "moved.gen5", NULL);
    cr_expect(!file_exists(mounted.source, "moved.gen5"));
    snprintf(file, sizeof file, "%s/" CONTAINER, mounted.source_path);
    run_tool("cp", "-T", file, "whole.gen5");
    BYTES member = file_read(mounted.root, "whole.gen5/image.png");
    expect_bytes(member, image);
}

// --- 10: two writers ---

// Another program replaces the container, whole, by a copy that has another prompt.
static void prepare_rival(void) {
    BYTES whole = file_read(mounted.source, CONTAINER);
    cr_expect_eq(file_save(mounted.source, "rival.gen5", whole), 0);
    BYTES text = metadata_with_prompt("rival.gen5/metadata.json", "the rival's prompt");
    cr_expect_eq(file_save(mounted.root, "rival.gen5/metadata.json", text), 0);
}

static int open_draft(const char *path, struct bytes content) {
    int fd = openat(mounted.root, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    file_write_at(fd, content, 0);
    return fd;
}

MOUNT_TEST(promises, two_writers_of_different_members_do_not_lose_each_others_work) {
    BYTES image = some_image();
    prepare_rival();
    int fd = open_draft(IMAGE, image);
    expect_errno(renameat(mounted.source, "rival.gen5", mounted.source, CONTAINER), 0);
    cr_expect_eq(close_status(fd), 0);
    BYTES metadata = stored(CONTAINER, "metadata");
    expect_stored(CONTAINER, "image", image);
    cr_expect(bytes_contain(metadata, "the rival's prompt"));
}

MOUNT_TEST(promises, two_writers_of_one_member_end_with_ESTALE_and_a_rescue) {
    mounted_expect_in_log("was not stored");
    mounted_expect_in_log("is kept in .gen5fs/rescued/");
    mounted_expect_in_log("are kept in .gen5fs/rescued/");
    BYTES draft = metadata_with_prompt(METADATA, "the later prompt");
    prepare_rival();
    int fd = open_draft(METADATA, draft);
    expect_errno(renameat(mounted.source, "rival.gen5", mounted.source, CONTAINER), 0);
    cr_expect_eq(close_status(fd), ESTALE);
    BYTES metadata = stored(CONTAINER, "metadata");
    cr_expect(bytes_contain(metadata, "the rival's prompt"));
    mounted_again(NULL);
    BYTES kept = rescued(CONTAINER);
    expect_bytes(kept, draft);
}

// --- 11: what others change is seen ---

static bool shows_the_rival(const void *argument) {
    (void)argument;
    BYTES text = file_read(mounted.root, METADATA);
    return bytes_contain(text, "the rival's prompt");
}

MOUNT_TEST(promises, what_another_program_changes_is_seen_and_an_open_file_keeps_its_version) {
    BYTES before = file_read(mounted.root, METADATA);
    prepare_rival();
    int fd = openat(mounted.root, METADATA, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    expect_errno(renameat(mounted.source, "rival.gen5", mounted.source, CONTAINER), 0);
    wait_until(shows_the_rival, NULL, "the new version is seen");
    BYTES held = file_read_open(fd);
    expect_bytes(held, before);
    cr_expect_eq(close_status(fd), 0);
}
