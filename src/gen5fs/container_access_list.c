// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The access-control list of a container's file is that of its directory and of all in it, as its
// mode is.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "access_list.h"
#include "container.h"
#include "ordinary.h"

// The kernel takes no longer list from a FUSE file system: a page.
enum { LIST_SIZE_MAX = 4096 };

// A scratch file has a mode, but no list.
static bool has_list(struct container *container, const struct node *node) {
    pthread_mutex_lock(&container->lock);
    bool has = node->kind != NODE_FILE || node->file->member.kind != MEMBER_NONE;
    pthread_mutex_unlock(&container->lock);
    return has;
}

// The list of the container's file as the kernel gets it for the node.
static int read_list(int fd, const struct node *node, char **value, size_t *size) {
    char *list = malloc(LIST_SIZE_MAX);
    if (list == NULL) {
        return ENOMEM;
    }
    ssize_t got =
        getxattr(descriptor_path_of(fd).text, ACCESS_LIST_NAME, list, (size_t)LIST_SIZE_MAX);
    if (got < 0) {
        free(list);
        return errno == EOPNOTSUPP ? ENODATA : errno;
    }
    access_list_show(list, (size_t)got, node->kind != NODE_FILE);
    *value = list;
    *size = (size_t)got;
    return 0;
}

// Enter the container and open its file; `without` where the node has no list. Who is in leaves,
// and closes.
static int enter_and_open(struct filesystem *filesystem, struct node *node, int without,
                          struct container **container, int *fd) {
    int problem = container_enter(filesystem, node, container);
    if (problem != 0) {
        return problem;
    }
    problem =
        has_list(*container, node) ? container_source_open(filesystem, *container, fd) : without;
    if (problem != 0) {
        container_leave(filesystem, *container);
    }
    return problem;
}

int container_access_list_get(struct filesystem *filesystem, struct node *node, const char *name,
                              char **value, size_t *size) {
    if (strcmp(name, ACCESS_LIST_NAME) != 0) {
        return ENODATA;
    }
    struct container *container = NULL;
    int fd = -1;
    int problem = enter_and_open(filesystem, node, ENODATA, &container, &fd);
    if (problem != 0) {
        return problem;
    }
    problem = read_list(fd, node, value, size);
    close(fd);
    container_leave(filesystem, container);
    return problem;
}

static int write_list(int fd, const char *value, size_t size, int flags) {
    const struct descriptor_path path = descriptor_path_of(fd);
    if (value == NULL) {
        return removexattr(path.text, ACCESS_LIST_NAME) != 0 ? errno : 0;
    }
    char *list = malloc(size);
    if (list == NULL) {
        return ENOMEM;
    }
    memcpy(list, value, size);
    access_list_show(list, size, false); // a container's file is no program either
    int problem = setxattr(path.text, ACCESS_LIST_NAME, list, size, flags) != 0 ? errno : 0;
    free(list);
    return problem;
}

int container_access_list_set(struct filesystem *filesystem, struct node *node, const char *name,
                              const char *value, size_t size, int flags) {
    if (strcmp(name, ACCESS_LIST_NAME) != 0) {
        return value == NULL ? 0 : EOPNOTSUPP;
    }
    struct container *container = NULL;
    int fd = -1;
    int problem = enter_and_open(filesystem, node, EOPNOTSUPP, &container, &fd);
    if (problem != 0) {
        return problem;
    }
    problem = write_list(fd, value, size, flags);
    close(fd);
    if (problem == 0) {
        container_source_changed(filesystem, container);
    }
    container_leave(filesystem, container);
    return problem;
}
