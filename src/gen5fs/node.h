// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Nodes: what the kernel knows by a number. A node is alive as long as the kernel has looked it up
// (`lookups`) or somebody holds a reference. The number given to the kernel is the node's address
// (1 for the root); what `stat` shows as st_ino is another number that a node keeps for life.
#ifndef GEN5FS_NODE_H
#define GEN5FS_NODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "ino_alias.h"
#include "source_identity.h"

struct filesystem;
struct container;
struct file_node;
struct handle;

enum node_kind {
    NODE_SOURCE,    // a file, folder, symlink or other thing of the source, as it is
    NODE_CONTAINER, // the directory that a container appears as
    NODE_LATENTS,   // its sub-directory latents/
    NODE_FILE,      // a member, scratch file or notice in a container (struct file_node)
    NODE_CONTROL,   // the hidden folder .gen5fs of the root
    NODE_STATUS,    // the text file .gen5fs/status
};

// One state of a file's content. All zero: not known.
struct file_state {
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

struct node {
    enum node_kind kind;
    // Protected by node_table.lock:
    uint32_t references; // ours
    uint64_t lookups;    // the kernel's
    struct node *bucket_next;
    struct node *newer; // in one of node_table's ages
    struct node *older;
    struct node *parent; // holds a reference; NULL for the root and for what is found nowhere
    char *name; // of a container in its parent, and of a NODE_SOURCE where it was last found; NULL
                // for others
    // Constant once the node is in the table:
    uint64_t shown_ino;
    dev_t device; // NODE_SOURCE: identity in the source
    ino_t inode;
    mode_t type;  // NODE_SOURCE: mode & S_IFMT
    bool stays;   // likewise; set by node_stay
    bool raw;     // NODE_SOURCE below .gen5fs/raw: containers are files, nothing can be written
    bool unnamed; // a container that was removed, or is a file by another name now: `parent` and
                  // `name` are the last that it had; under node_table.lock
    // NODE_SOURCE: its descriptor (descriptors.h), protected by node_table.lock but where it says
    // otherwise.
    bool by_descriptor; // it is found by nothing else, and stays open
    bool used;          // atomic: since the queue was last gone through
    uint32_t holds;     // atomic; while it is held, fd stays as it is
    int fd; // O_PATH, so that neither a rename nor a symlink that someone puts in the way can lead
            // elsewhere; -1 while it is closed
    struct node *before; // in node_table's queue of those that have a descriptor
    struct node *after;
    struct timespec born; // more of its identity
    // NODE_SOURCE, regular files, protected by node_table.lock: handles open for writing, and how
    // many of them have been flushed since; a container's name is a plain file while it is being
    // written.
    uint32_t writers;
    uint32_t writers_flushed;
    struct handle *handles; // all that are open
    uint32_t readers;       // those open for reading alone
    pid_t sent_back;        // the thread whose last request for it was not let through (ordinary.c)
    bool passing;           // it is written under a container's name, and will be one (ordinary.c)
    bool became_container; // it was renamed to a container's name, and the kernel may still take it
                           // for a file
    bool changing;         // somebody looks at the file or changes it, and nobody else may
                           // (ordinary_changes.c)
    bool seen_made_here;   // `seen` is what a change through the mount has led to
    struct file_state seen; // what the kernel's pages agree with
    // Changes by others that were found, and how many of them the kernel's pages have been dropped
    // for since.
    uint32_t foreign_changes;
    uint32_t foreign_dropped;
    struct foreign_watch *foreign_watch; // owned by foreign_writes.c; NULL while it is not watched
    // NODE_CONTAINER and NODE_LATENTS: protected by node_table.lock; NULL until somebody looks
    // inside.
    struct container *container;
    union {
        struct file_node *file; // NODE_FILE: constant, owned
        char *text;             // NODE_STATUS: constant, owned; NULL where it is made at each open
    };
    // NODE_SOURCE folders: inotify watch descriptor, -1 where there is none. Owned by watcher.c.
    int watch;
};

// Nodes in the order in which the kernel was given them last.
struct node_ages {
    struct node *newest;
    struct node *oldest;
    size_t bytes; // that they take, about
};

// What is inside of containers, everything else, and what the kernel is not asked to forget.
enum { NODES_INSIDE, NODES_OUTSIDE, NODES_STAYING, NODE_AGES };

struct node_table {
    pthread_mutex_t lock;
    pthread_cond_t writer_left; // a NODE_SOURCE lost a writer
    pthread_cond_t change_over; // a NODE_SOURCE is no longer `changing`
    struct node **buckets;
    size_t bucket_count;
    size_t node_count;
    size_t granted_count;    // descriptors that were granted (descriptors.c)
    struct node *first_open; // of those that have a descriptor (descriptors.c)
    struct node *last_open;
    size_t descriptor_count;          // atomic: of those
    size_t handle_count;              // atomic: of HANDLE_ORDINARY
    size_t descriptors_max;           // of both; constant
    struct node_ages ages[NODE_AGES]; // each node is in one
    size_t bytes_max;                 // constant; more than that is forgotten again (forgetting.c)
    bool forgetting_is_due;           // it has been asked for, and has not begun
    struct ino_aliases aliases; // shown_ino of containers whose file was replaced since the mount
};

int node_table_init(struct node_table *table, size_t bytes_max); // 0 or ENOMEM
void node_table_release(struct filesystem *filesystem);

// The root is made once with the source folder's descriptor, which it owns.
int node_make_root(struct filesystem *filesystem, int fd);

struct node *node_of(struct filesystem *filesystem,
                     uint64_t number); // fuse_ino_t to node, no reference taken
uint64_t node_number(const struct filesystem *filesystem, const struct node *node);

void node_reference(struct filesystem *filesystem, struct node *node);
// The same for a node that may have lost its last reference and is about to be destroyed: false
// then.
bool node_reference_alive(struct filesystem *filesystem, struct node *node);
void node_release(struct filesystem *filesystem, struct node *node); // NULL is allowed

// The kernel's count: one more with every entry replied, `count` fewer with every forget.
void node_remember(struct filesystem *filesystem, struct node *node);
void node_forget(struct filesystem *filesystem, struct node *node, uint64_t count);

// The kernel is never asked to forget the node, and the cap does not count it. For who makes it,
// before anybody else has it.
void node_stay(struct filesystem *filesystem, struct node *node);

// Of nodes that are known to nobody but the kernel, those that it was given longest ago: enough to
// come below the cap, if there are so many, but no more than `count_max`, each with a reference.
// They count as given now, so that the next ones are others. Returns how many.
size_t node_take_oldest(struct filesystem *filesystem, struct node **nodes, size_t count_max);

// The node of a thing in the source, found or made, with a reference for the caller; `name` in
// `parent` is where it is found. A node that had its number while it was something else is left to
// itself. 0 or ENOMEM.
int node_for_source(struct filesystem *filesystem, const struct source_identity *identity,
                    struct node *parent, const char *name, struct node **node);
// The same for what is found nowhere by name: its descriptor, which is taken over in every case,
// stays open. 0 or an errno.
int node_for_descriptor(struct filesystem *filesystem, int fd, bool raw, struct node **node,
                        struct stat *attributes);
// A node of the source is found there from now on.
void node_set_place(struct filesystem *filesystem, struct node *node, struct node *parent,
                    const char *name);
// The name was removed: if the node was to be found there, it is nowhere now, and its descriptor,
// which the caller holds, stays open.
void node_lose_place(struct filesystem *filesystem, struct node *node, const struct node *parent,
                     const char *name);
struct source_identity node_identity(const struct node *node); // with the lock held
// What has a number, if it is known already, else NULL; with a reference.
struct node *node_find_source(struct filesystem *filesystem, dev_t device, ino_t inode, bool raw);

// The node of the container `name` in `parent`, found or made, with a reference. `attributes` are
// its file's; they give a new node its st_ino, which is the name's where the file has several.
int node_for_container(struct filesystem *filesystem, struct node *parent, const char *name,
                       const struct stat *attributes, struct node **node);
struct node *node_find_container(struct filesystem *filesystem, struct node *parent,
                                 const char *name);

// Any other kind, with a reference for the caller and one held on `parent`. Not found again by key.
int node_new(struct filesystem *filesystem, enum node_kind kind, struct node *parent,
             uint64_t shown_ino, struct node **node);

// The containers known in a folder, or for NULL all of them, those that have no name any more
// included; each with a reference. The caller releases them and frees *nodes, also after ENOMEM.
int node_list_containers(struct filesystem *filesystem, struct node *parent, struct node ***nodes,
                         size_t *count);

// A container's file as (parent, name): the parent with a reference, its descriptor held, and a
// copy of the name. ESTALE where the container was removed. The caller releases all of it; after a
// failure there is nothing to release, which is allowed too.
int node_container_place(struct filesystem *filesystem, struct node *node, struct node **parent,
                         char **name);
// The same, or where it was last.
int node_container_last_place(struct filesystem *filesystem, struct node *node,
                              struct node **parent, char **name);
// The folder of a NODE_SOURCE where it was last found, with a reference, and a copy of the name;
// both NULL where it is found nowhere, or after a failure. 0 or ENOMEM. The caller releases both.
int node_source_place(struct filesystem *filesystem, struct node *node, struct node **parent,
                      char **name);
void node_place_release(struct filesystem *filesystem, struct node *parent, char *name);
// A container was renamed or (new_parent NULL) removed. Another container node that had the new
// name loses it. The caller holds the container's commit_lock where it has a container.
int node_container_move(struct filesystem *filesystem, struct node *node, struct node *new_parent,
                        const char *new_name);

// st_ino to show for a container's file: its own inode, or what it was before it was replaced.
uint64_t node_shown_ino(struct filesystem *filesystem, const struct stat *attributes);
// The container's file was replaced: the new file is shown with the old one's number, or with the
// node's where the old one has other names still.
int node_inode_replaced(struct filesystem *filesystem, const struct node *node,
                        const struct stat *old_attributes, const struct stat *new_attributes);

#endif
