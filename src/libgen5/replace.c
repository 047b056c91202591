// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Replacing a file by way of a temporary beside it.
#include "gen5/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "attributes_copy.h"
#include "ownership.h"

enum { NAME_TRIES = 100, RANDOM_DIGITS = 16 };

static const char name_prefix[] = ".gen5fs-";
static const char name_suffix[] = ".tmp";

struct gen5_identity gen5_identity_of(const struct stat *attributes) {
    return (struct gen5_identity){
        .device = attributes->st_dev,
        .inode = attributes->st_ino,
        .size = attributes->st_size,
        .modified = attributes->st_mtim,
        .changed = attributes->st_ctim,
    };
}

static bool times_equal(const struct timespec *left, const struct timespec *right) {
    return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

bool gen5_identity_equal(const struct gen5_identity *left, const struct gen5_identity *right) {
    return left->device == right->device && left->inode == right->inode &&
           left->size == right->size && times_equal(&left->modified, &right->modified) &&
           times_equal(&left->changed, &right->changed);
}

// --- The temporary ---

bool gen5_temporary_name_is(const char *name) {
    size_t prefix = strlen(name_prefix);
    return strncmp(name, name_prefix, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == RANDOM_DIGITS &&
           strcmp(name + prefix + RANDOM_DIGITS, name_suffix) == 0;
}

enum gen5_status gen5_temporary_name_make(char name[GEN5_TEMPORARY_NAME_SIZE],
                                          struct gen5_error *error) {
    uint64_t number = 0;
    ssize_t got;
    do {
        got = getrandom(&number, sizeof number, 0); // so few bytes come whole or not at all
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof number) {
        return gen5_error_set_system(error, got < 0 ? errno : EIO, "cannot get random bytes");
    }
    snprintf(name, GEN5_TEMPORARY_NAME_SIZE, "%s%016" PRIx64 "%s", name_prefix, number,
             name_suffix);
    return GEN5_OK;
}

// The lock says that somebody works on the temporary: whoever removes what was left behind spares
// it then. False where it was removed in the moment before. File systems without locks are let
// pass.
static bool lock_new(int fd) {
    struct stat attributes;
    int locked;
    do {
        locked = flock(fd, LOCK_EX);
    } while (locked != 0 && errno == EINTR);
    return locked != 0 || fstat(fd, &attributes) != 0 || attributes.st_nlink > 0;
}

static enum gen5_status create(struct gen5_replacement *replacement, int folder_fd, mode_t mode,
                               struct gen5_error *error) {
    for (int i = 0; i < NAME_TRIES; i++) {
        char name[GEN5_TEMPORARY_NAME_SIZE];
        enum gen5_status status = gen5_temporary_name_make(name, error);
        if (status != GEN5_OK) {
            return status;
        }
        int fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd >= 0 && !lock_new(fd)) {
            close(fd);
            continue;
        }
        if (fd >= 0) {
            replacement->folder_fd = folder_fd;
            replacement->fd = fd;
            memcpy(replacement->name, name, sizeof name);
            return GEN5_OK;
        }
        if (errno != EEXIST && errno != EINTR) {
            break;
        }
    }
    return gen5_error_set_system(error, errno, "cannot create a temporary file in the folder");
}

enum gen5_status gen5_replacement_begin(struct gen5_replacement *replacement, int folder_fd,
                                        int old_fd, struct gen5_error *error) {
    // Nobody else may open it before it has the old one's owner and mode.
    enum gen5_status status = create(replacement, folder_fd, old_fd >= 0 ? 0600 : 0666, error);
    if (status == GEN5_OK && old_fd >= 0) {
        status = gen5_attributes_copy(old_fd, replacement->fd, error);
    }
    if (status != GEN5_OK) {
        gen5_replacement_release(replacement);
    }
    return status;
}

void gen5_replacement_release(struct gen5_replacement *replacement) {
    if (replacement->name[0] != '\0') {
        unlinkat(replacement->folder_fd, replacement->name, 0);
    }
    gen5_fd_cleanup(&replacement->fd);
    *replacement = (struct gen5_replacement)GEN5_REPLACEMENT_NONE;
}

// --- Syncing ---

// 0, or -1 and errno.
static int sync_fd(int fd) {
    int result;
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
        result = 0;
    }
    return result;
}

enum gen5_status gen5_file_sync(int fd, struct gen5_error *error) {
    return sync_fd(fd) == 0 ? GEN5_OK : gen5_error_set_system(error, errno, "cannot sync the file");
}

static enum gen5_status folder_sync_failed(struct gen5_error *error) {
    return gen5_error_set_system(error, errno, "cannot sync the folder");
}

enum gen5_status gen5_folder_sync(int folder_fd, struct gen5_error *error) {
    if (sync_fd(folder_fd) == 0) {
        return GEN5_OK;
    }
    if (errno != EBADF) {
        return folder_sync_failed(error);
    }
    // A descriptor that was opened with O_PATH only names the folder.
    GEN5_AUTO_CLOSE int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || sync_fd(fd) != 0 ? folder_sync_failed(error) : GEN5_OK;
}

// --- Renaming ---

static enum gen5_status check_identity(const struct gen5_replacement *replacement, const char *name,
                                       const struct gen5_identity *expected,
                                       struct gen5_error *error) {
    struct stat attributes;
    if (fstatat(replacement->folder_fd, name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT
                   ? gen5_error_set(error, GEN5_ERROR_CHANGED, GEN5_OFFSET_NONE, "%s is gone", name)
                   : gen5_error_set_system(error, errno, "cannot look at %s", name);
    }
    struct gen5_identity found = gen5_identity_of(&attributes);
    if (!gen5_identity_equal(&found, expected)) {
        return gen5_error_set(error, GEN5_ERROR_CHANGED, GEN5_OFFSET_NONE,
                              "%s was changed by another program", name);
    }
    return GEN5_OK;
}

// True where `name` already is the new file: a rename over a network or through FUSE may be done
// and yet be told as interrupted, or done twice.
static bool is_in_place(const struct gen5_replacement *replacement, const char *name) {
    struct stat own;
    struct stat found;
    return fstat(replacement->fd, &own) == 0 &&
           fstatat(replacement->folder_fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev == found.st_dev && own.st_ino == found.st_ino;
}

// The ways to give the temporary its name, each a single system call that returns 0, or -1 and
// errno.
static int rename_over(const struct gen5_replacement *replacement, const char *name) {
    return renameat(replacement->folder_fd, replacement->name, replacement->folder_fd, name);
}

static int rename_beside(const struct gen5_replacement *replacement, const char *name) {
    return renameat2(replacement->folder_fd, replacement->name, replacement->folder_fd, name,
                     RENAME_NOREPLACE);
}

static int link_beside(const struct gen5_replacement *replacement, const char *name) {
    return linkat(replacement->folder_fd, replacement->name, replacement->folder_fd, name, 0);
}

typedef int naming(const struct gen5_replacement *replacement, const char *name);

// Returns 0, or the errno.
static int repeat(naming *way, const struct gen5_replacement *replacement, const char *name) {
    while (way(replacement, name) != 0) {
        int problem = errno;
        if (is_in_place(replacement, name)) {
            return 0;
        }
        if (problem != EINTR) {
            return problem;
        }
    }
    return 0;
}

static bool is_unsupported(int os_error) {
    return os_error == EINVAL || os_error == ENOSYS || os_error == EOPNOTSUPP || os_error == EPERM;
}

// Take the name with an empty file of our own, then rename over that: for file systems that can
// neither rename without replacing nor link.
static int claim_and_rename(const struct gen5_replacement *replacement, const char *name) {
    int fd = openat(replacement->folder_fd, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    close(fd);
    int problem = repeat(rename_over, replacement, name);
    if (problem != 0) {
        unlinkat(replacement->folder_fd, name, 0);
    }
    return problem;
}

static int name_new(const struct gen5_replacement *replacement, const char *name) {
    int problem = repeat(rename_beside, replacement, name);
    if (is_unsupported(problem)) {
        problem = repeat(link_beside, replacement, name);
        if (problem == 0) {
            unlinkat(replacement->folder_fd, replacement->name, 0);
        }
    }
    return is_unsupported(problem) ? claim_and_rename(replacement, name) : problem;
}

enum gen5_status gen5_replacement_commit(struct gen5_replacement *replacement, const char *name,
                                         const struct gen5_identity *expected, enum gen5_sync sync,
                                         struct stat *committed, struct gen5_error *error) {
    enum gen5_status status =
        sync == GEN5_SYNC_DONE ? GEN5_OK : gen5_file_sync(replacement->fd, error);
    if (status == GEN5_OK && expected != NULL) {
        status = check_identity(replacement, name, expected, error);
    }
    if (status != GEN5_OK) {
        return status;
    }
    int problem =
        expected != NULL ? repeat(rename_over, replacement, name) : name_new(replacement, name);
    if (problem != 0) {
        return gen5_error_set_system(error, problem, "cannot rename the temporary file to %s",
                                     name);
    }
    replacement->name[0] = '\0';
    // Behind the rename, which changes st_ctime.
    if (committed != NULL && fstat(replacement->fd, committed) != 0) {
        return gen5_error_set_system(error, errno, "cannot look at %s", name);
    }
    return sync == GEN5_SYNC_FOLDER ? gen5_folder_sync(replacement->folder_fd, error) : GEN5_OK;
}
