// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which key each latent's file stands for.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_file.h"
#include "gen5/latent_name.h"
#include "gen5/source.h"
#include "member_names.h"
#include "parts.h"

enum { PIECE_SIZE = 64 * 1024 };

// --- Known keys ---------------------------------------------------------------------------------

static bool has_key(const struct latent_part *latent, const char *key, size_t length) {
    return latent->key != NULL && latent->key_length == length &&
           memcmp(latent->key, key, length) == 0;
}

// A key of the metadata, under the name that stands for it.
struct known_key {
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    const struct gen5_record *record;
    size_t place; // among all records
};

struct known_keys {
    struct known_key *items; // sorted by name, then by place
    size_t count;
    const struct gen5_record *first; // NULL where there is none
};

static int by_name(const void *left, const void *right) {
    const struct known_key *a = left;
    const struct known_key *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : a->place < b->place ? -1 : 1;
}

// False where there is no memory.
static bool know_keys(const struct gen5_manifest *manifest, struct known_keys *known) {
    size_t count = manifest != NULL ? manifest->record_count : 0;
    known->items = calloc(count + 1, sizeof *known->items);
    if (known->items == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct gen5_record *record = &manifest->records[i];
        if (memcmp(record->type, "LATN", GEN5_TAG_SIZE) != 0 || record->key == NULL) {
            continue;
        }
        struct known_key *item = &known->items[known->count++];
        item->record = record;
        item->place = i;
        gen5_latent_name_from_key(record->key, record->key_length, item->name);
        known->first = known->first != NULL ? known->first : record;
    }
    qsort(known->items, known->count, sizeof *known->items, by_name);
    return true;
}

// The first key of this name, or NULL.
static const struct known_key *known_by_name(const struct known_keys *known, const char *name) {
    size_t low = 0;
    size_t high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(known->items[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < known->count && strcmp(known->items[low].name, name) == 0;
    return found ? &known->items[low] : NULL;
}

// --- Names --------------------------------------------------------------------------------------

static bool set_key(struct latent_part *latent, const char *key, size_t length) {
    latent->key = malloc(length + 1);
    if (latent->key != NULL) {
        memcpy(latent->key, key, length);
        latent->key[length] = '\0';
        latent->key_length = length;
    }
    return latent->key != NULL;
}

static const char *name_of(const struct latent_part *latent) {
    const char *slash = strrchr(latent->path, '/');
    return slash != NULL ? slash + 1 : latent->path;
}

static bool find_key(struct latent_part *latent, const struct known_keys *known,
                     struct complaint_list *complaints) {
    struct gen5_error error = GEN5_ERROR_NONE;
    const struct known_key *item = known_by_name(known, name_of(latent));
    if (item == NULL) {
        gen5_latent_name_to_key(name_of(latent), &latent->key, &latent->key_length, &error);
    } else if (!set_key(latent, item->record->key, item->record->key_length)) {
        gen5_error_set_memory(&error);
    }
    if (error.status != GEN5_OK) {
        complaint_list_add(complaints, latent->path, "its name stands for no key: %s",
                           error.message);
    }
    return error.status == GEN5_OK;
}

// --- The first latent ---------------------------------------------------------------------------

static bool same_bytes(int left_fd, int right_fd, uint64_t size) {
    struct gen5_source left = {.fd = left_fd, .size = size};
    struct gen5_source right = {.fd = right_fd, .size = size};
    char left_piece[PIECE_SIZE], right_piece[PIECE_SIZE];
    for (uint64_t at = 0; at < size; at += PIECE_SIZE) {
        size_t length = size - at < PIECE_SIZE ? (size_t)(size - at) : PIECE_SIZE;
        if (gen5_source_read(&left, at, left_piece, length, NULL) != GEN5_OK ||
            gen5_source_read(&right, at, right_piece, length, NULL) != GEN5_OK ||
            memcmp(left_piece, right_piece, length) != 0) {
            return false;
        }
    }
    return true;
}

// Files that cannot be read are like no others; whoever stores them says why they cannot be.
static bool same_content(const char *left, const char *right) {
    int left_fd = -1, right_fd = -1;
    uint64_t left_size = 0, right_size = 0;
    bool same = regular_file_open(left, &left_fd, &left_size, NULL) == GEN5_OK &&
                regular_file_open(right, &right_fd, &right_size, NULL) == GEN5_OK &&
                left_size == right_size && same_bytes(left_fd, right_fd, left_size);
    if (left_fd >= 0) {
        close(left_fd);
    }
    if (right_fd >= 0) {
        close(right_fd);
    }
    return same;
}

static void move_to_front(struct parts *parts, size_t index) {
    struct latent_part moved = parts->latents[index];
    memmove(&parts->latents[1], &parts->latents[0], index * sizeof moved);
    parts->latents[0] = moved;
}

static void drop(struct parts *parts, size_t index) {
    free(parts->latents[index].path);
    free(parts->latents[index].key);
    parts->latent_count--;
    memmove(&parts->latents[index], &parts->latents[index + 1],
            (parts->latent_count - index) * sizeof *parts->latents);
}

// A latent.npy is often the content of one that has a key, which then stands for both. Where the
// first key is known, it is the one with this key alone.
static bool find_first_key(struct parts *parts, size_t index, const struct gen5_record *first) {
    struct latent_part *latent = &parts->latents[index];
    for (size_t i = 0; i < parts->latent_count; i++) {
        const struct latent_part *other = &parts->latents[i];
        if (other->key != NULL &&
            (first == NULL || has_key(other, first->key, first->key_length)) &&
            same_content(latent->path, other->path)) {
            move_to_front(parts, i);
            drop(parts, i < index ? index : index + 1);
            return true;
        }
    }
    bool set = first != NULL ? set_key(latent, first->key, first->key_length)
                             : set_key(latent, MEMBER_LATENT_KEY, strlen(MEMBER_LATENT_KEY));
    if (set) {
        move_to_front(parts, index);
    }
    return set;
}

// --- All of them --------------------------------------------------------------------------------

static void drop_temporaries(struct parts *parts, const struct known_keys *known) {
    for (size_t i = parts->latent_count; i > 0; i--) {
        const struct latent_part *latent = &parts->latents[i - 1];
        if (latent->hidden && known_by_name(known, name_of(latent)) == NULL) {
            drop(parts, i - 1);
        }
    }
}

static int by_key(const void *left, const void *right) {
    const struct latent_part *a = left;
    const struct latent_part *b = right;
    if (a->key_length != b->key_length) {
        return a->key_length < b->key_length ? -1 : 1;
    }
    int order = memcmp(a->key, b->key, a->key_length);
    return order != 0 ? order : a->place < b->place ? -1 : 1;
}

static int by_place(const void *left, const void *right) {
    const struct latent_part *a = left;
    const struct latent_part *b = right;
    return a->place < b->place ? -1 : a->place > b->place ? 1 : 0;
}

// Sorting by keys brings those that are one latent together.
static bool check_twins(struct parts *parts, struct complaint_list *complaints) {
    struct latent_part *latents = parts->latents;
    qsort(latents, parts->latent_count, sizeof *latents, by_key);
    for (size_t i = 1; i < parts->latent_count; i++) {
        if (has_key(&latents[i], latents[i - 1].key, latents[i - 1].key_length)) {
            complaint_list_add(complaints, latents[i].path,
                               "is the latent \"%s\", as %s is, and differs from it",
                               latents[i].key, latents[i - 1].path);
            return false;
        }
    }
    return true;
}

// Those that are known come first, in the manifest's order, and the others as they were given.
static bool arrange(struct parts *parts, const struct known_keys *known,
                    struct complaint_list *complaints) {
    if (parts->latent_count == 0) {
        return true;
    }
    for (size_t i = 0; i < parts->latent_count; i++) {
        struct latent_part *latent = &parts->latents[i];
        char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
        gen5_latent_name_from_key(latent->key, latent->key_length, name);
        const struct known_key *item = known_by_name(known, name);
        // Behind every record, in the order of now.
        latent->place = item != NULL ? item->place : SIZE_MAX - parts->latent_count + i;
    }
    bool distinct = check_twins(parts, complaints);
    qsort(parts->latents, parts->latent_count, sizeof *parts->latents, by_place);
    return distinct;
}

static bool find_keys(struct parts *parts, const struct known_keys *known,
                      struct complaint_list *complaints) {
    drop_temporaries(parts, known);
    for (size_t i = 0; i < parts->latent_count; i++) {
        struct latent_part *latent = &parts->latents[i];
        if (latent->key == NULL && !latent->first && !find_key(latent, known, complaints)) {
            return false;
        }
    }
    // Each one that is found moves others.
    for (size_t i = 0; i < parts->latent_count;) {
        if (parts->latents[i].key != NULL) {
            i++;
        } else if (find_first_key(parts, i, known->first)) {
            i = 0;
        } else {
            complaint_list_add(complaints, parts->latents[i].path, "out of memory");
            return false;
        }
    }
    return arrange(parts, known, complaints);
}

bool parts_find_keys(struct parts *parts, const struct gen5_manifest *manifest,
                     struct complaint_list *complaints) {
    struct known_keys known = {.items = NULL};
    bool found = know_keys(manifest, &known);
    if (!found) {
        complaint_list_add(complaints, "metadata", "out of memory");
    }
    found = found && find_keys(parts, &known, complaints);
    free(known.items);
    return found;
}
