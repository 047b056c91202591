// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The files of one container, found by path and by number: a container may have as many latents as
// its format allows, and as many scratch files as somebody makes. Protected by container.lock.
#ifndef GEN5FS_FILE_INDEX_H
#define GEN5FS_FILE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_node;

// All zero is an empty index. Files are linked by their own fields; none is owned.
struct file_index {
    struct file_node **buckets; // by path, and behind them as many by number
    size_t bucket_count;        // a power of 2, or 0
    size_t file_count;
};

int file_index_reserve(struct file_index *index); // room for one more: 0 or ENOMEM
void file_index_add(struct file_index *index, struct file_node *file);
void file_index_remove(struct file_index *index, struct file_node *file);
// Give a file another path, which the file owns from now on; its former one is freed.
void file_index_rename(struct file_index *index, struct file_node *file, char *path);
// Of the files that are attached.
struct file_node *file_index_find(const struct file_index *index, const char *path);
bool file_index_has_number(const struct file_index *index, uint64_t shown_ino);
void file_index_release(struct file_index *index);

#endif
