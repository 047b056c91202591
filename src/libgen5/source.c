// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Windows of files and of memory: the one place that knows short and interrupted reads.
#include "gen5/source.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "file_write.h"
#include "ownership.h"
#include "size_arithmetic.h"

enum {
    COPY_BUFFER_SIZE = 1024 * 1024,
    // Who copies less is not worth a look at the file system.
    LARGE_COPY_SIZE = 256 * 1024,
    // File systems share extents in whole blocks of their own size, nearly always this or less.
    SHARED_BLOCK_SIZE = 4096,
};

enum gen5_status gen5_source_from_fd(int fd, struct gen5_source *source, struct gen5_error *error) {
    struct stat attributes;
    if (fstat(fd, &attributes) != 0) {
        return gen5_error_set_system(error, errno, "cannot look at the file");
    }
    if (!S_ISREG(attributes.st_mode)) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE, "not a regular file");
    }
    *source = (struct gen5_source){
        .fd = fd, .memory = NULL, .offset = 0, .size = (uint64_t)attributes.st_size};
    return GEN5_OK;
}

struct gen5_source gen5_source_from_memory(const void *memory, size_t size) {
    // An empty source may come without memory; NULL would mark it as a file.
    return (struct gen5_source){
        .fd = -1, .memory = memory != NULL ? memory : "", .offset = 0, .size = size};
}

struct gen5_source gen5_source_window(const struct gen5_source *source, uint64_t offset,
                                      uint64_t size) {
    assert(gen5_size_lies_within(offset, size, source->size));
    struct gen5_source window = *source;
    window.offset += offset;
    window.size = size;
    return window;
}

static enum gen5_status ends_early(uint64_t position, struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)position,
                          "the file ends at byte %llu, more was expected",
                          (unsigned long long)position);
}

static enum gen5_status read_file(int fd, uint64_t position, void *buffer, size_t size,
                                  struct gen5_error *error) {
    char *next = buffer;
    while (size > 0) {
        ssize_t got = pread(fd, next, size, (off_t)position);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gen5_error_set_system(error, errno, "cannot read at byte %llu",
                                         (unsigned long long)position);
        }
        if (got == 0) {
            return ends_early(position, error);
        }
        next += got;
        position += (uint64_t)got;
        size -= (size_t)got;
    }
    return GEN5_OK;
}

enum gen5_status gen5_source_read(const struct gen5_source *source, uint64_t offset, void *buffer,
                                  size_t size, struct gen5_error *error) {
    if (!gen5_size_lies_within(offset, size, source->size)) {
        return ends_early(source->offset + source->size, error);
    }
    if (source->memory == NULL) {
        return read_file(source->fd, source->offset + offset, buffer, size, error);
    }
    if (size > 0) {
        memcpy(buffer, (const char *)source->memory + source->offset + offset, size);
    }
    return GEN5_OK;
}

enum gen5_status gen5_source_read_all(const struct gen5_source *source, uint64_t size_max,
                                      char **bytes, size_t *size, struct gen5_error *error) {
    if (source->size > size_max || source->size > SIZE_MAX - 1) {
        return gen5_error_set(error, GEN5_ERROR_LIMIT, GEN5_OFFSET_NONE,
                              "%llu bytes are more than the limit of %llu",
                              (unsigned long long)source->size, (unsigned long long)size_max);
    }
    size_t whole = (size_t)source->size;
    GEN5_AUTO_FREE char *memory = malloc(whole + 1);
    if (memory == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status = gen5_source_read(source, 0, memory, whole, error);
    if (status != GEN5_OK) {
        return status;
    }
    memory[whole] = '\0';
    *bytes = gen5_steal(&memory);
    *size = whole;
    return GEN5_OK;
}

// Copy by reading and writing.
static enum gen5_status copy_through_buffer(const struct gen5_source *source, int fd_out,
                                            uint64_t offset_out, struct gen5_error *error) {
    size_t buffer_size = (size_t)gen5_size_smaller(source->size, COPY_BUFFER_SIZE);
    GEN5_AUTO_FREE char *buffer = malloc(buffer_size + 1);
    if (buffer == NULL) {
        return gen5_error_set_memory(error);
    }
    for (uint64_t done = 0; done < source->size;) {
        size_t piece = (size_t)gen5_size_smaller(source->size - done, buffer_size);
        enum gen5_status status = gen5_source_read(source, done, buffer, piece, error);
        if (status == GEN5_OK) {
            status = gen5_file_write(fd_out, offset_out + done, buffer, piece, error);
        }
        if (status != GEN5_OK) {
            return status;
        }
        done += piece;
    }
    return GEN5_OK;
}

// True where reading and writing may do what copy_file_range could not: files of two file systems,
// kinds of files that it does not take, an old kernel, a sandbox that does not know it.
static bool may_work_otherwise(int os_error) {
    return os_error == EXDEV || os_error == EINVAL || os_error == ENOSYS ||
           os_error == EOPNOTSUPP || os_error == EPERM || os_error == ETXTBSY || os_error == EBADF;
}

// Copy inside the kernel as much as it can, then the rest through a buffer.
static enum gen5_status copy_in_kernel(const struct gen5_source *source, int fd_out,
                                       uint64_t offset_out, struct gen5_error *error) {
    uint64_t done = 0;
    while (done < source->size) {
        off_t from = (off_t)(source->offset + done);
        off_t to = (off_t)(offset_out + done);
        size_t rest = (size_t)gen5_size_smaller(source->size - done, SSIZE_MAX);
        ssize_t copied = copy_file_range(source->fd, &from, fd_out, &to, rest, 0);
        if (copied < 0 && errno == EINTR) {
            continue;
        }
        if (copied < 0 && !may_work_otherwise(errno)) {
            return gen5_error_set_system(error, errno, "cannot copy %zu bytes", rest);
        }
        if (copied <= 0) {
            // 0 is the end of the file, or a file that only read() can read: the buffer finds out.
            struct gen5_source tail = gen5_source_window(source, done, source->size - done);
            return copy_through_buffer(&tail, fd_out, offset_out + done, error);
        }
        done += (uint64_t)copied;
    }
    return GEN5_OK;
}

// True on file systems that share nothing between files: copy_file_range moves page by page there,
// and takes half as long again as reading and writing in large pieces.
static bool copies_by_pages(int fd) {
    struct statfs about;
    return fstatfs(fd, &about) == 0 &&
           ((long)about.f_type == EXT4_SUPER_MAGIC || (long)about.f_type == TMPFS_MAGIC);
}

// The parts before, in and behind the whole blocks that a file system could share. All three are
// one where that is out of the question.
static void split_at_blocks(const struct gen5_source *source, uint64_t offset_out,
                            uint64_t parts[3]) {
    bool aligned_alike = source->offset % SHARED_BLOCK_SIZE == offset_out % SHARED_BLOCK_SIZE;
    uint64_t to_block =
        (SHARED_BLOCK_SIZE - source->offset % SHARED_BLOCK_SIZE) % SHARED_BLOCK_SIZE;
    if (!aligned_alike || source->size < to_block + LARGE_COPY_SIZE) {
        parts[0] = source->size;
        parts[1] = 0;
        parts[2] = 0;
        return;
    }
    parts[0] = to_block;
    parts[2] = (source->size - to_block) % SHARED_BLOCK_SIZE;
    parts[1] = source->size - to_block - parts[2];
}

enum gen5_status gen5_source_copy(const struct gen5_source *source, int fd_out, uint64_t offset_out,
                                  struct gen5_error *error) {
    if (source->memory != NULL) {
        return gen5_file_write(fd_out, offset_out, (const char *)source->memory + source->offset,
                               (size_t)source->size, error);
    }
    if (source->size >= LARGE_COPY_SIZE && copies_by_pages(fd_out)) {
        return copy_through_buffer(source, fd_out, offset_out, error);
    }
    uint64_t parts[3];
    split_at_blocks(source, offset_out, parts);
    uint64_t done = 0;
    for (size_t i = 0; i < 3; i++) {
        struct gen5_source part = gen5_source_window(source, done, parts[i]);
        enum gen5_status status = copy_in_kernel(&part, fd_out, offset_out + done, error);
        if (status != GEN5_OK) {
            return status;
        }
        done += parts[i];
    }
    return GEN5_OK;
}
