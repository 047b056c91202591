// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Payloads of snapshots: verified once, decoded once, then read as often as asked.
//
// A raw payload is served from the container's own descriptor after its hash was found right. A
// compressed payload is decoded to memory, or to an unnamed file where it is large and more of it
// is asked for than its beginning, and decoded again when its memory was given to others. A program
// that writes into the container in place (nobody should) changes what the descriptor reads: so the
// file's identity is compared after each read, and a payload whose file changed is verified again.
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filesystem.h"
#include "gen5/payload.h"
#include "request_loop.h"
#include "snapshot.h"
#include "snapshot_private.h"

// Larger ones are decoded to a file.
enum { PAYLOAD_IN_MEMORY_MAX = 8 << 20 };

// What is kept of a large payload when it is verified: enough for a header and for what the kernel
// reads ahead of one.
enum { BEGINNING_SIZE = 256 * 1024 };

// A payload of so few bytes is verified or decoded in less time than it takes to wake another
// thread.
enum { PROMPT_SIZE_MAX = 96 * 1024 };

// So often a raw payload whose file goes on changing is verified for one read.
enum { RAW_ATTEMPTS = 3 };

static void list_payload(struct snapshot_cache *cache, struct payload *payload) {
    payload->newer = NULL;
    payload->older = cache->newest_payload;
    *(payload->older != NULL ? &payload->older->newer : &cache->oldest_payload) = payload;
    cache->newest_payload = payload;
}

static void unlist_payload(struct snapshot_cache *cache, struct payload *payload) {
    *(payload->newer != NULL ? &payload->newer->older : &cache->newest_payload) = payload->older;
    *(payload->older != NULL ? &payload->older->newer : &cache->oldest_payload) = payload->newer;
}

static void drop_memory(struct snapshot_cache *cache, struct payload *payload) {
    unlist_payload(cache, payload);
    cache->payload_bytes -= payload->size;
    free(payload->memory);
    payload->memory = NULL;
}

// Drop what is idle longest until `size` more bytes fit. What is being read stays, whatever the
// cap.
static void make_room(struct snapshot_cache *cache, size_t size) {
    struct payload *payload = cache->oldest_payload;
    while (payload != NULL && cache->payload_bytes + size > cache->payload_bytes_max) {
        struct payload *newer = payload->newer;
        if (payload->users == 0) {
            drop_memory(cache, payload);
        }
        payload = newer;
    }
}

void payloads_release(struct snapshot_cache *cache, struct snapshot *snapshot) {
    struct payload *payloads = snapshot->private->payloads;
    for (size_t i = 0; payloads != NULL && i < snapshot->container->manifest->record_count; i++) {
        if (payloads[i].memory != NULL) {
            drop_memory(cache, &payloads[i]);
        }
        if (payloads[i].fd >= 0) {
            close(payloads[i].fd);
        }
        free(payloads[i].error);
    }
    free(payloads);
    snapshot->private->payloads = NULL;
}

// From now on reading counts as access to the file, which parsing and verifying it did not
// (snapshot.c). The byte stands for what is in memory already. The lock is held.
static void leave_traces(struct snapshot *snapshot) {
    char byte;
    int flags = snapshot->private->left_traces ? -1 : fcntl(snapshot->fd, F_GETFL);
    snapshot->private->left_traces = true;
    if (flags >= 0 && (flags & O_NOATIME) != 0 &&
        fcntl(snapshot->fd, F_SETFL, flags & ~O_NOATIME) == 0) {
        ssize_t got = pread(snapshot->fd, &byte, 1, 0);
        (void)got;
    }
}

// What is known of a record's payload; NULL where there is no memory. The lock is held.
static struct payload *payload_of(struct snapshot *snapshot, const struct gen5_record *record) {
    const struct gen5_manifest *manifest = snapshot->container->manifest;
    struct snapshot_private *own = snapshot->private;
    if (own->payloads == NULL) {
        own->payloads = calloc(manifest->record_count, sizeof *own->payloads);
        for (size_t i = 0; own->payloads != NULL && i < manifest->record_count; i++) {
            own->payloads[i].fd = -1;
        }
    }
    assert(record >= manifest->records && record < manifest->records + manifest->record_count);
    return own->payloads != NULL ? &own->payloads[record - manifest->records] : NULL;
}

// Whether the bytes themselves are wrong, which does not change by asking again.
static bool is_verdict(enum gen5_status status) {
    return status == GEN5_ERROR_DAMAGED || status == GEN5_ERROR_HASH || status == GEN5_ERROR_LIMIT;
}

static int errno_of(const struct gen5_error *error) {
    return is_verdict(error->status) ? EIO : gen5_error_errno(error);
}

enum gen5_verification payload_verification(const struct filesystem *filesystem) {
    return filesystem->no_verify ? GEN5_NO_VERIFY : GEN5_VERIFY;
}

// The container's file as it is now. 0 or an errno.
static int look_at_file(const struct snapshot *snapshot, struct gen5_identity *now,
                        struct gen5_error *error) {
    struct stat attributes;
    if (fstat(snapshot->fd, &attributes) != 0) {
        gen5_error_set_system(error, errno, "cannot look at the container's file");
        return errno_of(error);
    }
    *now = gen5_identity_of(&attributes);
    return 0;
}

// Whether the container's file is still what it was.
static bool file_is_still(const struct snapshot *snapshot, const struct gen5_identity *was) {
    struct gen5_error ignored = GEN5_ERROR_NONE;
    struct gen5_identity now;
    return look_at_file(snapshot, &now, &ignored) == 0 && gen5_identity_equal(&now, was);
}

// End the state PAYLOAD_BUSY by what verifying or decoding gave. The lock is held.
static void finish(struct snapshot_cache *cache, struct payload *payload,
                   const struct gen5_error *error) {
    payload->state = error->status == GEN5_OK ? PAYLOAD_GOOD : PAYLOAD_UNKNOWN;
    if (is_verdict(error->status)) {
        payload->error = malloc(sizeof *payload->error);
        if (payload->error != NULL) {
            *payload->error = *error;
            payload->state = PAYLOAD_BAD;
        }
    }
    pthread_cond_broadcast(&cache->payload_done);
}

static int give_error(const struct payload *payload, struct gen5_error *error) {
    *error = *payload->error;
    return EIO;
}

static int no_memory(struct gen5_error *error) {
    gen5_error_set_memory(error);
    return ENOMEM;
}

// Wait until nobody else works on the payload. The lock is held.
static void wait_while_busy(struct snapshot_cache *cache, const struct payload *payload) {
    if (payload->state == PAYLOAD_BUSY) {
        request_takes_long();
    }
    while (payload->state == PAYLOAD_BUSY) {
        pthread_cond_wait(&cache->payload_done, &cache->lock);
    }
}

// Have a raw payload verified for the file as it is `now`. The lock is held, and dropped meanwhile.
static int verify_raw(struct filesystem *filesystem, struct snapshot *snapshot,
                      const struct gen5_record *record, struct payload *payload,
                      const struct gen5_identity *now, struct gen5_error *error) {
    struct snapshot_cache *cache = filesystem->snapshots;
    wait_while_busy(cache, payload);
    // A verdict holds for the file that it was found for only, since a writer may be half-way.
    if (payload->state != PAYLOAD_UNKNOWN && gen5_identity_equal(&payload->hashed_file, now)) {
        return payload->state == PAYLOAD_BAD ? give_error(payload, error) : 0;
    }
    free(payload->error);
    payload->error = NULL;
    payload->state = PAYLOAD_BUSY;
    payload->hashed_file = *now;
    pthread_mutex_unlock(&cache->lock);
    if (record->payload_size > PROMPT_SIZE_MAX) {
        request_takes_long();
    }
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    gen5_payload_copy(snapshot->container, record, payload_verification(filesystem), -1, 0, error);
    pthread_mutex_lock(&cache->lock);
    finish(cache, payload, error);
    return error->status == GEN5_OK ? 0 : errno_of(error);
}

static int raw_is_good(struct filesystem *filesystem, struct snapshot *snapshot,
                       const struct gen5_record *record, struct gen5_identity *now,
                       struct gen5_error *error) {
    int problem = look_at_file(snapshot, now, error);
    if (problem != 0) {
        return problem;
    }
    pthread_mutex_lock(&filesystem->snapshots->lock);
    leave_traces(snapshot);
    struct payload *payload = payload_of(snapshot, record);
    problem = payload == NULL ? no_memory(error)
                              : verify_raw(filesystem, snapshot, record, payload, now, error);
    pthread_mutex_unlock(&filesystem->snapshots->lock);
    return problem;
}

static int read_fully(int fd, char *buffer, size_t size, uint64_t offset, size_t *got,
                      struct gen5_error *error) {
    *got = 0;
    while (*got < size) {
        ssize_t part = pread(fd, buffer + *got, size - *got, (off_t)(offset + *got));
        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part < 0) {
            gen5_error_set_system(error, errno, "cannot read");
            return errno_of(error);
        }
        if (part == 0) {
            break;
        }
        *got += (size_t)part;
    }
    return 0;
}

static int changed_underneath(struct gen5_error *error) {
    gen5_error_set(error, GEN5_ERROR_DAMAGED, GEN5_OFFSET_NONE,
                   "the container is being written to while it is read");
    return EIO;
}

static int read_raw(struct filesystem *filesystem, struct snapshot *snapshot,
                    const struct gen5_record *record, char *buffer, size_t size, uint64_t offset,
                    size_t *got, struct gen5_error *error) {
    for (int attempt = 0; attempt < RAW_ATTEMPTS; attempt++) {
        struct gen5_identity before;
        int problem = raw_is_good(filesystem, snapshot, record, &before, error);
        if (problem != 0) {
            return problem;
        }
        problem = read_fully(snapshot->fd, buffer, size,
                             record->offset + GEN5_CHUNK_HEADER_SIZE + offset, got, error);
        if (problem != 0) {
            return problem;
        }
        // A write moves the time before it moves bytes: what was read is of `before` if this is
        // equal.
        if (*got == size && file_is_still(snapshot, &before)) {
            return 0;
        }
    }
    *got = 0;
    return changed_underneath(error);
}

static bool is_small(const struct gen5_record *record) {
    return record->payload_size <= PAYLOAD_IN_MEMORY_MAX;
}

static int memory_file(void) {
    return memfd_create("gen5fs-payload", MFD_CLOEXEC);
}

const char *snapshot_temporary_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder != NULL ? folder : "/var/tmp";
}

// An unnamed file for a large payload: in the source's file system, which has room for such things,
// in the temporary folder where the source must not be written to, in memory where neither can.
static int scratch_file(const struct filesystem *filesystem) {
    static const int flags = O_TMPFILE | O_RDWR | O_CLOEXEC;
    int fd = filesystem->read_only ? -1 : openat(filesystem->source_fd, ".", flags, 0600);
    if (fd < 0) {
        fd = open(snapshot_temporary_folder(), flags, 0600);
    }
    return fd >= 0 ? fd : memory_file();
}

static bool is_lack_of_space(const struct gen5_error *error) {
    return error->status == GEN5_ERROR_SYSTEM &&
           (error->os_error == ENOSPC || error->os_error == EDQUOT || error->os_error == EFBIG);
}

// Decode to a file; its descriptor, or -1 and the reason.
static int decode_to_file(const struct filesystem *filesystem, const struct snapshot *snapshot,
                          const struct gen5_record *record, enum gen5_verification verify,
                          struct gen5_error *error) {
    int fd = scratch_file(filesystem);
    if (fd >= 0 &&
        gen5_payload_copy(snapshot->container, record, verify, fd, 0, error) == GEN5_OK) {
        return fd;
    }
    if (fd < 0) {
        gen5_error_set_system(error, errno, "cannot make a temporary file to decode to");
        return -1;
    }
    close(fd);
    fd = is_lack_of_space(error) ? memory_file() : -1;
    if (fd < 0) {
        return -1;
    }
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    if (gen5_payload_copy(snapshot->container, record, verify, fd, 0, error) != GEN5_OK) {
        close(fd);
        return -1;
    }
    return fd;
}

// How much of a payload is decoded to memory: all of a small one, and of a large one the beginning
// or nothing.
static size_t size_in_memory(const struct gen5_record *record, bool beginning) {
    return is_small(record) ? (size_t)record->payload_size : beginning ? BEGINNING_SIZE : 0;
}

// Decode to memory. Of what is `known` to be good, no more is decoded than is kept.
static char *decode_to_memory(const struct snapshot *snapshot, const struct gen5_record *record,
                              enum gen5_verification verify, bool known, struct gen5_error *error) {
    const size_t size = size_in_memory(record, true);
    char *memory = malloc(size + 1); // 1 more: an empty payload is no NULL
    if (memory == NULL) {
        gen5_error_set_memory(error);
        return NULL;
    }
    enum gen5_status status =
        known ? gen5_payload_read_prefix(snapshot->container, record, memory, size, error)
              : gen5_payload_check(snapshot->container, record, verify, memory, size, error);
    if (status != GEN5_OK) {
        free(memory);
        return NULL;
    }
    return memory;
}

// Where the bytes of a compressed payload are: in one of the two, or in neither after an error.
struct decoded {
    char *memory;
    int fd;
};

static struct decoded decode_once(const struct filesystem *filesystem,
                                  const struct snapshot *snapshot, const struct gen5_record *record,
                                  bool beginning, bool known, struct gen5_error *error) {
    const enum gen5_verification verify = known ? GEN5_NO_VERIFY : payload_verification(filesystem);
    struct decoded decoded = {.memory = NULL, .fd = -1};
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    if (is_small(record) || beginning) {
        decoded.memory = decode_to_memory(snapshot, record, verify, known, error);
    } else {
        decoded.fd = decode_to_file(filesystem, snapshot, record, verify, error);
    }
    return decoded;
}

static void decoded_release(struct decoded *decoded) {
    free(decoded->memory);
    if (decoded->fd >= 0) {
        close(decoded->fd);
    }
}

// Decode, and see that the bytes are right: those that were before, of a file that is still as it
// was, need not be hashed again. The payload is in state PAYLOAD_BUSY.
static struct decoded decode_checked(const struct filesystem *filesystem,
                                     const struct snapshot *snapshot,
                                     const struct gen5_record *record, struct payload *payload,
                                     bool beginning, struct gen5_error *error) {
    if (payload->hashed && file_is_still(snapshot, &payload->hashed_file)) {
        struct decoded again = decode_once(filesystem, snapshot, record, beginning, true, error);
        if (file_is_still(snapshot, &payload->hashed_file)) {
            return again;
        }
        decoded_release(&again);
    }
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    if (look_at_file(snapshot, &payload->hashed_file, error) != 0) {
        return (struct decoded){.memory = NULL, .fd = -1};
    }
    struct decoded decoded = decode_once(filesystem, snapshot, record, beginning, false, error);
    payload->hashed = error->status == GEN5_OK && !filesystem->no_verify;
    return decoded;
}

// Decode a payload that is in state PAYLOAD_BUSY: all of it, or no more of a large one than its
// beginning. The lock is held, and dropped meanwhile.
static int decode(struct filesystem *filesystem, struct snapshot *snapshot,
                  const struct gen5_record *record, struct payload *payload, bool beginning,
                  struct gen5_error *error) {
    struct snapshot_cache *cache = filesystem->snapshots;
    const size_t in_memory = size_in_memory(record, beginning);
    // Counted before it is there, so that many at once keep to the cap too.
    make_room(cache, in_memory);
    cache->payload_bytes += in_memory;
    pthread_mutex_unlock(&cache->lock);
    if (record->payload_size > PROMPT_SIZE_MAX) {
        request_takes_long();
    }
    struct decoded decoded =
        decode_checked(filesystem, snapshot, record, payload, beginning, error);
    pthread_mutex_lock(&cache->lock);
    finish(cache, payload, error);
    if (decoded.memory != NULL) {
        payload->memory = decoded.memory;
        payload->size = in_memory;
        list_payload(cache, payload);
    } else {
        cache->payload_bytes -= in_memory;
    }
    if (decoded.fd >= 0) {
        payload->fd = decoded.fd;
        snapshot->private->file_bytes += record->payload_size;
    }
    return error->status == GEN5_OK ? 0 : errno_of(error);
}

static bool is_in_memory(const struct payload *payload, size_t size, uint64_t offset) {
    return payload->memory != NULL && offset + size <= payload->size;
}

// Have some of a compressed payload's bytes at hand. The lock is held.
static int have_decoded(struct filesystem *filesystem, struct snapshot *snapshot,
                        const struct gen5_record *record, struct payload *payload, size_t size,
                        uint64_t offset, struct gen5_error *error) {
    wait_while_busy(filesystem->snapshots, payload);
    if (payload->state == PAYLOAD_BAD) {
        return give_error(payload, error);
    }
    // Who asks for no bytes asks whether they are good.
    if (payload->fd >= 0 || is_in_memory(payload, size, offset) ||
        (size == 0 && payload->state == PAYLOAD_GOOD)) {
        return 0;
    }
    const bool beginning = !is_small(record) && (size == 0 || offset + size <= BEGINNING_SIZE);
    payload->state = PAYLOAD_BUSY;
    return decode(filesystem, snapshot, record, payload, beginning, error);
}

static int read_decoded(struct filesystem *filesystem, struct snapshot *snapshot,
                        const struct gen5_record *record, char *buffer, size_t size,
                        uint64_t offset, size_t *got, struct gen5_error *error) {
    struct snapshot_cache *cache = filesystem->snapshots;
    pthread_mutex_lock(&cache->lock);
    leave_traces(snapshot);
    struct payload *payload = payload_of(snapshot, record);
    int problem = payload == NULL
                      ? no_memory(error)
                      : have_decoded(filesystem, snapshot, record, payload, size, offset, error);
    if (problem != 0 || size == 0 || !is_in_memory(payload, size, offset)) {
        pthread_mutex_unlock(&cache->lock);
        return problem != 0 ? problem : read_fully(payload->fd, buffer, size, offset, got, error);
    }
    payload->users++;
    unlist_payload(cache, payload); // The newest goes last.
    list_payload(cache, payload);
    pthread_mutex_unlock(&cache->lock);
    memcpy(buffer, payload->memory + offset, size);
    *got = size;
    pthread_mutex_lock(&cache->lock);
    payload->users--;
    pthread_mutex_unlock(&cache->lock);
    return 0;
}

static int check_record(const struct gen5_record *record, struct gen5_error *error) {
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    if (record->damage == NULL) {
        return 0;
    }
    gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)record->offset, "%s", record->damage);
    return EIO;
}

int snapshot_read(struct filesystem *filesystem, struct snapshot *snapshot,
                  const struct gen5_record *record, void *buffer, size_t size, uint64_t offset,
                  size_t *got, struct gen5_error *error) {
    *got = 0;
    int problem = check_record(record, error);
    if (problem != 0) {
        return problem;
    }
    // Also who asks for nothing is told what the payload is like.
    offset = offset < record->payload_size ? offset : record->payload_size;
    if (size > record->payload_size - offset) {
        size = (size_t)(record->payload_size - offset);
    }
    return gen5_record_is_raw(record)
               ? read_raw(filesystem, snapshot, record, buffer, size, offset, got, error)
               : read_decoded(filesystem, snapshot, record, buffer, size, offset, got, error);
}

void snapshot_verify(struct filesystem *filesystem, struct snapshot *snapshot,
                     const struct gen5_record *record) {
    struct gen5_error error = GEN5_ERROR_NONE;
    struct gen5_identity now;
    if (record->damage != NULL || look_at_file(snapshot, &now, &error) != 0) {
        return;
    }
    pthread_mutex_lock(&filesystem->snapshots->lock);
    struct payload *payload = payload_of(snapshot, record);
    if (payload != NULL && payload->state == PAYLOAD_UNKNOWN) {
        // What it is found to be is kept, also where that is damaged.
        (void)(gen5_record_is_raw(record)
                   ? verify_raw(filesystem, snapshot, record, payload, &now, &error)
                   : have_decoded(filesystem, snapshot, record, payload, 0, 0, &error));
    }
    pthread_mutex_unlock(&filesystem->snapshots->lock);
}

// The decoded file of a payload, if there is one: it stays while the caller holds the snapshot.
static int decoded_file(struct filesystem *filesystem, struct snapshot *snapshot,
                        const struct gen5_record *record) {
    pthread_mutex_lock(&filesystem->snapshots->lock);
    leave_traces(snapshot);
    struct payload *payload = payload_of(snapshot, record);
    int fd = payload != NULL && payload->state == PAYLOAD_GOOD ? payload->fd : -1;
    pthread_mutex_unlock(&filesystem->snapshots->lock);
    return fd;
}

static int copy_raw(struct filesystem *filesystem, struct snapshot *snapshot,
                    const struct gen5_record *record, int fd_out, uint64_t offset_out,
                    struct gen5_error *error) {
    const struct gen5_source payload =
        gen5_source_window(&snapshot->container->source, record->offset + GEN5_CHUNK_HEADER_SIZE,
                           record->payload_size);
    for (int attempt = 0; attempt < RAW_ATTEMPTS; attempt++) {
        struct gen5_identity before;
        int problem = raw_is_good(filesystem, snapshot, record, &before, error);
        if (problem != 0) {
            return problem;
        }
        if (gen5_source_copy(&payload, fd_out, offset_out, error) != GEN5_OK) {
            return errno_of(error);
        }
        if (file_is_still(snapshot, &before)) {
            return 0;
        }
    }
    return changed_underneath(error);
}

int snapshot_copy(struct filesystem *filesystem, struct snapshot *snapshot,
                  const struct gen5_record *record, int fd_out, uint64_t offset_out,
                  struct gen5_error *error) {
    int problem = check_record(record, error);
    if (problem != 0) {
        return problem;
    }
    if (gen5_record_is_raw(record)) {
        return copy_raw(filesystem, snapshot, record, fd_out, offset_out, error);
    }
    struct gen5_source decoded = {.fd = decoded_file(filesystem, snapshot, record),
                                  .memory = NULL,
                                  .offset = 0,
                                  .size = record->payload_size};
    enum gen5_status status =
        decoded.fd >= 0
            ? gen5_source_copy(&decoded, fd_out, offset_out, error)
            : gen5_payload_copy(snapshot->container, record, payload_verification(filesystem),
                                fd_out, offset_out, error);
    return status == GEN5_OK ? 0 : errno_of(error);
}
