// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// make_samples FOLDER: writes a small library of .gen5 containers to look at and to try things on,
// by libgen5's own means. Every run writes the same pictures and latents. Files that are there
// already are kept.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jpeg_picture.h"
#include "latent.h"
#include "metadata.h"
#include "parts.h"
#include "png_picture.h"

static const struct model sd15 = {
    "stable-diffusion-v1-5", "1.5", "DPM++ 2M Karras", 25, 7.5, GEN5_DTYPE_FLOAT16, 4, 64};
static const struct model sdxl = {"sdxl-base",        "1.0", "Euler a", 30, 6.0,
                                  GEN5_DTYPE_FLOAT32, 4,     128};
static const struct model sd3 = {"stable-diffusion-3-medium", "3.0", "Flow Euler", 28, 4.5,
                                 GEN5_DTYPE_FLOAT16,          16,    128};

struct sample {
    const char *folder; // below the library's
    const char *name;
    const struct model *model;
    uint64_t seed;
    const char *prompt; // as it stands in JSON, like the tags
    const char *tags;
    const char *keys[LATENT_COUNT_MAX]; // of the latents
    enum gen5_image_kind image_kind;
    bool damaged; // cut in the middle, as by a download that stopped
};

static const char long_prompt[] =
    "朝霧の谷、遠くに二つの山並み、水彩。 "
    "Ein Tal im Morgennebel — zwei Bergketten, Aquarell. "
    "Долина в утреннем тумане. "
    "وادٍ في ضباب الصباح. "
    "🌄⛰️ "
    "Café, naïveté, Ærøskøbing; every script has its own hills, and the prompt goes on for a while "
    "so that whoever shows it finds out how it is cut: soft light, long shadows, a river in the "
    "distance, three birds, no people, no text, fine grain, muted colours, painted from memory";

static const struct sample samples[] = {
    {".", "sunrise.gen5", &sd15, 1234567, "sunrise over two ranges of hills, oil on canvas",
     "\"landscape\", \"sunrise\"", .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG},
    {".", "valley.gen5", &sdxl, 88172645463325252, "a valley at dusk, wide angle, soft light",
     "\"landscape\", \"dusk\"", .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG},
    {"series", "ridge.gen5", &sd3, 31, "a ridge in the morning haze, ink and wash",
     "\"landscape\", \"ink\"", .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG},
    {"series", "steps.gen5", &sd15, 77, "hills, as the sampler saw them on its way",
     "\"landscape\"", .keys = {"initial_noise", "step 10", "final"}, .image_kind = GEN5_IMAGE_PNG},
    {".", "mosaic.gen5", &sd15, 52, "hills as a mosaic of coloured glass", "\"mosaic\"",
     .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_JPEG},
    {".", "unicode-prompt.gen5", &sd15, 4242, long_prompt, "\"風景\", \"水彩\", \"landscape\"",
     .keys = {"潜在変数"}, .image_kind = GEN5_IMAGE_PNG},
    {".", "damaged.gen5", &sd15, 13, "a file that lost its second half", "\"damaged\"",
     .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG, .damaged = true},
};

static const char note[] =
    "These are samples. Containers (.gen5) are directories in a mount: open image.png, load\n"
    "latent.npy with numpy, edit metadata.json. damaged.gen5 is cut on purpose; the mount says why "
    "it\n"
    "cannot be read.\n";

static void parts_make(struct parts *parts, const struct sample *sample) {
    const struct model *model = sample->model;
    const uint64_t shape[4] = {1, model->channels, model->latent_side, model->latent_side};
    uint32_t side = 8 * model->latent_side;
    for (size_t i = 0; i < LATENT_COUNT_MAX && sample->keys[i] != NULL; i++) {
        const char *key = sample->keys[i];
        double strength = 1.0 / (double)(i + 1);
        struct gen5_edit edit = {.key = key, .key_length = strlen(key)};
        parts_add(parts, GEN5_PUT_LATENT,
                  make_latent(sample->seed + i, model->dtype, shape, strength), edit);
    }
    struct bytes image = sample->image_kind == GEN5_IMAGE_JPEG ? make_jpeg(sample->seed, side)
                                                               : make_png(sample->seed, side);
    parts_add(parts, GEN5_PUT_IMAGE, image, (struct gen5_edit){.image_kind = sample->image_kind});
    parts_add(parts, GEN5_PUT_ENVIRONMENT, make_environment(), (struct gen5_edit){.key = NULL});
    parts_add(parts, GEN5_PUT_METADATA,
              make_metadata(model, sample->seed, sample->prompt, sample->tags),
              (struct gen5_edit){.key = NULL});
}

// Write a sample, unless a file of its name is there.
static void write_sample(int library_fd, const struct sample *sample) {
    int folder_fd = openat(library_fd, sample->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        fail("cannot open the folder %s: %s", sample->folder, strerror(errno));
    }
    if (faccessat(folder_fd, sample->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        printf("%s/%s is there already\n", sample->folder, sample->name);
        close(folder_fd);
        return;
    }
    struct parts parts = {.count = 0};
    parts_make(&parts, sample);
    struct gen5_error error = GEN5_ERROR_NONE;
    struct stat written = {.st_size = 0};
    if (parts_store(&parts, folder_fd, sample->name, sample->damaged, &written, &error) !=
        GEN5_OK) {
        fail("%s/%s: %s", sample->folder, sample->name, error.message);
    }
    printf("%s/%s: %s, %lld KiB%s\n", sample->folder, sample->name, sample->model->name,
           (long long)written.st_size / 1024, sample->damaged ? ", damaged on purpose" : "");
    parts_release(&parts);
    close(folder_fd);
}

static void write_note(int folder_fd) {
    int fd = openat(folder_fd, "note.txt", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
        printf("./note.txt is there already\n");
        return;
    }
    if (fd < 0 || write(fd, note, sizeof note - 1) != (ssize_t)sizeof note - 1 || close(fd) != 0) {
        fail("note.txt: %s", strerror(errno));
    }
    printf("./note.txt\n");
}

static void make_folder(int parent_fd, const char *path) {
    if (mkdirat(parent_fd, path, 0777) != 0 && errno != EEXIST) {
        fail("cannot make the folder %s: %s", path, strerror(errno));
    }
}

int main(int argc, char **argv) {
    if (argc != 2 || argv[1][0] == '-') {
        fputs("usage: make_samples FOLDER\n", stderr);
        return 2;
    }
    make_folder(AT_FDCWD, argv[1]);
    int folder_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        fail("cannot open the folder %s: %s", argv[1], strerror(errno));
    }
    make_folder(folder_fd, "series");
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        write_sample(folder_fd, &samples[i]);
    }
    write_note(folder_fd);
    close(folder_fd);
    return 0;
}
