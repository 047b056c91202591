// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The owner of what a thread creates: Linux's file-system user and group, which are a thread's own.
#define FUSE_USE_VERSION 35
#include "caller.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filesystem.h"

static bool is_needed(const struct filesystem *filesystem, const struct caller *caller) {
    return filesystem->daemon_uid == 0 && (caller->uid != 0 || caller->gid != getegid());
}

// setfsuid(2) takes away the capabilities that concern files; they are still permitted.
static void take_back_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) {
        return;
    }
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].effective = data[i].permitted;
    }
    // Where this fails, the source's own checks decide with what the caller's first group may do.
    syscall(SYS_capset, &header, data);
}

void caller_begin(const struct filesystem *filesystem, const struct caller *caller) {
    if (!is_needed(filesystem, caller)) {
        return;
    }
    setfsgid(caller->gid);
    if (caller->uid != 0) {
        setfsuid(caller->uid);
        take_back_capabilities();
    }
}

void caller_end(const struct filesystem *filesystem, const struct caller *caller) {
    if (!is_needed(filesystem, caller)) {
        return;
    }
    int problem = errno;
    setfsuid(filesystem->daemon_uid);
    setfsgid(getegid());
    errno = problem;
}

bool caller_is_limited(const struct filesystem *filesystem, const struct caller *caller) {
    return filesystem->daemon_uid == 0 && caller->uid != 0;
}

bool caller_is_in_group(const struct caller *caller, gid_t gid) {
    if (caller->gid == gid) {
        return true;
    }
    int count = fuse_req_getgroups(caller->request, 0, NULL);
    gid_t *groups = count > 0 ? calloc((size_t)count, sizeof *groups) : NULL;
    int got = groups != NULL ? fuse_req_getgroups(caller->request, count, groups) : 0;
    bool found = false;
    for (int i = 0; i < got && i < count && !found; i++) {
        found = groups[i] == gid;
    }
    free(groups);
    return found;
}
