// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Short and interrupted writes, looped.
#include "file_write.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

enum gen5_status gen5_file_write(int fd, uint64_t offset, const void *data, size_t size,
                                 struct gen5_error *error) {
    const char *next = data;
    while (size > 0) {
        ssize_t written = pwrite(fd, next, size, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            // A write of nothing that reports no error would be tried for ever.
            return gen5_error_set_system(error, written < 0 ? errno : EIO, "cannot write %zu bytes",
                                         size);
        }
        next += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
    return GEN5_OK;
}

// Less is brought to the disk as quickly as it is asked for.
enum { EARLY_SIZE_MIN = 256 * 1024 };

void gen5_file_begin_sync(int fd, uint64_t offset, uint64_t size) {
    if (size >= EARLY_SIZE_MIN) {
        (void)sync_file_range(fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
    }
}

enum gen5_status gen5_file_set_size(int fd, uint64_t size, struct gen5_error *error) {
    int result;
    do {
        result = ftruncate(fd, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? GEN5_OK
                       : gen5_error_set_system(error, errno, "cannot set the file's size");
}
