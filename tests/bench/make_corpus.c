// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// make_corpus FOLDER small COUNT: containers of an image of 1.5 MB, a latent of 64 KiB, a manifest
// of 2.5 KB and an environment of 1.2 KB.
// make_corpus FOLDER raw|compressed COUNT: containers with a latent of 100 MB, stored as it
// is, or as a frame of half its size.
// make_corpus FOLDER huge COUNT: containers of 1 GiB, in latents.
//
// The benchmark's containers, the same in every run, named 0000.gen5 and so on.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chance.h"
#include "latent.h"
#include "metadata.h"
#include "parts.h"
#include "png_picture.h"

static const struct model model = {
    "stable-diffusion-v1-5", "1.5", "DPM++ 2M Karras", 25, 7.5, GEN5_DTYPE_FLOAT32, 4, 64};

// Repeated to make a manifest as long as real ones are.
static const char phrase[] = "a lighthouse on a cliff at dusk, oil on canvas, soft light, ";

static const uint64_t small_shape[4] = {1, 4, 64, 64};     // 64 KiB of float32
static const uint64_t large_shape[4] = {1, 4, 2500, 2500}; // 100 MB
static const uint64_t huge_shape[4] = {1, 4, 4096, 4096};  // 256 MiB
static const uint32_t image_side = 708;                    // 1.5 MB of noise
static const uint32_t thumbnail_side = 64;

// Random bits of float32, in which no compressor finds anything, unlike in normal noise with its
// few exponents. One bit of the exponent is left out, so that each is a number.
static const uint32_t any_float = 0xbfffffff;

// As values have them that were bfloat16 once; zstd makes half of it.
static const uint32_t rounded_float = 0xbfff0000;

static void append_noise(struct bytes *npy, uint64_t *state, uint64_t count, uint32_t mask) {
    for (uint64_t i = 0; i < count; i++) {
        bytes_append_little_endian(npy, (uint32_t)random_next(state) & mask, 4);
    }
}

// Noise that repeats after `period` values, so far apart that zstd does not see it: making all of
// it anew would take longer than what is measured.
static struct bytes make_repeating_latent(uint64_t seed, const uint64_t shape[4], uint32_t mask) {
    enum { period = 6250000 };
    struct bytes npy = {0};
    char header[GEN5_NPY_HEADER_SIZE_MAX];
    size_t header_size = gen5_npy_header_write(GEN5_DTYPE_FLOAT32, shape, 4, header);
    bytes_append(&npy, header, header_size);
    append_noise(&npy, &seed, period, mask);
    uint64_t rest = shape[0] * shape[1] * shape[2] * shape[3] - period;
    while (rest > 0) {
        uint64_t piece = rest < period ? rest : period;
        bytes_reserve(&npy, 4 * piece);
        bytes_append(&npy, npy.data + header_size, 4 * piece);
        rest -= piece;
    }
    return npy;
}

static void add_latent(struct parts *parts, const char *key, struct bytes npy) {
    parts_add(parts, GEN5_PUT_LATENT, npy,
              (struct gen5_edit){.key = key, .key_length = strlen(key)});
}

static void add_latents(struct parts *parts, const char *kind, uint64_t seed) {
    if (strcmp(kind, "small") == 0) {
        add_latent(parts, "initial_noise", make_latent(seed, GEN5_DTYPE_FLOAT32, small_shape, 1.0));
    } else if (strcmp(kind, "raw") == 0) {
        add_latent(parts, "initial_noise", make_repeating_latent(seed, large_shape, any_float));
    } else if (strcmp(kind, "compressed") == 0) {
        add_latent(parts, "initial_noise", make_repeating_latent(seed, large_shape, rounded_float));
    } else if (strcmp(kind, "huge") == 0) {
        add_latent(parts, "initial_noise", make_repeating_latent(seed, huge_shape, any_float));
        add_latent(parts, "middle", make_repeating_latent(seed + 1, huge_shape, any_float));
        add_latent(parts, "late", make_repeating_latent(seed + 2, huge_shape, any_float));
        add_latent(parts, "final", make_repeating_latent(seed + 3, huge_shape, any_float));
    } else {
        fail("'%s' is none of small, raw, compressed and huge", kind);
    }
}

static void write_one(int folder_fd, const char *kind, unsigned number) {
    uint64_t seed = number + 1;
    struct bytes prompt = {0};
    for (int i = 0; i < 28; i++) {
        bytes_print(&prompt, "%s", phrase);
    }
    bytes_print(&prompt, "number %u", number);
    bytes_append_u8(&prompt, 0);
    struct parts parts = {.count = 0};
    add_latents(&parts, kind, seed);
    parts_add(&parts, GEN5_PUT_IMAGE,
              make_noise_png(seed, strcmp(kind, "small") == 0 ? image_side : thumbnail_side),
              (struct gen5_edit){.image_kind = GEN5_IMAGE_PNG});
    parts_add(&parts, GEN5_PUT_ENVIRONMENT, make_environment(), (struct gen5_edit){.key = NULL});
    parts_add(&parts, GEN5_PUT_METADATA,
              make_metadata(&model, seed, (const char *)prompt.data, "\"benchmark\""),
              (struct gen5_edit){.key = NULL});
    char name[32];
    snprintf(name, sizeof name, "%04u.gen5", number);
    struct stat written;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (parts_store(&parts, folder_fd, name, false, &written, &error) != GEN5_OK) {
        fail("%s: %s", name, error.message);
    }
    parts_release(&parts);
    free(prompt.data);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("usage: make_corpus FOLDER small|raw|compressed|huge COUNT\n", stderr);
        return 2;
    }
    int folder_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        fail("cannot open the folder %s: %s", argv[1], strerror(errno));
    }
    unsigned long count = strtoul(argv[3], NULL, 10);
    for (unsigned i = 0; i < count; i++) {
        write_one(folder_fd, argv[2], i);
    }
    close(folder_fd);
    return 0;
}
