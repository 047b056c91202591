// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Records are made by system calls of their own, so that they are not recorded, counted or failed
// themselves.
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults.h"

// As it stands in the file; names and data follow. Everything is little-endian, unpadded.
struct record {
    uint32_t kind;
    uint32_t name_size;
    uint32_t old_name_size;
    uint32_t data_size;
    uint64_t device;
    uint64_t inode;
    uint64_t folder;
    uint64_t old_folder;
    int64_t offset;
};

static int record_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int errno_before;
static __thread bool locked;

void recording_begin(const char *path) {
    if (path != NULL) {
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, path,
                                 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (record_fd < 0) {
            abort();
        }
    }
}

void recording_lock(void) {
    if (record_fd >= 0 && atomic_load(&faults_control()->records) != 0) {
        pthread_mutex_lock(&lock);
        locked = true;
    }
}

void recording_unlock(void) {
    if (locked) {
        locked = false;
        pthread_mutex_unlock(&lock);
    }
}

// Whether a call with this result is to be recorded. record_end gives errno back.
static bool record_begin(long result) {
    errno_before = errno;
    return locked && result >= 0;
}

static void record_end(void) {
    errno = errno_before;
}

static void put(const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        long wrote = syscall(SYS_write, record_fd, at, size);
        if (wrote <= 0) {
            abort();
        }
        at += wrote;
        size -= (size_t)wrote;
    }
}

static void put_record(struct record *record, const char *name, const char *old_name,
                       const void *data) {
    record->name_size = name != NULL ? (uint32_t)strlen(name) : 0;
    record->old_name_size = old_name != NULL ? (uint32_t)strlen(old_name) : 0;
    put(record, sizeof *record);
    put(name, record->name_size);
    put(old_name, record->old_name_size);
    put(data, record->data_size);
}

// By newfstatat, for a descriptor with an empty path.
static bool look(int fd, const char *path, struct stat *attributes) {
    int flags = AT_SYMLINK_NOFOLLOW | (*path == '\0' ? AT_EMPTY_PATH : 0);
    return syscall(SYS_newfstatat, fd, path, attributes, flags) == 0;
}

static uint64_t inode_of(int fd) {
    struct stat attributes;
    bool known = fd == AT_FDCWD ? look(fd, ".", &attributes) : look(fd, "", &attributes);
    return known ? attributes.st_ino : 0;
}

static void put_of_file(int fd, enum recorded kind, off_t offset, const void *data, size_t size) {
    struct stat attributes;
    if (look(fd, "", &attributes) && (S_ISREG(attributes.st_mode) || S_ISDIR(attributes.st_mode))) {
        struct record record = {.kind = kind,
                                .data_size = (uint32_t)size,
                                .device = attributes.st_dev,
                                .inode = attributes.st_ino,
                                .offset = offset};
        put_record(&record, NULL, NULL, data);
    }
}

void record_written(int fd, const void *bytes, ssize_t result, off_t offset) {
    if (record_begin(result) && result > 0) {
        struct stat attributes;
        if (offset < 0 && look(fd, "", &attributes)) {
            offset = attributes.st_size - result;
        }
        put_of_file(fd, RECORDED_WRITE, offset, bytes, (size_t)result);
    }
    record_end();
}

// The bytes are those that the file has now.
void record_copied(int fd, ssize_t result, off_t offset) {
    if (record_begin(result) && result > 0 && offset >= 0) {
        size_t size = (size_t)result;
        void *bytes = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bytes == MAP_FAILED || syscall(SYS_pread64, fd, bytes, size, offset) != result) {
            abort();
        }
        put_of_file(fd, RECORDED_WRITE, offset, bytes, size);
        syscall(SYS_munmap, bytes, size);
    }
    record_end();
}

void record_truncated(int fd, int result, off_t size) {
    if (record_begin(result)) {
        put_of_file(fd, RECORDED_TRUNCATE, size, NULL, 0);
    }
    record_end();
}

void record_synced(int fd, int result) {
    if (record_begin(result)) {
        put_of_file(fd, RECORDED_SYNC, 0, NULL, 0);
    }
    record_end();
}

// A name leads somewhere now; with `old_name`, it does not any more.
static void put_of_name(enum recorded kind, int folder, const char *name, int old_folder,
                        const char *old_name) {
    struct stat attributes = {0};
    if (name != NULL && !look(folder, name, &attributes)) {
        return;
    }
    struct stat of_folder = {0};
    (void)look(name != NULL ? folder : old_folder, "", &of_folder);
    struct record record = {.kind = kind,
                            .device = of_folder.st_dev,
                            .inode = attributes.st_ino,
                            .folder = name != NULL ? inode_of(folder) : 0,
                            .old_folder = old_name != NULL ? inode_of(old_folder) : 0};
    put_record(&record, name, old_name, NULL);
}

void record_opened(int folder, const char *path, int flags, int result) {
    if (record_begin(result)) {
        // Whether it was there before is not known for O_CREAT alone: then the name is told twice.
        bool creates = (flags & O_CREAT) != 0;
        if ((creates && (flags & O_EXCL) != 0) || (flags & O_TMPFILE) == O_TMPFILE) {
            put_of_file(result, RECORDED_NEW, 0, NULL, 0);
        }
        if (creates) {
            put_of_name(RECORDED_NAME, folder, path, -1, NULL);
        }
        if ((flags & O_TRUNC) != 0) {
            put_of_file(result, RECORDED_TRUNCATE, 0, NULL, 0);
        }
    }
    record_end();
}

void record_renamed(int folder, const char *name, int new_folder, const char *new_name,
                    int result) {
    if (record_begin(result)) {
        put_of_name(RECORDED_RENAME, new_folder, new_name, folder, name);
    }
    record_end();
}

void record_linked(int folder, const char *name, int result) {
    if (record_begin(result)) {
        put_of_name(RECORDED_NAME, folder, name, -1, NULL);
    }
    record_end();
}

void record_unlinked(int folder, const char *name, int result) {
    if (record_begin(result)) {
        put_of_name(RECORDED_UNLINK, -1, NULL, folder, name);
    }
    record_end();
}

void record_folder_made(int folder, const char *name, int result) {
    if (record_begin(result)) {
        put_of_name(RECORDED_NAME, folder, name, -1, NULL);
    }
    record_end();
}
