// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Looking for containers, with fts(3), which knows deep folders and loops.
#include "container_list.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "complaint.h"
#include "gen5/replace.h"

#define SUFFIX ".gen5"
// The folder in a source's root where gen5fs keeps what is its own (DESIGN.md 2.2 rule 4).
#define OWN_FOLDER ".gen5fs"

static bool is_container_name(const char *name) {
    size_t length = strlen(name);
    return length > strlen(SUFFIX) && strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0 &&
           !gen5_temporary_name_is(name);
}

static int by_name(const FTSENT **left, const FTSENT **right) {
    return strcmp((*left)->fts_name, (*right)->fts_name);
}

static void cannot_look(struct container_list *list, const char *path, int os_error) {
    complain(path, "%s", strerror(os_error));
    list->complete = false;
}

static void add(struct container_list *list, const FTSENT *entry, const char *folder) {
    struct listed_container *items =
        reallocarray(list->items, list->count + 1, sizeof *list->items);
    char *path = strdup(entry->fts_path);
    if (items != NULL) {
        list->items = items;
    }
    if (items == NULL || path == NULL) {
        free(path);
        cannot_look(list, entry->fts_path, ENOMEM);
        return;
    }
    bool given = entry->fts_level == FTS_ROOTLEVEL;
    size_t root = given ? 0 : strlen(folder) + (folder[strlen(folder) - 1] == '/' ? 0 : 1);
    uint64_t size = (uint64_t)entry->fts_statp->st_size;
    struct listed_container *item = &items[list->count++];
    item->path = path;
    item->root = root;
    item->size = size;
    list->size += size;
}

static void take_entry(struct container_list *list, FTS *walk, FTSENT *entry, const char *folder) {
    bool given = entry->fts_level == FTS_ROOTLEVEL;
    switch (entry->fts_info) {
    case FTS_D:
        if (!given && strcmp(entry->fts_name, OWN_FOLDER) == 0) {
            fts_set(walk, entry, FTS_SKIP);
        }
        return;
    case FTS_F:
        if (given || is_container_name(entry->fts_name)) {
            add(list, entry, folder);
        }
        return;
    case FTS_DEFAULT: // neither file nor folder: whoever opens what was given will say so
        if (given) {
            add(list, entry, folder);
        }
        return;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
    case FTS_SLNONE:
        if (given || entry->fts_info != FTS_SLNONE) {
            cannot_look(list, entry->fts_path, entry->fts_errno != 0 ? entry->fts_errno : ENOENT);
        }
        return;
    default: // the way back out of a folder, and links
        return;
    }
}

static void look_below(struct container_list *list, char *path) {
    char *const paths[] = {path, NULL};
    FTS *walk = path[0] != '\0'
                    ? fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name)
                    : NULL;
    if (walk == NULL) {
        cannot_look(list, path, path[0] != '\0' ? errno : ENOENT);
        return;
    }
    size_t before = list->count;
    bool complete = list->complete;
    bool is_folder = false;
    FTSENT *entry;
    list->complete = true;
    errno = 0;
    while ((entry = fts_read(walk)) != NULL) {
        is_folder = is_folder || (entry->fts_level == FTS_ROOTLEVEL && entry->fts_info == FTS_D);
        take_entry(list, walk, entry, path);
        errno = 0;
    }
    if (errno != 0) {
        cannot_look(list, path, errno);
    }
    fts_close(walk);
    if (is_folder && list->count == before && list->complete) {
        complain(path, "there are no containers in this folder");
    }
    list->complete = list->complete && complete;
}

void container_list_make(char *const *paths, struct container_list *list) {
    *list = (struct container_list){.complete = true};
    for (; *paths != NULL; paths++) {
        look_below(list, *paths);
    }
}

void container_list_release(struct container_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
    }
    free(list->items);
    *list = (struct container_list){0};
}
