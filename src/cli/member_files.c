// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Writing members as files.
#include "member_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen5/image.h"
#include "gen5/latent_name.h"
#include "gen5/npy.h"
#include "gen5/payload.h"
#include "interruption.h"
#include "member_names.h"

// A folder being filled.
struct filling {
    const struct container_file *file;
    int folder_fd;
    struct complaint_list *complaints;
    bool damaged;
};

// One file of it.
struct content {
    int folder_fd;
    const char *name;
    struct gen5_source head;          // of memory; what comes before the payload, or all
    const struct gen5_record *record; // NULL where there is no payload
};

// Whether the trouble is with the container, and not with where its members go.
static bool is_damage(enum gen5_status status) {
    return status == GEN5_ERROR_DAMAGED || status == GEN5_ERROR_HASH || status == GEN5_ERROR_LIMIT;
}

static enum gen5_status fill(const struct gen5_container *container, const struct content *content,
                             int fd, struct gen5_error *error) {
    enum gen5_status status = gen5_source_copy(&content->head, fd, 0, error);
    if (status == GEN5_OK && content->record != NULL) {
        status = gen5_payload_copy(container, content->record, GEN5_VERIFY, fd, content->head.size,
                                   error);
    }
    if (status == GEN5_OK && fdatasync(fd) != 0 && errno != EINVAL) {
        status = gen5_error_set_system(error, errno, "cannot write %s", content->name);
    }
    return status;
}

// A file that is not whole is not left.
static enum gen5_status write_content(const struct gen5_container *container,
                                      const struct content *content, struct gen5_error *error) {
    int fd = openat(content->folder_fd, content->name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        return gen5_error_set_system(error, errno, "cannot create %s", content->name);
    }
    enum gen5_status status = fill(container, content, fd, error);
    if (close(fd) != 0 && status == GEN5_OK) {
        status = gen5_error_set_system(error, errno, "cannot write %s", content->name);
    }
    if (status != GEN5_OK) {
        unlinkat(content->folder_fd, content->name, 0);
    }
    return status;
}

// Write one member. False where the folder cannot be filled.
static bool write_member(struct filling *filling, const struct content *content) {
    struct gen5_error error = GEN5_ERROR_NONE;
    if (interruption_came()) {
        return false;
    }
    enum gen5_status status = write_content(filling->file->container, content, &error);
    if (status == GEN5_OK) {
        return true;
    }
    complaint_list_add(filling->complaints, filling->file->path, "%s", error.message);
    filling->damaged = filling->damaged || is_damage(status);
    return is_damage(status);
}

// --- Members ------------------------------------------------------------------------------------

static bool write_metadata(struct filling *filling) {
    const struct gen5_manifest *manifest = filling->file->container->manifest;
    struct content content = {
        .folder_fd = filling->folder_fd,
        .name = MEMBER_METADATA,
        .head = gen5_source_from_memory(manifest->text, manifest->size),
    };
    return write_member(filling, &content);
}

static bool write_environment(struct filling *filling) {
    struct content content = {
        .folder_fd = filling->folder_fd,
        .name = MEMBER_ENVIRONMENT,
        .head = gen5_source_from_memory(NULL, 0),
        .record = filling->file->container->environment,
    };
    return content.record == NULL || write_member(filling, &content);
}

static bool write_image(struct filling *filling) {
    const struct gen5_container *container = filling->file->container;
    const struct gen5_record *record = container->image;
    if (record == NULL) {
        return true;
    }
    // Damage found here is found again, and told, when the payload is written.
    uint8_t first_bytes[GEN5_IMAGE_SIGNATURE_SIZE];
    size_t size = sizeof first_bytes < record->payload_size ? sizeof first_bytes
                                                            : (size_t)record->payload_size;
    bool known = gen5_payload_read_prefix(container, record, first_bytes, size, NULL) == GEN5_OK;
    char name[32];
    snprintf(name, sizeof name, "%s%s", MEMBER_IMAGE_PREFIX,
             gen5_image_kind_extension(gen5_image_kind_of(first_bytes, known ? size : 0)));
    struct content content = {
        .folder_fd = filling->folder_fd,
        .name = name,
        .head = gen5_source_from_memory(NULL, 0),
        .record = record,
    };
    return write_member(filling, &content);
}

static bool write_latent(struct filling *filling, const struct gen5_record *record, int folder_fd,
                         const char *name) {
    char header[GEN5_NPY_HEADER_SIZE_MAX];
    size_t size = 0;
    if (record->dtype != GEN5_DTYPE_NONE) {
        size = gen5_npy_header_write(record->dtype, record->shape, record->rank, header);
    }
    struct content content = {
        .folder_fd = folder_fd,
        .name = name,
        .head = gen5_source_from_memory(header, size),
        .record = record,
    };
    return write_member(filling, &content);
}

// All latents by their keys. The first one is one file with latent.npy, as it is in a mount, where
// the file system can do that.
static bool write_keyed_latents(struct filling *filling, int latents_fd) {
    const struct gen5_container *container = filling->file->container;
    for (size_t i = 0; i < container->latent_count; i++) {
        const struct gen5_record *record = container->latents[i];
        char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
        gen5_latent_name_from_key(record->key, record->key_length, name);
        bool linked = i == 0 && linkat(filling->folder_fd, MEMBER_LATENT, latents_fd, name, 0) == 0;
        // A first one that is damaged has no file to link to, and was told of.
        bool missing = i == 0 && !linked && errno == ENOENT;
        if (!linked && !missing && !write_latent(filling, record, latents_fd, name)) {
            return false;
        }
    }
    return true;
}

static bool write_latents(struct filling *filling) {
    const struct gen5_container *container = filling->file->container;
    if (container->latent_count == 0) {
        return true;
    }
    if (!write_latent(filling, container->latents[0], filling->folder_fd, MEMBER_LATENT)) {
        return false;
    }
    if (container->latent_count == 1) {
        return true;
    }
    int latents_fd = -1;
    if (mkdirat(filling->folder_fd, MEMBER_LATENTS, 0777) == 0) {
        latents_fd = openat(filling->folder_fd, MEMBER_LATENTS,
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (latents_fd < 0) {
        complaint_list_add(filling->complaints, filling->file->path, "cannot create %s: %s",
                           MEMBER_LATENTS, strerror(errno));
        return false;
    }
    bool written = write_keyed_latents(filling, latents_fd);
    close(latents_fd);
    return written;
}

static void complain_of_others(const struct filling *filling) {
    const struct gen5_manifest *manifest = filling->file->container->manifest;
    for (size_t i = 0; i < manifest->record_count; i++) {
        const struct gen5_record *record = &manifest->records[i];
        bool known = memcmp(record->type, "LATN", GEN5_TAG_SIZE) == 0 ||
                     memcmp(record->type, "DATA", GEN5_TAG_SIZE) == 0 ||
                     memcmp(record->type, "ENVC", GEN5_TAG_SIZE) == 0;
        if (!known) {
            complaint_list_add(filling->complaints, filling->file->path,
                               "%.4s chunk at byte %llu: left out, its type is not known",
                               record->type, (unsigned long long)record->offset);
        }
    }
}

enum member_files_result member_files_write(const struct container_file *file, int folder_fd,
                                            struct complaint_list *complaints) {
    struct filling filling = {file, folder_fd, complaints, false};
    bool written = write_image(&filling) && write_latents(&filling) &&
                   write_environment(&filling) && write_metadata(&filling);
    if (!written) {
        return MEMBER_FILES_FAILED;
    }
    complain_of_others(&filling);
    return filling.damaged ? MEMBER_FILES_DAMAGED : MEMBER_FILES_WHOLE;
}
