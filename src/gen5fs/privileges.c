// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Giving up privileges, by landlock(7) and seccomp(2).
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#ifdef GEN5FS_SECCOMP
#include <seccomp.h>
#endif

#include "filesystem.h"
#include "snapshot.h"

// Before this version a process that Landlock confines cannot rename between folders at all.
enum { LANDLOCK_VERSION_MIN = 2, LANDLOCK_VERSION_TRUNCATE = 3 };

// Of Linux 6.2, whose header the build may lack.
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)

static const uint64_t rights_to_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t rights_to_change =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;

static bool allow_below(int ruleset, int folder, uint64_t rights) {
    const struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = folder};
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

// A folder that is not there needs no rule.
static bool allow_below_path(int ruleset, const char *path, uint64_t rights) {
    int folder = open(path, O_PATH | O_CLOEXEC);
    bool allowed = folder < 0 || allow_below(ruleset, folder, rights);
    if (folder >= 0) {
        close(folder);
    }
    return allowed;
}

// Whether large payloads are decoded to unnamed files elsewhere.
static bool decodes_elsewhere(const struct filesystem *filesystem) {
    int fd = filesystem->read_only
                 ? -1
                 : openat(filesystem->source_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0;
}

// Files of the source alone; and of the system's, what tells of mounts and ends a connection.
static bool confine_to_source(const struct filesystem *filesystem) {
    const long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < LANDLOCK_VERSION_MIN) {
        return false;
    }
    const uint64_t change =
        rights_to_change | (version >= LANDLOCK_VERSION_TRUNCATE ? ACCESS_FS_TRUNCATE : 0);
    const struct landlock_ruleset_attr attributes = {
        .handled_access_fs = rights_to_read | change | LANDLOCK_ACCESS_FS_EXECUTE};
    const int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) {
        return false;
    }
    const uint64_t own = filesystem->read_only ? rights_to_read : rights_to_read | change;
    bool confined =
        allow_below(ruleset, filesystem->source_fd, own) &&
        allow_below_path(ruleset, "/proc", rights_to_read) &&
        allow_below_path(ruleset, "/sys/fs/fuse/connections", LANDLOCK_ACCESS_FS_WRITE_FILE) &&
        // Which goes to the background with its standard streams.
        allow_below_path(ruleset, "/dev/null",
                         LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE) &&
        (!decodes_elsewhere(filesystem) ||
         allow_below_path(ruleset, snapshot_temporary_folder(),
                          LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                              LANDLOCK_ACCESS_FS_MAKE_REG)) &&
        syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return confined;
}

#ifdef GEN5FS_SECCOMP

// What changes the system, reaches into other processes, or runs programs. A list of what is
// forbidden and not of what is allowed: the C library's own calls differ from version to version.
static const int forbidden_calls[] = {
    SCMP_SYS(acct),
    SCMP_SYS(add_key),
    SCMP_SYS(adjtimex),
    SCMP_SYS(bpf),
    SCMP_SYS(chroot),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(clock_settime),
    SCMP_SYS(delete_module),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(finit_module),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fspick),
    SCMP_SYS(init_module),
    SCMP_SYS(kcmp),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(kexec_load),
    SCMP_SYS(keyctl),
    SCMP_SYS(mount),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(move_mount),
    SCMP_SYS(move_pages),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(open_tree),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pivot_root),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
// The leak checker holds up the process that it checks.
#ifndef __SANITIZE_ADDRESS__
    SCMP_SYS(ptrace),
#endif
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(reboot),
    SCMP_SYS(request_key),
    SCMP_SYS(setdomainname),
    SCMP_SYS(sethostname),
    SCMP_SYS(setns),
    SCMP_SYS(settimeofday),
    SCMP_SYS(swapoff),
    SCMP_SYS(swapon),
    SCMP_SYS(syslog),
    SCMP_SYS(umount2),
    SCMP_SYS(unshare),
    SCMP_SYS(userfaultfd),
};

static bool forbid(scmp_filter_ctx filter) {
    const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
    for (size_t i = 0; i < sizeof forbidden_calls / sizeof *forbidden_calls; i++) {
        const int problem = seccomp_rule_add(filter, refuse, forbidden_calls[i], 0);
        if (problem != 0 && problem != -EDOM) { // The machine has no such call.
            return false;
        }
    }
    // Sockets for the system's log alone. The second operand, which NE has no use for, is what
    // clang misses.
    const struct scmp_arg_cmp other_family = SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0);
    return seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 1, other_family) == 0;
}

static bool forbid_calls(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) {
        return false;
    }
    bool forbidden = forbid(filter) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return forbidden;
}

#else

static bool forbid_calls(void) {
    return false;
}

#endif

const char *privileges_give_up(const struct filesystem *filesystem) {
    static const char *const in_force[2][2] = {
        {"no new privileges",
         "no new privileges; no system calls that change the system (seccomp)"},
        {"no new privileges; no files but the source's (Landlock)",
         "no new privileges; no files but the source's (Landlock); no system calls that change the "
         "system (seccomp)"}};
    tzset(); // Which reads a file.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return "all privileges";
    }
    const bool confined = confine_to_source(filesystem);
    const bool forbidden = forbid_calls();
    return in_force[confined][forbidden];
}
