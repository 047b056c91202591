// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container from memory, changed and written, and what was written opened again. It states its
// own size, has every member that was not edited as it was, stored byte for byte, and what was
// edited as it was wanted; where the verifier found nothing to say before, it finds nothing
// afterwards. The edits stand in front of the container (repack_input.h).
#include "gen5/repack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gen5/npy.h"
#include "gen5/payload.h"
#include "gen5/verify.h"
#include "repack_input.h"
#include "small_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

// --- The edits ---

enum { NPY_SIZE_MAX = 1 << 16 };

struct edits {
    struct gen5_edit items[INPUT_EDIT_COUNT_MAX];
    char npy[INPUT_EDIT_COUNT_MAX][GEN5_NPY_HEADER_SIZE_MAX + NPY_SIZE_MAX];
    size_t count;
};

// A .npy file of shape 1 x 1 x 1 x elements.
static struct gen5_source make_npy(struct input elements, char *npy) {
    size_t size = elements.size / 2 * 2;
    uint64_t shape[] = {1, 1, 1, size / 2};
    size_t header = gen5_npy_header_write(GEN5_DTYPE_FLOAT16, shape, 4, npy);
    if (size > 0) {
        memcpy(npy + header, elements.bytes, size);
    }
    return gen5_source_from_memory(npy, header + size);
}

static struct gen5_edit make_edit(const struct input_edit *from, const struct gen5_container *old,
                                  char *npy) {
    static const char *const keys[] = {"", "k", "latent", "../x"};
    struct gen5_edit edit = {.kind = from->kind};
    size_t key = from->key % (old->latent_count + sizeof keys / sizeof *keys);
    if (key < old->latent_count) {
        edit.key = old->latents[key]->key;
        edit.key_length = old->latents[key]->key_length;
    } else {
        edit.key = keys[key - old->latent_count];
        edit.key_length = strlen(edit.key);
    }
    edit.content = edit.kind == GEN5_PUT_LATENT
                       ? make_npy(from->content, npy)
                       : gen5_source_from_memory(from->content.bytes, from->content.size);
    return edit;
}

static bool is_put(const struct gen5_edit *edit) {
    return edit->kind <= GEN5_PUT_METADATA;
}

// Edits of images and environments need no valid content here: a chunk is a chunk. Metadata and
// latents are taken apart when they are stored. False where the edits may not be applied.
static bool take_edits(struct input *input, const struct gen5_container *old,
                       const struct gen5_limits *limits, struct edits *edits, bool *valid) {
    struct input_edit edit = {.another = true};
    edits->count = 0;
    *valid = true;
    while (edit.another && edits->count < INPUT_EDIT_COUNT_MAX) {
        edit = take_edit(input);
        struct gen5_edit *made = &edits->items[edits->count];
        *made = make_edit(&edit, old, edits->npy[edits->count++]);
        if (is_put(made) && gen5_edit_check(made, old, limits, NULL) != GEN5_OK) {
            *valid = false;
            if (made->kind == GEN5_PUT_METADATA || made->kind == GEN5_PUT_LATENT) {
                return false;
            }
        }
    }
    return true;
}

static bool has_edit(const struct edits *edits, enum gen5_edit_kind kind) {
    for (size_t i = 0; i < edits->count; i++) {
        if (edits->items[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool is_edited_latent(const struct edits *edits, const struct gen5_record *latent) {
    for (size_t i = 0; i < edits->count; i++) {
        const struct gen5_edit *edit = &edits->items[i];
        if ((edit->kind == GEN5_PUT_LATENT || edit->kind == GEN5_REMOVE_LATENT) &&
            edit->key_length == latent->key_length &&
            memcmp(edit->key, latent->key, latent->key_length) == 0) {
            return true;
        }
    }
    return false;
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

static void require_others_kept(const struct gen5_container *old, const struct gen5_container *new,
                                const struct edits *edits) {
    if (!has_edit(edits, GEN5_PUT_IMAGE) && !has_edit(edits, GEN5_REMOVE_IMAGE)) {
        require_kept(old, old->image, new, new->image);
    }
    if (!has_edit(edits, GEN5_PUT_ENVIRONMENT) && !has_edit(edits, GEN5_REMOVE_ENVIRONMENT)) {
        require_kept(old, old->environment, new, new->environment);
    }
    // Metadata may give latents other keys.
    for (size_t i = 0; !has_edit(edits, GEN5_PUT_METADATA) && i < old->latent_count; i++) {
        const struct gen5_record *latent = old->latents[i];
        if (!is_edited_latent(edits, latent)) {
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

// What was put is the end of the content: a .npy file has a header in front of its elements.
static void require_content(const struct gen5_container *new, const struct gen5_record *member,
                            const struct gen5_edit *edit) {
    size_t size = (size_t)member->payload_size;
    size_t head = (size_t)edit->content.size - size;
    char *payload = malloc(size + 1);
    require(payload != NULL, "memory");
    require(size <= edit->content.size && (head == 0 || edit->kind == GEN5_PUT_LATENT),
            "what was put is whole");
    require(gen5_payload_read(new, member, GEN5_VERIFY, payload, NULL) == GEN5_OK,
            "what was put can be read");
    require(size == 0 || memcmp(payload, (const char *)edit->content.memory + head, size) == 0,
            "what was put is what is read");
    free(payload);
}

static void require_edited(const struct gen5_container *new, const struct gen5_edit *edit) {
    const struct gen5_record *member = edited_member(new, edit);
    require(is_put(edit) == (member != NULL), "what was put is there, what was removed is not");
    if (member != NULL) {
        require_content(new, member, edit);
    }
}

static void require_all_edited(const struct gen5_container *new, const struct edits *edits) {
    bool other_keys = has_edit(edits, GEN5_PUT_METADATA);
    for (size_t i = 0; i < edits->count; i++) {
        const struct gen5_edit *edit = &edits->items[i];
        bool latent = edit->kind == GEN5_PUT_LATENT || edit->kind == GEN5_REMOVE_LATENT;
        if (edit->kind != GEN5_PUT_METADATA && !(latent && other_keys)) {
            require_edited(new, edit);
        }
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

static void count_fault(void *context, const struct gen5_fault *fault) {
    (void)fault;
    ++*(size_t *)context;
}

static bool is_faultless(const struct gen5_source *source, const struct gen5_limits *limits) {
    size_t count = 0;
    struct gen5_verify_visitor visitor = {.fault = count_fault, .context = &count};
    require(gen5_verify(source, limits, GEN5_RIGOUR_STRICT, &visitor, NULL) == GEN5_OK,
            "a container can be verified");
    return count == 0;
}

// --- The target ---

// An empty file in memory, the same one each time.
static int empty_file(void) {
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("repacked", MFD_CLOEXEC);
    }
    require(fd >= 0 && ftruncate(fd, 0) == 0, "a file in memory");
    return fd;
}

// Memory is limited with libFuzzer, so that a failure for want of it is one of the library.
static bool is_refusal(enum gen5_status status) {
    return status == GEN5_ERROR_INVALID || status == GEN5_ERROR_MISSING ||
           status == GEN5_ERROR_TOO_LARGE;
}

static void edit_container(const struct gen5_container *old, struct input *input,
                           const struct gen5_limits *limits) {
    static struct edits edits;
    bool valid;
    if (!take_edits(input, old, limits, &edits, &valid)) {
        return;
    }
    int fd = empty_file();
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = gen5_repack(old, edits.items, edits.count, limits, fd, &error);
    if (status != GEN5_OK) {
        require(is_refusal(status), error.message);
        return;
    }
    struct gen5_source source;
    struct gen5_container *new = NULL;
    require(gen5_source_from_fd(fd, &source, NULL) == GEN5_OK, "the new file");
    require(gen5_container_open(&source, limits, &new, &error) == GEN5_OK, error.message);
    require_layout(new);
    require_others_kept(old, new, &edits);
    require_all_edited(new, &edits);
    require(!valid || !is_faultless(&old->source, limits) || is_faultless(&source, limits),
            "edits make no faults");
    gen5_container_free(new);
}

// The edits are made once the container is known: they may name its latents.
static struct input skip_edits(struct input input) {
    bool another = true;
    for (size_t i = 0; another && i < INPUT_EDIT_COUNT_MAX; i++) {
        another = take_edit(&input).another;
    }
    return input;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {data, size};
    struct input container = skip_edits(input);
    struct gen5_source source = gen5_source_from_memory(container.bytes, container.size);
    struct gen5_limits limits = small_limits();
    struct gen5_container *old = NULL;
    if (gen5_container_open(&source, &limits, &old, NULL) == GEN5_OK) {
        edit_container(old, &input, &limits);
        gen5_container_free(old);
    }
    return 0;
}
