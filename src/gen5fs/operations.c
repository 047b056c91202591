// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Requests: each is given to the side that knows the answer, by the kind of its node, and answered.
#define FUSE_USE_VERSION 35
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access_list.h"
#include "container_operations.h"
#include "control.h"
#include "descriptors.h"
#include "entry.h"
#include "kernel_notices.h"
#include "listing.h"
#include "mount.h"
#include "ordinary.h"

_Static_assert(CONTAINER_SET_MODE == FUSE_SET_ATTR_MODE && CONTAINER_SET_UID == FUSE_SET_ATTR_UID &&
                   CONTAINER_SET_GID == FUSE_SET_ATTR_GID &&
                   CONTAINER_SET_SIZE == FUSE_SET_ATTR_SIZE &&
                   CONTAINER_SET_ATIME == FUSE_SET_ATTR_ATIME &&
                   CONTAINER_SET_MTIME == FUSE_SET_ATTR_MTIME &&
                   CONTAINER_SET_ATIME_NOW == FUSE_SET_ATTR_ATIME_NOW &&
                   CONTAINER_SET_MTIME_NOW == FUSE_SET_ATTR_MTIME_NOW,
               "setattr's bits are passed on as they are");

// Requests that the kernel may have under way in the background (readahead, direct I/O of several
// pages).
enum { BACKGROUND_MAX = 64 };

static struct filesystem *filesystem_of(fuse_req_t request) {
    return fuse_req_userdata(request);
}

static struct node *request_node(fuse_req_t request, fuse_ino_t number) {
    return node_of(filesystem_of(request), number);
}

static struct caller caller_of(fuse_req_t request) {
    const struct fuse_ctx *context = fuse_req_ctx(request);
    return (struct caller){
        .uid = context->uid, .gid = context->gid, .pid = context->pid, .umask = context->umask};
}

// The mode with which to make something in a folder.
static mode_t mode_of_new(const struct node *folder, mode_t mode, const struct caller *caller) {
    return folder->kind == NODE_SOURCE ? access_list_new_mode(folder->fd, mode, caller->umask)
                                       : mode & ~caller->umask;
}

static struct handle *handle_of(const struct fuse_file_info *file) {
    return file != NULL ? (struct handle *)(uintptr_t)file->fh
                        : NULL; // NOLINT(performance-no-int-to-ptr)
}

static bool is_inside(const struct node *node) {
    return node->kind == NODE_CONTAINER || node->kind == NODE_LATENTS;
}

static bool is_control(const struct node *node) {
    return node->kind == NODE_CONTROL || node->kind == NODE_STATUS;
}

// Whether anything about a node can be changed at all.
static int check_change(const struct filesystem *filesystem, const struct node *node) {
    return filesystem->read_only || node->raw || is_control(node) ? EROFS : 0;
}

// What a request about a node begins with: its descriptor is held, until descriptor_release where
// this gave 0.
static int begin_change(struct filesystem *filesystem, struct node *node) {
    int problem = check_change(filesystem, node);
    return problem != 0 ? problem : descriptor_hold(filesystem, node);
}

// A kind of node that the request makes no sense for, which the kernel should have known.
static int unexpected(const struct node *node, const char *what) {
    note("unexpected request: %s for a node of kind %d", what, (int)node->kind);
    return EIO;
}

// Answers. Each takes over the reference to the node that it gives to the kernel.

// 0 for success. ENOSYS from below would tell the kernel that no such request is ever to be sent
// again: every later close, for one, would be taken for a success unasked.
static void reply_error(fuse_req_t request, int problem) {
    fuse_reply_err(request, problem == ENOSYS ? EOPNOTSUPP : problem);
}

static void reply_entry(fuse_req_t request, struct node *folder, const char *name,
                        struct node *node, const struct stat *attributes, int problem) {
    struct filesystem *filesystem = filesystem_of(request);
    if (problem != 0) {
        reply_error(request, problem);
        return;
    }
    struct fuse_entry_param entry;
    entry_fill(filesystem, folder, name, node, attributes, &entry);
    node_remember(filesystem, node);
    if (fuse_reply_entry(request, &entry) != 0) {
        node_forget(filesystem, node, 1); // The request was interrupted: the kernel has not got it.
    }
    node_release(filesystem, node);
}

static void list_handle(struct filesystem *filesystem, struct handle *handle) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    handle->next = filesystem->handles;
    if (handle->next != NULL) {
        handle->next->place = &handle->next;
    }
    handle->place = &filesystem->handles;
    filesystem->handles = handle;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

static void unlist_handle(struct filesystem *filesystem, struct handle *handle) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    if (handle->place != NULL) {
        *handle->place = handle->next;
        if (handle->next != NULL) {
            handle->next->place = handle->place;
        }
        handle->place = NULL;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

static void release_handle(struct filesystem *filesystem, struct handle *handle) {
    unlist_handle(filesystem, handle);
    switch (handle->kind) {
    case HANDLE_ORDINARY:
        ordinary_release(filesystem, handle);
        return;
    case HANDLE_FILE:
        container_release_handle(filesystem, handle);
        return;
    case HANDLE_STATUS:
        break;
    }
    node_release(filesystem, handle->node);
    free(handle->text);
    free(handle);
}

void operations_release_handles(struct filesystem *filesystem) {
    // No request is under way any more, so that nobody else changes the list.
    while (filesystem->handles != NULL) {
        release_handle(filesystem, filesystem->handles);
    }
}

static void give_handle(struct filesystem *filesystem, struct fuse_file_info *file,
                        struct handle *handle, bool keep_cache) {
    list_handle(filesystem, handle);
    file->fh = (uint64_t)(uintptr_t)handle;
    file->keep_cache = keep_cache ? 1 : 0;
    // Its size is not known before it is opened, and it is new each time.
    file->direct_io = handle->kind == HANDLE_STATUS ? 1 : 0;
    // A reader has nothing to say at close: one request less.
    file->noflush = handle->writes ? 0 : 1;
}

static void reply_attributes(fuse_req_t request, const struct node *node,
                             const struct stat *attributes, int problem) {
    if (problem != 0) {
        reply_error(request, problem);
        return;
    }
    fuse_reply_attr(request, attributes, entry_attribute_seconds(filesystem_of(request), node));
}

// Names.

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
    return unexpected(folder, "lookup");
}

static void operation_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
    struct filesystem *filesystem = filesystem_of(request);
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

static void operation_forget(fuse_req_t request, fuse_ino_t number, uint64_t count) {
    node_forget(filesystem_of(request), request_node(request, number), count);
    fuse_reply_none(request);
}

static void operation_forget_multi(fuse_req_t request, size_t count,
                                   struct fuse_forget_data *forgets) {
    for (size_t i = 0; i < count; i++) {
        node_forget(filesystem_of(request), request_node(request, forgets[i].ino),
                    forgets[i].nlookup);
    }
    fuse_reply_none(request);
}

static int make_folder(struct filesystem *filesystem, struct node *folder, const char *name,
                       mode_t mode, const struct caller *caller, struct node **child,
                       struct stat *attributes) {
    if (is_inside(folder)) {
        return container_mkdir(filesystem, folder, name, child, attributes);
    }
    if (folder->kind != NODE_SOURCE) {
        return unexpected(folder, "mkdir");
    }
    if (!name_is_container(name)) {
        return ordinary_mkdir(filesystem, folder, name, mode, caller, child, attributes);
    }
    int problem = ordinary_check_name(filesystem, folder, name);
    return problem != 0 ? problem
                        : container_entry_make(filesystem, folder, name, mode, caller->uid,
                                               caller->gid, caller->pid, child, attributes);
}

static void operation_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = caller_of(request);
    struct node *child = NULL;
    struct stat attributes;
    int problem = begin_change(filesystem, folder);
    if (problem == 0) {
        mode = mode_of_new(folder, mode, &caller);
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

static void operation_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                            dev_t device) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = caller_of(request);
    struct node *child = NULL;
    struct stat attributes;
    int problem = begin_change(filesystem, folder);
    if (problem == 0) {
        mode = mode_of_new(folder, mode, &caller);
        problem = is_inside(folder) ? make_file_inside(filesystem, folder, name, mode, &caller,
                                                       &child, &attributes)
                                    : ordinary_mknod(filesystem, folder, name, mode, device,
                                                     &caller, &child, &attributes);
        descriptor_release(folder);
    }
    reply_entry(request, folder, name, child, &attributes, problem);
}

static void operation_symlink(fuse_req_t request, const char *target, fuse_ino_t parent,
                              const char *name) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = caller_of(request);
    struct node *child = NULL;
    struct stat attributes;
    int problem = begin_change(filesystem, folder);
    if (problem == 0) {
        problem = is_inside(folder) ? EPERM
                                    : ordinary_symlink(filesystem, folder, name, target, &caller,
                                                       &child, &attributes);
        descriptor_release(folder);
    }
    reply_entry(request, folder, name, child, &attributes, problem);
}

static int link_held(struct filesystem *filesystem, struct node *node, struct node *folder,
                     const char *new_name, struct stat *attributes) {
    int problem = descriptor_hold(filesystem, node);
    if (problem != 0) {
        return problem;
    }
    problem = descriptor_hold(filesystem, folder);
    if (problem == 0) {
        problem = ordinary_link(filesystem, node, folder, new_name, attributes);
        descriptor_release(folder);
    }
    descriptor_release(node);
    return problem;
}

static void operation_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent,
                           const char *new_name) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *node = request_node(request, number);
    struct node *folder = request_node(request, new_parent);
    struct stat attributes;
    int problem = check_change(filesystem, folder);
    if (problem == 0 && (node->kind != NODE_SOURCE || folder->kind != NODE_SOURCE)) {
        problem = EPERM;
    }
    if (problem == 0) {
        problem = link_held(filesystem, node, folder, new_name, &attributes);
    }
    if (problem == 0) {
        node_reference(filesystem, node);
    }
    reply_entry(request, folder, new_name, node, &attributes, problem);
}

static void operation_unlink(fuse_req_t request, fuse_ino_t parent, const char *name) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *folder = request_node(request, parent);
    int problem = begin_change(filesystem, folder);
    if (problem == 0) {
        problem = is_inside(folder) ? container_unlink(filesystem, folder, name)
                                    : ordinary_unlink(filesystem, folder, name);
        descriptor_release(folder);
    }
    reply_error(request, problem);
}

static void operation_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *folder = request_node(request, parent);
    int problem = begin_change(filesystem, folder);
    if (problem == 0) {
        problem = is_inside(folder) ? container_rmdir(filesystem, folder, name)
                                    : ordinary_rmdir(filesystem, folder, name);
        descriptor_release(folder);
    }
    reply_error(request, problem);
}

static int move(struct filesystem *filesystem, struct node *old_folder, const char *old_name,
                struct node *new_folder, const char *new_name, unsigned int flags) {
    if (is_inside(old_folder) && is_inside(new_folder)) {
        return container_rename(filesystem, old_folder, old_name, new_folder, new_name, flags);
    }
    if (is_inside(old_folder) || is_inside(new_folder)) {
        return EXDEV; // mv(1) copies then.
    }
    return ordinary_rename(filesystem, old_folder, old_name, new_folder, new_name, flags);
}

static void operation_rename(fuse_req_t request, fuse_ino_t old_parent, const char *old_name,
                             fuse_ino_t new_parent, const char *new_name, unsigned int flags) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *old_folder = request_node(request, old_parent);
    struct node *new_folder = request_node(request, new_parent);
    int problem = begin_change(filesystem, old_folder);
    if (problem == 0) {
        problem = begin_change(filesystem, new_folder);
        if (problem == 0) {
            problem = move(filesystem, old_folder, old_name, new_folder, new_name, flags);
            descriptor_release(new_folder);
        }
        descriptor_release(old_folder);
    }
    reply_error(request, problem);
}

static void operation_readlink(fuse_req_t request, fuse_ino_t number) {
    struct node *node = request_node(request, number);
    char target[PATH_MAX];
    int problem =
        node->kind == NODE_SOURCE ? descriptor_hold(filesystem_of(request), node) : EINVAL;
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
    struct filesystem *filesystem = filesystem_of(request);
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
static void operation_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)number;
    if (filesystem_of(request)->opens_folders) {
        fuse_reply_open(request, file);
    } else {
        fuse_reply_err(request, ENOSYS);
    }
}

static void operation_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                              struct fuse_file_info *file) {
    (void)file;
    list(request, number, size, offset, false);
}

static void operation_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                                  struct fuse_file_info *file) {
    (void)file;
    list(request, number, size, offset, true);
}

static void operation_fsyncdir(fuse_req_t request, fuse_ino_t number, int data_only,
                               struct fuse_file_info *file) {
    (void)file;
    struct filesystem *filesystem = filesystem_of(request);
    struct node *node = request_node(request, number);
    int problem = descriptor_hold(filesystem, node);
    if (problem == 0) {
        if (is_inside(node)) {
            problem = container_sync_folder(filesystem, node);
        } else if (node->kind == NODE_SOURCE) {
            problem = ordinary_sync_folder(node, data_only != 0);
        }
        descriptor_release(node);
    }
    reply_error(request, problem);
}

// Attributes.

static int get_attributes(struct filesystem *filesystem, struct node *node, struct handle *handle,
                          struct stat *attributes) {
    switch (node->kind) {
    case NODE_SOURCE:
        return ordinary_getattr(filesystem, node, handle, attributes);
    case NODE_CONTAINER:
    case NODE_LATENTS:
    case NODE_FILE:
        return container_getattr(filesystem, node, attributes);
    case NODE_CONTROL:
    case NODE_STATUS:
        return control_getattr(filesystem, node, attributes);
    }
    return unexpected(node, "getattr");
}

static void operation_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    struct node *node = request_node(request, number);
    struct stat attributes;
    int problem = get_attributes(filesystem_of(request), node, handle_of(file), &attributes);
    reply_attributes(request, node, &attributes, problem);
}

static void operation_setattr(fuse_req_t request, fuse_ino_t number, struct stat *given, int to_set,
                              struct fuse_file_info *file) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *node = request_node(request, number);
    struct stat attributes = *given;
    int problem = begin_change(filesystem, node);
    if (problem == 0) {
        problem = node->kind == NODE_SOURCE
                      ? ordinary_setattr(filesystem, node, handle_of(file), &attributes, to_set)
                      : container_setattr(filesystem, node, handle_of(file), &attributes, to_set);
        descriptor_release(node);
    }
    reply_attributes(request, node, &attributes, problem);
}

static void operation_statfs(fuse_req_t request, fuse_ino_t number) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *node = number != 0 ? request_node(request, number) : NULL;
    struct statvfs about;
    // Any other folder of the source is as good.
    bool held = node != NULL && descriptor_hold(filesystem, node) == 0;
    int problem = ordinary_statfs(filesystem, held ? node : NULL, &about);
    if (held) {
        descriptor_release(node);
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_statfs(request, &about);
    }
}

// Open files.

static int create(struct filesystem *filesystem, struct node *folder, const char *name, mode_t mode,
                  int flags, const struct caller *caller, struct node **child,
                  struct stat *attributes, struct handle **handle) {
    int problem = begin_change(filesystem, folder);
    if (problem != 0) {
        return problem;
    }
    mode = mode_of_new(folder, mode, caller);
    problem = is_inside(folder) ? container_create(filesystem, folder, name, mode, flags, caller,
                                                   child, attributes, handle)
                                : ordinary_create(filesystem, folder, name, mode, flags, caller,
                                                  child, attributes, handle);
    descriptor_release(folder);
    return problem;
}

static void operation_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                             struct fuse_file_info *file) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = caller_of(request);
    struct node *child = NULL;
    struct handle *handle = NULL;
    struct stat attributes;
    int problem =
        create(filesystem, folder, name, mode, file->flags, &caller, &child, &attributes, &handle);
    if (problem != 0) {
        reply_error(request, problem);
        return;
    }
    struct fuse_entry_param entry;
    entry_fill(filesystem, folder, name, child, &attributes, &entry);
    give_handle(filesystem, file, handle, false);
    node_remember(filesystem, child);
    if (fuse_reply_create(request, &entry, file) != 0) {
        release_handle(filesystem, handle);
        node_forget(filesystem, child, 1);
    }
    node_release(filesystem, child);
}

static int open_node(struct filesystem *filesystem, struct node *node, int flags,
                     const struct caller *caller, struct handle **handle, bool *keep_cache) {
    bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
    int problem = changes ? check_change(filesystem, node) : 0;
    if (problem != 0) {
        return problem;
    }
    switch (node->kind) {
    case NODE_SOURCE:
        return ordinary_open(filesystem, node, flags, caller, handle, keep_cache);
    case NODE_FILE:
        return container_open(filesystem, node, flags, caller->pid, handle, keep_cache);
    case NODE_STATUS:
        return control_open_status(filesystem, node, handle);
    case NODE_CONTAINER:
    case NODE_LATENTS:
    case NODE_CONTROL:
        return EISDIR;
    }
    return unexpected(node, "open");
}

// A file of a mount that is read-only needs no opening: the kernel is told once, as with folders,
// and from then on sends neither this nor a release. Which version of a member is read the node
// decides then (container.h: view_version).
static void operation_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    struct filesystem *filesystem = filesystem_of(request);
    const struct caller caller = caller_of(request);
    struct handle *handle = NULL;
    if (!filesystem->opens_files) {
        fuse_reply_err(request, ENOSYS);
        return;
    }
    bool keep_cache = false;
    int problem = open_node(filesystem, request_node(request, number), file->flags, &caller,
                            &handle, &keep_cache);
    if (problem != 0) {
        reply_error(request, problem);
        return;
    }
    give_handle(filesystem_of(request), file, handle, keep_cache);
    if (fuse_reply_open(request, file) != 0) {
        release_handle(filesystem, handle);
    }
}

static void operation_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)number;
    release_handle(filesystem_of(request), handle_of(file));
    reply_error(request, 0);
}

static int read_status(const struct handle *handle, char *buffer, size_t size, off_t offset,
                       size_t *got) {
    size_t start = (uint64_t)offset < handle->text_size ? (size_t)offset : handle->text_size;
    size_t rest = handle->text_size - start;
    *got = size < rest ? size : rest;
    if (*got > 0) {
        memcpy(buffer, handle->text + start, *got);
    }
    return 0;
}

// The kernel's handle or, where it opens no files, one that is made for this request alone.
static int borrow_handle(struct filesystem *filesystem, struct node *node,
                         const struct fuse_file_info *file, struct handle *own,
                         struct handle **handle) {
    *handle = handle_of(file);
    if (*handle != NULL) {
        return 0;
    }
    *handle = own;
    *own = (struct handle){.kind = HANDLE_FILE, .node = node, .fd = -1};
    switch (node->kind) {
    case NODE_SOURCE:
        return ordinary_lend(filesystem, node, own);
    case NODE_FILE:
        return 0;
    case NODE_STATUS:
        own->kind = HANDLE_STATUS;
        own->text = node->text;
        own->text_size = node->text != NULL ? strlen(node->text) : 0;
        return 0;
    case NODE_CONTAINER:
    case NODE_LATENTS:
    case NODE_CONTROL:
        return EISDIR;
    }
    return unexpected(node, "use of a file");
}

static void return_handle(const struct handle *handle, const struct handle *own) {
    if (handle == own && own->fd >= 0) {
        close(own->fd);
    }
}

static int read_handle(struct filesystem *filesystem, struct handle *handle, char *buffer,
                       size_t size, off_t offset, size_t *got) {
    switch (handle->kind) {
    case HANDLE_ORDINARY:
        return ordinary_read(handle, buffer, size, offset, got);
    case HANDLE_FILE:
        return container_read(filesystem, handle, buffer, size, offset, got);
    case HANDLE_STATUS:
        return read_status(handle, buffer, size, offset, got);
    }
    return EIO;
}

static void operation_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                           struct fuse_file_info *file) {
    struct filesystem *filesystem = filesystem_of(request);
    struct handle own;
    struct handle *handle;
    size_t got = 0;
    char *buffer = malloc(size > 0 ? size : 1);
    int problem = buffer == NULL ? ENOMEM : 0;
    if (problem == 0) {
        problem = borrow_handle(filesystem, request_node(request, number), file, &own, &handle);
        if (problem == 0) {
            problem = read_handle(filesystem, handle, buffer, size, offset, &got);
        }
        return_handle(handle, &own);
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_buf(request, buffer, got);
    }
    free(buffer);
}

static void operation_write(fuse_req_t request, fuse_ino_t number, const char *buffer, size_t size,
                            off_t offset, struct fuse_file_info *file) {
    (void)number;
    struct handle *handle = handle_of(file);
    size_t written = 0;
    int problem = EBADF;
    if (handle == NULL) {
        problem = EROFS; // Whoever mounts it anew as writable does not change what it is.
    } else if (handle->kind == HANDLE_ORDINARY) {
        // Pages of a mapping have their place, whatever the flags of the descriptor that they go
        // through.
        bool append = (file->flags & O_APPEND) != 0 && file->writepage == 0;
        problem =
            ordinary_write(filesystem_of(request), handle, buffer, size, offset, append, &written);
    } else if (handle->kind == HANDLE_FILE) {
        problem = container_write(filesystem_of(request), handle, buffer, size, offset, &written);
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_write(request, written);
    }
}

static void operation_flush(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)number;
    struct handle *handle = handle_of(file);
    int problem = 0;
    if (handle == NULL) {
        fuse_reply_err(request, ENOSYS); // On purpose: no later close is asked for.
        return;
    }
    if (handle->kind == HANDLE_ORDINARY) {
        problem = ordinary_flush(filesystem_of(request), handle);
    } else if (handle->kind == HANDLE_FILE) {
        problem = container_flush(filesystem_of(request), handle, fuse_req_ctx(request)->pid);
    }
    reply_error(request, problem);
}

static void operation_fsync(fuse_req_t request, fuse_ino_t number, int data_only,
                            struct fuse_file_info *file) {
    (void)number;
    struct handle *handle = handle_of(file);
    int problem = 0;
    if (handle == NULL) {
        problem = 0; // Nothing was written.
    } else if (handle->kind == HANDLE_ORDINARY) {
        problem = ordinary_fsync(handle, data_only != 0);
    } else if (handle->kind == HANDLE_FILE) {
        problem = container_fsync(filesystem_of(request), handle);
    }
    reply_error(request, problem);
}

static void operation_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset,
                                off_t length, struct fuse_file_info *file) {
    (void)number;
    struct handle *handle = handle_of(file);
    int problem = EOPNOTSUPP;
    if (handle == NULL) {
        problem = EROFS;
    } else if (handle->kind == HANDLE_ORDINARY) {
        problem = ordinary_fallocate(filesystem_of(request), handle, mode, offset, length);
    } else if (handle->kind == HANDLE_FILE) {
        problem = container_fallocate(filesystem_of(request), handle, mode, offset, length);
    }
    reply_error(request, problem);
}

static void operation_lseek(fuse_req_t request, fuse_ino_t number, off_t offset, int whence,
                            struct fuse_file_info *file) {
    struct filesystem *filesystem = filesystem_of(request);
    struct handle own;
    struct handle *handle;
    off_t found = 0;
    int problem = borrow_handle(filesystem, request_node(request, number), file, &own, &handle);
    if (problem == 0) {
        problem = handle->kind == HANDLE_ORDINARY ? ordinary_lseek(handle, offset, whence, &found)
                  : handle->kind == HANDLE_FILE
                      ? container_lseek(filesystem, handle, offset, whence, &found)
                      : EINVAL;
    }
    return_handle(handle, &own);
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_lseek(request, found);
    }
}

static void operation_copy_file_range(fuse_req_t request, fuse_ino_t number_in, off_t offset_in,
                                      struct fuse_file_info *file_in, fuse_ino_t number_out,
                                      off_t offset_out, struct fuse_file_info *file_out,
                                      size_t size, int flags) {
    (void)number_in;
    (void)number_out;
    struct handle *from = handle_of(file_in);
    struct handle *into = handle_of(file_out);
    size_t copied = 0;
    // The kernel then copies by reading and writing.
    int problem = EOPNOTSUPP;
    if (flags == 0 && from != NULL && into != NULL && from->kind == HANDLE_ORDINARY &&
        into->kind == HANDLE_ORDINARY) {
        problem =
            ordinary_copy(filesystem_of(request), from, offset_in, into, offset_out, size, &copied);
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_write(request, copied);
    }
}

// Extended attributes.

// Answer with a value, or with its length where that is what was asked.
static void reply_xattr(fuse_req_t request, const char *value, size_t length, size_t size,
                        int problem) {
    if (problem == 0 && size > 0 && length > size) {
        problem = ERANGE;
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else if (size == 0) {
        fuse_reply_xattr(request, length);
    } else {
        fuse_reply_buf(request, value, length);
    }
}

static int get_pid(char **value, size_t *length) {
    const int printed = asprintf(value, "%d", (int)getpid());
    if (printed < 0) {
        *value = NULL;
        return ENOMEM;
    }
    *length = (size_t)printed;
    return 0;
}

static int get_xattr(struct filesystem *filesystem, struct node *node, const char *name,
                     size_t size, char **value, size_t *length) {
    // Of everything, since any part of the mount may be bound elsewhere.
    if (strcmp(name, GEN5FS_PID_ATTRIBUTE) == 0) {
        return get_pid(value, length);
    }
    if (is_control(node)) {
        return ENODATA;
    }
    if (node->kind != NODE_SOURCE) {
        return container_getxattr(filesystem, node, name, value, length);
    }
    *value = size > 0 ? malloc(size) : NULL;
    if (size > 0 && *value == NULL) {
        return ENOMEM;
    }
    int problem = descriptor_hold(filesystem, node);
    if (problem == 0) {
        problem = ordinary_getxattr(node, name, *value, size, length);
        descriptor_release(node);
    }
    return problem;
}

static void operation_getxattr(fuse_req_t request, fuse_ino_t number, const char *name,
                               size_t size) {
    struct node *node = request_node(request, number);
    // First of all, since the kernel asks for security.capability at every write.
    if (ordinary_xattr_unsupported(node, name)) {
        reply_error(request, EOPNOTSUPP);
        return;
    }
    char *value = NULL;
    size_t length = 0;
    int problem = get_xattr(filesystem_of(request), node, name, size, &value, &length);
    reply_xattr(request, value, length, size, problem);
    free(value);
}

static int list_xattr(struct filesystem *filesystem, struct node *node, const struct caller *caller,
                      size_t size, char **names, size_t *length) {
    if (is_control(node)) {
        return 0;
    }
    if (node->kind != NODE_SOURCE) {
        return container_listxattr(filesystem, node, names, length);
    }
    *names = size > 0 ? malloc(size) : NULL;
    if (size > 0 && *names == NULL) {
        return ENOMEM;
    }
    int problem = descriptor_hold(filesystem, node);
    if (problem == 0) {
        problem = ordinary_listxattr(node, caller, *names, size, length);
        descriptor_release(node);
    }
    return problem;
}

static void operation_listxattr(fuse_req_t request, fuse_ino_t number, size_t size) {
    const struct caller caller = caller_of(request);
    char *names = NULL;
    size_t length = 0;
    int problem = list_xattr(filesystem_of(request), request_node(request, number), &caller, size,
                             &names, &length);
    reply_xattr(request, names, length, size, problem);
    free(names);
}

static void operation_setxattr(fuse_req_t request, fuse_ino_t number, const char *name,
                               const char *value, size_t size, int flags) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *node = request_node(request, number);
    int problem = check_change(filesystem, node);
    if (problem == 0 && ordinary_xattr_unsupported(node, name)) {
        problem = EOPNOTSUPP;
    }
    if (problem == 0) {
        problem = descriptor_hold(filesystem, node);
    }
    if (problem == 0) {
        const struct caller caller = caller_of(request);
        problem = node->kind == NODE_SOURCE
                      ? ordinary_setxattr(filesystem, node, &caller, name, value, size, flags)
                      : container_setxattr(filesystem, node, name, value, size, flags);
        descriptor_release(node);
    }
    reply_error(request, problem);
}

static void operation_removexattr(fuse_req_t request, fuse_ino_t number, const char *name) {
    struct filesystem *filesystem = filesystem_of(request);
    struct node *node = request_node(request, number);
    int problem = check_change(filesystem, node);
    if (problem == 0 && ordinary_xattr_unsupported(node, name)) {
        problem = EOPNOTSUPP;
    }
    if (problem == 0) {
        problem = descriptor_hold(filesystem, node);
    }
    if (problem == 0) {
        problem = node->kind == NODE_SOURCE ? ordinary_removexattr(filesystem, node, name)
                                            : container_removexattr(filesystem, node, name);
        descriptor_release(node);
    }
    reply_error(request, problem);
}

// Answers of what is asked here are small.
enum { IOCTL_OUT_SIZE = 64 };

static void operation_ioctl(fuse_req_t request, fuse_ino_t number, unsigned int what,
                            void *argument, struct fuse_file_info *file, unsigned int flags,
                            const void *in, size_t in_size, size_t out_size) {
    (void)argument;
    struct node *node = request_node(request, number);
    const struct caller caller = caller_of(request);
    unsigned char out[IOCTL_OUT_SIZE] = {0};
    struct ordinary_ioctl call = {.request = what,
                                  .in = in,
                                  .in_size = in_size,
                                  .out = out,
                                  .out_size = out_size < sizeof out ? out_size : sizeof out};
    struct handle *handle = (flags & FUSE_IOCTL_DIR) == 0 ? handle_of(file) : NULL;
    int problem =
        node->kind == NODE_SOURCE ? descriptor_hold(filesystem_of(request), node) : ENOTTY;
    if (problem == 0) {
        problem = ordinary_ioctl(filesystem_of(request), node, handle, &caller, &call);
        descriptor_release(node);
    }
    if (problem != 0) {
        fuse_reply_err(request, problem);
    } else {
        fuse_reply_ioctl(request, 0, call.out, call.out_size);
    }
}

// What is wanted of the kernel.
//  - Listings bring every entry's attributes, always: what lists mostly asks for them next.
//  - The set-id bits are taken away by the kernel at a write: the daemon may be root, and then the
//    source's file system would leave them on.
//  - Pages stay until they are told to be wrong (ordinary_changes.c says why).
//  - Access-control lists are checked by the kernel, and the umask is left to us, since what is
//    made in a folder with a default list is made without it.
static void operation_init(void *userdata, struct fuse_conn_info *connection) {
    struct filesystem *filesystem = userdata;
    const unsigned int wanted =
        FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_EXPLICIT_INVAL_DATA |
        FUSE_CAP_READDIRPLUS | FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS |
        FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK | FUSE_CAP_IOCTL_DIR;
    const unsigned int unwanted =
        FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_WRITEBACK_CACHE;
    connection->want &= ~unwanted;
    connection->want |= wanted & connection->capable;
    if ((connection->capable & FUSE_CAP_EXPLICIT_INVAL_DATA) != 0) {
        connection->want &= ~(unsigned int)FUSE_CAP_AUTO_INVAL_DATA;
    }
    connection->max_background = BACKGROUND_MAX;
    connection->time_gran = 1;
    // Kernels before Linux 5.1 take ENOSYS for a failure.
    filesystem->opens_folders = (connection->capable & FUSE_CAP_NO_OPENDIR_SUPPORT) == 0;
    filesystem->opens_files = !filesystem->read_only || !descriptors_may_be_granted(filesystem) ||
                              (connection->capable & FUSE_CAP_NO_OPEN_SUPPORT) == 0;
}

const struct fuse_lowlevel_ops gen5fs_operations = {
    .init = operation_init,
    .lookup = operation_lookup,
    .forget = operation_forget,
    .forget_multi = operation_forget_multi,
    .getattr = operation_getattr,
    .setattr = operation_setattr,
    .readlink = operation_readlink,
    .mknod = operation_mknod,
    .mkdir = operation_mkdir,
    .unlink = operation_unlink,
    .rmdir = operation_rmdir,
    .symlink = operation_symlink,
    .rename = operation_rename,
    .link = operation_link,
    .open = operation_open,
    .read = operation_read,
    .write = operation_write,
    .flush = operation_flush,
    .release = operation_release,
    .fsync = operation_fsync,
    .fsyncdir = operation_fsyncdir,
    .statfs = operation_statfs,
    .setxattr = operation_setxattr,
    .getxattr = operation_getxattr,
    .listxattr = operation_listxattr,
    .removexattr = operation_removexattr,
    .ioctl = operation_ioctl,
    .create = operation_create,
    .opendir = operation_opendir,
    .readdir = operation_readdir,
    .readdirplus = operation_readdirplus,
    .fallocate = operation_fallocate,
    .lseek = operation_lseek,
    .copy_file_range = operation_copy_file_range,
};
