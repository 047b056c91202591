// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Requests that look up, list and change names, each given to the side that knows the answer by the
// kind of its node.
#define FUSE_USE_VERSION 35
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "container_operations.h"
#include "control.h"
#include "descriptors.h"
#include "entry.h"
#include "kernel_notices.h"
#include "listing.h"
#include "ordinary.h"

static int find(struct filesystem *filesystem, struct node *folder, const char *name, pid_t caller,
                struct node **child, struct stat *attributes) {
    switch (folder->kind) {
    case NODE_SOURCE:
        if (folder == filesystem->root && strcmp(name, CONTROL_NAME) == 0) {
            return control_lookup(filesystem, folder, name, child, attributes);
        }
        return ordinary_lookup(filesystem, folder, name, child, attributes);
    case NODE_CONTAINER:
    case NODE_LATENTS:
        return container_lookup(filesystem, folder, name, caller, child, attributes);
    case NODE_CONTROL:
        return control_lookup(filesystem, folder, name, child, attributes);
    case NODE_FILE:
    case NODE_STATUS:
        break;
    }
    return request_unexpected(folder, "lookup");
}

void operation_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *folder = request_node(request, parent);
    struct node *child = NULL;
    struct stat attributes;
    int problem = descriptor_hold(filesystem, folder);
    if (problem == 0) {
        problem = find(filesystem, folder, name, fuse_req_ctx(request)->pid, &child, &attributes);
        descriptor_release(folder);
    }
    reply_entry(request, folder, name, child, &attributes, problem);
}

void operation_forget(fuse_req_t request, fuse_ino_t number, uint64_t count) {
    node_forget(request_filesystem(request), request_node(request, number), count);
    fuse_reply_none(request);
}

void operation_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets) {
    for (size_t i = 0; i < count; i++) {
        node_forget(request_filesystem(request), request_node(request, forgets[i].ino),
                    forgets[i].nlookup);
    }
    fuse_reply_none(request);
}

static int make_folder(struct filesystem *filesystem, struct node *folder, const char *name,
                       mode_t mode, const struct caller *caller, struct node **child,
                       struct stat *attributes) {
    if (node_is_inside(folder)) {
        return container_mkdir(filesystem, folder, name, child, attributes);
    }
    if (folder->kind != NODE_SOURCE) {
        return request_unexpected(folder, "mkdir");
    }
    if (!name_is_container(name)) {
        return ordinary_mkdir(filesystem, folder, name, mode, caller, child, attributes);
    }
    int problem = ordinary_check_name(filesystem, folder, name);
    return problem != 0 ? problem
                        : container_entry_make(filesystem, folder, name, mode, caller->uid,
                                               caller->gid, caller->pid, child, attributes);
}

void operation_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = request_caller(request);
    struct node *child = NULL;
    struct stat attributes;
    int problem = request_begin_change(filesystem, folder);
    if (problem == 0) {
        mode = request_new_mode(folder, mode, &caller);
        problem = make_folder(filesystem, folder, name, mode, &caller, &child, &attributes);
        descriptor_release(folder);
    }
    reply_entry(request, folder, name, child, &attributes, problem);
}

// mknod of a regular file in a container: what create and close would do.
static int make_file_inside(struct filesystem *filesystem, struct node *folder, const char *name,
                            mode_t mode, const struct caller *caller, struct node **child,
                            struct stat *attributes) {
    struct handle *handle = NULL;
    if (!S_ISREG(mode)) {
        return EPERM;
    }
    int problem = container_create(filesystem, folder, name, mode, O_CREAT | O_EXCL | O_WRONLY,
                                   caller, child, attributes, &handle);
    if (problem == 0) {
        container_release_handle(filesystem, handle);
    }
    return problem;
}

void operation_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                     dev_t device) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = request_caller(request);
    struct node *child = NULL;
    struct stat attributes;
    int problem = request_begin_change(filesystem, folder);
    if (problem == 0) {
        mode = request_new_mode(folder, mode, &caller);
        problem = node_is_inside(folder) ? make_file_inside(filesystem, folder, name, mode, &caller,
                                                            &child, &attributes)
                                         : ordinary_mknod(filesystem, folder, name, mode, device,
                                                          &caller, &child, &attributes);
        descriptor_release(folder);
    }
    reply_entry(request, folder, name, child, &attributes, problem);
}

void operation_symlink(fuse_req_t request, const char *target, fuse_ino_t parent,
                       const char *name) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = request_caller(request);
    struct node *child = NULL;
    struct stat attributes;
    int problem = request_begin_change(filesystem, folder);
    if (problem == 0) {
        problem = node_is_inside(folder) ? EPERM
                                         : ordinary_symlink(filesystem, folder, name, target,
                                                            &caller, &child, &attributes);
        descriptor_release(folder);
    }
    reply_entry(request, folder, name, child, &attributes, problem);
}

static int link_held(struct filesystem *filesystem, struct node *node, struct node *folder,
                     const char *new_name, const struct caller *caller, struct stat *attributes) {
    int problem = descriptor_hold(filesystem, node);
    if (problem != 0) {
        return problem;
    }
    problem = descriptor_hold(filesystem, folder);
    if (problem == 0) {
        problem = ordinary_link(filesystem, node, folder, new_name, caller, attributes);
        descriptor_release(folder);
    }
    descriptor_release(node);
    return problem;
}

void operation_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent,
                    const char *new_name) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *node = request_node(request, number);
    struct node *folder = request_node(request, new_parent);
    const struct caller caller = request_caller(request);
    struct stat attributes;
    int problem = request_check_change(filesystem, folder);
    if (problem == 0 && (node->kind != NODE_SOURCE || folder->kind != NODE_SOURCE)) {
        problem = EPERM;
    }
    if (problem == 0) {
        problem = link_held(filesystem, node, folder, new_name, &caller, &attributes);
    }
    if (problem == 0) {
        node_reference(filesystem, node);
    }
    reply_entry(request, folder, new_name, node, &attributes, problem);
}

typedef int removal(struct filesystem *filesystem, struct node *folder, const char *name);

static void remove_name(fuse_req_t request, fuse_ino_t parent, const char *name,
                        removal *from_container, removal *from_source) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *folder = request_node(request, parent);
    int problem = request_begin_change(filesystem, folder);
    if (problem == 0) {
        removal *const remove_it = node_is_inside(folder) ? from_container : from_source;
        problem = remove_it(filesystem, folder, name);
        descriptor_release(folder);
    }
    reply_error(request, problem);
}

void operation_unlink(fuse_req_t request, fuse_ino_t parent, const char *name) {
    remove_name(request, parent, name, container_unlink, ordinary_unlink);
}

void operation_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name) {
    remove_name(request, parent, name, container_rmdir, ordinary_rmdir);
}

static int move(struct filesystem *filesystem, struct node *old_folder, const char *old_name,
                struct node *new_folder, const char *new_name, unsigned int flags) {
    if (node_is_inside(old_folder) && node_is_inside(new_folder)) {
        return container_rename(filesystem, old_folder, old_name, new_folder, new_name, flags);
    }
    if (node_is_inside(old_folder) || node_is_inside(new_folder)) {
        return EXDEV; // mv(1) copies then.
    }
    return ordinary_rename(filesystem, old_folder, old_name, new_folder, new_name, flags);
}

void operation_rename(fuse_req_t request, fuse_ino_t old_parent, const char *old_name,
                      fuse_ino_t new_parent, const char *new_name, unsigned int flags) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *old_folder = request_node(request, old_parent);
    struct node *new_folder = request_node(request, new_parent);
    int problem = request_begin_change(filesystem, old_folder);
    if (problem == 0) {
        problem = request_begin_change(filesystem, new_folder);
        if (problem == 0) {
            problem = move(filesystem, old_folder, old_name, new_folder, new_name, flags);
            descriptor_release(new_folder);
        }
        descriptor_release(old_folder);
    }
    reply_error(request, problem);
}

void operation_readlink(fuse_req_t request, fuse_ino_t number) {
    struct node *node = request_node(request, number);
    char target[PATH_MAX];
    int problem =
        node->kind == NODE_SOURCE ? descriptor_hold(request_filesystem(request), node) : EINVAL;
    if (problem == 0) {
        problem = ordinary_readlink(node, target, sizeof target);
        descriptor_release(node);
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_readlink(request, target);
    }
}

static void list(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, bool plus) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *folder = request_node(request, number);
    struct listing listing;
    int problem = listing_init(&listing, request, size, plus);
    if (problem == 0) {
        problem = descriptor_hold(filesystem, folder);
    }
    if (problem == 0) {
        problem = listing_read(filesystem, folder, offset, &listing);
        descriptor_release(folder);
    }
    if (entry_attribute_seconds(filesystem, folder) <= CACHE_SECONDS) {
        notice_listing_later(filesystem, folder);
    }
    if (problem != 0) {
        reply_error(request, problem);
        listing_take_back(filesystem, &listing);
    } else if (fuse_reply_buf(request, listing.bytes, listing.used) != 0) {
        listing_take_back(filesystem, &listing);
    }
    listing_release(&listing);
}

// Nothing is kept for an open folder. The kernel is told once, stops asking, and from then on keeps
// listings until it is told to drop them (notice_listing).
void operation_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)number;
    if (request_filesystem(request)->opens_folders) {
        fuse_reply_open(request, file);
    } else {
        fuse_reply_err(request, ENOSYS);
    }
}

void operation_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                       struct fuse_file_info *file) {
    (void)file;
    list(request, number, size, offset, false);
}

void operation_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                           struct fuse_file_info *file) {
    (void)file;
    list(request, number, size, offset, true);
}

void operation_fsyncdir(fuse_req_t request, fuse_ino_t number, int data_only,
                        struct fuse_file_info *file) {
    (void)file;
    struct filesystem *filesystem = request_filesystem(request);
    struct node *node = request_node(request, number);
    int problem = descriptor_hold(filesystem, node);
    if (problem == 0) {
        if (node_is_inside(node)) {
            problem = container_sync_folder(filesystem, node);
        } else if (node->kind == NODE_SOURCE) {
            problem = ordinary_sync_folder(node, data_only != 0);
        }
        descriptor_release(node);
    }
    reply_error(request, problem);
}
