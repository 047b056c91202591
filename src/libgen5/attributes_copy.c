// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Owner, mode, access-control list, extended attributes; in this order, because changing the owner
// clears set-uid bits, and setting a list changes the mode.
#include "attributes_copy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ownership.h"

// The largest that Linux lets a value or a list of names be (XATTR_SIZE_MAX, XATTR_LIST_MAX).
enum { ATTRIBUTE_SIZE_MAX = 65536 };

static const char access_list[] = "system.posix_acl_access";

// Refusals that say that an attribute cannot be had here, not that anything is wrong.
static bool is_refusal(int os_error) {
    return os_error == EPERM || os_error == EACCES || os_error == EOPNOTSUPP ||
           os_error == ENOSYS || os_error == EINVAL || os_error == ENODATA || os_error == E2BIG;
}

// --- Owner and mode ---

// What of the owner could be taken over.
struct ownership {
    bool user_kept;
    bool group_kept;
};

static enum gen5_status copy_owner(const struct stat *old, int fd_new, struct ownership *kept,
                                   struct gen5_error *error) {
    struct stat new;
    if (fstat(fd_new, &new) != 0) {
        return gen5_error_set_system(error, errno, "cannot look at the temporary file");
    }
    kept->user_kept = new.st_uid == old->st_uid;
    kept->group_kept = new.st_gid == old->st_gid;
    if (kept->user_kept && kept->group_kept) {
        return GEN5_OK;
    }
    if (fchown(fd_new, old->st_uid, old->st_gid) == 0) {
        *kept = (struct ownership){true, true};
        return GEN5_OK;
    }
    // Who may not give a file away may still give it to another group of his.
    if (is_refusal(errno) && fchown(fd_new, (uid_t)-1, old->st_gid) == 0) {
        kept->group_kept = true;
        return GEN5_OK;
    }
    return is_refusal(errno)
               ? GEN5_OK
               : gen5_error_set_system(error, errno, "cannot set the temporary file's owner");
}

// The mode that lets nobody do more than the old one, now that the owner may be another.
static mode_t allowed_mode(const struct stat *old, const struct ownership *kept, bool has_list) {
    mode_t mode = old->st_mode & 07777;
    if (!kept->user_kept) {
        mode &= (mode_t)~S_ISUID;
    }
    if (!kept->group_kept) {
        mode &= (mode_t)~S_ISGID;
        // The group's bits would serve other people, and those of the old group would fall under
        // the others' bits. Where both are the same, nothing changes for anybody.
        bool alike = (mode & S_IRWXG) >> 3 == (mode & S_IRWXO);
        if (!alike || has_list) {
            mode &= (mode_t) ~(S_IRWXG | S_IRWXO);
        }
    }
    return mode;
}

static enum gen5_status copy_mode(mode_t mode, int fd_new, struct gen5_error *error) {
    if (fchmod(fd_new, mode) == 0 || is_refusal(errno)) {
        return GEN5_OK; // without a mode of its own, a file system has one for all files
    }
    return gen5_error_set_system(error, errno, "cannot set the temporary file's mode");
}

// --- Attributes ---

// Read one attribute into `value`; *size is -1 where there is none to be had.
static enum gen5_status read_attribute(int fd, const char *name, char *value, ssize_t *size,
                                       struct gen5_error *error) {
    *size = fgetxattr(fd, name, value, ATTRIBUTE_SIZE_MAX);
    // ERANGE: larger than the system lets one be set.
    if (*size >= 0 || is_refusal(errno) || errno == ERANGE) {
        return GEN5_OK;
    }
    return gen5_error_set_system(error, errno, "cannot read the extended attribute %s", name);
}

// The new file's list comes from the old one alone: one that the folder has given it would let
// others in.
static enum gen5_status copy_access_list(int fd_old, int fd_new, char *value, bool wanted,
                                         bool *has_list, struct gen5_error *error) {
    ssize_t size = -1;
    enum gen5_status status = read_attribute(fd_old, access_list, value, &size, error);
    if (status != GEN5_OK) {
        return status;
    }
    *has_list = size >= 0;
    int result = *has_list && wanted ? fsetxattr(fd_new, access_list, value, (size_t)size, 0)
                                     : fremovexattr(fd_new, access_list);
    if (result == 0 || is_refusal(errno)) {
        return GEN5_OK;
    }
    return gen5_error_set_system(error, errno, "cannot set the temporary file's access list");
}

static enum gen5_status copy_attribute(int fd_old, int fd_new, const char *name, char *value,
                                       struct gen5_error *error) {
    ssize_t size = -1;
    enum gen5_status status = read_attribute(fd_old, name, value, &size, error);
    if (status != GEN5_OK || size < 0 || fsetxattr(fd_new, name, value, (size_t)size, 0) == 0 ||
        is_refusal(errno)) {
        return status;
    }
    return gen5_error_set_system(error, errno, "cannot copy the extended attribute %s", name);
}

// Those of "security." are the kernel's: where it wants them on the new file, it sets them itself,
// and a label that may be copied is copied.
static enum gen5_status copy_attributes(int fd_old, int fd_new, char *names, char *value,
                                        struct gen5_error *error) {
    ssize_t size = flistxattr(fd_old, names, ATTRIBUTE_SIZE_MAX);
    if (size < 0) {
        return is_refusal(errno) || errno == ERANGE
                   ? GEN5_OK
                   : gen5_error_set_system(error, errno, "cannot list the extended attributes");
    }
    for (ssize_t at = 0; at < size;) {
        const char *name = names + at;
        at += (ssize_t)strnlen(name, (size_t)(size - at)) + 1;
        if (at > size || strcmp(name, access_list) == 0) {
            continue; // no NUL within the list: no name
        }
        bool needed = strncmp(name, "security.", strlen("security.")) != 0;
        enum gen5_status status =
            copy_attribute(fd_old, fd_new, name, value, needed ? error : NULL);
        if (status != GEN5_OK && needed) {
            return status;
        }
    }
    return GEN5_OK;
}

enum gen5_status gen5_attributes_copy(int fd_old, int fd_new, struct gen5_error *error) {
    struct stat old;
    struct ownership kept = {false, false};
    if (fstat(fd_old, &old) != 0) {
        return gen5_error_set_system(error, errno, "cannot look at the file");
    }
    GEN5_AUTO_FREE char *names = malloc(ATTRIBUTE_SIZE_MAX);
    GEN5_AUTO_FREE char *value = malloc(ATTRIBUTE_SIZE_MAX);
    if (names == NULL || value == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status = copy_owner(&old, fd_new, &kept, error);
    bool has_list = false;
    if (status == GEN5_OK) {
        status = copy_access_list(fd_old, fd_new, value, kept.group_kept, &has_list, error);
    }
    if (status == GEN5_OK) {
        status = copy_attributes(fd_old, fd_new, names, value, error);
    }
    return status == GEN5_OK ? copy_mode(allowed_mode(&old, &kept, has_list), fd_new, error)
                             : status;
}
