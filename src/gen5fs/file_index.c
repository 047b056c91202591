// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Two tables of chains in one piece of memory, which doubles as the files do.
#include "file_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "key_hash.h"

enum { BUCKETS_MIN = 8 };

static struct file_node **path_bucket(struct file_node **buckets, size_t count, const char *path) {
    return &buckets[key_hash_text(0, path) & (count - 1)];
}

static struct file_node **number_bucket(struct file_node **buckets, size_t count, uint64_t number) {
    return &buckets[count + (key_hash_number(0, number) & (count - 1))];
}

static void link_path(struct file_node **buckets, size_t count, struct file_node *file) {
    struct file_node **head = path_bucket(buckets, count, file->path);
    file->path_next = *head;
    *head = file;
}

static void link_number(struct file_node **buckets, size_t count, struct file_node *file) {
    struct file_node **head = number_bucket(buckets, count, file->node->shown_ino);
    file->number_next = *head;
    *head = file;
}

static void unlink_path(struct file_index *index, struct file_node *file) {
    struct file_node **at = path_bucket(index->buckets, index->bucket_count, file->path);
    while (*at != file) {
        at = &(*at)->path_next;
    }
    *at = file->path_next;
}

static void unlink_number(struct file_index *index, struct file_node *file) {
    struct file_node **at =
        number_bucket(index->buckets, index->bucket_count, file->node->shown_ino);
    while (*at != file) {
        at = &(*at)->number_next;
    }
    *at = file->number_next;
}

// Without memory the chains become longer, which is slower and still right.
static void grow(struct file_index *index) {
    size_t count = index->bucket_count > 0 ? 2 * index->bucket_count : BUCKETS_MIN;
    struct file_node **buckets = calloc(2 * count, sizeof(struct file_node *));
    if (buckets == NULL) {
        return;
    }
    struct file_node *next = NULL;
    for (size_t i = 0; i < index->bucket_count; i++) {
        for (struct file_node *file = index->buckets[i]; file != NULL; file = next) {
            next = file->path_next;
            link_path(buckets, count, file);
            link_number(buckets, count, file);
        }
    }
    free(index->buckets);
    index->buckets = buckets;
    index->bucket_count = count;
}

int file_index_reserve(struct file_index *index) {
    if (index->file_count >= index->bucket_count) {
        grow(index);
    }
    return index->bucket_count > 0 ? 0 : ENOMEM;
}

void file_index_add(struct file_index *index, struct file_node *file) {
    link_path(index->buckets, index->bucket_count, file);
    link_number(index->buckets, index->bucket_count, file);
    index->file_count++;
}

void file_index_remove(struct file_index *index, struct file_node *file) {
    unlink_path(index, file);
    unlink_number(index, file);
    index->file_count--;
}

void file_index_rename(struct file_index *index, struct file_node *file, char *path) {
    unlink_path(index, file);
    free(file->path);
    file->path = path;
    link_path(index->buckets, index->bucket_count, file);
}

struct file_node *file_index_find(const struct file_index *index, const char *path) {
    struct file_node *file =
        index->bucket_count > 0 ? *path_bucket(index->buckets, index->bucket_count, path) : NULL;
    while (file != NULL && !(file->attached && strcmp(file->path, path) == 0)) {
        file = file->path_next;
    }
    return file;
}

bool file_index_has_number(const struct file_index *index, uint64_t shown_ino) {
    struct file_node *file = index->bucket_count > 0
                                 ? *number_bucket(index->buckets, index->bucket_count, shown_ino)
                                 : NULL;
    while (file != NULL && !(file->attached && file->node->shown_ino == shown_ino)) {
        file = file->number_next;
    }
    return file != NULL;
}

void file_index_release(struct file_index *index) {
    free(index->buckets);
    *index = (struct file_index){.buckets = NULL};
}
