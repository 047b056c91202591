// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The mount as the kernel has it.
#define FUSE_USE_VERSION 314
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filesystem.h"

int connection_open(struct fuse_session *session) {
    struct fuse_buf request = {.mem = NULL};
    int got;
    do {
        got = fuse_session_receive_buf(session, &request);
    } while (got == -EINTR || got == -EAGAIN);
    if (got > 0) {
        // The kernel handles the answer while it is being written.
        fuse_session_process_buf(session, &request);
    }
    free(request.mem);
    if (got <= 0) {
        return got < 0 ? -got : ENODEV;
    }
    return fuse_session_exited(session) ? EPROTO : 0;
}

// Attributes as the kernel has them, without a request to the mount.
static bool device_of(const char *path, unsigned int *major, unsigned int *minor) {
    struct statx about;
    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW,
              STATX_TYPE, &about) != 0) {
        return false;
    }
    *major = about.stx_dev_major;
    *minor = about.stx_dev_minor;
    return true;
}

struct connection connection_of(const char *mount_path) {
    struct connection connection = {.mount_path = mount_path};
    connection.known = device_of(mount_path, &connection.device_major, &connection.device_minor);
    return connection;
}

static bool write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

void connection_set_read_ahead(const struct connection *connection, unsigned int kib) {
    char path[80];
    char text[16];
    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", connection->device_major,
             connection->device_minor);
    snprintf(text, sizeof text, "%u", kib);
    if (connection->known) {
        write_text(path, text);
    }
}

// Users who are not root have their mounts ended by fusermount3, as they were made.
static void detach_by_fusermount(const char *mount_path) {
    char *const arguments[] = {"fusermount3", "-u", "-z", "-q", "--", (char *)mount_path, NULL};
    pid_t child;
    int problem = posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ);
    if (problem != 0) {
        note("cannot unmount %s: fusermount3: %s", mount_path, strerror(problem));
        return;
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

// Whether the mount is where it was made, and no other has taken the place.
static bool is_in_place(const struct connection *connection) {
    unsigned int major = 0;
    unsigned int minor = 0;
    return connection->known && device_of(connection->mount_path, &major, &minor) &&
           major == connection->device_major && minor == connection->device_minor;
}

void connection_detach(const struct connection *connection) {
    if (!is_in_place(connection)) {
        return; // It was detached before.
    }
    if (geteuid() != 0) {
        detach_by_fusermount(connection->mount_path);
    } else if (umount2(connection->mount_path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0) {
        note("cannot unmount %s: %s", connection->mount_path, strerror(errno));
    }
}

// For root, where sysfs does not show the connections. Where the mount is in use it stays, and
// aborted it is all the same.
static bool abort_by_unmounting(const struct connection *connection) {
    return is_in_place(connection) &&
           (umount2(connection->mount_path, MNT_FORCE | UMOUNT_NOFOLLOW) == 0 || errno == EBUSY);
}

bool connection_abort(const struct connection *connection) {
    char path[80];
    snprintf(path, sizeof path, "/sys/fs/fuse/connections/%u/abort", connection->device_minor);
    return connection->known && (write_text(path, "1") || abort_by_unmounting(connection));
}
