// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A library that stands between a program and the C library and makes the N-th call of chosen kinds
// fail, transfer less than it was asked to, wait, or be the program's last; and one that records
// what calls change on disk. Preloaded into the daemon, or linked to a test program.
//
// It is told what to do by a `struct faults`, in the file that GEN5_FAULTS names (faulty.py writes
// there) or, without that, in memory. It records to the file that GEN5_FAULTS_RECORD names.
#ifndef GEN5FS_TESTS_FAULTS_H
#define GEN5FS_TESTS_FAULTS_H

#include <stdatomic.h>
#include <stdint.h>

// faulty.py has the same names in the same order.
enum fault_call {
    FAULT_WRITE, // write, pwrite and pwritev2
    FAULT_COPY,  // copy_file_range
    FAULT_TRUNCATE,
    FAULT_ALLOCATE,
    FAULT_SYNC,
    FAULT_OPEN,
    FAULT_RENAME,
    FAULT_LINK, // linkat, symlinkat and mknodat
    FAULT_UNLINK,
    FAULT_MKDIR,
    FAULT_MODE,  // fchmod and chmod
    FAULT_OWNER, // fchown, fchownat and chown
    FAULT_TIMES,
    FAULT_XATTR, // of a descriptor or a path: get, list, set, remove
    FAULT_STAT,  // fstat, fstatat and statx
    FAULT_READ,  // pread
    FAULT_READLINK,
    FAULT_LOCK,
    FAULT_DUPLICATE,
    FAULT_CLOSE,
    FAULT_MEMORY_FILE, // memfd_create
    FAULT_RANDOM,
    FAULT_MAP,
    FAULT_THREAD,
    FAULT_MALLOC, // malloc, calloc, realloc and posix_memalign
    FAULT_PRUNE,  // writev that asks the kernel to forget (FUSE_NOTIFY_PRUNE)
    FAULT_CALLS
};

enum fault_action {
    FAULT_NONE,
    FAULT_FAIL,       // nothing is done
    FAULT_FAIL_AFTER, // it is done, and an error is told all the same
    FAULT_SHORT,      // half of the bytes; calls that transfer none are left alone
    FAULT_KILL,       // SIGKILL before it is done
    FAULT_HOLD,       // it waits until `action` is another
};

struct fault_rule {
    _Atomic uint64_t action;
    _Atomic uint64_t calls;  // bits: 1 << enum fault_call
    _Atomic uint64_t number; // the call that it happens to, from 1
    _Atomic uint64_t lasts;  // 1: it happens to all that follow too
    _Atomic uint64_t error;  // the errno
    _Atomic uint64_t counted;
    _Atomic uint64_t fired;
};

// A call that two rules concern is counted by both, and the first that fires decides.
enum { FAULT_RULES = 2 };

struct faults {
    struct fault_rule rules[FAULT_RULES];
    _Atomic uint64_t records; // 1: what is changed is recorded
};

__attribute__((visibility("default"))) struct faults *faults_control(void);

#endif
