// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Calls of the C library, each asked for by its own name and by those that the headers give it.
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "recording.h"

#define EXPORT __attribute__((visibility("default")))

// The next library's function of this name.
static void *next_symbol(_Atomic(void *) *known, const char *name) {
    void *found = atomic_load(known);
    if (found == NULL) {
        found = dlsym(RTLD_NEXT, name);
        atomic_store(known, found);
    }
    return found;
}

#define NEXT(function)                                                                             \
    (__extension__({                                                                               \
        static _Atomic(void *) known;                                                              \
        (__typeof__(&(function)))next_symbol(&known, #function);                                   \
    }))

// --- What to do ---

static struct faults in_memory;
static _Atomic(struct faults *) control = &in_memory;

struct faults *faults_control(void) {
    return atomic_load(&control);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("GEN5_FAULTS");
    if (path == NULL) {
        return;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    void *mapped = fd < 0 ? MAP_FAILED
                          : (void *)syscall(SYS_mmap, NULL, sizeof(struct faults),
                                            PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        abort(); // A test that tests nothing must not pass.
    }
    syscall(SYS_close, fd);
    atomic_store(&control, mapped);
    recording_begin(getenv("GEN5_FAULTS_RECORD"));
}

static void hold(const struct fault_rule *rule) {
    while (atomic_load(&rule->action) == FAULT_HOLD) {
        syscall(SYS_nanosleep, &(struct timespec){0, 1000000}, NULL);
    }
}

// Whether the rule is about this call.
static bool fires(struct fault_rule *rule, enum fault_call call) {
    if (atomic_load(&rule->action) == FAULT_NONE || (atomic_load(&rule->calls) >> call & 1) == 0) {
        return false;
    }
    uint64_t number = atomic_fetch_add(&rule->counted, 1) + 1;
    uint64_t wanted = atomic_load(&rule->number);
    return number == wanted || (number > wanted && atomic_load(&rule->lasts) != 0);
}

// What is to happen to a call, and which errno it tells.
struct verdict {
    enum fault_action action;
    int error;
};

static struct verdict decide(enum fault_call call) {
    struct verdict verdict = {FAULT_NONE, 0};
    for (size_t i = FAULT_RULES; i-- > 0;) {
        struct fault_rule *rule = &faults_control()->rules[i];
        if (fires(rule, call)) {
            atomic_fetch_add(&rule->fired, 1);
            verdict.action = (enum fault_action)atomic_load(&rule->action);
            verdict.error = (int)atomic_load(&rule->error);
            if (verdict.action == FAULT_HOLD) {
                hold(rule);
                verdict.action = FAULT_NONE;
            }
        }
    }
    if (verdict.action == FAULT_KILL) {
        syscall(SYS_kill, getpid(), SIGKILL);
    }
    return verdict;
}

// Whether the call is not made at all. Sets errno then.
static bool fails(struct verdict verdict) {
    if (verdict.action == FAULT_FAIL) {
        errno = verdict.error;
    }
    return verdict.action == FAULT_FAIL;
}

static bool fails_at_once(enum fault_call call) {
    return fails(decide(call));
}

// What the caller is told of a call that has been made.
static long told(struct verdict verdict, long result) {
    if (verdict.action == FAULT_FAIL_AFTER && result >= 0) {
        errno = verdict.error;
        return -1;
    }
    return result;
}

static size_t shortened(struct verdict verdict, size_t size) {
    return verdict.action == FAULT_SHORT && size > 1 ? size / 2 : size;
}

// --- Bytes ---

EXPORT ssize_t write(int fd, const void *bytes, size_t size) {
    struct verdict verdict = decide(FAULT_WRITE);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    ssize_t result = NEXT(write)(fd, bytes, shortened(verdict, size));
    record_written(fd, bytes, result, -1);
    recording_unlock();
    return told(verdict, result);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    struct verdict verdict = decide(FAULT_WRITE);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    ssize_t result = NEXT(pwrite)(fd, bytes, shortened(verdict, size), offset);
    record_written(fd, bytes, result, offset);
    recording_unlock();
    return told(verdict, result);
}

// The project writes one piece at a time with it.
EXPORT ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    struct verdict verdict = decide(FAULT_WRITE);
    if (fails(verdict)) {
        return -1;
    }
    struct iovec first = pieces[0];
    first.iov_len = shortened(verdict, first.iov_len);
    recording_lock();
    ssize_t result = count == 1 ? NEXT(pwritev2)(fd, &first, 1, offset, flags)
                                : NEXT(pwritev2)(fd, pieces, count, offset, flags);
    record_written(fd, first.iov_base, result, (flags & RWF_APPEND) != 0 ? -1 : offset);
    recording_unlock();
    return told(verdict, result);
}

EXPORT ssize_t copy_file_range(int fd_in, off_t *offset_in, int fd_out, off_t *offset_out,
                               size_t size, unsigned int flags) {
    struct verdict verdict = decide(FAULT_COPY);
    if (fails(verdict)) {
        return -1;
    }
    off_t begins = offset_out != NULL ? *offset_out : -1;
    recording_lock();
    ssize_t result = NEXT(copy_file_range)(fd_in, offset_in, fd_out, offset_out,
                                           shortened(verdict, size), flags);
    record_copied(fd_out, result, begins);
    recording_unlock();
    return told(verdict, result);
}

EXPORT int ftruncate(int fd, off_t size) {
    struct verdict verdict = decide(FAULT_TRUNCATE);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = NEXT(ftruncate)(fd, size);
    record_truncated(fd, result, size);
    recording_unlock();
    return (int)told(verdict, result);
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t size) {
    struct verdict verdict = decide(FAULT_ALLOCATE);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(fallocate)(fd, mode, offset, size));
}

EXPORT ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
    struct verdict verdict = decide(FAULT_READ);
    if (fails(verdict)) {
        return -1;
    }
    return told(verdict, NEXT(pread)(fd, bytes, shortened(verdict, size), offset));
}

EXPORT ssize_t pread64(int fd, void *bytes, size_t size, off_t offset) {
    return pread(fd, bytes, size, offset);
}

EXPORT ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room);
ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room) {
    return size > room ? NEXT(__pread_chk)(fd, bytes, size, offset, room)
                       : pread(fd, bytes, size, offset);
}

// --- Syncing ---

static int sync_by(int (*real)(int), int fd) {
    struct verdict verdict = decide(FAULT_SYNC);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = real(fd);
    record_synced(fd, result);
    recording_unlock();
    return (int)told(verdict, result);
}

EXPORT int fsync(int fd) {
    return sync_by(NEXT(fsync), fd);
}

EXPORT int fdatasync(int fd) {
    return sync_by(NEXT(fdatasync), fd);
}

// --- Opening ---

static int open_by_number(int folder, const char *path, int flags, mode_t mode) {
    struct verdict verdict = decide(FAULT_OPEN);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = (int)syscall(SYS_openat, folder, path, flags, mode);
    record_opened(folder, path, flags, result);
    recording_unlock();
    if (verdict.action == FAULT_FAIL_AFTER && result >= 0) {
        syscall(SYS_close, result); // Whoever is told of a failure has nothing to close.
    }
    return (int)told(verdict, result);
}

static mode_t mode_of(int flags, va_list arguments) {
    bool given = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return given ? va_arg(arguments, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_by_number(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int folder, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_by_number(folder, path, flags, mode);
}

EXPORT int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags) {
    return open_by_number(AT_FDCWD, path, flags, 0);
}

EXPORT int __openat_2(int folder, const char *path, int flags);
int __openat_2(int folder, const char *path, int flags) {
    return open_by_number(folder, path, flags, 0);
}

// openat2 has no function of its own.
EXPORT long syscall(long number, ...) {
    long given[6];
    va_list arguments;
    va_start(arguments, number);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        given[i] = va_arg(arguments, long);
    }
    va_end(arguments);
    if (number == SYS_openat2 && fails_at_once(FAULT_OPEN)) {
        return -1;
    }
    return NEXT(syscall)(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

EXPORT int memfd_create(const char *name, unsigned int flags) {
    struct verdict verdict = decide(FAULT_MEMORY_FILE);
    return fails(verdict) ? -1 : NEXT(memfd_create)(name, flags);
}

EXPORT int fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    if (command == F_DUPFD_CLOEXEC && fails_at_once(FAULT_DUPLICATE)) {
        return -1;
    }
    return NEXT(fcntl)(fd, command, argument);
}

EXPORT int close(int fd) {
    struct verdict verdict = decide(FAULT_CLOSE);
    int result = NEXT(close)(fd); // Linux closes it whatever it says.
    return fails(verdict) ? -1 : (int)told(verdict, result);
}

// --- Names ---

EXPORT int renameat2(int folder, const char *name, int new_folder, const char *new_name,
                     unsigned int flags) {
    struct verdict verdict = decide(FAULT_RENAME);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = NEXT(renameat2)(folder, name, new_folder, new_name, flags);
    record_renamed(folder, name, new_folder, new_name, result);
    recording_unlock();
    return (int)told(verdict, result);
}

EXPORT int renameat(int folder, const char *name, int new_folder, const char *new_name) {
    struct verdict verdict = decide(FAULT_RENAME);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = NEXT(renameat)(folder, name, new_folder, new_name);
    record_renamed(folder, name, new_folder, new_name, result);
    recording_unlock();
    return (int)told(verdict, result);
}

EXPORT int linkat(int folder, const char *name, int new_folder, const char *new_name, int flags) {
    struct verdict verdict = decide(FAULT_LINK);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = NEXT(linkat)(folder, name, new_folder, new_name, flags);
    record_linked(new_folder, new_name, result);
    recording_unlock();
    return (int)told(verdict, result);
}

EXPORT int symlinkat(const char *target, int folder, const char *name) {
    struct verdict verdict = decide(FAULT_LINK);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(symlinkat)(target, folder, name));
}

EXPORT int mknodat(int folder, const char *name, mode_t mode, dev_t device) {
    struct verdict verdict = decide(FAULT_LINK);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(mknodat)(folder, name, mode, device));
}

EXPORT int unlinkat(int folder, const char *name, int flags) {
    struct verdict verdict = decide(FAULT_UNLINK);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = NEXT(unlinkat)(folder, name, flags);
    record_unlinked(folder, name, result);
    recording_unlock();
    return (int)told(verdict, result);
}

EXPORT int mkdirat(int folder, const char *name, mode_t mode) {
    struct verdict verdict = decide(FAULT_MKDIR);
    if (fails(verdict)) {
        return -1;
    }
    recording_lock();
    int result = NEXT(mkdirat)(folder, name, mode);
    record_folder_made(folder, name, result);
    recording_unlock();
    return (int)told(verdict, result);
}

EXPORT int mkdir(const char *path, mode_t mode) {
    return mkdirat(AT_FDCWD, path, mode);
}

EXPORT ssize_t readlink(const char *restrict path, char *restrict target, size_t size) {
    return fails_at_once(FAULT_READLINK) ? -1 : NEXT(readlink)(path, target, size);
}

EXPORT ssize_t __readlink_chk(const char *restrict path, char *restrict target, size_t size,
                              size_t room);
ssize_t __readlink_chk(const char *restrict path, char *restrict target, size_t size, size_t room) {
    return fails_at_once(FAULT_READLINK) ? -1 : NEXT(__readlink_chk)(path, target, size, room);
}

// --- Attributes ---

EXPORT int fstat(int fd, struct stat *attributes) {
    return fails_at_once(FAULT_STAT) ? -1 : NEXT(fstat)(fd, attributes);
}

EXPORT int fstatat(int folder, const char *restrict path, struct stat *restrict attributes,
                   int flags) {
    return fails_at_once(FAULT_STAT) ? -1 : NEXT(fstatat)(folder, path, attributes, flags);
}

EXPORT int statx(int folder, const char *restrict path, int flags, unsigned int mask,
                 struct statx *restrict found) {
    return fails_at_once(FAULT_STAT) ? -1 : NEXT(statx)(folder, path, flags, mask, found);
}

EXPORT int chmod(const char *path, mode_t mode) {
    struct verdict verdict = decide(FAULT_MODE);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(chmod)(path, mode));
}

EXPORT int fchmod(int fd, mode_t mode) {
    struct verdict verdict = decide(FAULT_MODE);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(fchmod)(fd, mode));
}

EXPORT int chown(const char *path, uid_t uid, gid_t gid) {
    struct verdict verdict = decide(FAULT_OWNER);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(chown)(path, uid, gid));
}

EXPORT int fchown(int fd, uid_t uid, gid_t gid) {
    struct verdict verdict = decide(FAULT_OWNER);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(fchown)(fd, uid, gid));
}

EXPORT int fchownat(int folder, const char *name, uid_t uid, gid_t gid, int flags) {
    struct verdict verdict = decide(FAULT_OWNER);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(fchownat)(folder, name, uid, gid, flags));
}

EXPORT int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    struct verdict verdict = decide(FAULT_TIMES);
    return fails(verdict) ? -1 : (int)told(verdict, NEXT(utimensat)(folder, path, times, flags));
}

EXPORT ssize_t getxattr(const char *path, const char *name, void *value, size_t size) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(getxattr)(path, name, value, size);
}

EXPORT ssize_t listxattr(const char *path, char *names, size_t size) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(listxattr)(path, names, size);
}

EXPORT int setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(setxattr)(path, name, value, size, flags);
}

EXPORT int removexattr(const char *path, const char *name) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(removexattr)(path, name);
}

EXPORT ssize_t fgetxattr(int fd, const char *name, void *value, size_t size) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(fgetxattr)(fd, name, value, size);
}

EXPORT ssize_t flistxattr(int fd, char *names, size_t size) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(flistxattr)(fd, names, size);
}

EXPORT int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(fsetxattr)(fd, name, value, size, flags);
}

EXPORT int fremovexattr(int fd, const char *name) {
    return fails_at_once(FAULT_XATTR) ? -1 : NEXT(fremovexattr)(fd, name);
}

EXPORT int flock(int fd, int operation) {
    // Giving a lock back cannot fail.
    bool takes = (operation & LOCK_UN) == 0;
    return takes && fails_at_once(FAULT_LOCK) ? -1 : NEXT(flock)(fd, operation);
}

// --- Resources ---

EXPORT ssize_t getrandom(void *bytes, size_t size, unsigned int flags) {
    return fails_at_once(FAULT_RANDOM) ? -1 : NEXT(getrandom)(bytes, size, flags);
}

EXPORT void *mmap(void *where, size_t size, int protection, int flags, int fd, off_t offset) {
    return fails_at_once(FAULT_MAP) ? MAP_FAILED
                                    : NEXT(mmap)(where, size, protection, flags, fd, offset);
}

EXPORT int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                          void *(*run)(void *), void *restrict argument) {
    if (fails_at_once(FAULT_THREAD)) {
        return errno;
    }
    return NEXT(pthread_create)(thread, attributes, run, argument);
}

// --- What is told to the kernel ---

// A notice has no request's number, and its kind in the place of an errno (linux/fuse.h).
static bool is_prune(const struct iovec *pieces, int count) {
    struct {
        uint32_t size;
        int32_t kind;
        uint64_t request;
    } head;
    if (count < 1 || pieces[0].iov_len < sizeof head) {
        return false;
    }
    memcpy(&head, pieces[0].iov_base, sizeof head);
    return head.request == 0 && head.kind == 9;
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count) {
    return is_prune(pieces, count) && fails_at_once(FAULT_PRUNE) ? -1
                                                                 : NEXT(writev)(fd, pieces, count);
}

// The C library's own names: looking the next ones up would need memory. A sanitizer brings an
// allocator of its own, which is left alone.
#ifdef FAULTS_IN_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

EXPORT void *malloc(size_t size) {
    return fails_at_once(FAULT_MALLOC) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size) {
    return fails_at_once(FAULT_MALLOC) ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *memory, size_t size) {
    return fails_at_once(FAULT_MALLOC) ? NULL : __libc_realloc(memory, size);
}

EXPORT int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = fails_at_once(FAULT_MALLOC) ? NULL : __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}
#endif
