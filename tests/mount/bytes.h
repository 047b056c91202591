// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Bytes in memory, and files read and written whole, as the tests of the mount need them. What goes
// wrong on the way fails the test.
#ifndef GEN5_TEST_BYTES_H
#define GEN5_TEST_BYTES_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

// `data` is never NULL, and a '\0' stands behind it. BYTES are freed at the end of their block.
struct bytes {
    char *data;
    size_t size;
};
void bytes_free(struct bytes *bytes);
#define BYTES __attribute__((cleanup(bytes_free))) struct bytes

struct bytes bytes_copy(const void *data, size_t size);
struct bytes bytes_of(const char *text);
bool bytes_equal(struct bytes left, struct bytes right);
bool bytes_contain(struct bytes bytes, const char *text);
// A copy in which the first `from`, which has to be there, is `to`.
struct bytes bytes_replaced(struct bytes bytes, const char *from, const char *to);

// Files are named by a folder (mounted.root, mounted.source) and a path below it.
struct bytes file_read(int folder, const char *path);
struct bytes file_read_open(int fd); // from its start, whatever its position
bool file_exists(int folder, const char *path);
struct stat file_stat(int folder, const char *path);
// Saves as a careful program does that writes in place: 0, or the errno of the call that failed,
// close(2) included.
int file_save(int folder, const char *path, struct bytes content);
void file_write_at(int fd, struct bytes content, off_t offset);
int close_status(int fd); // 0 or the errno of close(2)

// The errno with which a system call has failed, 0 where it has not.
#define expect_errno(call, expected)                                                               \
    do {                                                                                           \
        long errno_result = (long)(call);                                                          \
        int errno_found = errno_result == -1 ? errno : 0;                                          \
        cr_expect_eq(errno_found, (expected), "%s: errno %d, expected %d", #call, errno_found,     \
                     (expected));                                                                  \
    } while (0)

#define expect_bytes(found, expected)                                                              \
    cr_expect(bytes_equal((found), (expected)), "%s (%zu bytes) is not %s (%zu bytes)", #found,    \
              (found).size, #expected, (expected).size)

#endif
