// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Extended attributes of containers and their members (DESIGN.md 2.1): what file managers and
// scripts like to know without opening a file. Of our own, a directory's tags can be set.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "access_list.h"
#include "container.h"

enum attribute {
    ATTRIBUTE_PROMPT,
    ATTRIBUTE_MODEL,
    ATTRIBUTE_SEED,
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_TAGS,
    ATTRIBUTE_HASH,
    ATTRIBUTE_KEY,
    ATTRIBUTE_SHAPE,
    ATTRIBUTE_DTYPE,
    ATTRIBUTE_ERROR,
    ATTRIBUTE_COUNT,
};

// The manifest's value for those that are one (below gen5_metadata.model_info), else NULL.
static const struct {
    const char *name;
    const char *path;
} attributes[ATTRIBUTE_COUNT] = {
    [ATTRIBUTE_PROMPT] = {"user.gen5.prompt", "prompt"},
    [ATTRIBUTE_MODEL] = {"user.gen5.model", "model_name"},
    [ATTRIBUTE_SEED] = {"user.gen5.seed", "generation_settings.seed"},
    [ATTRIBUTE_COMMENT] = {"user.xdg.comment", "prompt"},
    [ATTRIBUTE_TAGS] = {TAGS_NAME, NULL},
    [ATTRIBUTE_HASH] = {"user.gen5.hash", NULL},
    [ATTRIBUTE_KEY] = {"user.gen5.key", NULL},
    [ATTRIBUTE_SHAPE] = {"user.gen5.shape", NULL},
    [ATTRIBUTE_DTYPE] = {"user.gen5.dtype", NULL},
    [ATTRIBUTE_ERROR] = {"user.gen5.error", NULL},
};

// XATTR_SIZE_MAX of linux/limits.h: a longer value cannot be handed out.
enum { VALUE_SIZE_MAX = 65536 };

static char *text_copy(const char *text, size_t length, size_t *size) {
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
        *size = length;
    }
    return copy;
}

static char *shape_text(const struct gen5_record *record, size_t *size) {
    char text[GEN5_RANK_MAX * 24] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < record->rank; i++) {
        int wrote = snprintf(text + length, sizeof text - length, "%s%" PRIu64, i > 0 ? "x" : "",
                             record->shape[i]);
        length += wrote > 0 ? (size_t)wrote : 0;
    }
    return text_copy(text, length, size);
}

static int digest_value(const struct gen5_digest *digest, char **value, size_t *size) {
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    gen5_digest_to_hex(digest, hex);
    *value = text_copy(hex, GEN5_DIGEST_HEX_SIZE, size);
    return *value != NULL ? 0 : ENOMEM;
}

static bool is_latent(const struct gen5_record *record) {
    return memcmp(record->type, "LATN", sizeof record->type) == 0;
}

static int record_value(const struct gen5_record *record, enum attribute attribute, char **value,
                        size_t *size) {
    const bool latent = is_latent(record);
    if (attribute == ATTRIBUTE_HASH) {
        return digest_value(&record->digest, value, size);
    }
    *value = NULL;
    if (latent && attribute == ATTRIBUTE_KEY && record->key != NULL) {
        *value = text_copy(record->key, record->key_length, size);
    } else if (latent && attribute == ATTRIBUTE_SHAPE) {
        *value = shape_text(record, size);
    } else if (latent && attribute == ATTRIBUTE_DTYPE && record->dtype != GEN5_DTYPE_NONE) {
        const char *name = record->dtype == GEN5_DTYPE_FLOAT16 ? "float16" : "float32";
        *value = text_copy(name, strlen(name), size);
    } else {
        return ENODATA;
    }
    return *value != NULL ? 0 : ENOMEM;
}

// Why a latent is shown nowhere: its record has no key. 0 with the reason, ENODATA or ENOMEM.
static int keyless_value(const struct gen5_manifest *manifest, char **value, size_t *size) {
    for (size_t i = 0; i < manifest->record_count; i++) {
        const struct gen5_record *record = &manifest->records[i];
        if (is_latent(record) && record->key == NULL) {
            const int length = asprintf(value, "chunk %zu, a latent that is not shown: %s", i,
                                        record->damage != NULL ? record->damage : "it has no key");
            *size = length > 0 ? (size_t)length : 0;
            return length > 0 ? 0 : ENOMEM;
        }
    }
    return ENODATA;
}

// Why the last save was refused, why a member is damaged, or why the container cannot be read. Of a
// directory, why it lacks a latent that is stored.
static int error_value(const struct snapshot *snapshot, const struct file_node *file,
                       const struct content *content, char **value, size_t *size) {
    const char *text = NULL;
    if (file != NULL && file->error_number != 0 && !file_error_is_over(file, snapshot)) {
        text = file->error;
    } else if (snapshot->container == NULL) {
        text = snapshot->error.message;
    } else if (content->record != NULL) {
        text = content->record->damage;
    } else if (file == NULL) {
        return keyless_value(snapshot->container->manifest, value, size);
    }
    if (text == NULL) {
        return ENODATA;
    }
    *value = text_copy(text, strlen(text), size);
    return *value != NULL ? 0 : ENOMEM;
}

static int attribute_value(const struct snapshot *snapshot, const struct file_node *file,
                           enum attribute attribute, char **value, size_t *size) {
    struct content content = {0};
    bool stored = file != NULL && member_content(snapshot, &file->member, &content);
    if (attribute == ATTRIBUTE_ERROR) {
        return error_value(snapshot, file, &content, value, size);
    }
    if (snapshot->container == NULL) {
        return ENODATA;
    }
    if (attribute == ATTRIBUTE_TAGS) {
        return tags_value(snapshot, value, size);
    }
    if (attributes[attribute].path != NULL) {
        enum gen5_status status = gen5_manifest_value(
            snapshot->container->manifest, attributes[attribute].path, value, size, NULL);
        return status == GEN5_OK ? 0 : status == GEN5_ERROR_MEMORY ? ENOMEM : ENODATA;
    }
    if (!stored) {
        return ENODATA;
    }
    if (content.record != NULL) {
        return record_value(content.record, attribute, value, size);
    }
    return attribute == ATTRIBUTE_HASH ? digest_value(&snapshot->manifest_digest, value, size)
                                       : ENODATA;
}

// Call `look` with the snapshot and, where it is a file, the file; its lock is held.
struct question {
    enum attribute attribute;
    char **value;
    size_t *size;
};

static int ask(struct filesystem *filesystem, struct node *node, const struct question *question) {
    struct container *container = NULL;
    struct snapshot *snapshot = NULL;
    int problem = container_enter(filesystem, node, &container);
    if (problem != 0) {
        return problem;
    }
    problem = container_snapshot(filesystem, container, &snapshot);
    if (problem == 0) {
        pthread_mutex_lock(&container->lock);
        problem = attribute_value(snapshot, node->kind == NODE_FILE ? node->file : NULL,
                                  question->attribute, question->value, question->size);
        pthread_mutex_unlock(&container->lock);
        snapshot_release(filesystem, snapshot);
    }
    container_leave(filesystem, container);
    if (problem == 0 && *question->size > VALUE_SIZE_MAX) {
        free(*question->value);
        *question->value = NULL;
        return E2BIG;
    }
    return problem;
}

int container_getxattr(struct filesystem *filesystem, struct node *node, const char *name,
                       char **value, size_t *size) {
    for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (strcmp(name, attributes[i].name) == 0) {
            struct question question = {(enum attribute)i, value, size};
            return ask(filesystem, node, &question);
        }
    }
    if (access_list_is_name(name)) {
        return container_access_list_get(filesystem, node, name, value, size);
    }
    // `ls -l` asks for these of every file; EOPNOTSUPP is an answer that it remembers.
    return strncmp(name, "user.", 5) == 0 ? ENODATA : EOPNOTSUPP;
}

int container_listxattr(struct filesystem *filesystem, struct node *node, char **names,
                        size_t *size) {
    char *list = NULL;
    FILE *out = open_memstream(&list, size);
    if (out == NULL) {
        return ENOMEM;
    }
    for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
        char *value = NULL;
        size_t length = 0;
        struct question question = {(enum attribute)i, &value, &length};
        if (ask(filesystem, node, &question) == 0) {
            fwrite(attributes[i].name, 1, strlen(attributes[i].name) + 1, out);
            free(value);
        }
    }
    char *value = NULL;
    size_t length = 0;
    if (container_access_list_get(filesystem, node, ACCESS_LIST_NAME, &value, &length) == 0) {
        fwrite(ACCESS_LIST_NAME, 1, sizeof ACCESS_LIST_NAME, out);
        free(value);
    }
    if (fclose(out) != 0) {
        free(list);
        return ENOMEM;
    }
    *names = list;
    return 0;
}

static bool is_tags(const struct node *node, const char *name) {
    return node->kind == NODE_CONTAINER && strcmp(name, TAGS_NAME) == 0;
}

// No other can be set; not a member's tags either, which a program that copies one member over
// another, attributes and all, would give to another container. cp and mv let EOPNOTSUPP pass
// without a word, and find these attributes on what they once copied out of a mount.
int container_setxattr(struct filesystem *filesystem, struct node *node, const char *name,
                       const char *value, size_t size, int flags) {
    if (is_tags(node, name)) {
        return container_tags_set(filesystem, node, value, size, flags);
    }
    return access_list_is_name(name)
               ? container_access_list_set(filesystem, node, name, value, size, flags)
               : EOPNOTSUPP;
}

int container_removexattr(struct filesystem *filesystem, struct node *node, const char *name) {
    return container_setxattr(filesystem, node, name, NULL, 0,
                              is_tags(node, name) ? XATTR_REPLACE : 0);
}
