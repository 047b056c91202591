// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Requests that open and use files, and the list of what the kernel has open.
#define FUSE_USE_VERSION 35
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_operations.h"
#include "control.h"
#include "descriptors.h"
#include "entry.h"
#include "operations.h"
#include "ordinary.h"

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

static int create(struct filesystem *filesystem, struct node *folder, const char *name, mode_t mode,
                  int flags, const struct caller *caller, struct node **child,
                  struct stat *attributes, struct handle **handle) {
    int problem = request_begin_change(filesystem, folder);
    if (problem != 0) {
        return problem;
    }
    mode = request_new_mode(folder, mode, caller);
    problem = node_is_inside(folder) ? container_create(filesystem, folder, name, mode, flags,
                                                        caller, child, attributes, handle)
                                     : ordinary_create(filesystem, folder, name, mode, flags,
                                                       caller, child, attributes, handle);
    descriptor_release(folder);
    return problem;
}

void operation_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *file) {
    struct filesystem *filesystem = request_filesystem(request);
    struct node *folder = request_node(request, parent);
    const struct caller caller = request_caller(request);
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
    int problem = changes ? request_check_change(filesystem, node) : 0;
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
    return request_unexpected(node, "open");
}

// A file of a mount that is read-only needs no opening: the kernel is told once, as with folders,
// and from then on sends neither this nor a release. Which version of a member is read the node
// decides then (container.h: view_version).
void operation_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    struct filesystem *filesystem = request_filesystem(request);
    const struct caller caller = request_caller(request);
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
    give_handle(request_filesystem(request), file, handle, keep_cache);
    if (fuse_reply_open(request, file) != 0) {
        release_handle(filesystem, handle);
    }
}

void operation_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)number;
    release_handle(request_filesystem(request), handle_of(file));
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
    return request_unexpected(node, "use of a file");
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

void operation_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                    struct fuse_file_info *file) {
    struct filesystem *filesystem = request_filesystem(request);
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

static void drop_set_id_bits(fuse_req_t request, struct handle *handle) {
    const struct caller caller = request_caller(request);
    ordinary_drop_set_id_bits(request_filesystem(request), handle->node, handle->fd, &caller);
}

void operation_write(fuse_req_t request, fuse_ino_t number, const char *buffer, size_t size,
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
        problem = ordinary_write(request_filesystem(request), handle, buffer, size, offset, append,
                                 &written);
        if (problem == 0 && file->writepage == 0) {
            drop_set_id_bits(request, handle); // A store into a mapping takes none.
        }
    } else if (handle->kind == HANDLE_FILE) {
        problem =
            container_write(request_filesystem(request), handle, buffer, size, offset, &written);
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_write(request, written);
    }
}

void operation_flush(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)number;
    struct handle *handle = handle_of(file);
    int problem = 0;
    if (handle == NULL) {
        fuse_reply_err(request, ENOSYS); // On purpose: no later close is asked for.
        return;
    }
    if (handle->kind == HANDLE_ORDINARY) {
        problem = ordinary_flush(request_filesystem(request), handle);
    } else if (handle->kind == HANDLE_FILE) {
        problem = container_flush(request_filesystem(request), handle, fuse_req_ctx(request)->pid);
    }
    reply_error(request, problem);
}

void operation_fsync(fuse_req_t request, fuse_ino_t number, int data_only,
                     struct fuse_file_info *file) {
    (void)number;
    struct handle *handle = handle_of(file);
    int problem = 0;
    if (handle == NULL) {
        problem = 0; // Nothing was written.
    } else if (handle->kind == HANDLE_ORDINARY) {
        problem = ordinary_fsync(handle, data_only != 0);
    } else if (handle->kind == HANDLE_FILE) {
        problem = container_fsync(request_filesystem(request), handle);
    }
    reply_error(request, problem);
}

void operation_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset,
                         off_t length, struct fuse_file_info *file) {
    (void)number;
    struct handle *handle = handle_of(file);
    int problem = EOPNOTSUPP;
    if (handle == NULL) {
        problem = EROFS;
    } else if (handle->kind == HANDLE_ORDINARY) {
        problem = ordinary_fallocate(request_filesystem(request), handle, mode, offset, length);
        if (problem == 0) {
            drop_set_id_bits(request, handle);
        }
    } else if (handle->kind == HANDLE_FILE) {
        problem = container_fallocate(request_filesystem(request), handle, mode, offset, length);
    }
    reply_error(request, problem);
}

void operation_lseek(fuse_req_t request, fuse_ino_t number, off_t offset, int whence,
                     struct fuse_file_info *file) {
    struct filesystem *filesystem = request_filesystem(request);
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

void operation_copy_file_range(fuse_req_t request, fuse_ino_t number_in, off_t offset_in,
                               struct fuse_file_info *file_in, fuse_ino_t number_out,
                               off_t offset_out, struct fuse_file_info *file_out, size_t size,
                               int flags) {
    (void)number_in;
    (void)number_out;
    struct handle *from = handle_of(file_in);
    struct handle *into = handle_of(file_out);
    size_t copied = 0;
    // The kernel then copies by reading and writing.
    int problem = EOPNOTSUPP;
    if (flags == 0 && from != NULL && into != NULL && from->kind == HANDLE_ORDINARY &&
        into->kind == HANDLE_ORDINARY) {
        problem = ordinary_copy(request_filesystem(request), from, offset_in, into, offset_out,
                                size, &copied);
        if (problem == 0) {
            drop_set_id_bits(request, into);
        }
    }
    if (problem != 0) {
        reply_error(request, problem);
    } else {
        fuse_reply_write(request, copied);
    }
}
