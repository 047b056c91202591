// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The node table: two kinds of key in one hash, things of the source by (device, inode, raw) and
// containers by (parent, name).
#include "node.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_operations.h"
#include "descriptors.h"
#include "filesystem.h"
#include "forgetting.h"
#include "key_hash.h"
#include "watcher.h"

// FUSE_ROOT_ID; said here so that this file needs no FUSE header.
#define ROOT_NUMBER ((uint64_t)1)

static uint64_t source_hash(dev_t device, ino_t inode, bool raw) {
    return key_hash_number(key_hash_number(raw ? 1 : 0, device), inode);
}

static uint64_t container_hash(const struct node *parent, const char *name) {
    return key_hash_text((uint64_t)(uintptr_t)parent, name);
}

static bool is_keyed(const struct node *node) {
    return node->kind == NODE_SOURCE || (node->kind == NODE_CONTAINER && !node->unnamed);
}

static uint64_t node_hash(const struct node *node) {
    return node->kind == NODE_SOURCE ? source_hash(node->device, node->inode, node->raw)
                                     : container_hash(node->parent, node->name);
}

int node_table_init(struct node_table *table, size_t bytes_max) {
    *table = (struct node_table){.bucket_count = 1024, .bytes_max = bytes_max};
    table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
    if (table->buckets == NULL) {
        return ENOMEM;
    }
    descriptors_init(table);
    pthread_mutex_init(&table->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&table->writer_left, &attributes);
    pthread_cond_init(&table->change_over, &attributes);
    pthread_condattr_destroy(&attributes);
    return 0;
}

static struct node **bucket_of(struct node_table *table, uint64_t hash) {
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void table_grow(struct node_table *table) {
    size_t count = table->bucket_count * 2;
    struct node **buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return; // Longer chains are slower and still right.
    }
    for (size_t i = 0; i < table->bucket_count; i++) {
        while (table->buckets[i] != NULL) {
            struct node *node = table->buckets[i];
            table->buckets[i] = node->bucket_next;
            struct node **head = &buckets[node_hash(node) & (count - 1)];
            node->bucket_next = *head;
            *head = node;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
}

static void table_insert(struct node_table *table, struct node *node) {
    if (++table->node_count > table->bucket_count) {
        table_grow(table);
    }
    struct node **head = bucket_of(table, node_hash(node));
    node->bucket_next = *head;
    *head = node;
}

static void table_remove(struct node_table *table, struct node *node) {
    for (struct node **at = bucket_of(table, node_hash(node)); *at != NULL;
         at = &(*at)->bucket_next) {
        if (*at == node) {
            *at = node->bucket_next;
            table->node_count--;
            return;
        }
    }
}

static struct node *find_source(struct node_table *table, dev_t device, ino_t inode, bool raw) {
    for (struct node *node = *bucket_of(table, source_hash(device, inode, raw)); node != NULL;
         node = node->bucket_next) {
        if (node->kind == NODE_SOURCE && node->inode == inode && node->device == device &&
            node->raw == raw) {
            return node;
        }
    }
    return NULL;
}

static struct node *find_container(struct node_table *table, const struct node *parent,
                                   const char *name) {
    for (struct node *node = *bucket_of(table, container_hash(parent, name)); node != NULL;
         node = node->bucket_next) {
        if (node->kind == NODE_CONTAINER && node->parent == parent &&
            strcmp(node->name, name) == 0) {
            return node;
        }
    }
    return NULL;
}

uint64_t node_number(const struct filesystem *filesystem, const struct node *node) {
    return node == filesystem->root ? ROOT_NUMBER : (uint64_t)(uintptr_t)node;
}

struct node *node_of(struct filesystem *filesystem, uint64_t number) {
    // The kernel only sends numbers that it was given and has not forgotten.
    return number == ROOT_NUMBER
               ? filesystem->root
               : (struct node *)(uintptr_t)number; // NOLINT(performance-no-int-to-ptr)
}

static struct node *node_allocate(enum node_kind kind) {
    struct node *node = calloc(1, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->references = 1;
        node->fd = -1;
        node->holds = DESCRIPTOR_CLOSED;
        node->watch = -1;
    }
    return node;
}

// What a node takes, and what belongs to it: names, and for what is inside of a container its
// struct file_node and a share of its struct container. Measured, with what malloc adds.
static size_t node_bytes(const struct node *node) {
    return node->kind == NODE_FILE ? 800 : 270;
}

static struct node_ages *ages_of(struct node_table *table, const struct node *node) {
    bool inside = node->kind == NODE_FILE || node->kind == NODE_LATENTS;
    return &table->ages[node->stays ? NODES_STAYING : inside ? NODES_INSIDE : NODES_OUTSIDE];
}

// The lock is held.
static void ages_add(struct node_table *table, struct node *node) {
    struct node_ages *ages = ages_of(table, node);
    node->newer = NULL;
    node->older = ages->newest;
    *(node->older != NULL ? &node->older->newer : &ages->oldest) = node;
    ages->newest = node;
    ages->bytes += node_bytes(node);
}

static void ages_remove(struct node_table *table, struct node *node) {
    struct node_ages *ages = ages_of(table, node);
    *(node->older != NULL ? &node->older->newer : &ages->oldest) = node->newer;
    *(node->newer != NULL ? &node->newer->older : &ages->newest) = node->older;
    ages->bytes -= node_bytes(node);
}

static size_t bytes_of_all(const struct node_table *table) {
    return table->ages[NODES_INSIDE].bytes + table->ages[NODES_OUTSIDE].bytes;
}

// The newest node of the first list that is not empty, from this one on.
static struct node *first_from(const struct node_table *table, size_t list) {
    while (list < NODE_AGES - 1 && table->ages[list].newest == NULL) {
        list++;
    }
    return list < NODE_AGES ? table->ages[list].newest : NULL;
}

static struct node *first_of_all(const struct node_table *table) {
    return first_from(table, 0);
}

static struct node *next_of_all(struct node_table *table, const struct node *node) {
    return node->older != NULL
               ? node->older
               : first_from(table, (size_t)(ages_of(table, node) - table->ages) + 1);
}

void node_reference(struct filesystem *filesystem, struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->references++;
    pthread_mutex_unlock(&filesystem->nodes.lock);
}

// The lock is held.
static bool is_alive(const struct node *node) {
    return node->references > 0 || node->lookups > 0;
}

bool node_reference_alive(struct filesystem *filesystem, struct node *node) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    bool alive = is_alive(node);
    if (alive) {
        node->references++;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return alive;
}

// Called with the table's lock held: true where the node is to be destroyed once the lock is
// dropped.
static bool node_is_last(struct filesystem *filesystem, struct node *node) {
    if (node->references > 0 || node->lookups > 0) {
        return false;
    }
    if (is_keyed(node)) {
        table_remove(&filesystem->nodes, node);
    }
    if (node->kind == NODE_SOURCE) {
        watcher_drop(filesystem, node);
        descriptors_remove(&filesystem->nodes, node);
    }
    return true;
}

// Free a node that nobody knows, and the chain of parents that it alone kept.
static void node_destroy(struct filesystem *filesystem, struct node *node) {
    while (node != NULL) {
        if (node->kind == NODE_CONTAINER || node->kind == NODE_LATENTS || node->kind == NODE_FILE) {
            container_node_gone(filesystem, node);
        }
        struct node *parent = node->parent;
        if (node->fd >= 0) {
            close(node->fd);
        }
        pthread_mutex_lock(&filesystem->nodes.lock);
        ages_remove(&filesystem->nodes, node);
        pthread_mutex_unlock(&filesystem->nodes.lock);
        if (node->kind == NODE_STATUS) {
            free(node->text);
        }
        free(node->name);
        free(node);
        node = NULL;
        if (parent != NULL) {
            pthread_mutex_lock(&filesystem->nodes.lock);
            parent->references--;
            bool last = node_is_last(filesystem, parent);
            pthread_mutex_unlock(&filesystem->nodes.lock);
            node = last ? parent : NULL;
        }
    }
}

void node_release(struct filesystem *filesystem, struct node *node) {
    if (node == NULL) {
        return;
    }
    pthread_mutex_lock(&filesystem->nodes.lock);
    assert(node->references > 0);
    node->references--;
    bool last = node_is_last(filesystem, node);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    if (last) {
        node_destroy(filesystem, node);
    }
}

void node_remember(struct filesystem *filesystem, struct node *node) {
    struct node_table *table = &filesystem->nodes;
    pthread_mutex_lock(&table->lock);
    node->lookups++;
    ages_remove(table, node);
    ages_add(table, node);
    const bool due = bytes_of_all(table) > table->bytes_max && !table->forgetting_is_due;
    table->forgetting_is_due = table->forgetting_is_due || due;
    pthread_mutex_unlock(&table->lock);
    if (due && forgetting_schedule(filesystem) != 0) {
        pthread_mutex_lock(&table->lock);
        table->forgetting_is_due = false; // The next node tries again.
        pthread_mutex_unlock(&table->lock);
    }
}

void node_stay(struct filesystem *filesystem, struct node *node) {
    struct node_table *table = &filesystem->nodes;
    pthread_mutex_lock(&table->lock);
    ages_remove(table, node);
    node->stays = true;
    ages_add(table, node);
    pthread_mutex_unlock(&table->lock);
}

// What is inside goes first: it is the most of it, and a folder stays as long as the kernel knows
// something in it. The lock is held.
static struct node_ages *ages_to_take_from(struct node_table *table) {
    bool inside = table->ages[NODES_INSIDE].bytes > table->bytes_max / 8;
    return &table->ages[inside ? NODES_INSIDE : NODES_OUTSIDE];
}

size_t node_take_oldest(struct filesystem *filesystem, struct node **nodes, size_t count_max) {
    struct node_table *table = &filesystem->nodes;
    size_t count = 0;
    pthread_mutex_lock(&table->lock);
    table->forgetting_is_due = false;
    const size_t bytes_wanted = table->bytes_max - table->bytes_max / 16;
    size_t bytes = bytes_of_all(table);
    struct node_ages *ages = ages_to_take_from(table);
    // Some of them may be in use.
    for (size_t looked_at = 0; looked_at < 2 * count_max && count < count_max &&
                               bytes > bytes_wanted && ages->oldest != NULL;
         looked_at++) {
        struct node *node = ages->oldest;
        ages_remove(table, node);
        ages_add(table, node);
        if (node->references == 0 && node->lookups > 0) {
            node->references++;
            nodes[count++] = node;
            bytes -= node_bytes(node) < bytes ? node_bytes(node) : bytes;
        }
    }
    pthread_mutex_unlock(&table->lock);
    return count;
}

void node_forget(struct filesystem *filesystem, struct node *node, uint64_t count) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    node->lookups -= count < node->lookups ? count : node->lookups;
    bool last = node_is_last(filesystem, node);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    if (last) {
        node_destroy(filesystem, node);
    }
}

int node_make_root(struct filesystem *filesystem, int fd) {
    struct stat attributes;
    return node_for_descriptor(filesystem, fd, false, &filesystem->root, &attributes);
}

void node_table_release(struct filesystem *filesystem) {
    struct node_table *table = &filesystem->nodes;
    // The kernel is gone, and its counts with it. Nodes without children go first; the last child
    // of a folder takes the folder with it.
    size_t count = 0;
    for (struct node *node = first_of_all(table); node != NULL; node = next_of_all(table, node)) {
        node->lookups = 0;
        count += node->references == 0 ? 1 : 0;
    }
    struct node **leaves = count > 0 ? calloc(count, sizeof *leaves) : NULL;
    count = 0;
    for (struct node *node = leaves != NULL ? first_of_all(table) : NULL; node != NULL;
         node = next_of_all(table, node)) {
        if (node->references == 0) {
            leaves[count++] = node;
        }
    }
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_lock(&table->lock);
        bool last = node_is_last(filesystem, leaves[i]);
        pthread_mutex_unlock(&table->lock);
        if (last) {
            node_destroy(filesystem, leaves[i]);
        }
    }
    free(leaves);
    node_release(filesystem, filesystem->root);
    filesystem->root = NULL;
    free(table->buckets);
    ino_aliases_release(&table->aliases);
    pthread_cond_destroy(&table->change_over);
    pthread_cond_destroy(&table->writer_left);
    pthread_mutex_destroy(&table->lock);
}

struct source_identity node_identity(const struct node *node) {
    return (struct source_identity){
        .device = node->device, .inode = node->inode, .type = node->type, .born = node->born};
}

static bool is_at(const struct node *node, const struct node *parent, const char *name) {
    return node->parent == parent && node->name != NULL && strcmp(node->name, name) == 0;
}

// Whether a node is to be found below itself by this place, which renames in the source can make
// seem so. The lock is held.
static bool is_below(const struct node *node, const struct node *parent) {
    while (parent != NULL && parent != node) {
        parent = parent->parent;
    }
    return parent == node;
}

// Takes over *name, and gives another instead, which the caller frees; returns a reference that the
// caller gives back. Without memory for the name, a thing is looked for where it was, and then
// looked up again. The lock is held.
static struct node *put_at(struct node *node, struct node *parent, char **name) {
    if (*name == NULL || is_below(node, parent)) {
        return NULL;
    }
    struct node *old_parent = node->parent;
    char *old_name = node->name;
    parent->references++;
    node->parent = parent;
    node->name = *name;
    *name = old_name;
    return old_parent;
}

void node_set_place(struct filesystem *filesystem, struct node *node, struct node *parent,
                    const char *name) {
    char *copy = strdup(name);
    pthread_mutex_lock(&filesystem->nodes.lock);
    struct node *old_parent = is_at(node, parent, name) ? NULL : put_at(node, parent, &copy);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    free(copy);
    node_release(filesystem, old_parent);
}

void node_lose_place(struct filesystem *filesystem, struct node *node, const struct node *parent,
                     const char *name) {
    struct node *old_parent = NULL;
    char *old_name = NULL;
    pthread_mutex_lock(&filesystem->nodes.lock);
    if (is_at(node, parent, name)) {
        old_parent = node->parent;
        old_name = node->name;
        node->parent = NULL;
        node->name = NULL;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    node_release(filesystem, old_parent);
    free(old_name);
}

// The node of a thing, if there is one. The lock is held.
static struct node *find_same(struct node_table *table, const struct source_identity *identity,
                              bool raw) {
    struct node *node = find_source(table, identity->device, identity->inode, raw);
    if (node == NULL) {
        return NULL;
    }
    if (node->type == identity->type && (node->fd >= 0 || node->handles != NULL)) {
        // What is open keeps its number. An overlay that copies a file up gives it another birth.
        node->born = identity->born;
    }
    const struct source_identity known = node_identity(node);
    if (!source_identity_equal(&known, identity)) {
        table_remove(table, node);
        return NULL;
    }
    return node;
}

// The same, or the one that was made for it: *made is NULL then. Gives a reference. The lock is
// held.
static struct node *find_or_insert(struct node_table *table, const struct source_identity *identity,
                                   bool raw, struct node **made) {
    struct node *found = find_same(table, identity, raw);
    if (found == NULL && *made != NULL) {
        found = *made;
        *made = NULL;
        found->device = identity->device;
        found->inode = identity->inode;
        found->shown_ino = identity->inode;
        found->type = identity->type;
        found->born = identity->born;
        found->raw = raw;
        found->references = 0;
        table_insert(table, found);
        ages_add(table, found);
    }
    if (found != NULL) {
        found->references++;
    }
    return found;
}

int node_for_source(struct filesystem *filesystem, const struct source_identity *identity,
                    struct node *parent, const char *name, struct node **node) {
    struct node_table *table = &filesystem->nodes;
    pthread_mutex_lock(&table->lock);
    struct node *found = find_same(table, identity, parent->raw);
    const bool settled = found != NULL && is_at(found, parent, name);
    if (settled) {
        found->references++;
    }
    pthread_mutex_unlock(&table->lock);
    if (settled) {
        *node = found;
        return 0;
    }
    struct node *made = node_allocate(NODE_SOURCE);
    struct node *old_parent = NULL;
    char *copy = strdup(name);
    pthread_mutex_lock(&table->lock);
    found = find_or_insert(table, identity, parent->raw, &made);
    if (found != NULL && !is_at(found, parent, name)) {
        old_parent = put_at(found, parent, &copy);
    }
    pthread_mutex_unlock(&table->lock);
    free(made);
    free(copy);
    node_release(filesystem, old_parent);
    *node = found;
    return found != NULL ? 0 : ENOMEM;
}

int node_for_descriptor(struct filesystem *filesystem, int fd, bool raw, struct node **node,
                        struct stat *attributes) {
    struct node_table *table = &filesystem->nodes;
    struct source_identity identity;
    int problem = source_look(fd, "", attributes, &identity);
    if (problem != 0) {
        close(fd);
        return problem;
    }
    struct node *made = node_allocate(NODE_SOURCE);
    pthread_mutex_lock(&table->lock);
    *node = find_or_insert(table, &identity, raw, &made);
    const bool given = *node != NULL && descriptors_give(table, *node, fd);
    if (*node != NULL) {
        (*node)->by_descriptor = true;
    }
    pthread_mutex_unlock(&table->lock);
    free(made);
    if (!given) {
        close(fd);
    }
    return *node != NULL ? 0 : ENOMEM;
}

struct node *node_find_source(struct filesystem *filesystem, dev_t device, ino_t inode, bool raw) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    struct node *found = find_source(&filesystem->nodes, device, inode, raw);
    if (found != NULL) {
        found->references++;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return found;
}

struct node *node_find_container(struct filesystem *filesystem, struct node *parent,
                                 const char *name) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    struct node *found = find_container(&filesystem->nodes, parent, name);
    if (found != NULL) {
        found->references++;
    }
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return found;
}

int node_for_container(struct filesystem *filesystem, struct node *parent, const char *name,
                       const struct stat *attributes, struct node **node) {
    struct node_table *table = &filesystem->nodes;
    *node = node_find_container(filesystem, parent, name);
    if (*node != NULL) {
        return 0;
    }
    struct node *made = node_allocate(NODE_CONTAINER);
    char *copy = strdup(name);
    pthread_mutex_lock(&table->lock);
    struct node *found = find_container(table, parent, name);
    if (found != NULL) {
        found->references++;
    } else if (made != NULL && copy != NULL) {
        parent->references++;
        made->parent = parent;
        made->name = copy;
        made->shown_ino =
            attributes->st_nlink > 1
                ? ino_of_name(parent->device, parent->inode, name)
                : ino_aliases_shown(&table->aliases, attributes->st_dev, attributes->st_ino);
        table_insert(table, made);
        ages_add(table, made);
        found = made;
        made = NULL;
        copy = NULL;
    }
    pthread_mutex_unlock(&table->lock);
    free(made);
    free(copy);
    *node = found;
    return found != NULL ? 0 : ENOMEM;
}

int node_new(struct filesystem *filesystem, enum node_kind kind, struct node *parent,
             uint64_t shown, struct node **node) {
    assert(kind != NODE_SOURCE && kind != NODE_CONTAINER);
    *node = node_allocate(kind);
    if (*node == NULL) {
        return ENOMEM;
    }
    pthread_mutex_lock(&filesystem->nodes.lock);
    parent->references++;
    ages_add(&filesystem->nodes, *node);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    (*node)->parent = parent;
    (*node)->shown_ino = shown;
    return 0;
}

// A reference to each node that is a container (of `parent`, if given), in grown memory.
struct collecting {
    struct node *parent;
    struct node **nodes;
    size_t count;
    size_t capacity;
};

// The lock is held.
static int collect_container(struct collecting *collecting, struct node *node) {
    if (node->kind != NODE_CONTAINER ||
        (collecting->parent != NULL && node->parent != collecting->parent)) {
        return 0;
    }
    if (collecting->count == collecting->capacity) {
        collecting->capacity = collecting->capacity == 0 ? 16 : collecting->capacity * 2;
        struct node **grown =
            reallocarray(collecting->nodes, collecting->capacity, sizeof(struct node *));
        if (grown == NULL) {
            return ENOMEM;
        }
        collecting->nodes = grown;
    }
    node->references++;
    collecting->nodes[collecting->count++] = node;
    return 0;
}

int node_list_containers(struct filesystem *filesystem, struct node *parent, struct node ***nodes,
                         size_t *count) {
    struct node_table *table = &filesystem->nodes;
    struct collecting collecting = {.parent = parent};
    int problem = 0;
    pthread_mutex_lock(&table->lock);
    if (parent == NULL) {
        // Those without a name are in no bucket.
        for (struct node *node = table->ages[NODES_OUTSIDE].newest; node != NULL && problem == 0;
             node = node->older) {
            problem = is_alive(node) ? collect_container(&collecting, node) : 0;
        }
    }
    for (size_t i = 0; parent != NULL && i < table->bucket_count; i++) {
        for (struct node *node = table->buckets[i]; node != NULL && problem == 0;
             node = node->bucket_next) {
            problem = collect_container(&collecting, node);
        }
    }
    pthread_mutex_unlock(&table->lock);
    *nodes = collecting.nodes;
    *count = collecting.count;
    return problem; // What was collected until a failure is the caller's too.
}

// The lock is held.
static int copy_place(struct node *node, struct node **parent, char **name) {
    *name = strdup(node->name);
    if (*name == NULL) {
        return ENOMEM;
    }
    *parent = node->parent;
    node->parent->references++;
    return 0;
}

// The parent's descriptor is held too, or all is given back.
static int hold_place(struct filesystem *filesystem, struct node **parent, char **name) {
    int problem = descriptor_hold(filesystem, *parent);
    if (problem != 0) {
        node_release(filesystem, *parent);
        free(*name);
        *parent = NULL;
        *name = NULL;
    }
    return problem;
}

int node_container_place(struct filesystem *filesystem, struct node *node, struct node **parent,
                         char **name) {
    *parent = NULL;
    *name = NULL;
    pthread_mutex_lock(&filesystem->nodes.lock);
    int problem = node->unnamed ? ESTALE : copy_place(node, parent, name);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return problem != 0 ? problem : hold_place(filesystem, parent, name);
}

int node_container_last_place(struct filesystem *filesystem, struct node *node,
                              struct node **parent, char **name) {
    *parent = NULL;
    *name = NULL;
    pthread_mutex_lock(&filesystem->nodes.lock);
    int problem = copy_place(node, parent, name);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return problem != 0 ? problem : hold_place(filesystem, parent, name);
}

int node_source_place(struct filesystem *filesystem, struct node *node, struct node **parent,
                      char **name) {
    *parent = NULL;
    *name = NULL;
    pthread_mutex_lock(&filesystem->nodes.lock);
    int problem = node->parent != NULL ? copy_place(node, parent, name) : 0;
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return problem;
}

void node_place_release(struct filesystem *filesystem, struct node *parent, char *name) {
    if (parent != NULL) {
        descriptor_release(parent);
        node_release(filesystem, parent);
    }
    free(name);
}

// The lock is held.
static void lose_name(struct node_table *table, struct node *node) {
    if (!node->unnamed) {
        table_remove(table, node);
        node->unnamed = true;
    }
}

int node_container_move(struct filesystem *filesystem, struct node *node, struct node *new_parent,
                        const char *new_name) {
    struct node_table *table = &filesystem->nodes;
    char *copy = new_parent != NULL ? strdup(new_name) : NULL;
    if (new_parent != NULL && copy == NULL) {
        return ENOMEM;
    }
    struct node *old_parent = NULL;
    char *old_name = NULL;
    pthread_mutex_lock(&table->lock);
    struct node *replaced = new_parent != NULL ? find_container(table, new_parent, new_name) : NULL;
    if (replaced != NULL) {
        lose_name(table, replaced);
    }
    lose_name(table, node);
    if (copy != NULL) {
        old_parent = node->parent;
        old_name = node->name;
        new_parent->references++;
        node->parent = new_parent;
        node->name = copy;
        node->unnamed = false;
        table_insert(table, node);
    }
    pthread_mutex_unlock(&table->lock);
    node_release(filesystem, old_parent);
    free(old_name);
    return 0;
}

uint64_t node_shown_ino(struct filesystem *filesystem, const struct stat *attributes) {
    pthread_mutex_lock(&filesystem->nodes.lock);
    uint64_t shown =
        ino_aliases_shown(&filesystem->nodes.aliases, attributes->st_dev, attributes->st_ino);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return shown;
}

int node_inode_replaced(struct filesystem *filesystem, const struct node *node,
                        const struct stat *old_attributes, const struct stat *new_attributes) {
    struct ino_aliases *aliases = &filesystem->nodes.aliases;
    pthread_mutex_lock(&filesystem->nodes.lock);
    int problem = old_attributes->st_nlink > 1
                      ? ino_aliases_give(aliases, new_attributes->st_dev, new_attributes->st_ino,
                                         node->shown_ino)
                      : ino_aliases_replace(aliases, old_attributes->st_dev, old_attributes->st_ino,
                                            new_attributes->st_ino);
    pthread_mutex_unlock(&filesystem->nodes.lock);
    return problem;
}
