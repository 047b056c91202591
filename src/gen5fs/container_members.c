// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Members: which path stands for which, and which bytes a snapshot has for it (DESIGN.md 2.1).
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "gen5/latent_name.h"

#define IMAGE_PREFIX "image."

void member_release(struct member *member) {
    free(member->key);
    *member = (struct member){0};
}

int member_copy(struct member *to, const struct member *from) {
    *to = *from;
    if (from->key != NULL) {
        to->key = malloc(from->key_length + 1);
        if (to->key == NULL) {
            *to = (struct member){.kind = MEMBER_NONE};
            return ENOMEM;
        }
        memcpy(to->key, from->key, from->key_length + 1);
    }
    return 0;
}

bool member_equal(const struct member *left, const struct member *right) {
    return left->kind == right->kind && left->key_length == right->key_length &&
           (left->key_length == 0 || memcmp(left->key, right->key, left->key_length) == 0);
}

static int member_of_key(const char *key, size_t length, struct member *member) {
    char *copy = malloc(length + 1);
    if (copy == NULL) {
        return ENOMEM;
    }
    memcpy(copy, key, length);
    copy[length] = '\0';
    *member = (struct member){.kind = MEMBER_LATENT, .key = copy, .key_length = length};
    return 0;
}

// A cut name does not tell its key: it is that of one of the latents, or of none.
static int member_of_cut_name(const struct gen5_container *stored, const char *name,
                              struct member *member) {
    for (size_t i = 0; stored != NULL && i < stored->latent_count; i++) {
        const struct gen5_record *record = stored->latents[i];
        char own[GEN5_LATENT_NAME_SIZE_MAX + 1];
        gen5_latent_name_from_key(record->key, record->key_length, own);
        if (strcmp(own, name) == 0) {
            return member_of_key(record->key, record->key_length, member);
        }
    }
    return 0;
}

static int member_of_latent_name(const struct snapshot *snapshot, const char *name,
                                 struct member *member) {
    const struct gen5_container *stored = snapshot != NULL ? snapshot->container : NULL;
    if (gen5_latent_name_is_cut(name)) {
        return member_of_cut_name(stored, name, member);
    }
    char *key = NULL;
    size_t length = 0;
    enum gen5_status status = gen5_latent_name_to_key(name, &key, &length, NULL);
    if (status != GEN5_OK) {
        return status == GEN5_ERROR_MEMORY ? ENOMEM : 0; // Else it is no latent's name.
    }
    if (name[0] == '.' && (stored == NULL || gen5_container_latent(stored, key, length) == NULL)) {
        free(key); // A program's temporary beside the latents, not a new latent.
        return 0;
    }
    *member = (struct member){.kind = MEMBER_LATENT, .key = key, .key_length = length};
    return 0;
}

const char *path_in_latents(const char *path) {
    const size_t length = strlen(LATENTS_PREFIX);
    return strncmp(path, LATENTS_PREFIX, length) == 0 ? path + length : NULL;
}

int member_of_path(const struct snapshot *snapshot, const char *path, struct member *member) {
    const char *const latent = path_in_latents(path);
    *member = (struct member){.kind = MEMBER_NONE};
    if (latent != NULL) {
        return member_of_latent_name(snapshot, latent, member);
    }
    if (strcmp(path, METADATA_NAME) == 0) {
        member->kind = MEMBER_METADATA;
    } else if (strcmp(path, ENVIRONMENT_NAME) == 0) {
        member->kind = MEMBER_ENVIRONMENT;
    } else if (strcmp(path, NOTICE_NAME) == 0 && snapshot != NULL && snapshot->container == NULL) {
        member->kind = MEMBER_NOTICE;
    } else if (strncmp(path, IMAGE_PREFIX, sizeof IMAGE_PREFIX - 1) == 0) {
        const char *extension = path + sizeof IMAGE_PREFIX - 1;
        enum gen5_image_kind kind = gen5_image_kind_from_extension(extension);
        // "image.jpeg" is no member's name: what is saved so would be shown under another.
        if (strcmp(extension, gen5_image_kind_extension(kind)) == 0) {
            member->kind = MEMBER_IMAGE;
            member->image_kind = kind;
        }
    }
    return 0;
}

static const struct gen5_record *record_of(const struct snapshot *snapshot,
                                           const struct member *member) {
    const struct gen5_container *stored = snapshot->container;
    switch (member->kind) {
    case MEMBER_IMAGE:
        return stored->image;
    case MEMBER_LATENT:
        return gen5_container_latent(stored, member->key, member->key_length);
    case MEMBER_ENVIRONMENT:
        return stored->environment;
    case MEMBER_NONE:
    case MEMBER_METADATA:
    case MEMBER_NOTICE:
        break;
    }
    return NULL;
}

bool member_content(const struct snapshot *snapshot, const struct member *member,
                    struct content *content) {
    content->record = NULL;
    content->head = NULL;
    content->head_size = 0;
    if (member->kind == MEMBER_NONE) {
        return false;
    }
    if (snapshot->container == NULL) {
        content->head = snapshot->notice;
        content->head_size = strlen(snapshot->notice);
        return member->kind == MEMBER_NOTICE;
    }
    if (member->kind == MEMBER_METADATA) {
        content->head = snapshot->container->manifest->text;
        content->head_size = snapshot->container->manifest->size;
        return true;
    }
    const struct gen5_record *record = record_of(snapshot, member);
    content->record = record;
    if (record == NULL ||
        (member->kind == MEMBER_IMAGE && member->image_kind != snapshot->image_kind)) {
        return false;
    }
    if (member->kind == MEMBER_LATENT && record->dtype != GEN5_DTYPE_NONE) {
        content->head = content->npy_header;
        content->head_size =
            gen5_npy_header_write(record->dtype, record->shape, record->rank, content->npy_header);
    }
    return true;
}

int latent_path(const char *key, size_t key_length, char **path) {
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    gen5_latent_name_from_key(key, key_length, name);
    return asprintf(path, "%s%s", LATENTS_PREFIX, name) < 0 ? ENOMEM : 0;
}

int member_path(const struct snapshot *snapshot, const struct member *member, char **path) {
    struct member shown = *member;
    if (snapshot->container != NULL) {
        shown.image_kind = snapshot->image_kind;
    }
    struct content content;
    if (!member_content(snapshot, &shown, &content)) {
        return ENOENT;
    }
    const char *fixed = member->kind == MEMBER_METADATA      ? METADATA_NAME
                        : member->kind == MEMBER_ENVIRONMENT ? ENVIRONMENT_NAME
                                                             : NOTICE_NAME;
    int length;
    if (member->kind == MEMBER_LATENT) {
        return latent_path(member->key, member->key_length, path);
    }
    if (member->kind == MEMBER_IMAGE) {
        length =
            asprintf(path, "%s%s", IMAGE_PREFIX, gen5_image_kind_extension(snapshot->image_kind));
    } else {
        length = asprintf(path, "%s", fixed);
    }
    return length < 0 ? ENOMEM : 0;
}

static struct gen5_digest digest_with_shape(const struct gen5_record *record) {
    struct gen5_digest digest = record->digest;
    digest.bytes[0] ^= (uint8_t)record->dtype;
    for (uint32_t i = 0; i < record->rank; i++) {
        for (size_t byte = 0; byte < sizeof record->shape[i]; byte++) {
            digest.bytes[1 + ((size_t)i * 5 + byte) % 31] ^=
                (uint8_t)(record->shape[i] >> (8 * byte));
        }
    }
    return digest;
}

static bool is_lost(const struct snapshot *snapshot, const struct gen5_record *record) {
    return record->damage != NULL ||
           (snapshot->image_is_lost && record == snapshot->container->image) ||
           (snapshot->environment_is_lost && record == snapshot->container->environment);
}

struct version member_version(const struct snapshot *snapshot, const struct member *member) {
    struct version version = {.present = false};
    struct content content;
    if (!member_content(snapshot, member, &content)) {
        return version;
    }
    version.present = true;
    version.size = content.head_size;
    if (content.record != NULL) {
        version.size += content.record->payload_size;
        version.digest = digest_with_shape(content.record);
        if (content.record->damage != NULL) {
            // What a damaged record claims says nothing: only the same file has the same bytes.
            version.digest.bytes[0] = (uint8_t)~version.digest.bytes[0];
        }
        if (version.size == 0 && is_lost(snapshot, content.record)) {
            version.size = 1; // Nobody sends a read of an empty file, which is what fails.
        }
    } else if (snapshot->container != NULL) {
        version.digest = snapshot->manifest_digest;
    }
    return version;
}

bool version_equal(const struct version *left, const struct version *right) {
    if (!left->present || !right->present) {
        return left->present == right->present;
    }
    return left->size == right->size && gen5_digest_equal(&left->digest, &right->digest);
}

struct base base_of(struct snapshot *snapshot, const struct member *member) {
    struct base base = {.version = member_version(snapshot, member)};
    if (member->kind == MEMBER_METADATA && snapshot->container != NULL) {
        base.snapshot = snapshot_reference(snapshot);
    }
    return base;
}

void base_release(struct filesystem *filesystem, struct base *base) {
    snapshot_release(filesystem, base->snapshot);
    *base = (struct base){.snapshot = NULL};
}

int base_check(const struct base *base, const struct member *member,
               const struct snapshot *snapshot, struct gen5_error *error) {
    const struct version now = member_version(snapshot, member);
    bool equal = version_equal(&now, &base->version);
    if (!equal && base->snapshot != NULL && snapshot->container != NULL &&
        gen5_manifest_user_part_equal(base->snapshot->container->manifest,
                                      snapshot->container->manifest, &equal, error) != GEN5_OK) {
        return gen5_error_errno(error);
    }
    return equal ? 0 : change_refused(error);
}

int path_of_name(struct container *container, const struct snapshot *snapshot,
                 const struct node *folder, const char *name, char **path) {
    int length;
    if (strlen(name) > NAME_MAX) {
        return ENAMETOOLONG; // The kernel lets longer ones through.
    }
    if (folder->kind == NODE_LATENTS) {
        length = asprintf(path, "%s%s", LATENTS_PREFIX, name);
        return length < 0 ? ENOMEM : 0;
    }
    if (strcmp(name, LATENT_NAME) != 0) {
        length = asprintf(path, "%s", name);
        return length < 0 ? ENOMEM : 0;
    }
    const struct gen5_container *stored = snapshot != NULL ? snapshot->container : NULL;
    if (stored != NULL && stored->latent_count > 0) {
        // Also while it is hidden: the name is the one that a program may be about to save anew.
        const struct member first = {.kind = MEMBER_LATENT,
                                     .key = stored->latents[0]->key,
                                     .key_length = stored->latents[0]->key_length};
        return member_path(snapshot, &first, path);
    }
    for (struct file_node *file = container->files; file != NULL; file = file->next) {
        if (file->attached && file->fresh && file->member.kind == MEMBER_LATENT) {
            length = asprintf(path, "%s", file->path);
            return length < 0 ? ENOMEM : 0;
        }
    }
    length = asprintf(path, "%s%s", LATENTS_PREFIX, PLACEHOLDER_KEY ".npy");
    return length < 0 ? ENOMEM : 0;
}

int content_read(struct filesystem *filesystem, struct snapshot *snapshot,
                 const struct member *member, void *buffer, size_t size, uint64_t offset,
                 size_t *got, struct gen5_error *error) {
    struct content content;
    *got = 0;
    if (!member_content(snapshot, member, &content)) {
        gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                       "the container has no such member any more");
        return EIO;
    }
    if (content.record != NULL && content.record->damage != NULL) {
        gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)content.record->offset, "%s",
                       content.record->damage);
        return EIO;
    }
    if (offset < content.head_size) {
        size_t head = content.head_size - (size_t)offset;
        head = head < size ? head : size;
        // The head of a latent is served only with a payload that is good.
        if (content.record != NULL) {
            size_t none = 0;
            int problem =
                snapshot_read(filesystem, snapshot, content.record, buffer, 0, 0, &none, error);
            if (problem != 0) {
                return problem;
            }
        }
        memcpy(buffer, content.head + offset, head);
        *got = head;
    }
    if (content.record == NULL || (*got > 0 && *got == size)) {
        return 0;
    }
    size_t more = 0;
    int problem = snapshot_read(filesystem, snapshot, content.record, (char *)buffer + *got,
                                size - *got, offset + *got - content.head_size, &more, error);
    *got += more;
    return problem;
}
