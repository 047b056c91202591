// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Mounting, and the daemon's life from its start to its end.
#define FUSE_USE_VERSION 314
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_log.h>
#include <fuse_lowlevel.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "background.h"
#include "connection.h"
#include "container_operations.h"
#include "control.h"
#include "filesystem.h"
#include "foreign_writes.h"
#include "guard.h"
#include "kernel_notices.h"
#include "mount_attempt.h"
#include "mount_check.h"
#include "operations.h"
#include "prefetch.h"
#include "privileges.h"
#include "request_loop.h"
#include "snapshot.h"
#include "sweep.h"
#include "watcher.h"

enum {
    READ_AHEAD_KIB = 1024,
    // After a signal, files that are open may be used so long; then what they hold is committed or
    // rescued.
    GRACE_MS = 10 * 1000,
    ABORT_MS = 5 * 1000,
    // As many as the caches of the daemon have, and some. 64 KiB of the kernel's memory.
    DESCRIPTORS_EXPECTED = 8192,
};

struct mount {
    struct filesystem filesystem;
    struct mount_target target;
    int ended_fd;  // an eventfd: the connection has ended
    int signal_fd; // the signals that end a mount
    struct connection connection;
    struct guard guard;
    struct request_loop *loop;
    struct sweep *sweep;
    bool keep_privileges;
    const char *privileges; // what was given up, for the log; NULL for nothing
    bool mounted;
};

// What libfuse says goes to our log, a line each.
__attribute__((format(printf, 2, 0))) static void
log_of_libfuse(enum fuse_log_level level, const char *format, va_list arguments) {
    (void)level;
    char line[1024];
    if (vsnprintf(line, sizeof line, format, arguments) > 0) {
        line[strcspn(line, "\n")] = '\0';
        note("%s", line);
    }
}

static int refuse(const char *what, int problem) {
    note("cannot mount: %s: %s", what, strerror(problem));
    return GEN5FS_MOUNT_REFUSED;
}

// The most that the system lets a process open; 0 where it does not say.
static rlim_t descriptors_of_system(void) {
    char text[32] = "";
    FILE *file = fopen("/proc/sys/fs/nr_open", "re");
    if (file == NULL) {
        return 0;
    }
    rlim_t most = fgets(text, sizeof text, file) != NULL ? strtoul(text, NULL, 10) : 0;
    fclose(file);
    return most;
}

// Open files, open containers and idle snapshots have a descriptor each. Beyond the hard limit is
// for CAP_SYS_RESOURCE alone.
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    const rlim_t most = descriptors_of_system();
    const struct rlimit raised = {.rlim_cur = most, .rlim_max = most};
    if (most > limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        note("cannot raise the limit of open files: %s", strerror(errno));
    }
}

// The table of descriptors has to grow while there is one thread: later the kernel waits each time
// until no other thread can be looking at the old one, which takes as long as hundreds of requests.
static void grow_descriptor_table(int any_fd) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    const rlim_t size =
        limit.rlim_cur < DESCRIPTORS_EXPECTED ? limit.rlim_cur : DESCRIPTORS_EXPECTED;
    const int last = size > 0 ? fcntl(any_fd, F_DUPFD_CLOEXEC, (int)size - 1) : -1;
    if (last >= 0) {
        close(last);
    }
}

// Memory that was decoded into goes back to the system when it is freed: large blocks are mapped
// one by one, always, and threads share two arenas. In one alone, who answers requests and who goes
// ahead (prefetch.h) put each other to sleep at every other allocation; with more, more is kept
// that nobody uses. The buffer of a read is not so large: to map it and have its pages cleared for
// each read would take as long as the read.
static void bound_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 2 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TOP_PAD, 1024 * 1024);
}

static void find_mount_name(struct filesystem *filesystem) {
    struct stat attributes;
    const char *slash = strrchr(filesystem->mount_path, '/');
    if (slash == NULL || slash[1] == '\0') {
        return;
    }
    char *parent = strndup(filesystem->mount_path, (size_t)(slash - filesystem->mount_path) + 1);
    if (parent != NULL && stat(parent, &attributes) == 0) {
        filesystem->mount_name = slash + 1;
        filesystem->mount_parent_device = attributes.st_dev;
        filesystem->mount_parent_inode = attributes.st_ino;
    }
    free(parent);
}

static size_t mebibytes(uint32_t count) {
    return (size_t)count << 20;
}

static int make_filesystem(struct mount *mount, const struct gen5fs_mount_options *options) {
    struct filesystem *filesystem = &mount->filesystem;
    filesystem->source_path = mount->target.source_path;
    filesystem->mount_path = mount->target.mount_path;
    find_mount_name(filesystem);
    filesystem->source_fd = mount->target.source_fd;
    filesystem->only_name = mount->target.only_name;
    filesystem->read_only = options->read_only;
    filesystem->no_verify = options->no_verify;
    filesystem->debug = options->debug;
    filesystem->daemon_uid = geteuid();
    filesystem->limits = gen5_limits_default();
    int problem = node_table_init(&filesystem->nodes, mebibytes(options->caps.names));
    if (problem == 0) {
        problem = snapshot_cache_new(mebibytes(options->caps.manifests),
                                     mebibytes(options->caps.decoded), &filesystem->snapshots);
    }
    if (problem == 0) {
        // The root's own descriptor, since nodes close theirs.
        int fd = fcntl(filesystem->source_fd, F_DUPFD_CLOEXEC, 0);
        problem = fd < 0 ? errno : node_make_root(filesystem, fd);
    }
    return problem == 0 ? 0 : refuse(mount->target.source_path, problem);
}

// Signals are read from a descriptor: no handler runs anywhere, and no thread is interrupted.
static int take_signals(struct mount *mount) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN); // of a lease that somebody asks us to give up (container_change.c)
    mount->signal_fd = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    mount->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return mount->signal_fd < 0 || mount->ended_fd < 0 ? refuse("signals", errno) : 0;
}

// "-o" with everything that libfuse passes to the kernel. fsname is what `mount` and `df` show.
static int add_options(struct fuse_args *arguments, const struct mount *mount,
                       const struct gen5fs_mount_options *options) {
    char *list = NULL;
    char *name = NULL;
    int failed = asprintf(&name, "fsname=%s", mount->target.source_path) < 0;
    failed = failed || fuse_opt_add_opt(&list, "default_permissions,subtype=gen5fs") != 0 ||
             fuse_opt_add_opt_escaped(&list, name) != 0 ||
             (options->allow_other && fuse_opt_add_opt(&list, "allow_other") != 0) ||
             (options->read_only && fuse_opt_add_opt(&list, "ro") != 0) ||
             (options->debug && fuse_opt_add_opt(&list, "debug") != 0) ||
             (options->kernel_options != NULL && *options->kernel_options != '\0' &&
              fuse_opt_add_opt(&list, options->kernel_options) != 0) ||
             fuse_opt_add_arg(arguments, "gen5fs") != 0 || fuse_opt_add_arg(arguments, "-o") != 0 ||
             fuse_opt_add_arg(arguments, list) != 0;
    free(name);
    free(list);
    return failed ? ENOMEM : 0;
}

static int make_session(struct mount *mount, const struct gen5fs_mount_options *options) {
    struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
    fuse_set_log_func(log_of_libfuse);
    if (add_options(&arguments, mount, options) == 0) {
        mount->filesystem.session = fuse_session_new(&arguments, &gen5fs_operations,
                                                     sizeof gen5fs_operations, &mount->filesystem);
    }
    fuse_opt_free_args(&arguments);
    if (mount->filesystem.session == NULL) {
        note("cannot mount: check the options given with -o");
        return GEN5FS_MOUNT_REFUSED;
    }
    return 0;
}

static int start_helpers(struct mount *mount) {
    int problem = kernel_notices_start(&mount->filesystem);
    if (problem != 0) {
        return refuse("threads", problem);
    }
    watcher_start(&mount->filesystem);
    foreign_writes_start(&mount->filesystem);
    prefetch_start(&mount->filesystem);
    return 0;
}

static int go_live(struct mount *mount) {
    struct fuse_session *session = mount->filesystem.session;
    const bool guarded = guard_await(&mount->guard);
    if (!mount_attempt(session, mount->target.mount_path)) {
        return GEN5FS_MOUNT_REFUSED;
    }
    mount->mounted = true;
    mount->connection = connection_of(mount->target.mount_path);
    guard_watch(&mount->guard, &mount->connection);
    int problem = connection_open(session);
    if (problem != 0) {
        return refuse(mount->target.mount_path, problem);
    }
    connection_set_read_ahead(&mount->connection, READ_AHEAD_KIB);
    // Without a guard, nobody else could take the mount away.
    if (guarded && !mount->keep_privileges) {
        mount->privileges = privileges_give_up(&mount->filesystem);
    }
    int status = start_helpers(mount);
    if (status != 0) {
        return status;
    }
    problem =
        request_loop_start(session, &mount->filesystem.requests, mount->ended_fd, &mount->loop);
    return problem == 0 ? 0 : refuse("threads", problem);
}

static void detach(struct mount *mount) {
    if (!guard_detach(&mount->guard)) {
        connection_detach(&mount->connection);
    }
}

// Wait for the end of the connection or for a signal. true at the connection's end.
static bool wait_for_end(struct mount *mount, bool signals, int64_t milliseconds) {
    struct pollfd polled[2] = {{.fd = mount->ended_fd, .events = POLLIN},
                               {.fd = signals ? mount->signal_fd : -1, .events = POLLIN}};
    const int64_t until = milliseconds < 0 ? INT64_MAX : clock_ms() + milliseconds;
    int ready;
    do {
        const int64_t left = until - clock_ms();
        ready = poll(polled, 2, milliseconds < 0 ? -1 : left < 0 ? 0 : (int)left);
    } while (ready < 0 && errno == EINTR);
    return (polled[0].revents & POLLIN) != 0;
}

// Serve until unmounted, or until a signal asks for it. false where threads had to be left behind.
static bool serve(struct mount *mount) {
    if (!wait_for_end(mount, true, -1)) {
        detach(mount);
        if (!wait_for_end(mount, false, GRACE_MS)) {
            note("files are still open in %s after %d s: what they hold is saved, and they fail "
                 "from now on",
                 mount->target.mount_path, GRACE_MS / 1000);
            container_finish_all(&mount->filesystem);
            if (!connection_abort(&mount->connection) || !wait_for_end(mount, false, ABORT_MS)) {
                return false;
            }
        }
    }
    request_loop_join(mount->loop);
    mount->loop = NULL;
    return true;
}

// Everything that was begun is ended, in the reverse order. The session goes last: the notices need
// it. false where a thread had to be left behind.
static bool take_down(struct mount *mount) {
    struct filesystem *filesystem = &mount->filesystem;
    sweep_stop(mount->sweep);
    watcher_stop(filesystem);
    prefetch_stop(filesystem);
    if (filesystem->notices != NULL) {
        operations_release_handles(filesystem);
        container_finish_all(filesystem);
    }
    foreign_writes_stop(filesystem);
    bool ended = kernel_notices_stop(filesystem);
    if (mount->mounted) {
        fuse_session_unmount(filesystem->session);
    }
    if (!ended) {
        return false;
    }
    if (filesystem->root != NULL) {
        control_release(filesystem);
        node_table_release(filesystem);
    }
    snapshot_cache_free(filesystem->snapshots);
    if (filesystem->session != NULL) {
        fuse_session_destroy(filesystem->session);
    }
    return true;
}

static void close_if_open(int fd) {
    if (fd >= 0) {
        close(fd);
    }
}

static void mount_release(struct mount *mount) {
    close_if_open(mount->ended_fd);
    close_if_open(mount->signal_fd);
    mount_target_release(&mount->target);
}

// From here on in the process that will serve. `live_fd` is -1 in the foreground.
static int start(struct mount *mount, const struct gen5fs_mount_options *options, int live_fd) {
    int status = take_signals(mount);
    mount->keep_privileges = options->no_sandbox;
    mount->filesystem.guard = &mount->guard;
    guard_start(&mount->guard, mount->target.mount_path);
    status = status != 0 ? status : make_filesystem(mount, options);
    status = status != 0 ? status : make_session(mount, options);
    status = status != 0 ? status : go_live(mount);
    if (status == 0) {
        if (live_fd >= 0) {
            background_live(live_fd);
        }
        if (mount->privileges != NULL) {
            note("in force: %s", mount->privileges);
        }
        mount->sweep = sweep_start(&mount->filesystem);
    }
    return status;
}

// Takes over `target`.
static int run(const struct gen5fs_mount_options *options, const struct mount_target *target,
               int live_fd) {
    struct mount mount = {.target = *target, .ended_fd = -1, .signal_fd = -1, .guard = GUARD_NONE};
    umask(0);
    raise_descriptor_limit();
    grow_descriptor_table(target->source_fd);
    bound_memory();
    int status = start(&mount, options, live_fd);
    if (status != 0 && mount.mounted) {
        detach(&mount);
    }
    const bool served = status != 0 || serve(&mount);
    if (!served) {
        sweep_stop(mount.sweep);
    }
    if (!served || !take_down(&mount)) {
        // Everything is saved. Threads still use what would be freed; the kernel, or the guard,
        // ends the connection when this one is gone.
        _exit(status);
    }
    guard_end(&mount.guard);
    mount_release(&mount);
    return status;
}

int gen5fs_mount(const struct gen5fs_mount_options *options) {
    struct mount_target target;
    struct mount_problem problem;
    int status = (int)mount_check(options, &target, &problem);
    if (status != GEN5FS_MOUNT_DONE) {
        note("%s", problem.message);
        return status;
    }
    int live_fd = -1;
    const bool foreground = options->foreground || options->debug;
    if (!foreground && !background_fork(&live_fd, GEN5FS_MOUNT_REFUSED, &status)) {
        mount_target_release(&target);
        return status;
    }
    return run(options, &target, live_fd);
}
