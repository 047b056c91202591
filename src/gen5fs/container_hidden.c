// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Members that the container still has and that are not shown.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"

static struct hidden *hidden_find(const struct container *container, const char *path) {
    struct hidden *at = container->hidden;
    while (at != NULL && strcmp(at->path, path) != 0) {
        at = at->next;
    }
    return at;
}

bool hidden_has(const struct container *container, const char *path,
                const struct version *version) {
    const struct hidden *at = hidden_find(container, path);
    return at != NULL &&
           (at->member.kind == MEMBER_METADATA || version_equal(&at->version, version));
}

int hidden_add(struct container *container, const char *path, const struct member *member,
               const struct version *version, int64_t due_ms) {
    struct hidden *at = hidden_find(container, path);
    if (at != NULL) {
        at->version = *version;
        at->due_ms = due_ms;
        return 0;
    }
    at = calloc(1, sizeof *at);
    if (at == NULL || (at->path = strdup(path)) == NULL || member_copy(&at->member, member) != 0) {
        free(at != NULL ? at->path : NULL);
        free(at);
        return ENOMEM;
    }
    at->version = *version;
    at->due_ms = due_ms;
    at->next = container->hidden;
    container->hidden = at;
    return 0;
}

void hidden_drop(struct container *container, const char *path) {
    for (struct hidden **at = &container->hidden; *at != NULL; at = &(*at)->next) {
        struct hidden *found = *at;
        if (strcmp(found->path, path) == 0) {
            *at = found->next;
            member_release(&found->member);
            free(found->path);
            free(found);
            return;
        }
    }
}
