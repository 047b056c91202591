// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which drafts have been kept: a walk through .gen5fs/rescued.
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "filesystem.h"
#include "folder_walk.h"
#include "gen5/replace.h"
#include "plain_text.h"
#include "rescue.h"

#define RESCUED_FOLDER CONTROL_NAME "/rescued"
#define REASON_SUFFIX ".reason"

enum { REASON_SIZE_MAX = 1024 };

struct report {
    FILE *out;
};

static bool is_reason(const char *name) {
    size_t length = strlen(name);
    return length > strlen(REASON_SUFFIX) &&
           strcmp(name + length - strlen(REASON_SUFFIX), REASON_SUFFIX) == 0;
}

static void read_reason(int folder_fd, const char *name, char reason[REASON_SIZE_MAX]) {
    char *reason_name = NULL;
    ssize_t got = 0;
    if (asprintf(&reason_name, "%s%s", name, REASON_SUFFIX) >= 0) {
        int fd = openat(folder_fd, reason_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        got = fd >= 0 ? read(fd, reason, REASON_SIZE_MAX - 1) : 0;
        if (fd >= 0) {
            close(fd);
        }
        free(reason_name);
    }
    reason[got > 0 ? got : 0] = '\0';
    reason[strcspn(reason, "\n")] = '\0';
}

static void report_entry(void *context, int folder_fd, const char *folder, const char *name) {
    const struct report *report = context;
    struct stat attributes;
    if (is_reason(name) || gen5_temporary_name_is(name) ||
        fstatat(folder_fd, name, &attributes, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(attributes.st_mode)) {
        return;
    }
    char reason[REASON_SIZE_MAX];
    read_reason(folder_fd, name, reason);
    fputs("rescued: ", report->out);
    plain_text_print(report->out, folder);
    fputc('/', report->out);
    plain_text_print(report->out, name);
    fputs(": ", report->out);
    plain_text_print(report->out, reason[0] != '\0' ? reason : "its reason was not kept");
    fputc('\n', report->out);
}

void rescue_report(struct filesystem *filesystem, FILE *out) {
    struct report report = {.out = out};
    folder_walk(filesystem->source_fd, RESCUED_FOLDER, true, report_entry, &report, NULL);
}
