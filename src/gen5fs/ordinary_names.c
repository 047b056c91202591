// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Names in source folders: making, linking, moving and removing them.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_operations.h"
#include "descriptors.h"
#include "kernel_notices.h"
#include "ordinary.h"

// Again, for an answer to a look-up that was on its way to the kernel when the name changed its
// kind.
enum { NOTICE_AGAIN_MS = 100 };

// What a program may ask of open(2) and the daemon passes on. O_DIRECT would demand the alignment
// of the daemon's memory, O_APPEND is said with every write (ordinary_write), the rest concerns the
// name.
static int flags_of_open(int flags) {
    return (flags & ~(O_DIRECT | O_APPEND | O_CREAT | O_EXCL | O_NOCTTY)) | O_NOFOLLOW | O_CLOEXEC;
}

static int create_file(struct filesystem *filesystem, struct node *parent, const char *name,
                       mode_t mode, int flags, const struct caller *caller, int *fd) {
    caller_begin(filesystem, caller);
    int problem;
    do {
        *fd = openat(parent->fd, name, flags_of_open(flags & ~O_TRUNC) | O_CREAT | O_EXCL, mode);
        problem = *fd < 0 ? errno : 0;
    } while (descriptors_make_room(filesystem, problem));
    caller_end(filesystem, caller);
    return problem;
}

int ordinary_create(struct filesystem *filesystem, struct node *parent, const char *name,
                    mode_t mode, int flags, const struct caller *caller, struct node **child,
                    struct stat *attributes, struct handle **handle) {
    int problem = ordinary_check_name(filesystem, parent, name);
    if (problem != 0) {
        return problem;
    }
    int fd;
    problem = create_file(filesystem, parent, name, mode, flags, caller, &fd);
    if (problem == EEXIST && (flags & O_EXCL) == 0) {
        // Somebody else was faster. Whether the caller may open what there is now, and how, only
        // the kernel can tell: it looks the name up again.
        return ESTALE;
    }
    if (problem != 0) {
        return problem;
    }
    struct source_identity identity;
    problem = source_look(fd, "", attributes, &identity);
    if (problem == 0) {
        problem = node_for_source(filesystem, &identity, parent, name, child);
    }
    if (problem != 0) {
        close(fd);
        return problem;
    }
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes) {
        ordinary_writer_comes(filesystem, *child);
    }
    // As ordinary_open does: the kernel comes to have pages of it.
    (void)ordinary_change_begin(filesystem, *child);
    ordinary_change_end(filesystem, *child);
    problem = ordinary_handle_new(filesystem, *child, fd, flags, handle);
    if (problem != 0) {
        if (writes) {
            ordinary_writer_leaves(filesystem, *child);
        }
        node_release(filesystem, *child);
    } else if (name_is_container(name)) {
        ordinary_written_as(filesystem, *child, parent, name);
    }
    return problem;
}

int ordinary_mkdir(struct filesystem *filesystem, struct node *parent, const char *name,
                   mode_t mode, const struct caller *caller, struct node **child,
                   struct stat *attributes) {
    int problem = ordinary_check_name(filesystem, parent, name);
    if (problem != 0) {
        return problem;
    }
    caller_begin(filesystem, caller);
    problem = mkdirat(parent->fd, name, mode) != 0 ? errno : 0;
    caller_end(filesystem, caller);
    return problem != 0 ? problem
                        : ordinary_node_of_name(filesystem, parent, name, child, attributes);
}

int ordinary_mknod(struct filesystem *filesystem, struct node *parent, const char *name,
                   mode_t mode, dev_t device, const struct caller *caller, struct node **child,
                   struct stat *attributes) {
    int problem = ordinary_check_name(filesystem, parent, name);
    if (problem != 0) {
        return problem;
    }
    caller_begin(filesystem, caller);
    problem = mknodat(parent->fd, name, mode, device) != 0 ? errno : 0;
    caller_end(filesystem, caller);
    return problem != 0 ? problem
                        : ordinary_node_of_name(filesystem, parent, name, child, attributes);
}

int ordinary_symlink(struct filesystem *filesystem, struct node *parent, const char *name,
                     const char *target, const struct caller *caller, struct node **child,
                     struct stat *attributes) {
    int problem = ordinary_check_name(filesystem, parent, name);
    if (problem != 0) {
        return problem;
    }
    caller_begin(filesystem, caller);
    problem = symlinkat(target, parent->fd, name) != 0 ? errno : 0;
    caller_end(filesystem, caller);
    return problem != 0 ? problem
                        : ordinary_node_of_name(filesystem, parent, name, child, attributes);
}

// Things whose links change, at most one a name, and what the kernel had of them before.
struct relinked {
    struct node *nodes[2]; // each with a reference and its descriptor held, or NULL
    enum ordinary_state before[2];
};

// The thing that has these attributes, if the kernel may know it; its descriptor is held where it
// can be had.
static struct node *known_with(struct filesystem *filesystem, const struct stat *attributes) {
    struct node *node = node_find_source(filesystem, attributes->st_dev, attributes->st_ino, false);
    if (node != NULL && descriptor_hold(filesystem, node) != 0) {
        node_release(filesystem, node);
        node = NULL;
    }
    return node;
}

// Takes over both, which known_with gave.
static struct relinked relink_begin(struct filesystem *filesystem, struct node *one,
                                    struct node *other) {
    if (one == other && other != NULL) {
        descriptor_release(other);
        node_release(filesystem, other);
        other = NULL;
    }
    // In the order of their addresses, lest two renames wait for each other.
    struct relinked things = {.nodes = {one < other ? one : other, one < other ? other : one}};
    for (size_t i = 0; i < 2; i++) {
        if (things.nodes[i] != NULL) {
            things.before[i] = ordinary_change_begin(filesystem, things.nodes[i]);
        }
    }
    return things;
}

static void relink_end(struct filesystem *filesystem, const struct relinked *things) {
    for (size_t i = 0; i < 2; i++) {
        if (things->nodes[i] != NULL) {
            ordinary_change_end_same_bytes(filesystem, things->nodes[i], things->before[i]);
            descriptor_release(things->nodes[i]);
            node_release(filesystem, things->nodes[i]);
        }
    }
}

// Remove a name that leads to no container.
static int remove_name(struct filesystem *filesystem, struct node *parent, const char *name,
                       int flags) {
    struct stat attributes;
    if (fstatat(parent->fd, name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno;
    }
    struct node *node = known_with(filesystem, &attributes);
    const struct relinked thing = relink_begin(filesystem, node, NULL);
    int problem = unlinkat(parent->fd, name, flags) != 0 ? errno : 0;
    if (problem == 0 && node != NULL) {
        node_lose_place(filesystem, node, parent, name);
    }
    relink_end(filesystem, &thing);
    return problem;
}

int ordinary_link(struct filesystem *filesystem, struct node *node, struct node *new_parent,
                  const char *new_name, const struct caller *caller, struct stat *attributes) {
    int problem = ordinary_check_name(filesystem, new_parent, new_name);
    if (problem == 0) {
        problem = ordinary_check_change(filesystem, node);
    }
    if (problem != 0) {
        return problem;
    }
    // It would be a file by one name and a directory by the other.
    if (S_ISREG(node->type) && name_is_container(new_name)) {
        return EPERM;
    }
    problem = ordinary_check_place(filesystem, node, caller);
    if (problem != 0) {
        return problem;
    }
    enum ordinary_state before = ordinary_change_begin(filesystem, node);
    // The last component is a magic link to the thing itself, a symlink included.
    if (linkat(AT_FDCWD, descriptor_path_of(node->fd).text, new_parent->fd, new_name,
               AT_SYMLINK_FOLLOW) != 0 ||
        fstat(node->fd, attributes) != 0) {
        problem = errno;
    }
    ordinary_change_end_same_bytes(filesystem, node, before);
    return problem;
}

// What is hidden is not there to be removed, but the control folder, which stays.
static int check_removal(const struct filesystem *filesystem, const struct node *parent,
                         const char *name) {
    int problem = ordinary_check_name(filesystem, parent, name);
    bool control = parent == filesystem->root && strcmp(name, CONTROL_NAME) == 0;
    return problem == EPERM && !control ? ENOENT : problem;
}

int ordinary_unlink(struct filesystem *filesystem, struct node *parent, const char *name) {
    bool container = false;
    int problem = check_removal(filesystem, parent, name);
    if (problem == 0) {
        problem = ordinary_name_leads_to_container(filesystem, parent, name, &container);
    }
    if (problem != 0) {
        return problem;
    }
    return container ? EISDIR : remove_name(filesystem, parent, name, 0);
}

int ordinary_rmdir(struct filesystem *filesystem, struct node *parent, const char *name) {
    bool container = false;
    int problem = check_removal(filesystem, parent, name);
    if (problem == 0) {
        problem = ordinary_name_leads_to_container(filesystem, parent, name, &container);
    }
    if (problem != 0) {
        return problem;
    }
    return container ? container_entry_remove(filesystem, parent, name)
                     : remove_name(filesystem, parent, name, AT_REMOVEDIR);
}

// What a rename has done to a file whose name decides what it is. `attributes` are the file's.
static void kind_may_have_changed(struct filesystem *filesystem, const struct stat *attributes,
                                  struct node *new_parent, const char *new_name) {
    if (!name_is_container(new_name)) {
        return;
    }
    struct node *node =
        S_ISREG(attributes->st_mode)
            ? node_find_source(filesystem, attributes->st_dev, attributes->st_ino, false)
            : NULL;
    if (node == NULL) {
        return;
    }
    if (ordinary_is_container(filesystem, new_parent, new_name, attributes)) {
        ordinary_became_container(filesystem, node);
    } else {
        ordinary_written_as(filesystem, node, new_parent, new_name);
    }
    node_release(filesystem, node);
    notice_entry(filesystem, new_parent, new_name, NOTICE_AGAIN_MS);
    notice_listing(filesystem, new_parent);
}

static int rename_plainly(struct filesystem *filesystem, struct node *old_parent,
                          const char *old_name, struct node *new_parent, const char *new_name,
                          unsigned int flags) {
    const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
    struct stat moved;
    struct stat there; // replaced, or moved back
    if (fstatat(old_parent->fd, old_name, &moved, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno;
    }
    if (fstatat(new_parent->fd, new_name, &there, AT_SYMLINK_NOFOLLOW) != 0) {
        if (exchanges) {
            return errno;
        }
        there.st_mode = 0; // Nothing; or renameat2 says what is wrong.
    }
    struct node *node = known_with(filesystem, &moved);
    struct node *replaced = there.st_mode != 0 ? known_with(filesystem, &there) : NULL;
    const struct relinked things = relink_begin(filesystem, node, replaced);
    int problem =
        renameat2(old_parent->fd, old_name, new_parent->fd, new_name, flags) != 0 ? errno : 0;
    if (problem == 0 && replaced != NULL && exchanges) {
        node_set_place(filesystem, replaced, old_parent, old_name);
    } else if (problem == 0 && replaced != NULL) {
        node_lose_place(filesystem, replaced, new_parent, new_name);
    }
    if (problem == 0 && node != NULL) {
        node_set_place(filesystem, node, new_parent, new_name);
    }
    relink_end(filesystem, &things);
    if (problem != 0) {
        return problem;
    }
    kind_may_have_changed(filesystem, &moved, new_parent, new_name);
    if (exchanges) {
        kind_may_have_changed(filesystem, &there, old_parent, old_name);
    }
    return 0;
}

int ordinary_rename(struct filesystem *filesystem, struct node *old_parent, const char *old_name,
                    struct node *new_parent, const char *new_name, unsigned int flags) {
    bool from_container = false;
    bool to_container = false;
    int problem = check_removal(filesystem, old_parent, old_name);
    if (problem == 0) {
        problem = ordinary_check_name(filesystem, new_parent, new_name);
    }
    if (problem == 0) {
        problem =
            ordinary_name_leads_to_container(filesystem, old_parent, old_name, &from_container);
    }
    if (problem == 0) {
        problem = ordinary_name_leads_to_container(filesystem, new_parent, new_name, &to_container);
    }
    if (problem != 0) {
        return problem;
    }
    if (from_container || to_container) {
        return container_entry_rename(filesystem, old_parent, old_name, new_parent, new_name,
                                      flags);
    }
    return rename_plainly(filesystem, old_parent, old_name, new_parent, new_name, flags);
}
