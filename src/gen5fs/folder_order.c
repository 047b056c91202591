// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The order of a folder's containers: read once, sorted, searched by halving.
#include "folder_order.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filesystem.h"

// The bytes of names, as the header states.
enum { TEXT_MAX = 2 << 20, TEXT_MIN = 4096 };

// Names that are being read.
struct names {
    char *text;
    size_t used;
    size_t size;
    size_t count;
};

static int add_name(struct names *names, const char *name) {
    const size_t size = strlen(name) + 1;
    if (size > names->size - names->used) {
        size_t larger = names->size == 0 ? TEXT_MIN : 2 * names->size;
        if (larger > TEXT_MAX) {
            return E2BIG;
        }
        char *text = realloc(names->text, larger);
        if (text == NULL) {
            return ENOMEM;
        }
        names->text = text;
        names->size = larger;
    }
    memcpy(names->text + names->used, name, size);
    names->used += size;
    names->count++;
    return 0;
}

static int read_names(struct filesystem *filesystem, const struct node *folder,
                      struct names *names) {
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (listing == NULL) {
        int problem = errno;
        if (fd >= 0) {
            close(fd);
        }
        return problem;
    }
    int problem = 0;
    struct dirent *found;
    while (problem == 0 && (found = readdir(listing)) != NULL) {
        if (name_is_container(found->d_name) &&
            !name_is_hidden(filesystem, folder, found->d_name)) {
            problem = add_name(names, found->d_name);
        }
    }
    closedir(listing);
    return problem;
}

static int compare_names(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// The place in the listing is told from the address: names stand in the text as they were listed.
static int compare_addresses(const void *name, const void *listed) {
    const char *const left = *(const char *const *)name;
    const char *const right = *(const char *const *)listed;
    return (left > right) - (left < right);
}

static int make_tables(struct folder_order *order) {
    order->names[ORDER_LISTED] = calloc(order->count + 1, sizeof(char *));
    order->names[ORDER_BY_NAME] = calloc(order->count + 1, sizeof(char *));
    if (order->names[ORDER_LISTED] == NULL || order->names[ORDER_BY_NAME] == NULL) {
        return ENOMEM;
    }
    const char *name = order->text;
    for (size_t i = 0; i < order->count; i++) {
        order->names[ORDER_LISTED][i] = name;
        order->names[ORDER_BY_NAME][i] = name;
        name += strlen(name) + 1;
    }
    if (order->count > 0) {
        qsort(order->names[ORDER_BY_NAME], order->count, sizeof(char *), compare_names);
    }
    return 0;
}

int folder_order_read(struct filesystem *filesystem, const struct node *folder,
                      struct folder_order *order) {
    struct names names = {.text = NULL};
    struct folder_order made = {.count = 0};
    int problem = read_names(filesystem, folder, &names);
    made.text = names.text;
    made.count = names.count;
    if (problem == 0) {
        problem = make_tables(&made);
    }
    if (problem != 0) {
        folder_order_release(&made);
        return problem;
    }
    *order = made;
    return 0;
}

bool folder_order_find(const struct folder_order *order, const char *name,
                       size_t places[ORDER_COUNT]) {
    if (order->count == 0) {
        return false;
    }
    const char *const *by_name =
        bsearch(&name, order->names[ORDER_BY_NAME], order->count, sizeof(char *), compare_names);
    if (by_name == NULL) {
        return false;
    }
    const char *const *listed = bsearch(by_name, order->names[ORDER_LISTED], order->count,
                                        sizeof(char *), compare_addresses);
    places[ORDER_BY_NAME] = (size_t)(by_name - order->names[ORDER_BY_NAME]);
    places[ORDER_LISTED] = (size_t)(listed - order->names[ORDER_LISTED]);
    return true;
}

void folder_order_release(struct folder_order *order) {
    free(order->names[ORDER_LISTED]);
    free(order->names[ORDER_BY_NAME]);
    free(order->text);
    *order = (struct folder_order){.count = 0};
}
