// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The moment of mounting.
#define FUSE_USE_VERSION 314
#include "mount_attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filesystem.h"

enum { CAUGHT_SIZE = 1024 };

// Standard error while it is caught. Where it cannot be, lines go where they always went.
struct catch {
    int into;     // a file in memory; -1: nothing is caught
    int original; // where standard error went
};

static void close_if_open(int fd) {
    if (fd >= 0) {
        close(fd);
    }
}

static struct catch catch_begin(void) {
    struct catch caught = {
        .into = memfd_create("gen5fs-stderr", MFD_CLOEXEC),
        .original = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1),
    };
    if (caught.into < 0 || caught.original < 0 || dup2(caught.into, STDERR_FILENO) < 0) {
        close_if_open(caught.into);
        caught.into = -1;
    }
    return caught;
}

// Standard error is itself again. `text` is what was caught.
static void catch_end(struct catch *caught, char text[CAUGHT_SIZE]) {
    ssize_t length = 0;
    if (caught->into >= 0) {
        dup2(caught->original, STDERR_FILENO);
        length = pread(caught->into, text, CAUGHT_SIZE - 1, 0);
    }
    text[length > 0 ? length : 0] = '\0';
    close_if_open(caught->into);
    close_if_open(caught->original);
}

// The lines of `text` one by one, without our own name before them: cuts and advances *rest. NULL
// at the end.
static char *next_line(char **rest) {
    static const char own[] = "gen5fs: ";
    char *line = strsep(rest, "\n");
    if (line != NULL && strncmp(line, own, sizeof own - 1) == 0) {
        line += sizeof own - 1;
    }
    return line;
}

static void pass_on(char *text) {
    char *rest = text;
    for (char *line = next_line(&rest); line != NULL; line = next_line(&rest)) {
        if (*line != '\0') {
            note("%s", line);
        }
    }
}

static const char *cure_of(const char *why) {
    if (strstr(why, strerror(EPERM)) == NULL) {
        return "";
    }
    return geteuid() == 0 ? "; a container has to be started with --cap-add SYS_ADMIN, and where "
                            "AppArmor forbids mounting with --security-opt apparmor=unconfined"
                          : "; fusermount3 has to belong to root and be set-uid: chmod u+s "
                            "/usr/bin/fusermount3";
}

static void explain(const char *mount_path, char *text) {
    char *rest = text;
    // The first line is the cause; others say what followed from it.
    const char *why = next_line(&rest);
    why = why != NULL && *why != '\0' ? why : "for no reason that it gives";
    note("%s: the system refused the mount (%s)%s", mount_path, why, cure_of(why));
}

bool mount_attempt(struct fuse_session *session, const char *mount_path) {
    struct catch caught = catch_begin();
    const bool mounted = fuse_session_mount(session, mount_path) == 0;
    char text[CAUGHT_SIZE];
    catch_end(&caught, text);
    if (mounted) {
        pass_on(text);
    } else {
        explain(mount_path, text);
    }
    return mounted;
}
