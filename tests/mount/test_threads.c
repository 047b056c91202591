// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Threads that use one mount at the same time: under the thread sanitizer these make the daemon's
// threads meet in one container.
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

enum { ROUNDS = 40, CHANGES = 60 };

// What runs beside a test's own thread until it is done. It asserts nothing: only that thread may.
struct companion {
    pthread_t thread;
    atomic_bool stop;
    atomic_ullong rounds;
    atomic_int problem; // the first errno that was not expected
    void (*round)(struct companion *companion);
    int fd;
    struct bytes content;
};

static void *keep_going(void *argument) {
    struct companion *companion = argument;
    do { // At least once, on however busy a machine.
        companion->round(companion);
        atomic_fetch_add(&companion->rounds, 1);
    } while (!atomic_load(&companion->stop));
    return NULL;
}

static void start(struct companion *companion, void (*round)(struct companion *companion)) {
    companion->round = round;
    cr_assert_eq(pthread_create(&companion->thread, NULL, keep_going, companion), 0);
}

static void finish(struct companion *companion) {
    atomic_store(&companion->stop, true);
    cr_assert_eq(pthread_join(companion->thread, NULL), 0);
    cr_expect_gt(atomic_load(&companion->rounds), 0);
    cr_expect_eq(atomic_load(&companion->problem), 0, "%s",
                 strerror(atomic_load(&companion->problem)));
}

static void note_problem(struct companion *companion, int problem) {
    int none = 0;
    atomic_compare_exchange_strong(&companion->problem, &none, problem);
}

// Reads all of an open file, past the page cache where it was opened so, and compares it.
static void read_round(struct companion *companion) {
    char buffer[65536];
    ssize_t got = pread(companion->fd, buffer, sizeof buffer, 0);
    if (got < 0) {
        note_problem(companion, errno);
    } else if ((size_t)got != companion->content.size ||
               memcmp(buffer, companion->content.data, (size_t)got) != 0) {
        note_problem(companion, EILSEQ);
    }
}

MOUNT_TEST(threads, a_descriptor_reads_on_while_its_member_is_renamed_away_and_back) {
    BYTES latent = file_read(mounted.root, LATENT);
    struct companion reader = {.fd = openat(mounted.root, LATENT, O_RDONLY | O_DIRECT | O_CLOEXEC),
                               .content = latent};
    cr_assert_geq(reader.fd, 0);
    start(&reader, read_round);
    for (int i = 0; i < CHANGES; i++) {
        expect_errno(renameat(mounted.root, LATENT, mounted.root, CONTAINER "/latent.npy~"), 0);
        expect_errno(renameat(mounted.root, CONTAINER "/latent.npy~", mounted.root, LATENT), 0);
    }
    finish(&reader);
    close(reader.fd);
}

MOUNT_TEST(threads, a_descriptor_reads_its_version_while_the_member_is_saved) {
    BYTES image = file_read(mounted.root, IMAGE);
    struct bytes images[] = {some_image(), another_image()};
    struct companion reader = {.fd = openat(mounted.root, IMAGE, O_RDONLY | O_DIRECT | O_CLOEXEC),
                               .content = image};
    cr_assert_geq(reader.fd, 0);
    start(&reader, read_round);
    for (int i = 0; i < ROUNDS; i++) {
        cr_expect_eq(file_save(mounted.root, SCRATCH, images[i % 2]), 0);
        expect_errno(renameat(mounted.root, SCRATCH, mounted.root, IMAGE), 0);
    }
    finish(&reader);
    close(reader.fd);
    expect_stored(CONTAINER, "image", images[(ROUNDS - 1) % 2]);
    bytes_free(&images[0]);
    bytes_free(&images[1]);
}

static void save_environment_round(struct companion *companion) {
    int problem = file_save(mounted.root, ENVIRONMENT, companion->content);
    if (problem != 0) {
        note_problem(companion, problem);
    }
}

MOUNT_TEST(threads, members_of_one_container_are_saved_at_the_same_time) {
    BYTES environment = file_read(mounted.root, SEVERAL "/env.json");
    struct bytes images[] = {some_image(), another_image()};
    struct companion saver = {.content = environment};
    start(&saver, save_environment_round);
    for (int i = 0; i < ROUNDS; i++) {
        cr_expect_eq(file_save(mounted.root, IMAGE, images[i % 2]), 0);
        BYTES read = file_read(mounted.root, IMAGE);
        cr_expect(bytes_equal(read, images[i % 2]), "round %d", i);
    }
    finish(&saver);
    expect_stored(CONTAINER, "image", images[(ROUNDS - 1) % 2]);
    expect_stored(CONTAINER, "environment", environment);
    bytes_free(&images[0]);
    bytes_free(&images[1]);
}

static void touch_round(struct companion *companion) {
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
    if (utimensat(mounted.root, SCRATCH, times, 0) != 0 && errno != ENOENT) {
        note_problem(companion, errno);
    }
}

MOUNT_TEST(threads, times_are_set_while_drafts_begin_and_end) {
    BYTES image = some_image();
    struct companion toucher = {.fd = -1};
    start(&toucher, touch_round);
    for (int i = 0; i < ROUNDS; i++) {
        cr_expect_eq(file_save(mounted.root, SCRATCH, image), 0);
        expect_errno(renameat(mounted.root, SCRATCH, mounted.root, IMAGE), 0);
    }
    finish(&toucher);
    expect_stored(CONTAINER, "image", image);
}

// The metadata, whole: of the size that the file says it has.
static void look_round(struct companion *companion) {
    char text[65536] = "";
    struct stat attributes;
    int fd = openat(mounted.root, METADATA, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &attributes) != 0) {
        note_problem(companion, errno);
    } else if (read(fd, text, sizeof text) != attributes.st_size ||
               text[attributes.st_size - 1] != '}') {
        note_problem(companion, EILSEQ);
    }
    close(fd);
}

MOUNT_TEST(threads, a_container_is_looked_at_while_its_members_come_and_go) {
    BYTES image = some_image();
    struct companion looker = {.fd = -1};
    start(&looker, look_round);
    for (int i = 0; i < ROUNDS; i++) {
        expect_errno(unlinkat(mounted.root, IMAGE, 0), 0);
        cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
    }
    finish(&looker);
    expect_stored(CONTAINER, "image", image);
}

static void make_round(struct companion *companion) {
    struct bytes latent = companion->content;
    if (mkdirat(mounted.root, "made.gen5", 0755) != 0 ||
        file_save(mounted.root, "made.gen5/latents/some key.npy", latent) != 0 ||
        unlinkat(mounted.root, "made.gen5/latents/some key.npy", 0) != 0 ||
        unlinkat(mounted.root, "made.gen5/metadata.json", 0) != 0 ||
        unlinkat(mounted.root, "made.gen5", AT_REMOVEDIR) != 0) {
        note_problem(companion, errno);
        atomic_store(&companion->stop, true);
    }
}

MOUNT_TEST(threads, containers_are_made_and_removed_while_others_are_saved) {
    BYTES latent = file_read(mounted.root, LATENT);
    BYTES image = some_image();
    struct companion maker = {.content = latent};
    start(&maker, make_round);
    for (int i = 0; i < ROUNDS; i++) {
        cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
    }
    finish(&maker);
    expect_stored(CONTAINER, "image", image);
}
