// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The bar.
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen5fs/filesystem.h"
#include "quantity.h"
#include "terminal.h"

enum { TEXT_SIZE = 200, BAR_SIZE_MIN = 10, BAR_SIZE_MAX = 60 };

// What reads the other end of a pipe has the terminal for itself.
static bool is_piped_on(void) {
    struct stat attributes;
    return fstat(STDOUT_FILENO, &attributes) == 0 &&
           (S_ISFIFO(attributes.st_mode) || S_ISSOCK(attributes.st_mode));
}

void progress_start(struct progress *progress, size_t files, uint64_t bytes) {
    *progress = (struct progress){
        .shown = terminal_is(stderr) && !is_piped_on(),
        .files = files,
        .bytes = bytes,
        .begin_ms = clock_ms(),
    };
}

void progress_add_bytes(struct progress *progress, uint64_t bytes) {
    atomic_fetch_add(&progress->bytes_done, bytes);
}

void progress_add_file(struct progress *progress) {
    atomic_fetch_add(&progress->files_done, 1);
}

double progress_seconds(const struct progress *progress) {
    return (double)(clock_ms() - progress->begin_ms) / 1000;
}

// How much of the work is done, from 0 to 1. Files grow and overlap: bytes may pass what they were.
static double share_done(const struct progress *progress, uint64_t bytes, size_t files) {
    double share = progress->bytes > 0   ? (double)bytes / (double)progress->bytes
                   : progress->files > 0 ? (double)files / (double)progress->files
                                         : 1;
    return share < 1 ? share : 1;
}

// " 45 %  12/2000 files  210 files/s  312.4 MB/s  0:07 left"
static size_t make_text(const struct progress *progress, double share, char text[TEXT_SIZE]) {
    uint64_t bytes = atomic_load(&progress->bytes_done);
    size_t files = atomic_load(&progress->files_done);
    double seconds = progress_seconds(progress);
    double rate = seconds > 0 ? 1 / seconds : 0;
    char speed[QUANTITY_SIZE], left[QUANTITY_SIZE] = "-:--";
    quantity_of_bytes((uint64_t)((double)bytes * rate), speed);
    if (share > 0) {
        quantity_of_seconds((uint64_t)(seconds * (1 - share) / share + 0.5), left);
    }
    int length = snprintf(text, TEXT_SIZE, " %3.0f %%  %zu/%zu files  %.0f files/s  %s/s  %s left",
                          100 * share, files, progress->files, (double)files * rate, speed, left);
    return length > 0 ? (size_t)length : 0;
}

void progress_draw(struct progress *progress) {
    if (!progress->shown) {
        return;
    }
    double share = share_done(progress, atomic_load(&progress->bytes_done),
                              atomic_load(&progress->files_done));
    char text[TEXT_SIZE];
    size_t length = make_text(progress, share, text);
    size_t columns = terminal_columns(stderr);
    // The last column stays free: some terminals break the line when it is written to.
    size_t room = columns > length + 3 ? columns - length - 3 : 0;
    size_t size = room < BAR_SIZE_MAX ? room : BAR_SIZE_MAX;
    char bar[BAR_SIZE_MAX + 1] = "";
    if (size >= BAR_SIZE_MIN) {
        size_t full = (size_t)(share * (double)size);
        memset(bar, '=', full);
        memset(bar + full, ' ', size - full);
        bar[size] = '\0';
    }
    // The cursor's line is written anew, and what is left of the old one erased (ECMA-48 EL).
    if (bar[0] != '\0') {
        fprintf(stderr, "\r[%s]%s\033[K", bar, text);
    } else {
        fprintf(stderr, "\r%.*s\033[K", (int)(columns > 1 ? columns - 1 : 1), text);
    }
    fflush(stderr);
    progress->drawn = true;
}

void progress_hide(struct progress *progress) {
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->drawn = false;
    }
}
