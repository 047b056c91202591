// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// zstd frames: what is made, and what is refused. Frames that libzstd would not write are put
// together by hand after RFC 8878.
#include "frame.h"

#include "container_fixture.h"

// Decode a stored frame in pieces; returns the status, and how much came out before it.
static enum gen5_status decode(const struct gen5_source *stored, char *content, size_t size,
                               size_t piece, size_t *got, struct gen5_error *error) {
    struct gen5_frame_reader *reader = NULL;
    cr_assert_eq(gen5_frame_reader_new(stored, &reader, NULL), GEN5_OK);
    enum gen5_status status = GEN5_OK;
    *got = 0;
    size_t now = 1;
    while (status == GEN5_OK && now > 0) {
        size_t room = size - *got < piece ? size - *got : piece;
        char beyond;
        status = gen5_frame_reader_read(reader, room > 0 ? content + *got : &beyond,
                                        room > 0 ? room : 1, &now, error);
        *got += now;
        cr_assert_leq(*got, size, "more than the frame states");
    }
    gen5_frame_reader_free(reader);
    return status;
}

static void expect_content(const void *frame, size_t frame_size, const char *content, size_t size) {
    int fd = file_of(frame, frame_size);
    struct gen5_source sources[] = {source_of(fd), gen5_source_from_memory(frame, frame_size)};
    char *decoded = malloc(size + 1);
    cr_assert_not_null(decoded);
    for (size_t i = 0; i < 2; i++) {
        uint64_t declared = 0;
        cr_assert_eq(gen5_frame_content_size(&sources[i], &declared, NULL), GEN5_OK);
        cr_expect_eq(declared, size);
        for (size_t piece = 997; piece <= 4 * 1024 * 1024; piece = piece * 64 + 1) {
            size_t got = 0;
            struct gen5_error error = GEN5_ERROR_NONE;
            cr_expect_eq(decode(&sources[i], decoded, size, piece, &got, &error), GEN5_OK, "%s",
                         error.message);
            cr_expect_eq(got, size);
            cr_expect_eq(memcmp(decoded, content, size), 0, "%zu bytes by %zu", size, piece);
        }
    }
    free(decoded);
    close(fd);
}

// Half noise, half repetition.
static char *make_mixture(size_t size) {
    char *content = malloc(size + 1);
    cr_assert_not_null(content);
    fill_with_noise(content, size, size);
    for (size_t i = 0; i < size; i++) {
        content[i] = i / 1000 % 2 == 0 ? content[i] : (char)i;
    }
    return content;
}

static const size_t sizes[] = {0, 1, 12, 1000, 131071, 131072, 131073, 262144, 300000, 3000000};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

Test(frame, compress_and_decode_give_the_content_back) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        char *content = make_mixture(sizes[i]);
        void *frame = NULL;
        size_t frame_size = 0;
        cr_assert_eq(gen5_frame_compress(content, sizes[i], 3, &frame, &frame_size, NULL), GEN5_OK);
        expect_content(frame, frame_size, content, sizes[i]);
        free(frame);
        free(content);
    }
}

Test(frame, store_and_decode_give_the_content_back) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        char *content = make_mixture(sizes[i]);
        void *frame = NULL;
        size_t frame_size = 0;
        cr_assert_eq(gen5_frame_store(content, sizes[i], &frame, &frame_size, NULL), GEN5_OK);
        size_t blocks = sizes[i] == 0 ? 1 : (sizes[i] + 131071) / 131072;
        cr_expect_eq(frame_size, 10 + 3 * blocks + sizes[i]);
        expect_content(frame, frame_size, content, sizes[i]);
        free(frame);
        free(content);
    }
}

Test(frame, padded_frame_is_longer_and_holds_the_same) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        char *content = make_mixture(sizes[i]);
        for (size_t blocks = 0; blocks < 4; blocks++) {
            void *frames[2] = {NULL, NULL};
            size_t frame_sizes[2] = {0, 0};
            cr_assert_eq(
                gen5_frame_compress(content, sizes[i], 3, &frames[0], &frame_sizes[0], NULL),
                GEN5_OK);
            cr_assert_eq(gen5_frame_store(content, sizes[i], &frames[1], &frame_sizes[1], NULL),
                         GEN5_OK);
            for (size_t j = 0; j < 2; j++) {
                size_t before = frame_sizes[j];
                cr_assert_eq(gen5_frame_pad(&frames[j], &frame_sizes[j], blocks, NULL), GEN5_OK);
                cr_expect_eq(frame_sizes[j], before + 3 * blocks);
                expect_content(frames[j], frame_sizes[j], content, sizes[i]);
                free(frames[j]);
            }
        }
        free(content);
    }
}

Test(frame, compress_to_writes_one_frame_of_head_and_body) {
    for (size_t i = 1; i < SIZE_COUNT; i++) {
        char *content = make_mixture(sizes[i]);
        struct gen5_source whole = gen5_source_from_memory(content, sizes[i]);
        size_t head = sizes[i] < 12 ? sizes[i] : 12;
        struct gen5_source body = gen5_source_window(&whole, head, sizes[i] - head);
        int fd = new_file();
        uint64_t size = 0;
        cr_assert_eq(
            gen5_frame_compress_to(content, head, &body, 3, fd, 77, UINT64_MAX, &size, NULL),
            GEN5_OK);
        size_t file_size = 0;
        char *file = read_whole(fd, &file_size);
        cr_assert_eq(file_size, 77 + size);
        expect_content(file + 77, (size_t)size, content, sizes[i]);
        free(file);
        close(fd);
        free(content);
    }
}

Test(frame, compress_to_gives_up_over_the_maximum) {
    enum { SIZE = 2000000 };
    char *content = malloc(SIZE);
    cr_assert_not_null(content);
    fill_with_noise(content, SIZE, 9);
    struct gen5_source body = gen5_source_from_memory(content, SIZE);
    int fd = new_file();
    uint64_t size = 1;
    cr_assert_eq(gen5_frame_compress_to("head", 4, &body, 3, fd, 0, SIZE / 50 * 49, &size, NULL),
                 GEN5_OK);
    cr_expect_eq(size, 0);
    cr_assert_eq(gen5_frame_compress_to("head", 4, &body, 3, fd, 0, 0, &size, NULL), GEN5_OK);
    cr_expect_eq(size, 0);
    // Exactly as many bytes as are needed are enough.
    cr_assert_eq(gen5_frame_compress_to("head", 4, &body, 3, fd, 0, UINT64_MAX, &size, NULL),
                 GEN5_OK);
    uint64_t needed = size;
    cr_assert_eq(gen5_frame_compress_to("head", 4, &body, 3, fd, 0, needed, &size, NULL), GEN5_OK);
    cr_expect_eq(size, needed);
    cr_assert_eq(gen5_frame_compress_to("head", 4, &body, 3, fd, 0, needed - 1, &size, NULL),
                 GEN5_OK);
    cr_expect_eq(size, 0);
    close(fd);
    free(content);
}

Test(frame, write_error_is_told) {
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(full, 0);
    struct gen5_source body = gen5_source_from_memory("body", 4);
    struct gen5_error error = GEN5_ERROR_NONE;
    uint64_t size = 1;
    cr_expect_eq(gen5_frame_compress_to("head", 4, &body, 3, full, 0, UINT64_MAX, &size, &error),
                 GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, ENOSPC);
    cr_expect_eq(size, 0);
    close(full);
}

struct bad_frame {
    const char *name;
    const char *bytes;
    size_t size;
};
#define BAD(name, text)                                                                            \
    { name, text, sizeof text - 1 }
#define MAGIC "\x28\xb5\x2f\xfd"

// Frame headers: magic, descriptor, then what the descriptor promises.
Test(frame, header_that_cannot_be_used_is_refused) {
    static const struct bad_frame rows[] = {
        BAD("nothing", ""),
        BAD("three bytes", "\x28\xb5\x2f"),
        BAD("another magic", "\x28\xb5\x2f\xfc\x20\x01\x09\x00\x00x"),
        BAD("skippable", "\x50\x2a\x4d\x18\x04\x00\x00\x00zzzz"),
        BAD("last kind of skippable", "\x5f\x2a\x4d\x18\x04\x00\x00\x00zzzz"),
        BAD("magic alone", MAGIC),
        BAD("no content size", MAGIC "\x00\x38\x09\x00\x00x"),
        BAD("dictionary id", MAGIC "\x21\x05\x01\x09\x00\x00x"),
        BAD("reserved bit", MAGIC "\x28\x01\x09\x00\x00x"),
        BAD("cut in its size", MAGIC "\xa0\x01\x00"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_source stored = gen5_source_from_memory(rows[i].bytes, rows[i].size);
        struct gen5_error error = GEN5_ERROR_NONE;
        uint64_t size = 0;
        cr_expect_eq(gen5_frame_content_size(&stored, &size, &error), GEN5_ERROR_DAMAGED, "%s",
                     rows[i].name);
        cr_expect_neq(error.message[0], '\0', "%s", rows[i].name);
    }
}

Test(frame, offset_of_an_error_is_that_in_the_file) {
    int fd = file_of("........not a frame", 19);
    struct gen5_source file = source_of(fd);
    struct gen5_source stored = gen5_source_window(&file, 8, 11);
    struct gen5_error error = GEN5_ERROR_NONE;
    uint64_t size = 0;
    cr_expect_eq(gen5_frame_content_size(&stored, &size, &error), GEN5_ERROR_DAMAGED);
    cr_expect_eq(error.offset, 8);
    close(fd);
}

Test(frame, content_that_is_not_one_whole_frame_is_damage) {
    static const struct bad_frame rows[] = {
        BAD("garbage behind", MAGIC "\x20\x01\x09\x00\x00x!"),
        BAD("a second frame", MAGIC "\x20\x01\x09\x00\x00x" MAGIC "\x20\x01\x09\x00\x00x"),
        BAD("a skippable frame behind",
            MAGIC "\x20\x01\x09\x00\x00x\x50\x2a\x4d\x18\x01\x00\x00\x00z"),
        BAD("cut in a block", MAGIC "\x20\x05\x29\x00\x00xyz"),
        BAD("no last block", MAGIC "\x20\x01\x08\x00\x00x"),
        BAD("less than stated", MAGIC "\x20\x02\x09\x00\x00x"),
        BAD("nothing of what is stated", MAGIC "\x20\x02\x01\x00\x00"),
        BAD("an empty block in place of the rest", MAGIC "\x20\x02\x08\x00\x00x\x01\x00\x00"),
        BAD("more than stated", MAGIC "\x20\x01\x11\x00\x00xy"),
        BAD("reserved block type", MAGIC "\x20\x01\x0f\x00\x00x"),
        BAD("wrong checksum", MAGIC "\x24\x01\x09\x00\x00x\x00\x00\x00\x00"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gen5_source stored = gen5_source_from_memory(rows[i].bytes, rows[i].size);
        struct gen5_error error = GEN5_ERROR_NONE;
        char content[64];
        size_t got = 0;
        for (size_t piece = 1; piece <= 64; piece *= 64) {
            cr_expect_eq(decode(&stored, content, sizeof content, piece, &got, &error),
                         GEN5_ERROR_DAMAGED, "%s by %zu", rows[i].name, piece);
        }
    }
}

Test(frame, every_truncation_is_damage) {
    char *content = make_mixture(5000);
    void *frame = NULL;
    size_t frame_size = 0;
    cr_assert_eq(gen5_frame_compress(content, 5000, 3, &frame, &frame_size, NULL), GEN5_OK);
    int fd = file_of(frame, frame_size);
    struct gen5_source whole = source_of(fd);
    for (size_t size = 0; size < frame_size; size++) {
        struct gen5_source stored = gen5_source_window(&whole, 0, size);
        char decoded[5000];
        size_t got = 0;
        cr_expect_eq(decode(&stored, decoded, sizeof decoded, 5000, &got, NULL), GEN5_ERROR_DAMAGED,
                     "%zu bytes", size);
    }
    close(fd);
    free(frame);
    free(content);
}

Test(frame, one_that_was_left_in_the_middle_or_is_damaged_does_not_harm_the_next) {
    enum { SIZE = 200000 };
    char *content = make_mixture(SIZE);
    char *decoded = malloc(SIZE);
    void *frame = NULL;
    size_t frame_size = 0;
    cr_assert_not_null(decoded);
    cr_assert_eq(gen5_frame_compress(content, SIZE, 3, &frame, &frame_size, NULL), GEN5_OK);
    int fd = file_of(frame, frame_size);
    const struct gen5_source whole = source_of(fd);
    for (size_t left = 0; left <= frame_size; left += 4099) {
        struct gen5_frame_reader *reader = NULL;
        struct gen5_source cut = gen5_source_window(&whole, 0, left);
        size_t got = 0;
        cr_assert_eq(gen5_frame_reader_new(&cut, &reader, NULL), GEN5_OK);
        (void)gen5_frame_reader_read(reader, decoded, left, &got, NULL);
        gen5_frame_reader_free(reader);
        cr_expect_eq(decode(&whole, decoded, SIZE, 70000, &got, NULL), GEN5_OK, "after %zu", left);
        cr_expect_eq(memcmp(decoded, content, SIZE), 0, "after %zu", left);
    }
    close(fd);
    free(frame);
    free(decoded);
    free(content);
}

// Window descriptor 0x70: 2^(10+14) = 16 MiB.
Test(frame, window_over_eight_mebibytes_is_over_the_limit) {
    static const char frame[] = MAGIC "\x80\x70\x00\x00\x00\x01\x09\x00\x00x";
    struct gen5_source stored = gen5_source_from_memory(frame, sizeof frame - 1);
    struct gen5_error error = GEN5_ERROR_NONE;
    char content[64];
    size_t got = 0;
    cr_expect_eq(decode(&stored, content, sizeof content, 64, &got, &error), GEN5_ERROR_LIMIT);
}

// The same window around five bytes, which are all that it takes in memory.
Test(frame, large_window_is_no_matter_where_the_content_is_small) {
    static const char frame[] = MAGIC "\x80\x70\x05\x00\x00\x00\x29\x00\x00hello";
    expect_content(frame, sizeof frame - 1, "hello", 5);
    for (size_t piece = 1; piece <= 8; piece++) {
        struct gen5_source stored = gen5_source_from_memory(frame, sizeof frame - 1);
        struct gen5_error error = GEN5_ERROR_NONE;
        char content[5];
        size_t got = 0;
        cr_expect_eq(decode(&stored, content, sizeof content, piece, &got, &error), GEN5_OK,
                     "by %zu: %s", piece, error.message);
    }
}

// Window descriptor 0xa8 is 2 GiB, 0xa9 an eighth more.
Test(frame, window_over_two_gibibytes_is_over_the_limit_around_any_content) {
    static const char frame[] = MAGIC "\x80\xa9\x05\x00\x00\x00\x29\x00\x00hello";
    for (size_t piece = 1; piece <= 8; piece++) {
        struct gen5_source stored = gen5_source_from_memory(frame, sizeof frame - 1);
        struct gen5_error error = GEN5_ERROR_NONE;
        char content[5];
        size_t got = 0;
        cr_expect_eq(decode(&stored, content, sizeof content, piece, &got, &error),
                     GEN5_ERROR_LIMIT, "by %zu", piece);
    }
    expect_content(MAGIC "\x80\xa8\x05\x00\x00\x00\x29\x00\x00hello", sizeof frame - 1, "hello", 5);
}
