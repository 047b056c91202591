// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Members mapped into memory: to read, to write, and beyond the close of their descriptor.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

struct map {
    char *bytes;
    size_t size;
};

// The whole file; the descriptor is closed.
static struct map map_file(const char *path, int flags, int protection, int kind) {
    int fd = openat(mounted.root, path, flags | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
    struct stat attributes;
    cr_assert_eq(fstat(fd, &attributes), 0);
    struct map map = {.size = (size_t)attributes.st_size};
    map.bytes = mmap(NULL, map.size, protection, kind, fd, 0);
    cr_assert_neq((void *)map.bytes, MAP_FAILED, "%s: %s", path, strerror(errno));
    cr_expect_eq(close_status(fd), 0);
    return map;
}

static void unmap(struct map map) {
    expect_errno(munmap(map.bytes, map.size), 0);
}

static struct bytes tensor_of(struct bytes npy) {
    return bytes_copy(npy.data + NPY_HEADER_SIZE, npy.size - NPY_HEADER_SIZE);
}

MOUNT_TEST(mapping, a_map_to_read_is_the_file) {
    BYTES latent = file_read(mounted.root, LATENT);
    struct map map = map_file(LATENT, O_RDONLY, PROT_READ, MAP_SHARED);
    cr_expect_eq(map.size, latent.size);
    cr_expect_eq(memcmp(map.bytes, latent.data, latent.size), 0);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = map.size; i % page != 0; i++) {
        cr_assert_eq(map.bytes[i], 0, "what stands behind the end is not zero");
    }
    unmap(map);
}

MOUNT_TEST(mapping, a_private_map_changes_nothing) {
    BYTES before = file_read(mounted.root, LATENT);
    ino_t container = file_stat(mounted.source, CONTAINER).st_ino;
    struct map map = map_file(LATENT, O_RDONLY, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memset(map.bytes, 0, map.size);
    unmap(map);
    BYTES after = file_read(mounted.root, LATENT);
    expect_bytes(after, before);
    cr_expect_eq(file_stat(mounted.source, CONTAINER).st_ino, container);
}

MOUNT_TEST(mapping, a_map_written_after_the_close_is_committed) {
    BYTES latent = latent_with_zeros(LATENT, 4096);
    BYTES tensor = tensor_of(latent);
    struct map map = map_file(LATENT, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
    memcpy(map.bytes, latent.data, latent.size);
    unmap(map);
    expect_stored_soon(CONTAINER, "latent:initial_noise", tensor);
    BYTES after = file_read(mounted.root, LATENT);
    expect_bytes(after, latent);
}

MOUNT_TEST(mapping, a_map_that_is_synchronised_is_read_by_others) {
    BYTES latent = latent_with_zeros(LATENT, 4096);
    BYTES tensor = tensor_of(latent);
    struct map map = map_file(LATENT, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
    memcpy(map.bytes, latent.data, latent.size);
    expect_errno(msync(map.bytes, map.size, MS_SYNC), 0);
    BYTES read = file_read(mounted.root, LATENT);
    expect_bytes(read, latent);
    expect_stored(CONTAINER, "latent:initial_noise", tensor);
    unmap(map);
}

MOUNT_TEST(mapping, two_maps_and_a_descriptor_of_one_member_see_each_other) {
    struct map one = map_file(LATENT, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
    struct map other = map_file(LATENT, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
    int fd = openat(mounted.root, LATENT, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    BYTES zeros = bytes_of("0000");
    one.bytes[NPY_HEADER_SIZE] = 7;
    cr_expect_eq(other.bytes[NPY_HEADER_SIZE], 7);
    file_write_at(fd, zeros, NPY_HEADER_SIZE);
    cr_expect_eq(memcmp(one.bytes + NPY_HEADER_SIZE, "0000", 4), 0);
    other.bytes[NPY_HEADER_SIZE + 1] = 1;
    BYTES read = file_read_open(fd);
    cr_expect_eq(memcmp(read.data + NPY_HEADER_SIZE, "0\00100", 4), 0);
    cr_expect_eq(close_status(fd), 0);
    unmap(one);
    unmap(other);
}

MOUNT_TEST(mapping, a_map_to_read_keeps_its_version) {
    BYTES before = file_read(mounted.root, LATENT);
    BYTES latent = latent_with_zeros(LATENT, 4 * 32 * 32 * 2);
    struct map map = map_file(LATENT, O_RDONLY, PROT_READ, MAP_SHARED);
    cr_expect_eq(file_save(mounted.root, CONTAINER "/latent.part", latent), 0);
    expect_errno(renameat(mounted.root, CONTAINER "/latent.part", mounted.root, LATENT), 0);
    BYTES after = file_read(mounted.root, LATENT);
    expect_bytes(after, latent);
    cr_expect_eq(memcmp(map.bytes, before.data, map.size), 0);
    unmap(map);
}

MOUNT_TEST(mapping, a_map_of_a_removed_container_can_still_be_read) {
    BYTES before = file_read(mounted.root, LATENT);
    struct map map = map_file(LATENT, O_RDONLY, PROT_READ, MAP_SHARED);
    expect_errno(unlinkat(mounted.source, CONTAINER, 0), 0);
    cr_expect_eq(memcmp(map.bytes, before.data, map.size), 0);
    unmap(map);
}

MOUNT_TEST(mapping, a_map_that_was_made_invalid_is_refused_and_kept) {
    BYTES before = file_read(mounted.root, LATENT);
    mounted_expect_in_log("was not stored");
    mounted_expect_in_log("is kept in .gen5fs/rescued/");
    mounted_expect_in_log("are kept in .gen5fs/rescued/");
    struct map map = map_file(LATENT, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
    memset(map.bytes, 'x', map.size);
    BYTES invalid = bytes_copy(map.bytes, map.size);
    unmap(map);
    mounted_again(NULL);
    BYTES after = file_read(mounted.root, LATENT);
    BYTES kept = rescued(CONTAINER);
    expect_bytes(after, before);
    expect_bytes(kept, invalid);
}
