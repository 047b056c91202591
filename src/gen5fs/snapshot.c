// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which snapshots there are: opened, shared by identity, kept for a while, dropped.
//
// An identity is only as good as the file system's clock. Two writes within one tick of it (some
// milliseconds) leave the same times, so a file that changed a moment ago is parsed for whoever
// asks and not shared with who asks later, unless the kernel is one that gives such changes
// different times.
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "descriptors.h"
#include "filesystem.h"
#include "gen5/payload.h"
#include "kernel_notices.h"
#include "key_hash.h"
#include "snapshot_private.h"
#include "thread.h"

// Caps on what is idle, as snapshot.h states them, and on the disk space of files decoded for it.
enum { IDLE_COUNT_MAX = 4096 };
static const uint64_t idle_file_bytes_max = UINT64_C(512) << 20;

// As snapshot.h states it.
enum { LIGHT_MANIFEST_SIZE_MAX = 1 << 20 };

// How long an idle snapshot of a file that is no longer there may keep its descriptor.
enum { SWEEP_AFTER_MS = 3000 };

// Longer than a tick of any clock that local file systems take their times from (10 ms at 100 Hz).
static const int64_t settled_after_ns = INT64_C(20) * 1000000;

// Kernels from 6.13 on give a file that was looked at since its last change a new time with the
// next one (multigrain timestamps), on the file systems that sign up for it.
static bool kernel_has_fine_times(void) {
    struct utsname name;
    char *end = NULL;
    if (uname(&name) != 0) {
        return false;
    }
    unsigned long major = strtoul(name.release, &end, 10);
    if (end == name.release || *end != '.') {
        return false;
    }
    unsigned long minor = strtoul(end + 1, NULL, 10);
    return major > 6 || (major == 6 && minor >= 13);
}

static bool has_fine_times(const struct snapshot_cache *cache, int fd) {
    struct statfs about;
    if (!cache->fine_times || fstatfs(fd, &about) != 0) {
        return false;
    }
    const long type = (long)about.f_type;
    return type == EXT4_SUPER_MAGIC || type == XFS_SUPER_MAGIC || type == (long)BTRFS_SUPER_MAGIC ||
           type == TMPFS_MAGIC;
}

// Only the time of change counts: programs can set the other, and every write moves both.
static bool has_settled(const struct stat *attributes) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t seconds = (int64_t)now.tv_sec - attributes->st_ctim.tv_sec;
    if (seconds < 0 || seconds > 1) {
        return seconds > 1; // A time in the future says nothing.
    }
    return seconds * 1000000000 + now.tv_nsec - attributes->st_ctim.tv_nsec >= settled_after_ns;
}

// Each has a descriptor; three quarters of what the process may have are for others.
static size_t idle_count_max(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 4 > IDLE_COUNT_MAX) {
        return IDLE_COUNT_MAX;
    }
    return (size_t)limit.rlim_cur / 4;
}

int snapshot_cache_new(size_t manifest_bytes_max, size_t decoded_bytes_max,
                       struct snapshot_cache **cache) {
    *cache = calloc(1, sizeof **cache);
    if (*cache == NULL) {
        return ENOMEM;
    }
    pthread_mutex_init(&(*cache)->lock, NULL);
    thread_condition_init(&(*cache)->payload_done);
    (*cache)->fine_times = kernel_has_fine_times();
    (*cache)->idle_count_max = idle_count_max();
    (*cache)->idle_weight_max = manifest_bytes_max;
    (*cache)->payload_bytes_max = decoded_bytes_max;
    return 0;
}

size_t snapshot_idle_count_max(const struct filesystem *filesystem) {
    return filesystem->snapshots->idle_count_max;
}

static struct snapshot **bucket_of(struct snapshot_cache *cache,
                                   const struct gen5_identity *identity) {
    uint64_t hash = key_hash_number(identity->device, identity->inode);
    return &cache->buckets[hash % SNAPSHOT_BUCKETS];
}

static void idle_add(struct snapshot_cache *cache, struct snapshot *snapshot) {
    struct snapshot_private *own = snapshot->private;
    own->newer = NULL;
    own->older = cache->newest_idle;
    *(own->older != NULL ? &own->older->private->newer : &cache->oldest_idle) = snapshot;
    cache->newest_idle = snapshot;
    cache->idle_count++;
    cache->idle_weight += own->weight;
    cache->idle_file_bytes += own->file_bytes;
}

static void idle_remove(struct snapshot_cache *cache, struct snapshot *snapshot) {
    struct snapshot_private *own = snapshot->private;
    *(own->newer != NULL ? &own->newer->private->older : &cache->newest_idle) = own->older;
    *(own->older != NULL ? &own->older->private->newer : &cache->oldest_idle) = own->newer;
    cache->idle_count--;
    cache->idle_weight -= own->weight;
    cache->idle_file_bytes -= own->file_bytes;
}

// Nobody finds it by its identity any more. The lock is held.
static void unlist(struct snapshot_cache *cache, struct snapshot *snapshot) {
    if (!snapshot->private->listed) {
        return;
    }
    struct snapshot **at = bucket_of(cache, &snapshot->identity);
    while (*at != snapshot) {
        at = &(*at)->private->bucket_next;
    }
    *at = snapshot->private->bucket_next;
    snapshot->private->listed = false;
}

// The lock is held (also where nobody else can know the snapshot yet).
static void destroy(struct snapshot_cache *cache, struct snapshot *snapshot) {
    unlist(cache, snapshot);
    payloads_release(cache, snapshot);
    gen5_container_free(snapshot->container);
    if (snapshot->fd >= 0) {
        close(snapshot->fd);
    }
    free(snapshot->notice);
    free(snapshot->private);
    free(snapshot);
}

static void drop_oldest_idle(struct snapshot_cache *cache) {
    struct snapshot *oldest = cache->oldest_idle;
    idle_remove(cache, oldest);
    destroy(cache, oldest);
}

// Keep to the caps, but for the `spared` newest ones. The lock is held.
static void drop_idle_over_caps(struct snapshot_cache *cache, size_t spared) {
    while (cache->idle_count > spared && (cache->idle_count > cache->idle_count_max ||
                                          cache->idle_weight > cache->idle_weight_max ||
                                          cache->idle_file_bytes > idle_file_bytes_max)) {
        drop_oldest_idle(cache);
    }
}

// Give back what idle snapshots have, so that a descriptor becomes free. false where there was
// none.
static bool drop_all_idle(struct snapshot_cache *cache) {
    pthread_mutex_lock(&cache->lock);
    bool any = cache->oldest_idle != NULL;
    while (cache->oldest_idle != NULL) {
        drop_oldest_idle(cache);
    }
    pthread_mutex_unlock(&cache->lock);
    return any;
}

void snapshot_cache_free(struct snapshot_cache *cache) {
    if (cache == NULL) {
        return;
    }
    drop_all_idle(cache);
    pthread_cond_destroy(&cache->payload_done);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

// The lock is held.
static void reference(struct snapshot_cache *cache, struct snapshot *snapshot) {
    if (snapshot->private->references++ == 0) {
        idle_remove(cache, snapshot);
    }
}

// The lock is held.
static struct snapshot *find(struct snapshot_cache *cache, const struct gen5_identity *identity) {
    struct snapshot *found = *bucket_of(cache, identity);
    while (found != NULL && !gen5_identity_equal(&found->identity, identity)) {
        found = found->private->bucket_next;
    }
    if (found != NULL) {
        reference(cache, found);
    }
    return found;
}

static struct snapshot *find_known(struct snapshot_cache *cache, const struct stat *attributes) {
    const struct gen5_identity identity = gen5_identity_of(attributes);
    pthread_mutex_lock(&cache->lock);
    struct snapshot *found = find(cache, &identity);
    pthread_mutex_unlock(&cache->lock);
    return found;
}

// Idle snapshots of the same file in an earlier state are of no more use. The lock is held.
static void drop_older_states(struct snapshot_cache *cache, const struct gen5_identity *identity) {
    struct snapshot *next;
    for (struct snapshot *at = *bucket_of(cache, identity); at != NULL; at = next) {
        next = at->private->bucket_next;
        if (at->private->references == 0 && at->identity.inode == identity->inode &&
            at->identity.device == identity->device) {
            idle_remove(cache, at);
            destroy(cache, at);
        }
    }
}

// Share a new snapshot; where another thread was quicker with the same, that one is used.
static struct snapshot *share(struct snapshot_cache *cache, struct snapshot *made) {
    pthread_mutex_lock(&cache->lock);
    struct snapshot *found = made->private->trusted ? find(cache, &made->identity) : NULL;
    if (found != NULL) {
        destroy(cache, made);
        made = found;
    } else if (made->private->trusted) {
        drop_older_states(cache, &made->identity);
        struct snapshot **bucket = bucket_of(cache, &made->identity);
        made->private->bucket_next = *bucket;
        made->private->listed = true;
        *bucket = made;
    }
    pthread_mutex_unlock(&cache->lock);
    return made;
}

// The first bytes of the image say what it is; one that is damaged is of no known kind. Fails where
// they could not be had for a reason that may pass.
static enum gen5_status find_image_kind(struct snapshot *snapshot, struct gen5_error *error) {
    const struct gen5_record *image = snapshot->container->image;
    uint8_t first[GEN5_IMAGE_SIGNATURE_SIZE];
    snapshot->image_kind = GEN5_IMAGE_UNKNOWN;
    if (image == NULL || image->damage != NULL) {
        return GEN5_OK;
    }
    size_t size = image->payload_size < sizeof first ? (size_t)image->payload_size : sizeof first;
    enum gen5_status status =
        gen5_payload_read_prefix(snapshot->container, image, first, size, error);
    if (status == GEN5_OK) {
        snapshot->image_kind = gen5_image_kind_of(first, size);
    }
    return status == GEN5_ERROR_SYSTEM || status == GEN5_ERROR_MEMORY ? status : GEN5_OK;
}

// What gen5-error.txt says. NULL where there is no memory.
static char *notice_text(const struct gen5_error *error) {
    char *text = NULL;
    int length = error->offset >= 0
                     ? asprintf(&text,
                                "This container cannot be read: %s (at offset %lld of the file).\n"
                                "The file in the source folder is left as it is.\n",
                                error->message, (long long)error->offset)
                     : asprintf(&text,
                                "This container cannot be read: %s.\n"
                                "The file in the source folder is left as it is.\n",
                                error->message);
    return length < 0 ? NULL : text;
}

// Whether a payload that claims no bytes is damaged. This is looked at ahead, since who reads an
// empty file asks for nothing.
static bool is_lost(const struct filesystem *filesystem, const struct gen5_container *container,
                    const struct gen5_record *record) {
    struct gen5_error ignored = GEN5_ERROR_NONE;
    return record != NULL && record->damage == NULL && record->payload_size == 0 &&
           gen5_payload_copy(container, record, payload_verification(filesystem), -1, 0,
                             &ignored) != GEN5_OK;
}

// Read the snapshot's file as a container. 0, also where it is none and snapshot->error says why.
static int parse(struct filesystem *filesystem, const struct gen5_limits *limits,
                 struct snapshot *snapshot) {
    struct gen5_source source = {.fd = snapshot->fd,
                                 .memory = NULL,
                                 .offset = 0,
                                 .size = (uint64_t)snapshot->attributes.st_size};
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = gen5_container_open(&source, limits, &snapshot->container, &error);
    if (status == GEN5_OK) {
        const struct gen5_manifest *manifest = snapshot->container->manifest;
        snapshot->private->weight =
            2 * manifest->size + manifest->record_count * sizeof *manifest->records;
        snapshot->image_is_lost =
            is_lost(filesystem, snapshot->container, snapshot->container->image);
        snapshot->environment_is_lost =
            is_lost(filesystem, snapshot->container, snapshot->container->environment);
        status = find_image_kind(snapshot, &error);
        if (status == GEN5_ERROR_SYSTEM) {
            // Its neighbours can be read; the next one who asks may have more luck with it.
            snapshot->private->trusted = false;
            status = GEN5_OK;
        }
        if (status == GEN5_OK) {
            status =
                gen5_digest_of(manifest->text, manifest->size, &snapshot->manifest_digest, &error);
        }
        return status == GEN5_OK ? 0 : gen5_error_errno(&error);
    }
    snapshot->container = NULL;
    if (status == GEN5_ERROR_LIMIT && limits != &filesystem->limits) {
        return EFBIG;
    }
    snapshot->error = error;
    snapshot->notice = notice_text(&error);
    if (snapshot->notice == NULL) {
        return ENOMEM;
    }
    if (status == GEN5_ERROR_SYSTEM) {
        snapshot->private->trusted = false; // The next one who asks may have more luck.
    }
    return status == GEN5_ERROR_MEMORY ? ENOMEM : 0;
}

// Make a snapshot of an open file, or EFBIG where it is over limits that are not the filesystem's.
// Takes over `fd` in every case.
static int make(struct filesystem *filesystem, const struct gen5_limits *limits, int fd,
                const struct stat *attributes, struct snapshot **snapshot) {
    struct snapshot_cache *cache = filesystem->snapshots;
    struct snapshot *made = calloc(1, sizeof *made);
    struct snapshot_private *own = calloc(1, sizeof *own);
    if (made == NULL || own == NULL) {
        free(made);
        free(own);
        close(fd);
        return ENOMEM;
    }
    made->fd = fd;
    made->attributes = *attributes;
    made->identity = gen5_identity_of(attributes);
    made->error = (struct gen5_error)GEN5_ERROR_NONE;
    made->private = own;
    own->cache = cache;
    own->references = 1;
    own->trusted = has_settled(attributes) || has_fine_times(cache, fd);
    int problem = parse(filesystem, limits, made);
    if (problem != 0) {
        pthread_mutex_lock(&cache->lock);
        destroy(cache, made);
        pthread_mutex_unlock(&cache->lock);
        return problem;
    }
    *snapshot = share(cache, made);
    return 0;
}

// EINVAL for what is no regular file, ELOOP for a symlink, as snapshot.h has it.
static int check_type(const struct stat *attributes) {
    if (S_ISREG(attributes->st_mode)) {
        return 0;
    }
    return S_ISLNK(attributes->st_mode) ? ELOOP : EINVAL;
}

// Without a trace in the time of access: a container that is listed is not read for that. Only its
// owner may do so.
static int open_quietly(int folder_fd, const char *name) {
    // O_NONBLOCK: a FIFO that was put there a moment ago must not hold us up.
    static const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd;
    do {
        fd = openat(folder_fd, name, flags | O_NOATIME);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 && errno == EPERM ? openat(folder_fd, name, flags) : fd;
}

static int open_file(struct filesystem *filesystem, int folder_fd, const char *name, int *fd) {
    int problem;
    do {
        *fd = open_quietly(folder_fd, name);
        problem = *fd < 0 ? errno : 0;
    } while (((problem == EMFILE || problem == ENFILE) && drop_all_idle(filesystem->snapshots)) ||
             descriptors_make_room(filesystem, problem));
    return problem;
}

static int open_within(struct filesystem *filesystem, const struct gen5_limits *limits,
                       int folder_fd, const char *name, struct snapshot **snapshot) {
    struct stat attributes;
    *snapshot = NULL;
    if (fstatat(folder_fd, name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno;
    }
    int problem = check_type(&attributes);
    if (problem != 0) {
        return problem;
    }
    *snapshot = find_known(filesystem->snapshots, &attributes);
    if (*snapshot != NULL) {
        return 0;
    }
    int fd = -1;
    problem = open_file(filesystem, folder_fd, name, &fd);
    if (problem != 0) {
        return problem;
    }
    problem = fstat(fd, &attributes) != 0 ? errno : check_type(&attributes);
    if (problem != 0) {
        close(fd);
        return problem;
    }
    return make(filesystem, limits, fd, &attributes, snapshot);
}

int snapshot_open(struct filesystem *filesystem, int folder_fd, const char *name,
                  struct snapshot **snapshot) {
    return open_within(filesystem, &filesystem->limits, folder_fd, name, snapshot);
}

int snapshot_open_light(struct filesystem *filesystem, int folder_fd, const char *name,
                        struct snapshot **snapshot) {
    struct gen5_limits limits = filesystem->limits;
    limits.manifest_size_max = LIGHT_MANIFEST_SIZE_MAX;
    return open_within(filesystem, &limits, folder_fd, name, snapshot);
}

int snapshot_from_fd(struct filesystem *filesystem, int fd, struct snapshot **snapshot) {
    struct stat attributes;
    *snapshot = NULL;
    if (fstat(fd, &attributes) != 0) {
        return errno;
    }
    int problem = check_type(&attributes);
    if (problem != 0) {
        return problem;
    }
    *snapshot = find_known(filesystem->snapshots, &attributes);
    if (*snapshot != NULL) {
        return 0;
    }
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own_fd < 0) {
        return errno;
    }
    return make(filesystem, &filesystem->limits, own_fd, &attributes, snapshot);
}

bool snapshot_is_new(struct snapshot *snapshot) {
    // Most are not, and a look is cheaper than an exchange.
    return !atomic_load(&snapshot->private->known) &&
           !atomic_exchange(&snapshot->private->known, true);
}

struct snapshot *snapshot_reference(struct snapshot *snapshot) {
    struct snapshot_cache *cache = snapshot->private->cache;
    pthread_mutex_lock(&cache->lock);
    reference(cache, snapshot);
    pthread_mutex_unlock(&cache->lock);
    return snapshot;
}

// A file that was replaced, removed or renamed will not be asked for again by this identity.
static bool is_current(const struct snapshot *snapshot) {
    struct stat attributes;
    if (fstat(snapshot->fd, &attributes) != 0 || attributes.st_nlink == 0) {
        return false;
    }
    const struct gen5_identity now = gen5_identity_of(&attributes);
    return gen5_identity_equal(&now, &snapshot->identity);
}

// Give back the descriptors of idle snapshots whose files others have replaced meanwhile, and what
// was spared of the caps.
static void sweep_idle(struct filesystem *filesystem, void *argument) {
    struct snapshot_cache *cache = argument;
    (void)filesystem;
    pthread_mutex_lock(&cache->lock);
    cache->sweep_scheduled = false;
    struct snapshot *older;
    for (struct snapshot *at = cache->newest_idle; at != NULL; at = older) {
        older = at->private->older;
        if (!is_current(at)) {
            idle_remove(cache, at);
            destroy(cache, at);
        }
    }
    drop_idle_over_caps(cache, 0);
    pthread_mutex_unlock(&cache->lock);
}

void snapshot_retire(struct filesystem *filesystem, struct snapshot *snapshot) {
    pthread_mutex_lock(&filesystem->snapshots->lock);
    unlist(filesystem->snapshots, snapshot);
    pthread_mutex_unlock(&filesystem->snapshots->lock);
}

void snapshot_release(struct filesystem *filesystem, struct snapshot *snapshot) {
    if (snapshot == NULL) {
        return;
    }
    struct snapshot_cache *cache = filesystem->snapshots;
    pthread_mutex_lock(&cache->lock);
    if (--snapshot->private->references == 0) {
        if (snapshot->private->listed && is_current(snapshot)) {
            idle_add(cache, snapshot);
        } else {
            destroy(cache, snapshot);
        }
    }
    // A container that is over a cap by itself is not parsed anew for each request of a listing.
    drop_idle_over_caps(cache, 1);
    bool schedules = cache->idle_count > 0 && !cache->sweep_scheduled;
    cache->sweep_scheduled = cache->sweep_scheduled || schedules;
    pthread_mutex_unlock(&cache->lock);
    if (schedules && filesystem->notices != NULL &&
        notice_later(filesystem, clock_ms() + SWEEP_AFTER_MS, sweep_idle, cache) != 0) {
        pthread_mutex_lock(&cache->lock);
        cache->sweep_scheduled = false; // The next release tries again.
        pthread_mutex_unlock(&cache->lock);
    }
}
