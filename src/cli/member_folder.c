// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Folders of members, under a temporary name until they are whole.
#include "member_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder_names.h"
#include "member_names.h"

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, TRIES_MAX = 100 };

// --- Creating -----------------------------------------------------------------------------------

int folders_make(const char *path) {
    char *copy = strdup(path);
    if (copy == NULL) {
        return ENOMEM;
    }
    int problem = 0;
    // Each slash ends the name of a folder above, and the whole is the last.
    for (char *at = copy + strspn(copy, "/"); problem == 0 && *at != '\0';) {
        at += strcspn(at, "/");
        char end = *at;
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            // Above a folder that is there, nothing needs to be writable, and some cannot be asked.
            struct stat attributes;
            problem = errno;
            problem = stat(copy, &attributes) == 0 && S_ISDIR(attributes.st_mode) ? 0 : problem;
        }
        *at = end;
        at += strspn(at, "/");
    }
    struct stat attributes;
    if (problem == 0 && stat(path, &attributes) != 0) {
        problem = errno;
    } else if (problem == 0 && !S_ISDIR(attributes.st_mode)) {
        problem = ENOTDIR;
    }
    free(copy);
    return problem;
}

// The path of the folder in which `path` lies, in new memory.
static char *parent_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

int folders_make_above(const char *path) {
    char *parent = parent_of(path);
    int problem = parent != NULL ? folders_make(parent) : ENOMEM;
    free(parent);
    return problem;
}

static int open_parent(struct member_folder *folder, const char *path) {
    const char *slash = strrchr(path, '/');
    folder->name = slash != NULL ? slash + 1 : path;
    char *parent = parent_of(path);
    if (parent == NULL) {
        return ENOMEM;
    }
    int problem = folders_make(parent);
    if (problem == 0) {
        // The parent may be a link: it is where the user pointed to.
        folder->parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        problem = folder->parent_fd < 0 ? errno : 0;
    }
    free(parent);
    return problem;
}

int member_folder_begin(struct member_folder *folder, const char *path) {
    int problem = open_parent(folder, path);
    for (int i = 0; problem == 0 && i < TRIES_MAX; i++) {
        char name[GEN5_TEMPORARY_NAME_SIZE];
        struct gen5_error error;
        if (gen5_temporary_name_make(name, &error) != GEN5_OK) {
            return gen5_error_errno(&error);
        }
        if (mkdirat(folder->parent_fd, name, 0777) != 0) {
            problem = errno != EEXIST ? errno : 0;
            continue;
        }
        memcpy(folder->temporary, name, sizeof name);
        folder->fd = openat(folder->parent_fd, name, FOLDER_FLAGS);
        return folder->fd < 0 ? errno : 0;
    }
    return problem != 0 ? problem : EEXIST;
}

// --- Removing -----------------------------------------------------------------------------------

static int remove_file(void *context, const char *name) {
    unlinkat(*(const int *)context, name, 0);
    return 0;
}

// Nothing but gen5fs has written into a temporary, so there is nothing else in it than files and
// the folder of latents.
static void remove_temporary(struct member_folder *folder) {
    int latents_fd = openat(folder->fd, MEMBER_LATENTS, FOLDER_FLAGS);
    if (latents_fd >= 0) {
        folder_names_visit(latents_fd, remove_file, &latents_fd);
        close(latents_fd);
        unlinkat(folder->fd, MEMBER_LATENTS, AT_REMOVEDIR);
    }
    folder_names_visit(folder->fd, remove_file, &folder->fd);
    unlinkat(folder->parent_fd, folder->temporary, AT_REMOVEDIR);
}

void member_folder_release(struct member_folder *folder) {
    if (folder->fd >= 0 && folder->temporary[0] != '\0') {
        remove_temporary(folder);
    } else if (folder->temporary[0] != '\0') {
        unlinkat(folder->parent_fd, folder->temporary, AT_REMOVEDIR);
    }
    if (folder->fd >= 0) {
        close(folder->fd);
    }
    if (folder->parent_fd >= 0) {
        close(folder->parent_fd);
    }
    *folder = (struct member_folder)MEMBER_FOLDER_NONE;
}

// --- Committing ---------------------------------------------------------------------------------

// Files that replace others.
struct merge {
    int from_fd; // -1 where there is no new folder: all members of the old one are stale
    int to_fd;
    bool (*is_member)(const char *name);
};

static bool has(int fd, const char *name) {
    struct stat attributes;
    return fd >= 0 && (fstatat(fd, name, &attributes, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT);
}

// A member of the old folder that the new one does not have.
static int remove_stale(void *context, const char *name) {
    const struct merge *merge = context;
    bool stale = merge->is_member(name) && !has(merge->from_fd, name);
    return stale && unlinkat(merge->to_fd, name, 0) != 0 ? errno : 0;
}

static int move_file(void *context, const char *name) {
    const struct merge *merge = context;
    if (strcmp(name, MEMBER_LATENTS) == 0) {
        return 0;
    }
    return renameat(merge->from_fd, name, merge->to_fd, name) != 0 ? errno : 0;
}

static int merge_files(struct merge *merge) {
    int problem = folder_names_visit(merge->to_fd, remove_stale, merge);
    if (problem == 0 && merge->from_fd >= 0) {
        problem = folder_names_visit(merge->from_fd, move_file, merge);
    }
    return problem;
}

// The folder of latents, of which the new folder has one, or the old one, or both, or neither.
static int merge_latents(int from_fd, int to_fd) {
    struct merge merge = {
        .from_fd = openat(from_fd, MEMBER_LATENTS, FOLDER_FLAGS),
        .to_fd = -1,
        .is_member = member_name_is_latent,
    };
    bool wanted = merge.from_fd >= 0;
    int problem =
        wanted && mkdirat(to_fd, MEMBER_LATENTS, 0777) != 0 && errno != EEXIST ? errno : 0;
    if (problem == 0) {
        merge.to_fd = openat(to_fd, MEMBER_LATENTS, FOLDER_FLAGS);
        problem = merge.to_fd < 0 && (wanted || errno != ENOENT) ? errno : 0;
    }
    if (merge.to_fd >= 0) {
        problem = merge_files(&merge);
        close(merge.to_fd);
    }
    if (merge.from_fd >= 0) {
        close(merge.from_fd);
    }
    if (problem == 0 && !wanted) {
        unlinkat(to_fd, MEMBER_LATENTS, AT_REMOVEDIR); // unless something else is in it
    }
    return problem;
}

static int merge_into(const struct member_folder *folder) {
    int old_fd = openat(folder->parent_fd, folder->name, FOLDER_FLAGS);
    if (old_fd < 0) {
        return errno == ELOOP ? ENOTDIR : errno;
    }
    int problem = merge_latents(folder->fd, old_fd);
    if (problem == 0) {
        struct merge merge = {folder->fd, old_fd, member_name_is_any};
        problem = merge_files(&merge);
    }
    close(old_fd);
    return problem;
}

int member_folder_commit(struct member_folder *folder, bool overwrite) {
    int problem = 0;
    if (renameat2(folder->parent_fd, folder->temporary, folder->parent_fd, folder->name,
                  RENAME_NOREPLACE) != 0) {
        problem = errno;
    }
    if (problem == EINVAL || problem == ENOSYS) {
        // A file system without RENAME_NOREPLACE. rename(2) replaces an empty folder alone.
        struct stat attributes;
        problem =
            fstatat(folder->parent_fd, folder->name, &attributes, AT_SYMLINK_NOFOLLOW) == 0 ? EEXIST
            : renameat(folder->parent_fd, folder->temporary, folder->parent_fd, folder->name) != 0
                ? errno
                : 0;
    }
    if (problem == 0) {
        folder->temporary[0] = '\0';
        return 0;
    }
    return problem == EEXIST && overwrite ? merge_into(folder) : problem;
}
