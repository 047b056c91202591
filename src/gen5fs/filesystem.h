// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The mounted file system: what its parts share, and the order in which their locks are taken.
//
// A request is taken by request_*.c, which asks one of two sides for the answer: ordinary.h (what
// is in the source and no container, as it is) and container_operations.h (what is inside
// containers). Both return 0 or an errno and never reply themselves.
//
// Lock order, outermost first. Nobody waits for the kernel (kernel_notices.h) while holding any of
// them:
//   container.commit_lock   one change of a container at a time, its name included
//   file_node.draft_lock    writing to a draft (shared) against committing it (exclusive)
//   container.lock          what a container's directory shows
//   node_table.lock         which nodes exist, their names and counts
//   the locks inside snapshot.c, kernel_notices.c, watcher.c, foreign_writes.c, rescue.c,
//   prefetch.c
#ifndef GEN5FS_FILESYSTEM_H
#define GEN5FS_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "gen5/limits.h"
#include "node.h"
#include "request_counts.h"

struct fuse_session;
struct snapshot_cache;
struct handle;
struct kernel_notices;
struct watcher;
struct foreign_writes;
struct prefetch;
struct container;
struct guard;

struct filesystem {
    const char *source_path; // absolute, as the user named it; for messages and `gen5fs status`
    const char *mount_path;  // absolute
    // The folder that holds the mount point, and its name in it: where that is in the source,
    // looking into it would be looking into ourselves. NULL for "/".
    const char *mount_name;
    dev_t mount_parent_device;
    ino_t mount_parent_inode;
    int source_fd;         // O_PATH of the source folder
    const char *only_name; // SOURCE was one container: the only name shown in the root; else NULL
    bool read_only;
    bool no_verify;
    bool debug;
    bool opens_folders; // the kernel has to be let open folders one by one; set by operations.c
    // The same of files; likewise. Where it has not, as in a mount that is read-only, it sends
    // neither open nor release: nobody knows which files are open, and every file may be.
    bool opens_files;
    uid_t daemon_uid; // effective, at start
    struct gen5_limits limits;
    struct node_table nodes;
    struct node *root;
    struct handle *handles; // that the kernel has; protected by nodes.lock
    struct node *control; // owned by control.c, like the next: NULL before they are first looked up
    struct node *status;
    struct fuse_session *session;
    struct snapshot_cache *snapshots;
    struct kernel_notices *notices;
    struct watcher *watcher;               // NULL where inotify is not to be had
    struct foreign_writes *foreign_writes; // NULL where fanotify is not
    struct prefetch *prefetch;             // NULL where nothing is verified ahead of readers
    struct guard *guard;
    struct request_counts requests;
};

// How long the kernel may answer from its own caches without asking, in seconds.
#define CACHE_SECONDS 1.0

// Names that stand for a container: they end in ".gen5" and are not hidden from view.
bool name_is_container(const char *name);

// gen5fs's own names in a source folder: temporaries anywhere, ".gen5fs" in the root, the mount
// itself.
bool name_is_hidden(const struct filesystem *filesystem, const struct node *parent,
                    const char *name);
#define CONTROL_NAME ".gen5fs"

// Write a line to the daemon's log (standard error; syslog when in the background).
// "gen5fs: …\n" with control characters replaced. note_debug only with --debug.
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note_debug(const struct filesystem *filesystem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void note_to_syslog(void); // from now on

// Milliseconds of the monotonic clock.
int64_t clock_ms(void);

#endif
