// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Files that a command makes.
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interruption.h"

static enum gen5_status open_folder(struct new_file *file, const char *path,
                                    struct gen5_error *error) {
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    if (folder == NULL) {
        return gen5_error_set_memory(error);
    }
    file->name = slash == NULL ? path : slash + 1;
    file->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int problem = errno;
    free(folder);
    return file->folder_fd >= 0
               ? GEN5_OK
               : gen5_error_set_system(error, problem, "cannot open the folder that it is for");
}

static enum gen5_status refuse(const char *why, struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE, "%s", why);
}

enum gen5_status new_file_open(struct new_file *file, const char *path, bool overwrite,
                               struct gen5_error *error) {
    struct stat attributes;
    enum gen5_status status = open_folder(file, path, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (file->name[0] == '\0') {
        return refuse("is the name of a folder", error);
    }
    if (fstatat(file->folder_fd, file->name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? GEN5_OK : gen5_error_set_system(error, errno, "cannot look at it");
    }
    if (!S_ISREG(attributes.st_mode)) {
        return refuse("exists, and is no regular file", error);
    }
    if (!overwrite) {
        return refuse("exists; use -f to replace it", error);
    }
    file->old_fd = openat(file->folder_fd, file->name,
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file->old_fd < 0 || fstat(file->old_fd, &attributes) != 0) {
        return gen5_error_set_system(error, errno, "cannot open what it replaces");
    }
    file->old = gen5_identity_of(&attributes);
    return GEN5_OK;
}

enum gen5_status new_file_begin(struct new_file *file, struct gen5_error *error) {
    return gen5_replacement_begin(&file->replacement, file->folder_fd, file->old_fd, error);
}

enum gen5_status new_file_commit(struct new_file *file, struct gen5_error *error) {
    if (interruption_came()) {
        return GEN5_OK;
    }
    const struct gen5_identity *old = file->old_fd >= 0 ? &file->old : NULL;
    return gen5_replacement_commit(&file->replacement, file->name, old, GEN5_SYNC_FILE, NULL,
                                   error);
}

void new_file_release(struct new_file *file) {
    gen5_replacement_release(&file->replacement);
    if (file->folder_fd >= 0) {
        close(file->folder_fd);
    }
    if (file->old_fd >= 0) {
        close(file->old_fd);
    }
    *file = (struct new_file)NEW_FILE_NONE;
}
