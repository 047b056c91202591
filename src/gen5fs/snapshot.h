// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A snapshot: one state of a container's file, opened and parsed, that stays readable whatever
// happens to the name. Snapshots are shared by identity (device, inode, size, times) and kept for a
// while after their last user, so that a container that is asked about often is parsed once.
#ifndef GEN5FS_SNAPSHOT_H
#define GEN5FS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "gen5/container.h"
#include "gen5/error.h"
#include "gen5/image.h"
#include "gen5/replace.h"

struct filesystem;
struct snapshot_cache;

struct snapshot {
    // Constant:
    int fd;                 // the container's file, for reading
    struct stat attributes; // when it was opened
    struct gen5_identity identity;
    struct gen5_container
        *container; // NULL where the file cannot be read as a container: see error
    struct gen5_error error;
    char *notice; // where `error` is set: the text of gen5-error.txt, lines and all
    enum gen5_image_kind image_kind; // of the image, by its signature
    // They claim to have no bytes, which cannot be so.
    bool image_is_lost;
    bool environment_is_lost;
    struct gen5_digest manifest_digest; // SHA-256 of the manifest's text
    // Owned by snapshot.c: references, verified and decoded payloads, links.
    struct snapshot_private *private;
};

// Caps, beyond which what is idle longest is dropped: 4096 idle snapshots (but a quarter of the
// descriptors that the process may have), so many bytes of idle manifests and of decoded payloads
// in memory (8 MiB each at most; larger ones are decoded to an unnamed file). The one that became
// idle last is spared for some seconds.
int snapshot_cache_new(size_t manifest_bytes_max, size_t decoded_bytes_max,
                       struct snapshot_cache **cache);
void snapshot_cache_free(struct snapshot_cache *cache);
// How many idle snapshots are kept.
size_t snapshot_idle_count_max(const struct filesystem *filesystem);

// The snapshot of the regular file `name` in `folder_fd`, without following a symlink. A file that
// is no readable container gives a snapshot with `error`. Errors of opening are returned as errno
// (ENOENT, EACCES, ELOOP or EINVAL for what is no regular file, EMFILE, …). Release with
// snapshot_release.
int snapshot_open(struct filesystem *filesystem, int folder_fd, const char *name,
                  struct snapshot **snapshot);
// The same, or EFBIG where it is not known yet and its manifest has more than 1 MiB, which takes
// many times that memory while it is parsed.
int snapshot_open_light(struct filesystem *filesystem, int folder_fd, const char *name,
                        struct snapshot **snapshot);
// The same as snapshot_open for a descriptor that was opened for reading, which is duplicated.
int snapshot_from_fd(struct filesystem *filesystem, int fd, struct snapshot **snapshot);
// Whether nobody has asked this of the snapshot before.
bool snapshot_is_new(struct snapshot *snapshot);
struct snapshot *snapshot_reference(struct snapshot *snapshot);
// The file was replaced: the snapshot goes with its last user.
void snapshot_retire(struct filesystem *filesystem, struct snapshot *snapshot);
void snapshot_release(struct filesystem *filesystem, struct snapshot *snapshot); // NULL is allowed

// Read a record's payload, from `offset` on, as the payload's own bytes. The first read of a
// payload, of no bytes even, decodes and verifies all of it (once per snapshot; threads that ask
// meanwhile wait); a payload that is damaged gives EIO each time, with the reason in `error`, which
// may not be NULL here and below. *got is less than `size` only at its end.
int snapshot_read(struct filesystem *filesystem, struct snapshot *snapshot,
                  const struct gen5_record *record, void *buffer, size_t size, uint64_t offset,
                  size_t *got, struct gen5_error *error);

// Verify a payload before anybody reads it, as snapshot_read would, unless that is known or another
// thread is at it: then snapshot_read tells. Of what is compressed, as much is decoded as fits in
// memory. Does not count as access to the file.
void snapshot_verify(struct filesystem *filesystem, struct snapshot *snapshot,
                     const struct gen5_record *record);

// Write the whole verified payload to `fd_out` at `offset_out`.
int snapshot_copy(struct filesystem *filesystem, struct snapshot *snapshot,
                  const struct gen5_record *record, int fd_out, uint64_t offset_out,
                  struct gen5_error *error);

// Where large payloads are decoded to if that cannot be in the source.
const char *snapshot_temporary_folder(void);

#endif
