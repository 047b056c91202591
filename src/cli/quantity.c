// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Sizes and times as people read them.
#include "quantity.h"

#include <inttypes.h>
#include <stdio.h>

char *quantity_of_bytes(uint64_t bytes, char text[QUANTITY_SIZE]) {
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
        return text;
    }
    double value = (double)bytes / 1000;
    size_t unit = 0;
    // What would be shown as 1000.0 is one of the next unit.
    while (value >= 999.95) {
        value /= 1000;
        unit++;
    }
    snprintf(text, QUANTITY_SIZE, "%.1f %s", value, units[unit]);
    return text;
}

char *quantity_of_share(uint64_t part, uint64_t whole, char text[QUANTITY_SIZE]) {
    if (whole == 0) {
        snprintf(text, QUANTITY_SIZE, "-");
    } else {
        snprintf(text, QUANTITY_SIZE, "%.1f %%", 100 * (double)part / (double)whole);
    }
    return text;
}

char *quantity_of_seconds(uint64_t seconds, char text[QUANTITY_SIZE]) {
    uint64_t minutes = seconds / 60;
    if (minutes < 60) {
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 ":%02" PRIu64, minutes, seconds % 60);
    } else {
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, minutes / 60,
                 minutes % 60, seconds % 60);
    }
    return text;
}
