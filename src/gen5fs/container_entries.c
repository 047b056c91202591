// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Containers as entries of a source folder: found, made, removed and renamed as directories are,
// while what is in the source is one file (DESIGN.md 2.2 rule 9).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "kernel_notices.h"

int container_entry(struct filesystem *filesystem, struct node *parent, const char *name,
                    struct stat *attributes, struct node **node) {
    int problem = node_for_container(filesystem, parent, name, attributes, node);
    if (problem == 0) {
        container_attributes(filesystem, attributes);
        attributes->st_ino = (*node)->shown_ino;
    }
    return problem;
}

// `attributes` become the new file's, and those of one that could not be given its name too.
static int write_blank(struct filesystem *filesystem, struct node *parent, const char *name,
                       mode_t mode, uid_t uid, gid_t gid, struct stat *attributes) {
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    struct stat folder;
    int folder_fd = openat(parent->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        return errno;
    }
    enum gen5_status status = gen5_replacement_begin(&replacement, folder_fd, -1, &error);
    if (status == GEN5_OK) {
        status = gen5_repack_blank(replacement.fd, &error);
    }
    int problem = status == GEN5_OK ? 0 : gen5_error_errno(&error);
    if (problem == 0 && filesystem->daemon_uid == 0) {
        bool inherits = fstat(folder_fd, &folder) == 0 && (folder.st_mode & S_ISGID) != 0;
        problem = fchown(replacement.fd, uid, inherits ? folder.st_gid : gid) != 0 ? errno : 0;
    }
    if (problem == 0 && fstat(replacement.fd, attributes) != 0) {
        problem = errno;
    }
    if (problem == 0) {
        // A default list of the folder has taken from it what nobody is to have.
        problem = fchmod(replacement.fd, attributes->st_mode & mode & 0666) != 0 ? errno : 0;
    }
    if (problem == 0 && gen5_replacement_commit(&replacement, name, NULL, GEN5_SYNC_FILE,
                                                attributes, &error) != GEN5_OK) {
        problem = gen5_error_errno(&error);
    }
    gen5_replacement_release(&replacement);
    close(folder_fd);
    return problem;
}

// Where mkdir fails nothing is made: who tries again would be told that it is there.
static void remove_blank(const struct node *parent, const char *name, const struct stat *made) {
    struct stat named;
    if (fstatat(parent->fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_ino == made->st_ino && named.st_dev == made->st_dev) {
        (void)unlinkat(parent->fd, name, 0);
    }
}

int container_entry_make(struct filesystem *filesystem, struct node *parent, const char *name,
                         mode_t mode, uid_t uid, gid_t gid, pid_t maker, struct node **node,
                         struct stat *attributes) {
    struct container *container = NULL;
    struct stat made = {0};
    *node = NULL;
    int problem = write_blank(filesystem, parent, name, mode, uid, gid, &made);
    *attributes = made;
    if (problem == 0) {
        problem = container_entry(filesystem, parent, name, attributes, node);
    }
    if (problem == 0) {
        problem = container_enter(filesystem, *node, &container);
    }
    if (problem != 0) {
        remove_blank(parent, name, &made);
        node_release(filesystem, *node);
        return problem;
    }
    pthread_mutex_lock(&container->lock);
    fresh_begin(container, maker);
    pthread_mutex_unlock(&container->lock);
    container_leave(filesystem, container);
    return 0;
}

// 0 where a container's directory shows nothing that would be lost with it, else ENOTEMPTY or why
// that cannot be told.
static int check_shows_nothing(struct filesystem *filesystem, struct node *node) {
    struct container_listing listing;
    bool nothing = true;
    int problem = container_list(filesystem, node, 0, 2, &listing);
    if (problem != 0) {
        return problem;
    }
    for (size_t i = 0; i < listing.count; i++) {
        // A container that mkdir made, and that nothing was put into, goes with its blank metadata.
        nothing =
            nothing && listing.count == 1 && strcmp(listing.entries[i].name, NOTICE_NAME) == 0;
    }
    container_listing_free(filesystem, &listing);
    return nothing ? 0 : ENOTEMPTY;
}

// Likewise, where it has no more than mkdir has put into it.
static int check_is_blank(struct filesystem *filesystem, struct container *container) {
    struct snapshot *snapshot = NULL;
    int problem = container_snapshot(filesystem, container, &snapshot);
    if (problem != 0) {
        return problem;
    }
    bool blank = snapshot->container != NULL && snapshot->container->manifest->record_count == 0;
    pthread_mutex_lock(&container->lock);
    blank = blank && fresh_is(container);
    for (const struct file_node *file = container->files; file != NULL; file = file->next) {
        blank = blank && !(file->attached && file->kept);
    }
    pthread_mutex_unlock(&container->lock);
    snapshot_release(filesystem, snapshot);
    return blank ? 0 : ENOTEMPTY;
}

static void forget_files(struct filesystem *filesystem, struct container *container) {
    pthread_mutex_lock(&container->lock);
    for (struct file_node *file = container->files; file != NULL; file = file->next) {
        if (file->attached && node_reference_alive(filesystem, file->node)) {
            file_detach(filesystem, file);
            pthread_mutex_unlock(&container->lock);
            node_release(filesystem, file->node);
            pthread_mutex_lock(&container->lock);
            file = container->files; // The list may have changed meanwhile.
            if (file == NULL) {
                break;
            }
        }
    }
    while (container->hidden != NULL) {
        hidden_drop(container, container->hidden->path);
    }
    fresh_end(container);
    pthread_mutex_unlock(&container->lock);
}

int container_entry_remove(struct filesystem *filesystem, struct node *parent, const char *name) {
    struct stat attributes;
    struct node *node = NULL;
    struct container *container = NULL;
    if (fstatat(parent->fd, name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno;
    }
    int problem = container_entry(filesystem, parent, name, &attributes, &node);
    if (problem == 0) {
        problem = container_enter(filesystem, node, &container);
    }
    if (problem == 0) {
        pthread_mutex_lock(&container->commit_lock);
        problem = check_shows_nothing(filesystem, node);
        if (problem == ENOTEMPTY) {
            problem = check_is_blank(filesystem, container);
        }
        if (problem == 0 && unlinkat(parent->fd, name, 0) != 0) {
            problem = errno;
        }
        if (problem == 0) {
            forget_files(filesystem, container);
            (void)node_container_move(filesystem, node, NULL, NULL);
        }
        pthread_mutex_unlock(&container->commit_lock);
        container_leave(filesystem, container);
    }
    node_release(filesystem, node);
    return problem;
}

// What is at a name before a rename.
struct named_thing {
    bool exists;
    bool is_container;
    struct stat attributes;
};

static int look_at(const struct node *parent, const char *name, struct named_thing *thing) {
    *thing = (struct named_thing){0};
    if (fstatat(parent->fd, name, &thing->attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    thing->exists = true;
    thing->is_container = name_is_container(name) && S_ISREG(thing->attributes.st_mode);
    return 0;
}

// A directory may take the place of an empty directory only, and a file that of a file.
static int may_replace(struct filesystem *filesystem, const struct named_thing *old,
                       struct node *new_parent, const char *new_name,
                       const struct named_thing *new) {
    if (!new->exists) {
        return 0;
    }
    if (old->is_container && !new->is_container) {
        return S_ISDIR(new->attributes.st_mode) ? ENOTEMPTY : ENOTDIR;
    }
    if (!old->is_container && new->is_container) {
        return S_ISDIR(old->attributes.st_mode) ? ENOTEMPTY : 0;
    }
    struct node *node = NULL;
    struct stat attributes = new->attributes;
    int problem = container_entry(filesystem, new_parent, new_name, &attributes, &node);
    if (problem == 0) {
        problem = check_shows_nothing(filesystem, node);
    }
    node_release(filesystem, node);
    return problem;
}

static int rename_container(struct filesystem *filesystem, struct node *old_parent,
                            const char *old_name, struct node *new_parent, const char *new_name,
                            unsigned int flags, struct named_thing *old) {
    struct node *node = NULL;
    struct container *container = NULL;
    struct stat attributes = old->attributes;
    int problem = container_entry(filesystem, old_parent, old_name, &attributes, &node);
    if (problem == 0) {
        problem = container_enter(filesystem, node, &container);
    }
    if (problem != 0) {
        node_release(filesystem, node);
        return problem;
    }
    pthread_mutex_lock(&container->commit_lock);
    if (renameat2(old_parent->fd, old_name, new_parent->fd, new_name, flags) != 0) {
        problem = errno;
    } else if (name_is_container(new_name)) {
        problem = node_container_move(filesystem, node, new_parent, new_name);
    } else {
        // It is an ordinary file from now on. Drafts inside can no longer be stored: their closes
        // say so.
        (void)node_container_move(filesystem, node, NULL, NULL);
    }
    pthread_mutex_unlock(&container->commit_lock);
    if (problem == 0 && !name_is_container(new_name)) {
        notice_entry(filesystem, new_parent, new_name, 100);
        notice_listing(filesystem, new_parent);
    }
    container_leave(filesystem, container);
    node_release(filesystem, node);
    return problem;
}

static void file_moved(struct filesystem *filesystem, const struct stat *attributes,
                       struct node *new_parent, const char *new_name) {
    struct node *node = node_find_source(filesystem, attributes->st_dev, attributes->st_ino, false);
    if (node != NULL) {
        node_set_place(filesystem, node, new_parent, new_name);
        node_release(filesystem, node);
    }
}

int container_entry_rename(struct filesystem *filesystem, struct node *old_parent,
                           const char *old_name, struct node *new_parent, const char *new_name,
                           unsigned int flags) {
    struct named_thing old;
    struct named_thing new;
    if ((flags & ~(unsigned int)RENAME_NOREPLACE) != 0) {
        return EINVAL;
    }
    int problem = look_at(old_parent, old_name, &old);
    if (problem == 0) {
        problem = look_at(new_parent, new_name, &new);
    }
    if (problem == 0 && !old.exists) {
        problem = ENOENT;
    }
    if (problem == 0 && new.exists && (flags & (unsigned int)RENAME_NOREPLACE) != 0) {
        problem = EEXIST;
    }
    if (problem != 0 || (new.exists &&new.attributes.st_ino ==
                         old.attributes.st_ino &&new.attributes.st_dev == old.attributes.st_dev)) {
        return problem;
    }
    problem = may_replace(filesystem, &old, new_parent, new_name, &new);
    if (problem == 0 && old.is_container) {
        return rename_container(filesystem, old_parent, old_name, new_parent, new_name, flags,
                                &old);
    }
    if (problem == 0 && renameat2(old_parent->fd, old_name, new_parent->fd, new_name, flags) != 0) {
        problem = errno;
    }
    if (problem == 0) {
        // A file took a container's name: it is a directory for whoever looks next.
        file_moved(filesystem, &old.attributes, new_parent, new_name);
        struct node *node = node_find_container(filesystem, new_parent, new_name);
        if (node != NULL) {
            container_refresh(filesystem, node);
            node_release(filesystem, node);
        }
        notice_entry(filesystem, new_parent, new_name, 100);
        notice_listing(filesystem, new_parent);
    }
    return problem;
}
