// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Fuzz target: an edit of a container. What comes out opens, states its own size, and has every
// member that was not edited as it was, stored byte for byte.
#include "gen5/repack.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "container_input.h"
#include "gen5/npy.h"
#include "gen5/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

// --- The edit ---

enum { NPY_SIZE_MAX = 1 << 16 };

// A .npy file of shape 1 x 1 x 1 x elements with what the input has as elements.
static struct gen5_source take_npy(struct input *input) {
    static char npy[GEN5_NPY_HEADER_SIZE_MAX + NPY_SIZE_MAX];
    struct input elements = take_bytes(input, take_size(input));
    uint64_t shape[] = {1, 1, 1, elements.size / 2};
    size_t header = gen5_npy_header_write(GEN5_DTYPE_FLOAT16, shape, 4, npy);
    if (elements.size >= 2) {
        memcpy(npy + header, elements.bytes, elements.size / 2 * 2);
    }
    return gen5_source_from_memory(npy, header + elements.size / 2 * 2);
}

static struct gen5_edit take_edit(struct input *input) {
    static char key[2] = "k";
    struct gen5_edit edit = {.kind = take_byte(input) % (GEN5_REMOVE_ENVIRONMENT + 1)};
    static char keys[8][3] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};
    uint8_t choice = take_byte(input);
    edit.key = choice < 200 ? keys[choice & 7] : key;
    edit.key_length = strlen(edit.key);
    if (edit.kind == GEN5_PUT_LATENT) {
        edit.content = take_npy(input);
    } else {
        edit.content = gen5_source_from_memory(input->bytes, input->size);
    }
    return edit;
}

// The edit of images and environments needs no valid content here: a chunk is a chunk. Metadata and
// latents are taken apart when they are stored.
static bool may_be_applied(const struct gen5_edit *edit, const struct gen5_container *old,
                           const struct gen5_limits *limits) {
    if (edit->kind != GEN5_PUT_METADATA && edit->kind != GEN5_PUT_LATENT) {
        return true;
    }
    return gen5_edit_check(edit, old, limits, NULL) == GEN5_OK;
}

// --- The comparison ---

static void require_same_stored(const struct gen5_container *old, const struct gen5_record *from,
                                const struct gen5_container *new, const struct gen5_record *to) {
    require(from->stored_size == to->stored_size, "a kept chunk has its stored size");
    size_t size = (size_t)from->stored_size;
    char *left = malloc(size + 1);
    char *right = malloc(size + 1);
    require(left != NULL && right != NULL, "memory");
    require(gen5_source_read(&old->source, from->offset, left, size, NULL) == GEN5_OK &&
                gen5_source_read(&new->source, to->offset, right, size, NULL) == GEN5_OK &&
                memcmp(left, right, size) == 0,
            "a kept chunk has its stored bytes");
    free(left);
    free(right);
}

// Members without damage are kept.
static void require_kept(const struct gen5_container *old, const struct gen5_record *from,
                         const struct gen5_container *new, const struct gen5_record *to) {
    if (from != NULL && from->damage == NULL) {
        require(to != NULL && to->damage == NULL, "a member that was not edited is there");
        require_same_stored(old, from, new, to);
    }
}

static bool is_edited(const struct gen5_edit *edit, const struct gen5_record *latent) {
    return (edit->kind == GEN5_PUT_LATENT || edit->kind == GEN5_REMOVE_LATENT) &&
           edit->key_length == latent->key_length &&
           memcmp(edit->key, latent->key, latent->key_length) == 0;
}

static void require_others_kept(const struct gen5_container *old, const struct gen5_container *new,
                                const struct gen5_edit *edit) {
    if (edit->kind != GEN5_PUT_IMAGE && edit->kind != GEN5_REMOVE_IMAGE) {
        require_kept(old, old->image, new, new->image);
    }
    if (edit->kind != GEN5_PUT_ENVIRONMENT && edit->kind != GEN5_REMOVE_ENVIRONMENT) {
        require_kept(old, old->environment, new, new->environment);
    }
    // Metadata may give latents other keys.
    for (size_t i = 0; edit->kind != GEN5_PUT_METADATA && i < old->latent_count; i++) {
        const struct gen5_record *latent = old->latents[i];
        if (!is_edited(edit, latent)) {
            require_kept(old, latent, new,
                         gen5_container_latent(new, latent->key, latent->key_length));
        }
    }
}

static const struct gen5_record *edited_member(const struct gen5_container *new,
                                               const struct gen5_edit *edit) {
    switch (edit->kind) {
    case GEN5_PUT_IMAGE:
    case GEN5_REMOVE_IMAGE:
        return new->image;
    case GEN5_PUT_ENVIRONMENT:
    case GEN5_REMOVE_ENVIRONMENT:
        return new->environment;
    case GEN5_PUT_LATENT:
    case GEN5_REMOVE_LATENT:
        return gen5_container_latent(new, edit->key, edit->key_length);
    case GEN5_PUT_METADATA:
        break;
    }
    return NULL;
}

static void require_edited(const struct gen5_container *new, const struct gen5_edit *edit) {
    const struct gen5_record *member = edited_member(new, edit);
    bool put = edit->kind == GEN5_PUT_IMAGE || edit->kind == GEN5_PUT_LATENT ||
               edit->kind == GEN5_PUT_ENVIRONMENT;
    require(put == (member != NULL), "what was put is there, what was removed is not");
    if (member != NULL) {
        require(gen5_payload_copy(new, member, GEN5_VERIFY, -1, 0, NULL) == GEN5_OK,
                "what was put can be read");
        require(edit->kind == GEN5_PUT_LATENT || member->payload_size == edit->content.size,
                "what was put is whole");
    }
}

static void require_layout(const struct gen5_container *container) {
    const struct gen5_header *header = &container->header;
    require(header->file_size == container->source.size, "the header states the size");
    require((uint64_t)header->table_offset + header->table_size == header->file_size,
            "the manifest comes last");
    require(header->chunk_count == container->manifest->record_count, "the header counts right");
    uint64_t offset = GEN5_HEADER_SIZE;
    for (size_t i = 0; i < container->manifest->record_count; i++) {
        require(container->manifest->records[i].offset == offset, "chunks are back to back");
        offset += container->manifest->records[i].stored_size;
    }
    require(header->table_offset == offset, "nothing stands before the manifest");
    char stated[64];
    snprintf(stated, sizeof stated, "%u", header->file_size);
    require(strstr(container->manifest->text, stated) != NULL, "the manifest states the size");
}

// Memory is limited with libFuzzer, so that a failure for want of it is one of the library.
static bool is_refusal(enum gen5_status status) {
    return status == GEN5_ERROR_INVALID || status == GEN5_ERROR_MISSING ||
           status == GEN5_ERROR_TOO_LARGE;
}

static void edit_container(const struct gen5_container *old, struct input *input,
                           const struct gen5_limits *limits) {
    struct gen5_edit edit = take_edit(input);
    if (!may_be_applied(&edit, old, limits)) {
        return;
    }
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0, "a file in memory");
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = gen5_repack(old, &edit, 1, limits, fd, &error);
    if (status != GEN5_OK) {
        require(is_refusal(status), error.message);
        close(fd);
        return;
    }
    struct gen5_source source;
    struct gen5_container *new = NULL;
    require(gen5_source_from_fd(fd, &source, NULL) == GEN5_OK, "the new file");
    require(gen5_container_open(&source, limits, &new, &error) == GEN5_OK, error.message);
    require_layout(new);
    require_others_kept(old, new, &edit);
    require_edited(new, &edit);
    gen5_container_free(new);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {data, size};
    struct gen5_source source = take_container(&input);
    struct gen5_limits limits = fuzz_limits();
    struct gen5_container *old = NULL;
    if (gen5_container_open(&source, &limits, &old, NULL) == GEN5_OK) {
        edit_container(old, &input, &limits);
        gen5_container_free(old);
    }
    return 0;
}
