// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Gathering complaints.
#include "complaint_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complaint.h"

// Room for one more. False where there is none.
static int make_room(struct complaint_list *list) {
    char **whats = reallocarray(list->whats, list->count + 1, sizeof *whats);
    if (whats != NULL) {
        list->whats = whats;
    }
    char **whys = reallocarray(list->whys, list->count + 1, sizeof *whys);
    if (whys != NULL) {
        list->whys = whys;
    }
    return whats != NULL && whys != NULL;
}

void complaint_list_add(struct complaint_list *list, const char *what, const char *why_format,
                        ...) {
    char *why = NULL;
    va_list arguments;
    va_start(arguments, why_format);
    if (vasprintf(&why, why_format, arguments) < 0) {
        why = NULL;
    }
    va_end(arguments);
    char *copy = strdup(what);
    if (why == NULL || copy == NULL || !make_room(list)) {
        complain(what, "%s", why != NULL ? why : "out of memory");
        free(why);
        free(copy);
        return;
    }
    list->whats[list->count] = copy;
    list->whys[list->count++] = why;
}

void complaint_list_tell(struct complaint_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        complain(list->whats[i], "%s", list->whys[i]);
        free(list->whats[i]);
        free(list->whys[i]);
    }
    free(list->whats);
    free(list->whys);
    *list = (struct complaint_list)COMPLAINT_LIST_NONE;
}
