// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gen5/container.h"
#include "gen5/replace.h"

void parts_add(struct parts *parts, enum gen5_edit_kind kind, struct bytes content,
               struct gen5_edit edit) {
    assert(parts->count < EDIT_COUNT_MAX);
    edit.kind = kind;
    edit.content = gen5_source_from_memory(content.data, content.size);
    parts->contents[parts->count] = content;
    parts->edits[parts->count] = edit;
    parts->count++;
}

void parts_release(struct parts *parts) {
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->contents[i].data);
    }
}

// The same for an empty file for the empty container.
static enum gen5_status write_by_blank(const struct parts *parts, int fd_blank, int fd,
                                       struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source;
    struct gen5_container *blank = NULL;
    enum gen5_status status = gen5_repack_blank(fd_blank, error);
    if (status == GEN5_OK) {
        status = gen5_source_from_fd(fd_blank, &source, error);
    }
    if (status == GEN5_OK) {
        status = gen5_container_open(&source, &limits, &blank, error);
    }
    for (size_t i = 0; i < parts->count && status == GEN5_OK; i++) {
        status = gen5_edit_check(&parts->edits[i], blank, &limits, error);
    }
    if (status == GEN5_OK) {
        status = gen5_repack(blank, parts->edits, parts->count, &limits, fd, error);
    }
    gen5_container_free(blank);
    return status;
}

static enum gen5_status write_container(const struct parts *parts, int fd,
                                        struct gen5_error *error) {
    int fd_blank = memfd_create("blank.gen5", MFD_CLOEXEC);
    if (fd_blank < 0) {
        return gen5_error_set_system(error, errno, "cannot make a file in memory");
    }
    enum gen5_status status = write_by_blank(parts, fd_blank, fd, error);
    close(fd_blank);
    return status;
}

static enum gen5_status cut_in_half(int fd, struct gen5_error *error) {
    struct stat attributes;
    if (fstat(fd, &attributes) != 0 || ftruncate(fd, attributes.st_size / 2) != 0) {
        return gen5_error_set_system(error, errno, "cannot cut the file");
    }
    return GEN5_OK;
}

enum gen5_status parts_store(const struct parts *parts, int folder_fd, const char *name,
                             bool damaged, struct stat *written, struct gen5_error *error) {
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    enum gen5_status status = gen5_replacement_begin(&replacement, folder_fd, -1, error);
    if (status == GEN5_OK) {
        status = write_container(parts, replacement.fd, error);
    }
    if (status == GEN5_OK && damaged) {
        status = cut_in_half(replacement.fd, error);
    }
    if (status == GEN5_OK) {
        status = gen5_replacement_commit(&replacement, name, NULL, GEN5_SYNC_FILE, written, error);
    }
    gen5_replacement_release(&replacement);
    return status;
}
