// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Attributes of the source's things, extended ones included.
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "access_list.h"
#include "descriptors.h"
#include "ordinary.h"

static int attributes_of(struct filesystem *filesystem, struct node *node,
                         const struct handle *handle, struct stat *attributes) {
    if (handle != NULL) {
        return fstat(handle->fd, attributes) != 0 ? errno : 0;
    }
    int problem = descriptor_hold(filesystem, node);
    if (problem == 0) {
        problem = fstat(node->fd, attributes) != 0 ? errno : 0;
        descriptor_release(node);
    }
    return problem;
}

int ordinary_getattr(struct filesystem *filesystem, struct node *node, struct handle *handle,
                     struct stat *attributes) {
    if (handle == NULL) {
        int problem = ordinary_check_kind(filesystem, node);
        if (problem != 0) {
            return problem;
        }
    }
    int problem = attributes_of(filesystem, node, handle, attributes);
    if (problem != 0) {
        return problem;
    }
    ordinary_looked_at(filesystem, node, attributes);
    return 0;
}

// fchmod(2) and its kin name no handle: while somebody has the file open, and is not just closing
// it, the change may be one of theirs.
static int check_place_of_unopened(struct filesystem *filesystem, struct node *node,
                                   const struct caller *caller) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool open = node->readers > 0 || node->writers > node->writers_flushed;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return open ? 0 : ordinary_check_place(filesystem, node, caller);
}

static struct timespec time_to_set(int to_set, int given, int now, struct timespec time) {
    if ((to_set & now) != 0) {
        return (struct timespec){.tv_nsec = UTIME_NOW};
    }
    return (to_set & given) != 0 ? time : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(struct node *node, const struct stat *attributes, int to_set) {
    const struct timespec times[2] = {
        time_to_set(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attributes->st_atim),
        time_to_set(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attributes->st_mtim)};
    return utimensat(node->fd, "", times, AT_EMPTY_PATH) != 0 ? errno : 0;
}

static int set_owner(struct node *node, const struct stat *attributes, int to_set) {
    uid_t uid = (to_set & FUSE_SET_ATTR_UID) != 0 ? attributes->st_uid : (uid_t)-1;
    gid_t gid = (to_set & FUSE_SET_ATTR_GID) != 0 ? attributes->st_gid : (gid_t)-1;
    return fchownat(node->fd, "", uid, gid, AT_EMPTY_PATH) != 0 ? errno : 0;
}

static int set_size(struct node *node, struct handle *handle, off_t size) {
    int result;
    do {
        result = handle != NULL && handle->writes
                     ? ftruncate(handle->fd, size)
                     : truncate(descriptor_path_of(node->fd).text, size);
    } while (result != 0 && errno == EINTR);
    return result != 0 ? errno : 0;
}

static int set_mode(struct node *node, mode_t mode) {
    if (S_ISLNK(node->type)) {
        return EOPNOTSUPP;
    }
    return chmod(descriptor_path_of(node->fd).text, mode & ~(mode_t)S_IFMT) != 0 ? errno : 0;
}

// chown(2) that leaves both as they are asks for nothing, and yet is one.
static bool sets_owner(int to_set) {
    return (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0 || to_set == 0;
}

static bool takes_set_id_bits(int to_set) {
    return sets_owner(to_set) || (to_set & FUSE_SET_ATTR_SIZE) != 0;
}

// A change of owner or size takes the set-id bits away and sets times: so those come later.
static int set_all(struct node *node, struct handle *handle, const struct stat *attributes,
                   int to_set) {
    const int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME |
                      FUSE_SET_ATTR_MTIME_NOW;
    int problem = sets_owner(to_set) ? set_owner(node, attributes, to_set) : 0;
    if (problem == 0 && (to_set & FUSE_SET_ATTR_SIZE) != 0) {
        problem = set_size(node, handle, attributes->st_size);
    }
    if (problem == 0 && (to_set & FUSE_SET_ATTR_MODE) != 0) {
        problem = set_mode(node, attributes->st_mode);
    }
    if (problem == 0 && (to_set & times) != 0) {
        problem = set_times(node, attributes, to_set);
    }
    return problem;
}

// The set-id bits that a file loses when this caller changes its bytes, its size or its owner. For
// a daemon that may keep them the source's file system takes none away. The kernel does, but not
// when a file is emptied by opening it, and never set-group-id without x for the group, which it
// leaves to those who know the caller's groups.
static mode_t set_id_bits_lost(const struct filesystem *filesystem, int fd,
                               const struct caller *caller) {
    struct stat attributes;
    if (!caller_is_limited(filesystem, caller) || fstat(fd, &attributes) != 0 ||
        !S_ISREG(attributes.st_mode)) {
        return 0;
    }
    mode_t lost = attributes.st_mode & S_ISUID;
    if ((attributes.st_mode & S_ISGID) != 0 &&
        ((attributes.st_mode & S_IXGRP) != 0 || !caller_is_in_group(caller, attributes.st_gid))) {
        lost |= S_ISGID;
    }
    return lost;
}

static void take_bits(int fd, mode_t lost) {
    struct stat attributes;
    if (fstat(fd, &attributes) == 0 && (attributes.st_mode & lost) != 0 &&
        chmod(descriptor_path_of(fd).text, attributes.st_mode & 07777 & ~lost) != 0) {
        note("cannot take the set-id bits from a changed file: %s", strerror(errno));
    }
}

void ordinary_drop_set_id_bits(struct filesystem *filesystem, struct node *node, int fd,
                               const struct caller *caller) {
    mode_t lost = set_id_bits_lost(filesystem, fd, caller);
    if (lost != 0) {
        enum ordinary_state before = ordinary_change_begin(filesystem, node);
        take_bits(fd, lost);
        ordinary_change_end_same_bytes(filesystem, node, before);
    }
}

int ordinary_setattr(struct filesystem *filesystem, struct node *node, struct handle *handle,
                     const struct caller *caller, struct stat *attributes, int to_set) {
    int problem = ordinary_check_change(filesystem, node);
    if (problem == 0 && handle == NULL) {
        problem = ordinary_check_kind(filesystem, node);
    }
    if (problem == 0 && handle == NULL) {
        problem = check_place_of_unopened(filesystem, node, caller);
    }
    if (problem != 0) {
        return problem;
    }
    enum ordinary_state before = ordinary_change_begin(filesystem, node);
    // As its group is before it gets another.
    mode_t lost = takes_set_id_bits(to_set) ? set_id_bits_lost(filesystem, node->fd, caller) : 0;
    problem = set_all(node, handle, attributes, to_set);
    if (problem == 0 && lost != 0) {
        take_bits(node->fd, lost);
    }
    ordinary_change_end(filesystem, node);
    ordinary_change_tell(filesystem, node, before);
    if (problem == 0 && fstat(node->fd, attributes) != 0) {
        problem = errno;
    }
    return problem;
}

int ordinary_readlink(struct node *node, char *target, size_t size) {
    ssize_t length = readlinkat(node->fd, "", target, size);
    if (length < 0) {
        // An empty path gives ENOENT for what is no symlink.
        return errno == ENOENT ? EINVAL : errno;
    }
    if ((size_t)length >= size) {
        return ENAMETOOLONG;
    }
    target[length] = '\0';
    return 0;
}

int ordinary_statfs(struct filesystem *filesystem, struct node *node, struct statvfs *about) {
    int fd = node != NULL && node->kind == NODE_SOURCE ? node->fd : filesystem->source_fd;
    return fstatvfs(fd, about) != 0 ? errno : 0;
}

static bool has_prefix(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

bool ordinary_xattr_unsupported(const struct node *node, const char *name) {
    return (has_prefix(name, "system.") && !access_list_is_name(name)) ||
           (has_prefix(name, "security.") && node->kind != NODE_SOURCE);
}

int ordinary_getxattr(struct node *node, const char *name, char *value, size_t size, size_t *got) {
    ssize_t length = getxattr(descriptor_path_of(node->fd).text, name, value, size);
    *got = length < 0 ? 0 : (size_t)length;
    if (length < 0 && access_list_is_name(name)) {
        // The kernel takes another error for a reason to refuse access.
        return errno == EOPNOTSUPP ? ENODATA : errno;
    }
    if (length < 0) {
        // ls(1) asks for this of every file, but stops at the first that says it has no such thing.
        return errno == ENODATA && has_prefix(name, "security.") ? EOPNOTSUPP : errno;
    }
    return 0;
}

// Take the names out that could not be got, and of which others than root are not to know.
static size_t drop_unsupported(const struct node *node, const struct caller *caller, char *names,
                               size_t length) {
    size_t kept = 0;
    for (size_t at = 0; at < length;) {
        size_t one = strnlen(names + at, length - at) + 1;
        if (at + one > length) {
            break;
        }
        bool secret = has_prefix(names + at, "trusted.") && caller->uid != 0;
        if (!secret && !ordinary_xattr_unsupported(node, names + at)) {
            memmove(names + kept, names + at, one);
            kept += one;
        }
        at += one;
    }
    return kept;
}

int ordinary_listxattr(struct node *node, const struct caller *caller, char *names, size_t size,
                       size_t *got) {
    *got = 0;
    ssize_t length = listxattr(descriptor_path_of(node->fd).text, names, size);
    if (length < 0) {
        return errno;
    }
    // Asked for the length alone, more than enough is right as well.
    *got = size == 0 ? (size_t)length : drop_unsupported(node, caller, names, (size_t)length);
    return 0;
}

// Who is not in a file's group may not hand the group's rights on, nor keep them by way of a list.
static int drop_set_group_id(const struct node *node, const struct caller *caller) {
    struct stat attributes;
    if (fstat(node->fd, &attributes) != 0) {
        return errno;
    }
    if ((attributes.st_mode & S_ISGID) == 0 || caller_is_in_group(caller, attributes.st_gid)) {
        return 0;
    }
    mode_t mode = attributes.st_mode & (mode_t)(07777 & ~S_ISGID);
    return chmod(descriptor_path_of(node->fd).text, mode) != 0 ? errno : 0;
}

int ordinary_setxattr(struct filesystem *filesystem, struct node *node, const struct caller *caller,
                      const char *name, const char *value, size_t size, int flags) {
    int problem = ordinary_check_change(filesystem, node);
    if (problem == 0) {
        problem = check_place_of_unopened(filesystem, node, caller);
    }
    if (problem != 0) {
        return problem;
    }
    enum ordinary_state before = ordinary_change_begin(filesystem, node);
    problem =
        setxattr(descriptor_path_of(node->fd).text, name, value, size, flags) != 0 ? errno : 0;
    if (problem == 0 && strcmp(name, ACCESS_LIST_NAME) == 0 &&
        caller_is_limited(filesystem, caller)) {
        problem = drop_set_group_id(node, caller);
    }
    ordinary_change_end_same_bytes(filesystem, node, before);
    return problem;
}

int ordinary_removexattr(struct filesystem *filesystem, struct node *node,
                         const struct caller *caller, const char *name) {
    int problem = ordinary_check_change(filesystem, node);
    if (problem == 0) {
        problem = check_place_of_unopened(filesystem, node, caller);
    }
    if (problem != 0) {
        return problem;
    }
    enum ordinary_state before = ordinary_change_begin(filesystem, node);
    problem = removexattr(descriptor_path_of(node->fd).text, name) != 0 ? errno : 0;
    ordinary_change_end_same_bytes(filesystem, node, before);
    return problem;
}
