// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Two hash tables over one array of aliases: by what is there now, and by what is shown.
#include "ino_alias.h"

#include <errno.h>
#include <stdlib.h>

#include "key_hash.h"

// Containers' own numbers and spare ones are kept apart from each other and from ordinary files';
// those of names have both bits.
#define CONTAINER_BIT (UINT64_C(1) << 62)
#define SPARE_BIT (UINT64_C(1) << 61)

uint64_t ino_of_name(dev_t device, ino_t folder, const char *name) {
    uint64_t seed = key_hash_number(key_hash_number(0, device), folder);
    return CONTAINER_BIT | SPARE_BIT | (key_hash_text(seed, name) & (SPARE_BIT - 1));
}

static size_t bucket(const struct ino_aliases *aliases, uint64_t number) {
    return (size_t)key_hash_number(0, number) & (aliases->capacity - 1);
}

void ino_aliases_release(struct ino_aliases *aliases) {
    free(aliases->entries);
    free(aliases->by_inode);
    free(aliases->by_shown);
    *aliases = (struct ino_aliases){0};
}

static void link_entry(struct ino_aliases *aliases, size_t index) {
    struct ino_alias *entry = &aliases->entries[index];
    size_t *head = &aliases->by_inode[bucket(aliases, entry->inode)];
    entry->next_by_inode = *head;
    *head = index + 1;
    head = &aliases->by_shown[bucket(aliases, entry->shown)];
    entry->next_by_shown = *head;
    *head = index + 1;
}

static size_t count_alive(const struct ino_aliases *aliases) {
    size_t alive = 0;
    for (size_t i = 0; i < aliases->count; i++) {
        alive += aliases->entries[i].inode != 0;
    }
    return alive;
}

// Into new memory, without the entries that no file has any more. Nothing has changed where there
// is none.
static int grow(struct ino_aliases *aliases) {
    size_t capacity = aliases->capacity == 0                         ? 64
                      : count_alive(aliases) > aliases->capacity / 2 ? aliases->capacity * 2
                                                                     : aliases->capacity;
    struct ino_aliases grown = {.entries = calloc(capacity, sizeof *grown.entries),
                                .capacity = capacity,
                                .by_inode = calloc(capacity, sizeof *grown.by_inode),
                                .by_shown = calloc(capacity, sizeof *grown.by_shown),
                                .spare = aliases->spare};
    if (grown.entries == NULL || grown.by_inode == NULL || grown.by_shown == NULL) {
        ino_aliases_release(&grown);
        return ENOMEM;
    }
    for (size_t i = 0; i < aliases->count; i++) {
        if (aliases->entries[i].inode != 0) {
            grown.entries[grown.count] = aliases->entries[i];
            link_entry(&grown, grown.count++);
        }
    }
    struct ino_aliases former = *aliases;
    *aliases = grown;
    ino_aliases_release(&former);
    return 0;
}

static int add(struct ino_aliases *aliases, dev_t device, ino_t inode, uint64_t shown) {
    if (aliases->count == aliases->capacity && grow(aliases) != 0) {
        return ENOMEM;
    }
    aliases->entries[aliases->count] =
        (struct ino_alias){.device = device, .inode = inode, .shown = shown};
    link_entry(aliases, aliases->count++);
    return 0;
}

static struct ino_alias *find(const struct ino_aliases *aliases, dev_t device, ino_t inode) {
    size_t at = aliases->capacity > 0 ? aliases->by_inode[bucket(aliases, inode)] : 0;
    while (at != 0 &&
           (aliases->entries[at - 1].inode != inode || aliases->entries[at - 1].device != device)) {
        at = aliases->entries[at - 1].next_by_inode;
    }
    return at != 0 ? &aliases->entries[at - 1] : NULL;
}

static bool is_shown(const struct ino_aliases *aliases, uint64_t shown) {
    size_t at = aliases->capacity > 0 ? aliases->by_shown[bucket(aliases, shown)] : 0;
    while (at != 0 && aliases->entries[at - 1].shown != shown) {
        at = aliases->entries[at - 1].next_by_shown;
    }
    return at != 0;
}

uint64_t ino_aliases_shown(struct ino_aliases *aliases, dev_t device, ino_t inode) {
    const struct ino_alias *alias = find(aliases, device, inode);
    uint64_t own = (uint64_t)inode | CONTAINER_BIT;
    if (alias != NULL) {
        return alias->shown;
    }
    if (!is_shown(aliases, own)) {
        return own;
    }
    uint64_t spare = ++aliases->spare | SPARE_BIT;
    return add(aliases, device, inode, spare) == 0 ? spare : own;
}

int ino_aliases_give(struct ino_aliases *aliases, dev_t device, ino_t inode, uint64_t shown) {
    struct ino_alias *stale = find(aliases, device, inode);
    if (stale != NULL) {
        // Its file was removed behind our back, and its inode came to us.
        stale->inode = 0;
    }
    return add(aliases, device, inode, shown);
}

int ino_aliases_replace(struct ino_aliases *aliases, dev_t device, ino_t old_inode,
                        ino_t new_inode) {
    uint64_t shown = ino_aliases_shown(aliases, device, old_inode);
    struct ino_alias *old = find(aliases, device, old_inode);
    if (old != NULL) {
        // An entry that no file has any more: it keeps its place in the lists and matches nothing.
        old->inode = 0;
        old->shown = 0;
    }
    return ino_aliases_give(aliases, device, new_inode, shown);
}
