// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Waiting for the end of another process, and serving it meanwhile. The socket ends with the whole
// of it, the signal that the kernel sends for PR_SET_PDEATHSIG comes with its main thread's.
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filesystem.h"

// How long the threads of a process that was killed may take to leave.
enum { LEAVING_MS = 200 };

#define DEATH_SIGNAL SIGUSR1

// What the guard is told and asked. To all but TASK_WATCH it answers, with the line or nothing.
enum task { TASK_WATCH, TASK_DETACH, TASK_READ_CALL };
struct message {
    enum task task;
    unsigned int device_major; // TASK_WATCH: the mount is live
    unsigned int device_minor;
    pid_t thread; // TASK_READ_CALL
};

// A descriptor for the signal, and no other signal is heard: what is sent to everything on a
// terminal is the daemon's to answer.
static int hear_of_death(void) {
    sigset_t all;
    sigset_t death;
    sigfillset(&all);
    sigemptyset(&death);
    sigaddset(&death, DEATH_SIGNAL);
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0 || prctl(PR_SET_PDEATHSIG, DEATH_SIGNAL) != 0) {
        return -1;
    }
    return signalfd(-1, &death, SFD_CLOEXEC);
}

// Keep nothing of the daemon's but the socket: no file system is kept busy, and nobody waits for
// the end of its output in vain.
static void leave_daemon(int fd) {
    (void)close_range(STDERR_FILENO + 1, (unsigned int)fd - 1, 0);
    (void)close_range((unsigned int)fd + 1, ~0U, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++) {
        dup2(null, standard);
    }
    int moved = chdir("/");
    (void)moved; // A guard that keeps a folder busy is better than none.
    setsid();    // What kills the daemon's whole group does not mean the guard.
    prctl(PR_SET_NAME, "gen5fs-guard");
}

static bool is_from(int signal_fd, pid_t daemon) {
    struct signalfd_siginfo heard;
    return read(signal_fd, &heard, sizeof heard) == (ssize_t)sizeof heard &&
           heard.ssi_pid == (uint32_t)daemon;
}

static void read_call(pid_t thread, char *line, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, line, size - 1) : -1;
    line[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

static void answer(int fd, const struct message *message, struct connection *connection) {
    char line[GUARD_LINE_SIZE] = "";
    if (message->task == TASK_WATCH) {
        connection->device_major = message->device_major;
        connection->device_minor = message->device_minor;
        connection->known = true;
        return;
    }
    if (message->task == TASK_DETACH) {
        connection_detach(connection);
    } else {
        read_call(message->thread, line, sizeof line);
    }
    ssize_t written = write(fd, line, strlen(line) + 1);
    (void)written; // Nobody is there to hear.
}

// true when the daemon's main thread has died and others live on; false when all is over. Meanwhile
// the daemon is served.
static bool wait_for_death(int fd, int signal_fd, pid_t daemon, struct connection *connection) {
    struct pollfd polled[2] = {{.fd = fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
    bool dead = false;
    for (;;) {
        int ready = poll(polled, 2, dead ? LEAVING_MS : -1);
        if (ready == 0 || (ready < 0 && errno != EINTR)) {
            return ready == 0;
        }
        if (ready > 0 && polled[0].revents != 0) {
            struct message message;
            if (read(fd, &message, sizeof message) != (ssize_t)sizeof message) {
                return false;
            }
            answer(fd, &message, connection);
        }
        if (ready > 0 && polled[1].revents != 0 && is_from(signal_fd, daemon)) {
            dead = true;
        }
    }
}

static _Noreturn void stand_guard(int fd, pid_t daemon, const char *mount_path) {
    struct connection connection = {.mount_path = mount_path};
    leave_daemon(fd);
    int signal_fd = hear_of_death();
    // From here on no death is missed.
    bool ready = signal_fd >= 0 && write(fd, "", 1) == 1;
    if (ready && wait_for_death(fd, signal_fd, daemon, &connection)) {
        (void)connection_abort(&connection);
    }
    _exit(0);
}

void guard_start(struct guard *guard, const char *mount_path) {
    int ends[2];
    pid_t daemon = getpid();
    *guard = (struct guard)GUARD_NONE;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        note("no guard looks after the mount: %s", strerror(errno));
        return;
    }
    pid_t process = fork();
    if (process == 0) {
        close(ends[1]);
        stand_guard(ends[0], daemon, mount_path);
    }
    close(ends[0]);
    if (process < 0) {
        note("no guard looks after the mount: %s", strerror(errno));
        close(ends[1]);
        return;
    }
    guard->process = process;
    guard->fd = ends[1];
}

bool guard_await(struct guard *guard) {
    char byte;
    ssize_t got = guard->fd < 0 ? 1 : read(guard->fd, &byte, 1);
    while (got < 0 && errno == EINTR) {
        got = read(guard->fd, &byte, 1);
    }
    if (got != 1) {
        note("no guard looks after the mount: it could not do its work");
        guard_end(guard);
    }
    return guard->fd >= 0;
}

static bool send_message(const struct guard *guard, const struct message *message) {
    // A guard that is gone cannot be told; SIGPIPE is ignored.
    return guard->fd >= 0 && write(guard->fd, message, sizeof *message) == (ssize_t)sizeof *message;
}

void guard_watch(const struct guard *guard, const struct connection *connection) {
    if (connection->known) {
        (void)send_message(guard, &(struct message){.task = TASK_WATCH,
                                                    .device_major = connection->device_major,
                                                    .device_minor = connection->device_minor});
    }
}

// Let it do something, and wait until that is done; what it says.
static bool ask(struct guard *guard, const struct message *message, char *line, size_t size) {
    pthread_mutex_lock(&guard->lock);
    ssize_t got = -1;
    if (send_message(guard, message)) {
        do {
            got = read(guard->fd, line, size);
        } while (got < 0 && errno == EINTR);
    }
    pthread_mutex_unlock(&guard->lock);
    return got > 0 && line[got - 1] == '\0';
}

bool guard_detach(struct guard *guard) {
    char nothing[GUARD_LINE_SIZE];
    return ask(guard, &(struct message){.task = TASK_DETACH}, nothing, sizeof nothing);
}

bool guard_read_call(struct guard *guard, pid_t thread, char *line, size_t size) {
    return ask(guard, &(struct message){.task = TASK_READ_CALL, .thread = thread}, line, size);
}

void guard_end(struct guard *guard) {
    if (guard->fd < 0) {
        return;
    }
    close(guard->fd);
    while (waitpid(guard->process, NULL, 0) < 0 && errno == EINTR) {
    }
    guard->process = -1;
    guard->fd = -1;
}
