// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The daemon of a test: started, waited for, ended and looked over.
#include "mounted.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Sanitizer builds on a busy machine are slow; a deadline only ends what would never end.
enum { DEADLINE_MS = 60000, IN_USE_MS = 5000, LOG_TEXTS_MAX = 8 };

struct mounted mounted;

static char folder[1000];
static int log_fd = -1;
static const char *log_texts[LOG_TEXTS_MAX];

// What was wrong at the end. Criterion passes a test whose teardown asserts in vain, but for a
// crash.
static size_t faults;

__attribute__((format(printf, 2, 3))) static void check(bool good, const char *format, ...) {
    if (!good) {
        va_list arguments;
        va_start(arguments, format);
        fprintf(stderr, "mounted: ");
        vfprintf(stderr, format, arguments);
        fprintf(stderr, "\n");
        va_end(arguments);
        faults++;
    }
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long milliseconds) {
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

void wait_until(bool (*is_so)(const void *argument), const void *argument, const char *what) {
    const int64_t end_ms = now_ms() + DEADLINE_MS;
    for (long pause = 1; !is_so(argument); pause = pause < 50 ? pause * 2 : pause) {
        cr_assert_lt(now_ms(), end_ms, "never: %s", what);
        pause_ms(pause);
    }
}

// In the child: nothing of it outlives the test, even one that is killed.
static void end_with_parent(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(127);
    }
}

static pid_t start_program(char *const words[], int output_fd, int error_fd) {
    const pid_t parent = getpid();
    pid_t child = fork();
    cr_assert_geq(child, 0, "fork: %s", strerror(errno));
    if (child == 0) {
        end_with_parent(parent);
        if ((output_fd >= 0 && dup2(output_fd, STDOUT_FILENO) < 0) ||
            (error_fd >= 0 && dup2(error_fd, STDERR_FILENO) < 0)) {
            _exit(127);
        }
        execv(words[0], words);
        _exit(127);
    }
    return child;
}

static int wait_for(pid_t child) {
    int status = 0;
    int fd = pidfd_open(child, 0);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    cr_assert_geq(fd, 0, "pidfd_open: %s", strerror(errno));
    int ready = poll(&polled, 1, DEADLINE_MS);
    close(fd);
    if (ready != 1) {
        kill(child, SIGKILL);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    check(ready == 1, "process %d did not end by itself", (int)child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_program(char *const words[], int output_fd) {
    return wait_for(start_program(words, output_fd, -1));
}

static const char *variable(const char *name) {
    const char *value = getenv(name);
    cr_assert_not_null(value, "%s is not set; run the tests with ctest", name);
    return value;
}

static void copy_reference(const char *fixture, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/reference/%s", variable("GEN5_TEST_DATA"), fixture);
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = openat(mounted.source, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    cr_assert(from >= 0 && to >= 0, "%s to %s: %s", path, name, strerror(errno));
    char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) > 0) {
        cr_assert_eq(write(to, buffer, (size_t)got), got);
    }
    cr_assert_eq(got, 0);
    close(from);
    close(to);
}

// A mount point is on another file system than the folder that it is in.
static bool is_mounted(void) {
    struct stat point;
    struct stat around;
    cr_assert_eq(stat(folder, &around), 0);
    // A dead mount cannot be asked, and is one.
    return stat(mounted.root_path, &point) != 0 || point.st_dev != around.st_dev;
}

// The kernel tells of changes of the table of mounts by an exceptional condition on it. false where
// the daemon does not mount.
static bool wait_for_mount(void) {
    struct pollfd polled[] = {
        {.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), .events = POLLPRI},
        {.fd = pidfd_open(mounted.daemon, 0), .events = POLLIN}};
    cr_assert(polled[0].fd >= 0 && polled[1].fd >= 0);
    bool waits = true;
    while (waits && !is_mounted()) {
        int ready = poll(polled, 2, DEADLINE_MS);
        waits = (ready > 0 && polled[1].revents == 0) || (ready < 0 && errno == EINTR);
    }
    close(polled[0].fd);
    close(polled[1].fd);
    return waits;
}

static void mount_source(const char *options) {
    const char *const words[] = {variable("GEN5FS"),
                                 "mount",
                                 mounted.source_path,
                                 mounted.root_path,
                                 "-f",
                                 options != NULL ? "-o" : NULL,
                                 options,
                                 NULL};
    mounted.daemon = start_program((char *const *)words, -1, log_fd);
    if (!wait_for_mount()) {
        kill(mounted.daemon, SIGTERM);
        check(false, "instead of mounting, the daemon ended with status %d",
              wait_for(mounted.daemon));
        mounted.daemon = 0;
        mounted_take_down();
        cr_assert_fail("there is no mount");
    }
    mounted.root = open(mounted.root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(mounted.root, 0, "%s: %s", mounted.root_path, strerror(errno));
}

// The exit status of gen5fs umount, whose words are for users.
static int umount_command(const char *option) {
    const char *const words[] = {variable("GEN5FS"), "umount", option, mounted.root_path, NULL};
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int status = wait_for(start_program((char *const *)words, nowhere, nowhere));
    close(nowhere);
    return status;
}

// Whoever looks into every mount (a monitor, an indexer) may use it at this moment.
static bool umount_when_idle(void) {
    const int64_t end_ms = now_ms() + IN_USE_MS;
    int status;
    while ((status = umount_command("--")) != 0 && now_ms() < end_ms) {
        pause_ms(20);
    }
    return status == 0;
}

// Whatever is still open.
static void take_away(void) {
    (void)umount_command("--lazy");
    kill(mounted.daemon, SIGKILL);
    (void)wait_for(mounted.daemon);
}

static void unmount(void) {
    close(mounted.root);
    if (umount_when_idle()) {
        int status = wait_for(mounted.daemon);
        check(status == 0, "the daemon ended with status %d", status);
    } else {
        check(false, "the mount is in use: the test does not close what it opens");
        take_away();
    }
    mounted.daemon = 0;
    check(!is_mounted(), "%s is still mounted", mounted.root_path);
}

void mounted_begin(void) {
    const char *temporary = getenv("TMPDIR");
    (void)variable("GEN5FS");
    (void)variable("GEN5_TEST_DATA");
    snprintf(folder, sizeof folder, "%s/gen5fs-mount-XXXXXX",
             temporary != NULL ? temporary : "/tmp");
    cr_assert_not_null(mkdtemp(folder), "%s: %s", folder, strerror(errno));
    snprintf(mounted.source_path, sizeof mounted.source_path, "%s/source", folder);
    snprintf(mounted.root_path, sizeof mounted.root_path, "%s/mount", folder);
    cr_assert_eq(mkdir(mounted.source_path, 0755), 0);
    cr_assert_eq(mkdir(mounted.root_path, 0755), 0);
    mounted.source = open(mounted.source_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    log_fd = memfd_create("gen5fs-log", MFD_CLOEXEC);
    cr_assert(mounted.source >= 0 && log_fd >= 0);
    copy_reference("extra-fields.gen5", CONTAINER);
    copy_reference("three-latents.gen5", SEVERAL);
    mount_source(NULL);
}

void mounted_again(const char *options) {
    unmount();
    mount_source(options);
}

void mounted_expect_in_log(const char *text) {
    size_t count = 0;
    while (count < LOG_TEXTS_MAX && log_texts[count] != NULL) {
        count++;
    }
    cr_assert_lt(count, LOG_TEXTS_MAX);
    log_texts[count] = text;
}

static bool is_expected(const char *line) {
    if (strncmp(line, "gen5fs: in force: ", 18) == 0) {
        return true; // What each daemon begins with.
    }
    for (size_t i = 0; i < LOG_TEXTS_MAX && log_texts[i] != NULL; i++) {
        if (strstr(line, log_texts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

// As it was logged, so that CTest finds the lines of sanitizers.
static void check_log(void) {
    char line[8192];
    lseek(log_fd, 0, SEEK_SET);
    FILE *log = fdopen(log_fd, "r");
    cr_assert_not_null(log);
    while (fgets(line, sizeof line, log) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        check(is_expected(line), "not expected in the daemon's log: %s", line);
    }
    fclose(log);
}

static int remove_entry(const char *path, const struct stat *attributes, int kind,
                        struct FTW *place) {
    (void)attributes;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(void) {
    // Never descends into what is mounted.
    check(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0, "%s: %s", folder,
          strerror(errno));
    folder[0] = '\0';
}

void mounted_end(void) {
    unmount();
    close(mounted.source);
    check_log();
    remove_folder();
    cr_expect_eq(faults, 0, "the mount had %zu faults", faults);
}

void mounted_take_down(void) {
    if (folder[0] == '\0') {
        return;
    }
    if (mounted.daemon != 0) {
        take_away();
    }
    check_log();
    remove_folder();
}
