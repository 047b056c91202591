// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Error values: filling them, and turning them into an errno.
#include "gen5/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// The length of the well-formed UTF-8 character (RFC 3629) at the start of `bytes`, which ends in a
// NUL; 0 where there is none, or where it is a control character or breaks a line.
static size_t printable_length(const unsigned char *bytes) {
    unsigned char lead = bytes[0];
    if (lead < 0x80) {
        return lead >= 0x20 && lead != 0x7f ? 1 : 0;
    }
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    uint32_t character = lead & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = (character << 6) | (bytes[i] & 0x3fU);
    }
    bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    bool control = character < 0xa0 || character == 0x2028 || character == 0x2029;
    return overlong || surrogate || control || character > 0x10ffff ? 0 : length;
}

// Keep the message one line of UTF-8, whatever a file's name or a key has put into it, and drop the
// piece of a character that vsnprintf may have left at the end.
static void clean(char *message, bool cut) {
    size_t at = 0;
    while (message[at] != '\0') {
        size_t length = printable_length((const unsigned char *)message + at);
        if (length > 0) {
            at += length;
            continue;
        }
        bool in_last_character = strlen(message + at) < 4 && (message[at] & 0x80) != 0;
        message[at] = cut && in_last_character ? '\0' : '?';
        at += message[at] != '\0' ? 1 : 0;
    }
}

static void fill(struct gen5_error *error, enum gen5_status status, int os_error, int64_t offset) {
    error->status = status;
    error->os_error = os_error;
    error->offset = offset;
}

__attribute__((format(printf, 3, 0))) static void
write_message(struct gen5_error *error, const char *suffix, const char *format, va_list arguments) {
    char message[GEN5_ERROR_MESSAGE_SIZE];
    int length = vsnprintf(message, sizeof message, format, arguments);
    bool cut = length < 0 || (size_t)length >= sizeof message;
    if (length < 0) {
        message[0] = '\0';
    }
    length = snprintf(error->message, sizeof error->message, "%s%s", message, suffix);
    clean(error->message, cut || (size_t)length >= sizeof error->message);
}

enum gen5_status gen5_error_set(struct gen5_error *error, enum gen5_status status, int64_t offset,
                                const char *format, ...) {
    if (error == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, 0, offset);
    write_message(error, "", format, arguments);
    va_end(arguments);
    return status;
}

enum gen5_status gen5_error_set_system(struct gen5_error *error, int os_error, const char *format,
                                       ...) {
    if (error == NULL) {
        return GEN5_ERROR_SYSTEM;
    }
    char text[128];
    char suffix[160];
    snprintf(suffix, sizeof suffix, ": %s", strerror_r(os_error, text, sizeof text));
    va_list arguments;
    va_start(arguments, format);
    fill(error, GEN5_ERROR_SYSTEM, os_error, GEN5_OFFSET_NONE);
    write_message(error, suffix, format, arguments);
    va_end(arguments);
    return GEN5_ERROR_SYSTEM;
}

enum gen5_status gen5_error_set_memory(struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_MEMORY, GEN5_OFFSET_NONE, "out of memory");
}

enum gen5_status gen5_error_prefix(struct gen5_error *error, const char *format, ...) {
    if (error == NULL) {
        return GEN5_OK;
    }
    char suffix[GEN5_ERROR_MESSAGE_SIZE + 2];
    snprintf(suffix, sizeof suffix, ": %s", error->message);
    va_list arguments;
    va_start(arguments, format);
    write_message(error, suffix, format, arguments);
    va_end(arguments);
    return error->status;
}

int gen5_error_errno(const struct gen5_error *error) {
    switch (error->status) {
    case GEN5_OK:
        return 0;
    case GEN5_ERROR_SYSTEM:
        return error->os_error != 0 ? error->os_error : EIO;
    case GEN5_ERROR_MEMORY:
        return ENOMEM;
    case GEN5_ERROR_INVALID:
        return EINVAL;
    case GEN5_ERROR_TOO_LARGE:
        return EFBIG;
    case GEN5_ERROR_MISSING:
        return ENOENT;
    case GEN5_ERROR_CHANGED:
        return ESTALE;
    case GEN5_ERROR_DAMAGED:
    case GEN5_ERROR_LIMIT:
    case GEN5_ERROR_HASH:
        break;
    }
    return EIO;
}
