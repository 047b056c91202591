// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container without members, for `mkdir x.gen5` (DESIGN.md 2.2 rule 9).
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "gen5/header.h"
#include "gen5/repack.h"
#include "manifest_write.h"
#include "ownership.h"
#include "table_write.h"

enum { DATE_SIZE = 64 };

// The time as the reference writes it, with the offset of UTC: 2026-01-04T09:30:00.123456+00:00.
static enum gen5_status date_of_now(char date[DATE_SIZE], struct gen5_error *error) {
    struct timespec now;
    struct tm fields;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || gmtime_r(&now.tv_sec, &fields) == NULL) {
        return gen5_error_set_system(error, errno, "cannot tell the time");
    }
    char seconds[DATE_SIZE / 2];
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &fields);
    snprintf(date, DATE_SIZE, "%s.%06ld+00:00", seconds, now.tv_nsec / 1000);
    return GEN5_OK;
}

enum gen5_status gen5_repack_blank(int fd_out, struct gen5_error *error) {
    GEN5_AUTO_FREE char *text = NULL;
    size_t size = 0;
    char date[DATE_SIZE];
    enum gen5_status status = date_of_now(date, error);
    if (status == GEN5_OK) {
        status = gen5_manifest_blank(date, &text, &size, error);
    }
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_table table = {
        .fd = fd_out,
        .offset = GEN5_HEADER_SIZE,
        .old = NULL,
        .user_text = text,
        .user_size = size,
        .chunks = NULL,
        .chunk_count = 0,
        .limits = &limits,
    };
    return gen5_table_write(&table, error);
}
