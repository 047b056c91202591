// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Windows of files and of memory.
#include "gen5/source.h"

#include "container_fixture.h"

Test(source, reads_a_file_from_any_offset) {
    int fd = file_of("0123456789", 10);
    struct gen5_source source = source_of(fd);
    char buffer[4];
    cr_expect_eq(source.size, 10);
    cr_assert_eq(gen5_source_read(&source, 3, buffer, 4, NULL), GEN5_OK);
    cr_expect_eq(memcmp(buffer, "3456", 4), 0);
    cr_expect_eq(lseek(fd, 0, SEEK_CUR), 0, "the file's position must not move");
    close(fd);
}

Test(source, window_of_a_window_counts_from_its_start) {
    struct gen5_source whole = gen5_source_from_memory("0123456789", 10);
    struct gen5_source middle = gen5_source_window(&whole, 2, 6);
    struct gen5_source inner = gen5_source_window(&middle, 1, 3);
    char buffer[3];
    cr_assert_eq(gen5_source_read(&inner, 0, buffer, 3, NULL), GEN5_OK);
    cr_expect_eq(memcmp(buffer, "345", 3), 0);
    struct gen5_source empty = gen5_source_window(&whole, 10, 0);
    cr_expect_eq(gen5_source_read(&empty, 0, buffer, 0, NULL), GEN5_OK);
}

Test(source, never_reads_past_a_window) {
    static const struct {
        uint64_t offset;
        size_t size;
    } rows[] = {{0, 5}, {4, 1}, {5, 0}, {UINT64_MAX, 1}, {UINT64_MAX, 2}, {1, SIZE_MAX}};
    int fd = file_of("0123456789", 10);
    struct gen5_source sources[] = {source_of(fd), gen5_source_from_memory("0123456789", 10)};
    for (size_t i = 0; i < 2; i++) {
        struct gen5_source window = gen5_source_window(&sources[i], 2, 4);
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
            struct gen5_error error = GEN5_ERROR_NONE;
            char buffer[16];
            cr_expect_eq(
                gen5_source_read(&window, rows[row].offset, buffer, rows[row].size, &error),
                GEN5_ERROR_DAMAGED, "source %zu, row %zu", i, row);
            cr_expect_eq(error.offset, 6, "source %zu, row %zu", i, row);
        }
    }
    close(fd);
}

Test(source, file_that_was_cut_since_is_damage_where_it_ends) {
    int fd = file_of("0123456789", 10);
    struct gen5_source source = source_of(fd);
    cr_assert_eq(ftruncate(fd, 7), 0);
    char buffer[10];
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(gen5_source_read(&source, 0, buffer, 10, &error), GEN5_ERROR_DAMAGED);
    cr_expect_eq(error.offset, 7);
    close(fd);
}

Test(source, only_regular_files_are_taken) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    struct gen5_source source;
    cr_expect_eq(gen5_source_from_fd(ends[0], &source, NULL), GEN5_ERROR_INVALID);
    cr_expect_eq(gen5_source_from_fd(-1, &source, NULL), GEN5_ERROR_SYSTEM);
    close(ends[0]);
    close(ends[1]);
}

Test(source, read_all_adds_a_nul_and_keeps_to_its_limit) {
    struct gen5_source source = gen5_source_from_memory("0123456789", 10);
    char *bytes = NULL;
    size_t size = 0;
    cr_assert_eq(gen5_source_read_all(&source, 10, &bytes, &size, NULL), GEN5_OK);
    cr_expect_eq(size, 10);
    cr_expect_str_eq(bytes, "0123456789");
    free(bytes);
    bytes = NULL;
    cr_expect_eq(gen5_source_read_all(&source, 9, &bytes, &size, NULL), GEN5_ERROR_LIMIT);
    cr_expect_null(bytes);
}

Test(source, read_all_of_nothing_is_an_empty_text) {
    struct gen5_source source = gen5_source_from_memory(NULL, 0);
    char *bytes = NULL;
    size_t size = 1;
    cr_assert_eq(gen5_source_read_all(&source, 0, &bytes, &size, NULL), GEN5_OK);
    cr_expect_eq(size, 0);
    cr_expect_str_eq(bytes, "");
    free(bytes);
}

// Offsets around the blocks that file systems share, and sizes around the buffers.
Test(source, copy_is_exact_at_every_alignment) {
    static const struct {
        uint64_t from;
        uint64_t size;
        uint64_t to;
    } rows[] = {
        {0, 0, 0},           {0, 1, 0},          {32, 1000000, 32},  {32, 1000000, 33},
        {4096, 262144, 0},   {1, 262144, 4097},  {31, 300000, 4127}, {4095, 266241, 4095},
        {100, 1048576, 100}, {5, 1500000, 9000},
    };
    enum { SIZE = 1600000 };
    char *bytes = malloc(SIZE);
    cr_assert_not_null(bytes);
    fill_with_noise(bytes, SIZE, 1);
    int fd = file_of(bytes, SIZE);
    struct gen5_source sources[] = {source_of(fd), gen5_source_from_memory(bytes, SIZE)};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        for (size_t i = 0; i < 2; i++) {
            int out = new_file();
            struct gen5_source part =
                gen5_source_window(&sources[i], rows[row].from, rows[row].size);
            cr_assert_eq(gen5_source_copy(&part, out, rows[row].to, NULL), GEN5_OK);
            size_t size = 0;
            char *copied = read_whole(out, &size);
            if (rows[row].size > 0) {
                cr_assert_eq(size, rows[row].to + rows[row].size, "row %zu", row);
                cr_expect_eq(
                    memcmp(copied + rows[row].to, bytes + rows[row].from, (size_t)rows[row].size),
                    0, "row %zu, source %zu", row, i);
            }
            free(copied);
            close(out);
        }
    }
    free(bytes);
    close(fd);
}

Test(source, copy_of_a_file_that_was_cut_since_fails) {
    int fd = file_of("0123456789", 10);
    struct gen5_source source = source_of(fd);
    cr_assert_eq(ftruncate(fd, 7), 0);
    int out = new_file();
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(gen5_source_copy(&source, out, 0, &error), GEN5_ERROR_DAMAGED);
    cr_expect_eq(error.offset, 7);
    close(fd);
    close(out);
}

Test(source, copy_to_where_nothing_can_be_written_tells_why) {
    int fd = file_of("0123456789", 10);
    struct gen5_source source = source_of(fd);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(full, 0);
    struct gen5_error error = GEN5_ERROR_NONE;
    cr_expect_eq(gen5_source_copy(&source, full, 0, &error), GEN5_ERROR_SYSTEM);
    cr_expect_eq(error.os_error, ENOSPC);
    close(full);
    close(fd);
}
