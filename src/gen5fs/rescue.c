// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Keeping drafts that could not be committed, and telling which have been kept.
#include "rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "filesystem.h"
#include "gen5/replace.h"
#include "gen5/source.h"

#define RESCUED_FOLDER CONTROL_NAME "/rescued"
#define REASON_SUFFIX ".reason"

enum {
    STAMP_SIZE = 32, // "20260104T093000.123Z" and, where that is taken, "-" and a number
    COLLISIONS_MAX = 10000,
    REASON_SIZE_MAX = 1024,
};

// Where a rescued file goes.
struct shelter {
    int folder_fd;     // O_PATH of rescued/CONTAINER
    const char *place; // of rescued/ for messages: relative to the source, or absolute
    uid_t uid;         // who gets what would be root's
    gid_t gid;
};

static void stamp_now(unsigned int attempt, char stamp[STAMP_SIZE]) {
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    char second[20];
    strftime(second, sizeof second, "%Y%m%dT%H%M%S", &parts);
    if (attempt == 0) {
        snprintf(stamp, STAMP_SIZE, "%s.%03dZ", second, (int)(now.tv_nsec / 1000000));
    } else {
        snprintf(stamp, STAMP_SIZE, "%s.%03dZ-%u", second, (int)(now.tv_nsec / 1000000),
                 attempt + 1);
    }
}

// "STAMP-NAME", so short that REASON_SUFFIX fits behind it. The name's end stays, for its
// extension.
static void kept_name(const char *name, unsigned int attempt, char kept[NAME_MAX + 1]) {
    char stamp[STAMP_SIZE];
    stamp_now(attempt, stamp);
    const size_t room = NAME_MAX - strlen(stamp) - 1 - strlen(REASON_SUFFIX);
    const size_t length = strlen(name);
    const char *tail = length > room ? name + (length - room) : name;
    while (((unsigned char)*tail & 0xc0) == 0x80) {
        tail++; // Not in the middle of a character of UTF-8.
    }
    snprintf(kept, NAME_MAX + 1, "%s-%s", stamp, tail);
    for (char *at = kept; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '_';
        }
    }
}

// Under each name at once, whole or not at all.

static int link_draft(const struct shelter *shelter, int fd, const char *kept) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, shelter->folder_fd, kept, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

// A copy with the owner and the mode of the original. An owner that may not be given away stays
// ours.
static int copy_draft(const struct shelter *shelter, int fd, const char *kept) {
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    struct gen5_source source;
    enum gen5_status status = gen5_source_from_fd(fd, &source, &error);
    if (status == GEN5_OK) {
        status = gen5_replacement_begin(&replacement, shelter->folder_fd, fd, &error);
    }
    if (status == GEN5_OK) {
        status = gen5_source_copy(&source, replacement.fd, 0, &error);
    }
    if (status == GEN5_OK) {
        status = gen5_replacement_commit(&replacement, kept, NULL, GEN5_SYNC_FILE, NULL, &error);
    }
    gen5_replacement_release(&replacement);
    return status == GEN5_OK ? 0 : gen5_error_errno(&error);
}

// One attempt under one name; EEXIST asks for another.
static int keep_as(const struct shelter *shelter, int fd, const char *kept) {
    // Its name must not survive a power cut that its bytes do not.
    bool synced = gen5_file_sync(fd, NULL) == GEN5_OK;
    int problem = synced ? link_draft(shelter, fd, kept) : EIO;
    // What has a name already, or had one, or lies on another device, cannot be linked.
    return problem == 0 || problem == EEXIST ? problem : copy_draft(shelter, fd, kept);
}

static void give_away(const struct shelter *shelter, const char *kept) {
    struct stat attributes;
    if (geteuid() == 0 && shelter->uid != 0 &&
        fstatat(shelter->folder_fd, kept, &attributes, AT_SYMLINK_NOFOLLOW) == 0 &&
        attributes.st_uid == 0) {
        int given =
            fchownat(shelter->folder_fd, kept, shelter->uid, shelter->gid, AT_SYMLINK_NOFOLLOW);
        (void)given; // Root's own it stays then, which loses nothing.
    }
}

// One line, as new memory. NULL where there is none.
static char *line_of(const char *reason) {
    char *line = NULL;
    int length = asprintf(&line, "%.*s\n", REASON_SIZE_MAX, reason);
    for (int i = 0; i < length - 1; i++) {
        line[i] = (unsigned char)line[i] < 0x20 ? ' ' : line[i];
    }
    return length < 0 ? NULL : line;
}

// The bytes are what counts: a reason that cannot be written is in the log alone.
static void write_reason(const struct shelter *shelter, const char *kept, const char *reason) {
    char name[NAME_MAX + 1];
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    char *line = line_of(reason);
    if (line != NULL && snprintf(name, sizeof name, "%s%s", kept, REASON_SUFFIX) <= NAME_MAX &&
        gen5_replacement_begin(&replacement, shelter->folder_fd, -1, NULL) == GEN5_OK &&
        fchmod(replacement.fd, 0644) == 0) {
        const struct gen5_source text = gen5_source_from_memory(line, strlen(line));
        if (gen5_source_copy(&text, replacement.fd, 0, NULL) == GEN5_OK &&
            gen5_replacement_commit(&replacement, name, NULL, GEN5_SYNC_FILE, NULL, NULL) ==
                GEN5_OK) {
            give_away(shelter, name);
        }
    }
    gen5_replacement_release(&replacement);
    free(line);
}

static int keep_in(const struct shelter *shelter, const char *container, const char *name, int fd,
                   const char *reason) {
    char kept[NAME_MAX + 1] = "";
    int problem = EEXIST;
    for (unsigned int attempt = 0; problem == EEXIST && attempt < COLLISIONS_MAX; attempt++) {
        kept_name(name, attempt, kept);
        problem = keep_as(shelter, fd, kept);
    }
    if (problem != 0) {
        return problem;
    }
    give_away(shelter, kept);
    write_reason(shelter, kept, reason);
    // Where that cannot be synced there is nothing else to do: it is there.
    (void)gen5_folder_sync(shelter->folder_fd, NULL);
    note("%s/%s was not saved (%s); its bytes are kept in %s/%s/%s", container, name, reason,
         shelter->place, container, kept);
    return 0;
}

// Below the source's .gen5fs/rescued. Who may look into the source may look in there too.
static int keep_in_source(struct filesystem *filesystem, const char *container, const char *name,
                          int fd, const char *reason) {
    struct stat source;
    if (fstat(filesystem->source_fd, &source) != 0) {
        return errno;
    }
    struct shelter shelter = {
        .folder_fd = -1, .place = RESCUED_FOLDER, .uid = source.st_uid, .gid = source.st_gid};
    char *path = NULL;
    if (asprintf(&path, "%s/%s", RESCUED_FOLDER, container) < 0) {
        return ENOMEM;
    }
    shelter.folder_fd = make_folders_beneath(
        filesystem->source_fd, path, (source.st_mode & 0777) | 0700, shelter.uid, shelter.gid);
    free(path);
    if (shelter.folder_fd < 0) {
        return errno;
    }
    int problem = keep_in(&shelter, container, name, fd, reason);
    close(shelter.folder_fd);
    return problem;
}

// The daemon's folder for what the source cannot take, private: others can write where it lies.
static int open_fallback(char *place, size_t place_size) {
    const char *temporary = getenv("TMPDIR");
    temporary = temporary != NULL && *temporary == '/' ? temporary : "/var/tmp";
    int length =
        snprintf(place, place_size, "%s/gen5fs-rescued-%u", temporary, (unsigned int)geteuid());
    if (length < 0 || (size_t)length >= place_size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (mkdir(place, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    int fd = open(place, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat attributes;
    if (fd >= 0 && (fstat(fd, &attributes) != 0 || attributes.st_uid != geteuid() ||
                    (attributes.st_mode & 077) != 0)) {
        close(fd);
        errno = EPERM; // Somebody else was there before.
        return -1;
    }
    return fd;
}

static int keep_in_fallback(const char *container, const char *name, int fd, const char *reason) {
    char place[PATH_MAX];
    int base = open_fallback(place, sizeof place);
    if (base < 0) {
        return errno;
    }
    struct shelter shelter = {.place = place, .uid = geteuid(), .gid = getegid()};
    shelter.folder_fd = make_folders_beneath(base, container, 0700, shelter.uid, shelter.gid);
    int problem = shelter.folder_fd < 0 ? errno : 0;
    if (problem == 0) {
        problem = keep_in(&shelter, container, name, fd, reason);
        close(shelter.folder_fd);
    }
    close(base);
    return problem;
}

int rescue_draft(struct filesystem *filesystem, const char *container, const char *name, int fd,
                 const char *reason) {
    int problem = keep_in_source(filesystem, container, name, fd, reason);
    if (problem == 0 || keep_in_fallback(container, name, fd, reason) == 0) {
        return 0;
    }
    note("%s/%s was not saved (%s), and could not be kept either: %s", container, name, reason,
         strerror(problem));
    return problem;
}
