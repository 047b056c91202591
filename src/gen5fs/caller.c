// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The owner of what a thread creates: Linux's file-system user and group, which are a thread's own.
#include "caller.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filesystem.h"

#define GROUPS_LINE "Groups:"

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

// proc(5): the line "Groups:" of /proc/TID/status has them all. Not fuse_req_getgroups, which looks
// for it in a text that it has not ended with a zero.
bool caller_is_in_group(const struct caller *caller, gid_t gid) {
    char path[64];
    char *line = NULL;
    size_t size = 0;
    bool found = caller->gid == gid;
    snprintf(path, sizeof path, "/proc/%d/status", (int)caller->pid);
    FILE *status = found ? NULL : fopen(path, "re");
    while (status != NULL && getline(&line, &size, status) > 0) {
        if (strncmp(line, GROUPS_LINE, strlen(GROUPS_LINE)) != 0) {
            continue;
        }
        char *end = line + strlen(GROUPS_LINE);
        for (char *at = NULL; at != end && !found;) {
            at = end;
            found = strtoul(at, &end, 10) == gid && end != at;
        }
        break;
    }
    free(line);
    if (status != NULL) {
        fclose(status);
    }
    return found;
}
