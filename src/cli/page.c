// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Pages for a person.
#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harmless.h"

const char *page_style(enum terminal_style style) {
    return terminal_style(stdout, style);
}

void page_label(const char *label) {
    printf("  %s%-*s%s ", page_style(STYLE_FAINT), PAGE_VALUE_COLUMN - 3,
           label != NULL ? label : "", page_style(STYLE_PLAIN));
}

void page_text(const char *text, size_t size, size_t indent) {
    const char *end = text + size;
    for (;;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        print_harmless_bytes(text, (size_t)((newline != NULL ? newline : end) - text));
        putchar('\n');
        if (newline == NULL) {
            return;
        }
        text = newline + 1;
        printf("%*s", (int)indent, "");
    }
}

void page_damage(void) {
    printf("%sdamaged%s", page_style(STYLE_RED), page_style(STYLE_PLAIN));
}

void page_shape(const struct gen5_record *record) {
    for (uint32_t i = 0; i < record->rank; i++) {
        printf("%s%" PRIu64, i > 0 ? " x " : "", record->shape[i]);
    }
}
