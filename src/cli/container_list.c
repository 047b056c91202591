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
#include "member_names.h"

// The mark of folders that are a container's, or lie in one.
enum { INSIDE = 1 };

// The folder in a source's root where gen5fs keeps what is its own (DESIGN.md 2.2 rule 4).
#define OWN_FOLDER ".gen5fs"

bool container_name_is(const char *name) {
    size_t length = strlen(name);
    return length > strlen(CONTAINER_SUFFIX) &&
           strcmp(name + length - strlen(CONTAINER_SUFFIX), CONTAINER_SUFFIX) == 0 &&
           !gen5_temporary_name_is(name);
}

static int by_name(const FTSENT **left, const FTSENT **right) {
    return strcmp((*left)->fts_name, (*right)->fts_name);
}

static void cannot_look(struct container_list *list, const char *path, int os_error) {
    complain(path, "cannot look at it: %s", strerror(os_error));
    list->complete = false;
}

static void take_trouble(struct container_list *list, const FTSENT *entry) {
    bool dangling = entry->fts_info == FTS_SLNONE && entry->fts_level == FTS_ROOTLEVEL;
    bool trouble = dangling || entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
                   entry->fts_info == FTS_NS;
    if (trouble) { // and not the way back out of a folder, or a link
        cannot_look(list, entry->fts_path, entry->fts_errno != 0 ? entry->fts_errno : ENOENT);
    }
}

// `path` is the container's, and new memory.
static void add(struct container_list *list, const FTSENT *entry, char *path, const char *folder) {
    struct listed_container *items =
        reallocarray(list->items, list->count + 1, sizeof *list->items);
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
    items[list->count++] = (struct listed_container){.path = path, .root = root};
}

// A file of the container that was added last.
static void add_size(struct container_list *list, const FTSENT *entry) {
    uint64_t size = (uint64_t)entry->fts_statp->st_size;
    list->items[list->count - 1].size += size;
    list->size += size;
}

// --- Files --------------------------------------------------------------------------------------

static void add_file(struct container_list *list, const FTSENT *entry, const char *folder) {
    size_t before = list->count;
    add(list, entry, strdup(entry->fts_path), folder);
    if (list->count > before) {
        add_size(list, entry);
    }
}

static void take_file(struct container_list *list, FTS *walk, FTSENT *entry, const char *folder) {
    bool given = entry->fts_level == FTS_ROOTLEVEL;
    switch (entry->fts_info) {
    case FTS_D:
        if (!given && strcmp(entry->fts_name, OWN_FOLDER) == 0) {
            fts_set(walk, entry, FTS_SKIP);
        }
        return;
    case FTS_F:
        if (given || container_name_is(entry->fts_name)) {
            add_file(list, entry, folder);
        }
        return;
    case FTS_DEFAULT: // neither file nor folder: whoever opens what was given will say so
        if (given) {
            add_file(list, entry, folder);
        }
        return;
    case FTS_NS: // nor anything that can be looked at
    case FTS_SLNONE:
        if (given) {
            add(list, entry, strdup(entry->fts_path), folder);
        } else {
            take_trouble(list, entry);
        }
        return;
    default:
        take_trouble(list, entry);
        return;
    }
}

// --- Folders ------------------------------------------------------------------------------------

static bool has_metadata(const FTSENT *entry) {
    struct stat attributes;
    char *path = NULL;
    bool has = asprintf(&path, "%s/%s", entry->fts_path, MEMBER_METADATA) >= 0 &&
               stat(path, &attributes) == 0;
    free(path);
    return has;
}

// The path without slashes at its end. One that ends in no name, as ".." does, gets one.
static char *named_path(const FTSENT *entry) {
    char *path = strdup(entry->fts_path);
    size_t length = path != NULL ? strlen(path) : 0;
    while (length > 1 && path[length - 1] == '/') {
        path[--length] = '\0';
    }
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : path;
    if (path != NULL && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)) {
        free(path);
        return realpath(entry->fts_path, NULL);
    }
    return path;
}

static void enter_folder(struct container_list *list, FTS *walk, FTSENT *entry,
                         const char *folder) {
    bool given = entry->fts_level == FTS_ROOTLEVEL;
    if (!given && strcmp(entry->fts_name, OWN_FOLDER) == 0) {
        fts_set(walk, entry, FTS_SKIP);
        return;
    }
    char *path = named_path(entry);
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    bool is_container = path == NULL || container_name_is(slash != NULL ? slash + 1 : path) ||
                        (given && has_metadata(entry));
    if (!is_container) {
        free(path);
        return;
    }
    size_t before = list->count;
    add(list, entry, path, folder);
    entry->fts_number = list->count > before ? INSIDE : 0;
}

// What is below a container's folder counts for its size.
static bool is_inside(const FTSENT *entry) {
    return entry->fts_level > FTS_ROOTLEVEL && entry->fts_parent->fts_number == INSIDE;
}

static void take_folder(struct container_list *list, FTS *walk, FTSENT *entry, const char *folder) {
    switch (entry->fts_info) {
    case FTS_D:
        if (is_inside(entry)) {
            entry->fts_number = INSIDE;
        } else {
            enter_folder(list, walk, entry, folder);
        }
        return;
    case FTS_F:
    case FTS_DEFAULT:
        if (entry->fts_level == FTS_ROOTLEVEL) {
            cannot_look(list, entry->fts_path, ENOTDIR);
        } else if (is_inside(entry)) {
            add_size(list, entry);
        }
        return;
    default:
        take_trouble(list, entry);
        return;
    }
}

// --- Both ---------------------------------------------------------------------------------------

static void look_below(struct container_list *list, enum container_form form, char *path) {
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
        if (form == CONTAINER_FILES) {
            take_file(list, walk, entry, path);
        } else {
            take_folder(list, walk, entry, path);
        }
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

void container_list_make(char *const *paths, enum container_form form,
                         struct container_list *list) {
    *list = (struct container_list){.complete = true};
    for (; *paths != NULL; paths++) {
        look_below(list, form, *paths);
    }
}

void container_list_release(struct container_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
    }
    free(list->items);
    *list = (struct container_list){0};
}
