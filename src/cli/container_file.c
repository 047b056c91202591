// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Opening the containers that a command was given.
#include "container_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen5/payload.h"

enum gen5_status regular_file_open(const char *path, int *fd, uint64_t *size,
                                   struct gen5_error *error) {
    struct stat attributes;
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0) {
        return gen5_error_set_system(error, errno, "cannot open");
    }
    enum gen5_status status = GEN5_OK;
    if (fstat(opened, &attributes) != 0) {
        status = gen5_error_set_system(error, errno, "cannot look at it");
    } else if (!S_ISREG(attributes.st_mode)) {
        status = gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE, "%s",
                                S_ISDIR(attributes.st_mode) ? "a folder, not a file"
                                                            : "not a regular file");
    }
    if (status != GEN5_OK) {
        close(opened);
        return status;
    }
    *fd = opened;
    *size = (uint64_t)attributes.st_size;
    return GEN5_OK;
}

enum gen5_status container_file_open(const char *path, struct container_file *file,
                                     struct gen5_error *error) {
    *file = (struct container_file){.path = path, .fd = -1};
    enum gen5_status status = regular_file_open(path, &file->fd, &file->size, error);
    if (status != GEN5_OK) {
        return status;
    }
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source = {.fd = file->fd, .size = file->size};
    status = gen5_container_open(&source, &limits, &file->container, error);
    if (status != GEN5_OK) {
        container_file_release(file);
    }
    return status;
}

void container_file_release(struct container_file *file) {
    gen5_container_free(file->container);
    if (file->fd >= 0) {
        close(file->fd);
    }
    file->container = NULL;
    file->fd = -1;
}

enum gen5_status member_read(const struct gen5_container *container,
                             const struct gen5_record *record, uint64_t size_max, char **bytes,
                             struct gen5_error *error) {
    if (record->damage == NULL && record->payload_size > size_max) {
        return gen5_error_set(error, GEN5_ERROR_LIMIT, (int64_t)record->offset,
                              "%.4s chunk at byte %llu: its %llu bytes are more than the limit of "
                              "%llu",
                              record->type, (unsigned long long)record->offset,
                              (unsigned long long)record->payload_size,
                              (unsigned long long)size_max);
    }
    // A damaged record is told by the reading itself, which then needs no room.
    size_t size = record->damage == NULL ? (size_t)record->payload_size : 0;
    char *read = malloc(size + 1);
    if (read == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status = gen5_payload_read(container, record, GEN5_VERIFY, read, error);
    if (status != GEN5_OK) {
        free(read);
        return status;
    }
    read[size] = '\0';
    *bytes = read;
    return GEN5_OK;
}

enum gen5_status environment_of(const struct gen5_container *container,
                                struct gen5_environment *environment, struct gen5_error *error) {
    const struct gen5_record *record = container->environment;
    char *text = NULL;
    *environment = (struct gen5_environment)GEN5_ENVIRONMENT_NONE;
    if (record == NULL) {
        return gen5_error_set(error, GEN5_ERROR_MISSING, GEN5_OFFSET_NONE, "has no environment");
    }
    enum gen5_status status =
        member_read(container, record, container->limits.environment_size_max, &text, error);
    if (status != GEN5_OK) {
        return status;
    }
    status = gen5_environment_read(text, (size_t)record->payload_size, &container->limits,
                                   environment, error);
    if (status != GEN5_OK) {
        gen5_error_prefix(error, "ENVC chunk at byte %llu", (unsigned long long)record->offset);
    }
    free(text);
    return status;
}
