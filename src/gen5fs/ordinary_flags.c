// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Flags of the source's files and folders: lsattr(1) and chattr(1).
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ordinary.h"

// Flags that only root may change.
enum { PRIVILEGED_FLAGS = FS_IMMUTABLE_FL | FS_APPEND_FL };

// The kernel checks this since Linux 5.13; before, it passes every ioctl on.
static int check_flags(const struct filesystem *filesystem, int fd, const struct caller *caller,
                       unsigned int flags) {
    struct stat attributes;
    unsigned int now = 0;
    if (!caller_is_limited(filesystem, caller)) {
        return 0;
    }
    if (fstat(fd, &attributes) != 0 || ioctl(fd, FS_IOC_GETFLAGS, &now) != 0) {
        return errno;
    }
    return attributes.st_uid != caller->uid || ((now ^ flags) & PRIVILEGED_FLAGS) != 0 ? EPERM : 0;
}

static int set_flags(struct filesystem *filesystem, struct node *node, int fd,
                     const struct caller *caller, const struct ordinary_ioctl *call) {
    unsigned int flags = 0;
    if (call->in_size < sizeof flags) {
        return EINVAL;
    }
    memcpy(&flags, call->in, sizeof flags);
    int problem = ordinary_check_change(filesystem, node);
    if (problem == 0) {
        problem = check_flags(filesystem, fd, caller, flags);
    }
    if (problem != 0) {
        return problem;
    }
    enum ordinary_state before = ordinary_change_begin(filesystem, node);
    problem = ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0 ? errno : 0;
    ordinary_change_end_same_bytes(filesystem, node, before);
    return problem;
}

// Ask with a buffer that the answer fits in.
static int get(int fd, struct ordinary_ioctl *call, size_t size) {
    if (call->out_size < size) {
        return EINVAL;
    }
    call->out_size = size;
    return ioctl(fd, call->request, call->out) != 0 ? errno : 0;
}

static int answer(struct filesystem *filesystem, struct node *node, int fd,
                  const struct caller *caller, struct ordinary_ioctl *call) {
    switch (call->request) {
    case FS_IOC_GETFLAGS:
        return get(fd, call, sizeof(unsigned int));
    case FS_IOC_FSGETXATTR:
        return get(fd, call, sizeof(struct fsxattr));
    case FS_IOC_SETFLAGS:
        call->out_size = 0;
        return set_flags(filesystem, node, fd, caller, call);
    default:
        return ENOTTY;
    }
}

int ordinary_ioctl(struct filesystem *filesystem, struct node *node, struct handle *handle,
                   const struct caller *caller, struct ordinary_ioctl *call) {
    if (!S_ISDIR(node->type)) {
        return handle != NULL ? answer(filesystem, node, handle->fd, caller, call) : ENOTTY;
    }
    int fd = openat(node->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int problem = answer(filesystem, node, fd, caller, call);
    close(fd);
    return problem;
}
