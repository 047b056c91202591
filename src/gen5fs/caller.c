// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The owner of what a thread creates: Linux's file-system user and group, which are a thread's own.
#include "caller.h"

#include <errno.h>
#include <linux/capability.h>
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
