// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A record of what calls change on disk, in the order in which they are made (crash_states.py reads
// it). All functions do nothing where nothing is recorded; a call that failed (a negative result)
// leaves no record, and none changes errno.
#ifndef GEN5FS_TESTS_RECORDING_H
#define GEN5FS_TESTS_RECORDING_H

#include <sys/types.h>

// What a record is of.
enum recorded {
    RECORDED_WRITE,    // `inode` has `data` at `offset` now
    RECORDED_TRUNCATE, // `inode` is `offset` bytes long now
    RECORDED_SYNC,     // of `inode`, a file or a folder
    RECORDED_NAME,     // `folder` has `inode` under `name` now: created, linked, a folder made
    RECORDED_RENAME,   // the same, and `old_folder` has `old_name` no more
    RECORDED_UNLINK,   // `old_folder` has `old_name` no more
    RECORDED_NEW,      // `inode` is a new and empty file; its name, if it has one, comes next
};

void recording_begin(const char *path); // NULL: there is none

// Around a call and its record: calls of other threads come before or after both.
void recording_lock(void);
void recording_unlock(void);

void record_written(int fd, const void *bytes, ssize_t result, off_t offset); // -1: at the end
void record_copied(int fd, ssize_t result, off_t offset);
void record_truncated(int fd, int result, off_t size);
void record_synced(int fd, int result);
void record_opened(int folder, const char *path, int flags, int result);
void record_renamed(int folder, const char *name, int new_folder, const char *new_name, int result);
void record_linked(int folder, const char *name, int result);
void record_unlinked(int folder, const char *name, int result);
void record_folder_made(int folder, const char *name, int result);

#endif
