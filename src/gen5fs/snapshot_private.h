// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What snapshot.c (which snapshots there are) and snapshot_payload.c (what of their payloads has
// been verified and decoded) share.
#ifndef GEN5FS_SNAPSHOT_PRIVATE_H
#define GEN5FS_SNAPSHOT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen5/payload.h"
#include "snapshot.h"

enum payload_state {
    PAYLOAD_UNKNOWN,
    PAYLOAD_BUSY, // a thread verifies or decodes it; others wait for snapshot_cache.payload_done
    PAYLOAD_GOOD,
    PAYLOAD_BAD,
};

// What is known of one record's payload. Protected by snapshot_cache.lock.
struct payload {
    enum payload_state state;
    // Of a compressed record: its decoded bytes had the right SHA-256, and have it for as long as
    // the file is `hashed_file`.
    bool hashed;
    struct gen5_identity hashed_file; // the file when the payload was verified last
    struct gen5_error *error;         // PAYLOAD_BAD: why, in memory of its own
    // PAYLOAD_GOOD of a compressed record: the decoded bytes. In memory all of a small payload, of
    // a large one the beginning; in the file all of a large one, once more than that was asked for.
    // Neither where memory was dropped for others; then they are decoded again when asked for.
    char *memory;
    size_t size;           // of what is in memory
    int fd;                // unnamed file, -1 for none
    uint32_t users;        // threads that copy from `memory` now
    struct payload *newer; // in snapshot_cache's list of those with memory
    struct payload *older;
};

// Protected by snapshot_cache.lock, but for what is constant.
struct snapshot_private {
    struct snapshot_cache *cache; // constant
    uint32_t references;
    atomic_bool known;        // somebody has asked whether it is new
    bool listed;              // found by its identity
    bool trusted;             // constant: a later change of the file cannot have the same identity
    size_t weight;            // constant: bytes that the parsed manifest takes
    uint64_t file_bytes;      // of payloads decoded to files
    bool left_traces;         // a payload was read: that counts as access to the file
    struct payload *payloads; // one a record; NULL until the first is asked for
    struct snapshot *bucket_next;
    struct snapshot *newer; // in the list of idle ones
    struct snapshot *older;
};

enum { SNAPSHOT_BUCKETS = 1024 };

struct snapshot_cache {
    pthread_mutex_t lock;
    pthread_cond_t payload_done;
    bool fine_times;        // constant: the kernel gives each change after a look its own time
    size_t idle_count_max;  // constant, like the next two
    size_t idle_weight_max; // bytes
    size_t payload_bytes_max;
    // Protected by lock:
    struct snapshot *buckets[SNAPSHOT_BUCKETS];
    struct snapshot *newest_idle;
    struct snapshot *oldest_idle;
    size_t idle_count;
    bool sweep_scheduled;
    size_t idle_weight;
    uint64_t idle_file_bytes;
    struct payload *newest_payload; // those with memory
    struct payload *oldest_payload;
    size_t payload_bytes;
};

// What the mount was asked for.
enum gen5_verification payload_verification(const struct filesystem *filesystem);

// Free what a snapshot's payloads have. The lock is held, and nobody uses the snapshot.
void payloads_release(struct snapshot_cache *cache, struct snapshot *snapshot);

#endif
