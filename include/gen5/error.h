// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What went wrong, in a form that a program and a person can both use.
//
// Every function of libgen5 that can fail returns an enum gen5_status and fills the caller's struct
// gen5_error. Nothing is kept in a global or a thread-local. NULL is accepted wherever a struct
// gen5_error * is, for callers who need the status alone.
#ifndef GEN5_ERROR_H
#define GEN5_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#include "gen5/export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gen5_status {
    GEN5_OK = 0,
    GEN5_ERROR_SYSTEM,    // a system call failed: os_error is its errno
    GEN5_ERROR_MEMORY,    // an allocation failed
    GEN5_ERROR_DAMAGED,   // bytes that are stored break FORMAT.md
    GEN5_ERROR_LIMIT,     // bytes that are stored ask for more than the caller's limits allow
    GEN5_ERROR_HASH,      // a payload does not have the SHA-256 that its record states
    GEN5_ERROR_INVALID,   // what the caller wants to write is not valid
    GEN5_ERROR_TOO_LARGE, // the result would not fit a container (4 GiB - 1, FORMAT.md "Header")
    GEN5_ERROR_MISSING,   // the container has no such member
    GEN5_ERROR_CHANGED,   // the file is not the one that was opened before
};

// No offset is known, or none makes sense.
#define GEN5_OFFSET_NONE ((int64_t)-1)

enum { GEN5_ERROR_MESSAGE_SIZE = 400 };

struct gen5_error {
    enum gen5_status status;
    int os_error;   // errno of the cause for GEN5_ERROR_SYSTEM, else 0
    int64_t offset; // in bytes from the start of the file (or of the text) that is wrong, or
                    // GEN5_OFFSET_NONE
    char message[GEN5_ERROR_MESSAGE_SIZE]; // one line of UTF-8 without a final full stop, cut when
                                           // too long
};

// A struct gen5_error that says that nothing went wrong.
#define GEN5_ERROR_NONE                                                                            \
    { GEN5_OK, 0, GEN5_OFFSET_NONE, "" }

// Fill `error` (when it is not NULL) and return `status`, so that a caller can write
// `return gen5_error_set(…)`. The message is printf-style and may be NULL-terminated user data only
// through %s; control characters in it are replaced by '?', so that it always stays one line.
GEN5_EXPORT enum gen5_status gen5_error_set(struct gen5_error *error, enum gen5_status status,
                                            int64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// The same for a failed system call; ": " and the text of `os_error` are added to the message.
GEN5_EXPORT enum gen5_status gen5_error_set_system(struct gen5_error *error, int os_error,
                                                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// GEN5_ERROR_MEMORY with the message "out of memory".
GEN5_EXPORT enum gen5_status gen5_error_set_memory(struct gen5_error *error);

// Put "prefix: " before the message, to say in which part it happened. Returns error's status
// (GEN5_OK for NULL).
GEN5_EXPORT enum gen5_status gen5_error_prefix(struct gen5_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The errno that a file system answers for `error`: os_error where there is one; ENOMEM, EFBIG,
// EINVAL, ENOENT, ESTALE or EIO by the status; 0 for GEN5_OK.
GEN5_EXPORT int gen5_error_errno(const struct gen5_error *error);

#ifdef __cplusplus
}
#endif

#endif
