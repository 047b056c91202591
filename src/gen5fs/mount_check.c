// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Checks before mounting. Each message names the path, says what is wrong and what to do about it.
#include "mount_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "mount_daemon.h"
#include "mount_table.h"
#include "shell_word.h"

#define CONTAINER_SUFFIX ".gen5"
#define FUSE_DEVICE "/dev/fuse"
#define FUSE_CONFIGURATION "/etc/fuse.conf"
#define MOUNT_HELPER "fusermount3"

__attribute__((format(printf, 3, 4))) static enum gen5fs_mount_status
fail(struct mount_problem *problem, enum gen5fs_mount_status status, const char *format, ...) {
    problem->status = status;
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(problem->message, sizeof problem->message, format, arguments) < 0) {
        problem->message[0] = '\0';
    }
    va_end(arguments);
    return status;
}

static void remove_trailing_slashes(char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        path[--length] = '\0';
    }
}

// New memory, or NULL with errno. Symbolic links stay as they are.
static char *absolute_path(const char *path) {
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
        path += strspn(path, "/");
    }
    char *absolute = NULL;
    if (path[0] == '/') {
        absolute = strdup(path);
    } else {
        char *folder = getcwd(NULL, 0);
        if (folder == NULL) {
            return NULL;
        }
        bool here = path[0] == '\0' || strcmp(path, ".") == 0;
        const char *slash = strcmp(folder, "/") == 0 ? "" : "/";
        if (asprintf(&absolute, "%s%s%s", folder, here ? "" : slash, here ? "" : path) < 0) {
            absolute = NULL;
            errno = ENOMEM;
        }
        free(folder);
    }
    if (absolute != NULL) {
        remove_trailing_slashes(absolute);
    }
    return absolute;
}

// Something cannot be reached since the program behind a mount has ended.
static enum gen5fs_mount_status fail_dead(struct mount_problem *problem,
                                          enum gen5fs_mount_status status, const char *path) {
    struct mount_table table;
    char *absolute = absolute_path(path);
    const struct mount_entry *entry = NULL;
    if (mount_table_read(&table) == 0 && absolute != NULL) {
        entry = mount_table_find_around(&table, absolute);
    }
    const char *mountpoint = entry != NULL ? entry->mountpoint : path;
    const char *cure = "gen5fs umount";
    if (entry != NULL && !mount_entry_is_gen5fs(entry)) {
        cure = geteuid() == 0 ? "umount -l" : "fusermount3 -uz";
    }
    fail(problem, status, "%s: the program behind the mount on %s has ended; clear it with %s %s",
         path, mountpoint, cure, shell_word_of(mountpoint).text);
    mount_table_release(&table);
    free(absolute);
    return status;
}

// The topmost folder above an absolute path that may not be looked into: `path` is cut to it. false
// where there is none.
static bool cut_to_barring_folder(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0 && errno == EACCES) {
            return true;
        }
        *slash = '/';
    }
    return false;
}

static enum gen5fs_mount_status fail_permission(struct mount_problem *problem,
                                                enum gen5fs_mount_status status, const char *path) {
    char *above = absolute_path(path);
    if (above != NULL && cut_to_barring_folder(above)) {
        fail(problem, status,
             "%s: you may not pass the folder %s; see its permissions with ls -ld %s", path, above,
             shell_word_of(above).text);
    } else {
        fail(problem, status, "%s: %s", path, strerror(EACCES));
    }
    free(above);
    return status;
}

// Why a path cannot be used, for what open, stat and access all fail with.
static enum gen5fs_mount_status fail_path(struct mount_problem *problem,
                                          enum gen5fs_mount_status status, const char *path,
                                          int os_error) {
    if (mount_daemon_has_ended(os_error)) {
        return fail_dead(problem, status, path);
    }
    if (os_error == EACCES) {
        return fail_permission(problem, status, path);
    }
    return fail(problem, status, "%s: %s", path, strerror(os_error));
}

static bool has_container_suffix(const char *name) {
    size_t length = strlen(name);
    size_t suffix = strlen(CONTAINER_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, CONTAINER_SUFFIX) == 0;
}

// SOURCE is a regular file: the folder that holds it is mounted, and nothing else of it shown.
static enum gen5fs_mount_status find_container(const char *source, struct mount_target *target,
                                               struct mount_problem *problem) {
    char *path = realpath(source, NULL);
    if (path == NULL) {
        return fail_path(problem, GEN5FS_MOUNT_SOURCE, source, errno);
    }
    char *name = strrchr(path, '/') + 1;
    if (!has_container_suffix(name)) {
        free(path);
        return fail(problem, GEN5FS_MOUNT_SOURCE,
                    "%s: neither a folder nor a " CONTAINER_SUFFIX
                    " file; give the folder that holds the containers",
                    source);
    }
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 && errno == EACCES) {
        free(path);
        return fail(problem, GEN5FS_MOUNT_SOURCE,
                    "%s: you may not read this file; see its permissions with ls -ld %s", source,
                    shell_word_of(source).text);
    }
    target->only_name = strdup(name);
    name[name - path > 1 ? -1 : 0] = '\0';
    target->source_path = path;
    if (target->only_name == NULL) {
        return fail_path(problem, GEN5FS_MOUNT_SOURCE, source, ENOMEM);
    }
    return GEN5FS_MOUNT_DONE;
}

static enum gen5fs_mount_status find_source(const char *source, struct mount_target *target,
                                            struct mount_problem *problem) {
    struct stat attributes;
    if (stat(source, &attributes) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return fail(problem, GEN5FS_MOUNT_SOURCE,
                        "%s: no such folder; give the folder that holds the containers", source);
        }
        return fail_path(problem, GEN5FS_MOUNT_SOURCE, source, errno);
    }
    if (S_ISDIR(attributes.st_mode)) {
        target->source_path = absolute_path(source);
        return target->source_path != NULL ? GEN5FS_MOUNT_DONE
                                           : fail_path(problem, GEN5FS_MOUNT_SOURCE, source, errno);
    }
    if (S_ISREG(attributes.st_mode)) {
        return find_container(source, target, problem);
    }
    return fail(problem, GEN5FS_MOUNT_SOURCE,
                "%s: neither a folder nor a file; give the folder that holds the containers",
                source);
}

// stat may still answer for a dead mount, from what the kernel remembers; this asks.
static bool is_dead(const char *path) {
    return getxattr(path, GEN5FS_PID_ATTRIBUTE, NULL, 0) < 0 && mount_daemon_has_ended(errno);
}

static enum gen5fs_mount_status check_source(const char *source, struct mount_target *target,
                                             struct mount_problem *problem) {
    if (is_dead(source)) {
        return fail_path(problem, GEN5FS_MOUNT_SOURCE, source, ENOTCONN);
    }
    enum gen5fs_mount_status status = find_source(source, target, problem);
    if (status != GEN5FS_MOUNT_DONE) {
        return status;
    }
    target->source_fd = open(target->source_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target->source_fd < 0) {
        return fail_path(problem, GEN5FS_MOUNT_SOURCE, source, errno);
    }
    if (faccessat(AT_FDCWD, target->source_path, R_OK | X_OK, AT_EACCESS) != 0) {
        if (errno == EACCES) {
            return fail(problem, GEN5FS_MOUNT_SOURCE,
                        "%s: you may not read this folder; see its permissions with ls -ld %s",
                        target->source_path, shell_word_of(target->source_path).text);
        }
        return fail_path(problem, GEN5FS_MOUNT_SOURCE, target->source_path, errno);
    }
    return GEN5FS_MOUNT_DONE;
}

static enum gen5fs_mount_status check_entry(const char *path, const struct mount_entry *entry,
                                            struct mount_problem *problem) {
    if (entry == NULL || !mount_entry_is_gen5fs(entry)) {
        return GEN5FS_MOUNT_DONE;
    }
    if (mount_daemon_of(entry) == 0 && mount_daemon_has_ended(errno)) {
        return fail_dead(problem, GEN5FS_MOUNT_POINT, path);
    }
    return fail(
        problem, GEN5FS_MOUNT_POINT,
        "%s: gen5fs is mounted here already and shows %s; unmount it first with gen5fs umount "
        "%s",
        path, entry->source, shell_word_of(path).text);
}

// Two mounts on one folder hide each other, and a dead one would stay below for good.
static enum gen5fs_mount_status check_not_mounted(const char *path, struct mount_problem *problem) {
    struct mount_table table;
    char *resolved = mountpoint_resolve(path);
    enum gen5fs_mount_status status = GEN5FS_MOUNT_DONE;
    if (mount_table_read(&table) == 0 && resolved != NULL) {
        status = check_entry(path, mount_table_find(&table, resolved), problem);
    }
    mount_table_release(&table);
    free(resolved);
    return status;
}

static enum gen5fs_mount_status fail_mountpoint(struct mount_problem *problem, const char *path,
                                                int os_error) {
    switch (os_error) {
    case ENOENT:
        return fail(problem, GEN5FS_MOUNT_POINT,
                    "%s: no such folder to mount on; make it with mkdir -p %s", path,
                    shell_word_of(path).text);
    case ENOTDIR:
        return fail(problem, GEN5FS_MOUNT_POINT,
                    "%s: not a folder; give a folder to mount on, preferably an empty one", path);
    default:
        return fail_path(problem, GEN5FS_MOUNT_POINT, path, os_error);
    }
}

static enum gen5fs_mount_status check_mountpoint(const char *path, struct mount_target *target,
                                                 struct mount_problem *problem) {
    struct stat attributes;
    if (check_not_mounted(path, problem) != GEN5FS_MOUNT_DONE) {
        return problem->status;
    }
    if (is_dead(path)) {
        return fail_path(problem, GEN5FS_MOUNT_POINT, path, ENOTCONN);
    }
    if (stat(path, &attributes) != 0) {
        return fail_mountpoint(problem, path, errno);
    }
    if (!S_ISDIR(attributes.st_mode)) {
        return fail_mountpoint(problem, path, ENOTDIR);
    }
    target->mount_path = realpath(path, NULL);
    if (target->mount_path == NULL) {
        return fail_mountpoint(problem, path, errno);
    }
    // fusermount3's own rule, which it explains less well.
    const bool of_another = attributes.st_uid != geteuid();
    if (geteuid() != 0 && (((attributes.st_mode & S_ISVTX) != 0 && of_another) ||
                           faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)) {
        return fail(problem, GEN5FS_MOUNT_POINT,
                    "%s: not yours to mount on; choose a folder that belongs to you, and that you "
                    "may write in",
                    path);
    }
    return GEN5FS_MOUNT_DONE;
}

static enum gen5fs_mount_status check_device(struct mount_problem *problem) {
    int fd = open(FUSE_DEVICE, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return GEN5FS_MOUNT_DONE;
    }
    if (errno == ENOENT) {
        return fail(problem, GEN5FS_MOUNT_NO_FUSE,
                    "%s is absent; load the kernel's module with modprobe fuse, or start the "
                    "container with --device %s --cap-add SYS_ADMIN",
                    FUSE_DEVICE, FUSE_DEVICE);
    }
    if (errno == EACCES || errno == EPERM) {
        return fail(
            problem, GEN5FS_MOUNT_NO_FUSE,
            "%s may not be opened (%s); let everybody with chmod 666 %s, and start a container "
            "with --device %s",
            FUSE_DEVICE, strerror(errno), FUSE_DEVICE, FUSE_DEVICE);
    }
    return fail(problem, GEN5FS_MOUNT_NO_FUSE,
                "%s cannot be opened: %s; load the kernel's module with modprobe fuse", FUSE_DEVICE,
                strerror(errno));
}

static bool is_program(const char *path) {
    struct stat attributes;
    return stat(path, &attributes) == 0 && S_ISREG(attributes.st_mode) && access(path, X_OK) == 0;
}

static bool find_in_search_path(const char *name) {
    const char *folders = getenv("PATH");
    while (folders != NULL && *folders != '\0') {
        size_t length = strcspn(folders, ":");
        char path[PATH_MAX];
        int printed = snprintf(path, sizeof path, "%.*s/%s", (int)length, folders, name);
        if (printed > 0 && (size_t)printed < sizeof path && is_program(path)) {
            return true;
        }
        folders += length;
        folders += *folders == ':' ? 1 : 0;
    }
    return false;
}

// libfuse mounts by itself for root, and by its set-uid helper for others.
static enum gen5fs_mount_status check_helper(struct mount_problem *problem) {
    if (geteuid() == 0 || is_program("/usr/bin/" MOUNT_HELPER) ||
        is_program("/bin/" MOUNT_HELPER) || find_in_search_path(MOUNT_HELPER)) {
        return GEN5FS_MOUNT_DONE;
    }
    return fail(problem, GEN5FS_MOUNT_NO_HELPER,
                MOUNT_HELPER " is missing, without which only root can mount; install the "
                             "package fuse3");
}

static bool others_are_allowed(void) {
    FILE *stream = fopen(FUSE_CONFIGURATION, "re");
    if (stream == NULL) {
        return false;
    }
    bool allowed = false;
    char *line = NULL;
    size_t size = 0;
    while (!allowed && getline(&line, &size, stream) >= 0) {
        char word[32] = "";
        allowed = sscanf(line, " %31s", word) == 1 && strcmp(word, "user_allow_other") == 0;
    }
    free(line);
    fclose(stream);
    return allowed;
}

static enum gen5fs_mount_status check_allow_other(bool allow_other, struct mount_problem *problem) {
    if (!allow_other || geteuid() == 0 || others_are_allowed()) {
        return GEN5FS_MOUNT_DONE;
    }
    return fail(problem, GEN5FS_MOUNT_REFUSED,
                "allow_other: only root may let other users in; add the line user_allow_other "
                "to " FUSE_CONFIGURATION " or leave the option out");
}

enum gen5fs_mount_status mount_check(const struct gen5fs_mount_options *options,
                                     struct mount_target *target, struct mount_problem *problem) {
    *target = (struct mount_target){.source_fd = -1};
    enum gen5fs_mount_status status = check_source(options->source, target, problem);
    if (status == GEN5FS_MOUNT_DONE) {
        status = check_mountpoint(options->mountpoint, target, problem);
    }
    if (status == GEN5FS_MOUNT_DONE) {
        status = check_device(problem);
    }
    if (status == GEN5FS_MOUNT_DONE) {
        status = check_helper(problem);
    }
    if (status == GEN5FS_MOUNT_DONE) {
        status = check_allow_other(options->allow_other, problem);
    }
    if (status != GEN5FS_MOUNT_DONE) {
        mount_target_release(target);
    }
    return status;
}

void mount_target_release(struct mount_target *target) {
    free(target->source_path);
    free(target->only_name);
    free(target->mount_path);
    if (target->source_fd >= 0) {
        close(target->source_fd);
    }
    *target = (struct mount_target){.source_fd = -1};
}
