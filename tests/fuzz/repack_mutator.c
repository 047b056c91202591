// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// libFuzzer's mutator for the target repack: an edit is changed, or the container behind the edits.
#include <string.h>

#include "container_mutation.h"
#include "frame.h"
#include "gen5/container.h"
#include "json_mutation.h"
#include "repack_input.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed);

enum { CONTENT_SIZE_MAX = UINT16_MAX };

struct parts {
    struct input_edit edits[INPUT_EDIT_COUNT_MAX];
    size_t offsets[INPUT_EDIT_COUNT_MAX + 1]; // where each edit begins; the last: the container
    size_t count;
};

static void find_parts(const uint8_t *data, size_t size, struct parts *parts) {
    struct input input = {data, size};
    bool another = true;
    for (parts->count = 0; another && parts->count < INPUT_EDIT_COUNT_MAX; parts->count++) {
        parts->offsets[parts->count] = size - input.size;
        parts->edits[parts->count] = take_edit(&input);
        another = parts->edits[parts->count].another;
    }
    parts->offsets[parts->count] = size - input.size;
}

// The metadata that is most worth editing is the container's own.
static size_t copy_metadata(const uint8_t *bytes, size_t size, uint8_t *content) {
    struct gen5_source source = gen5_source_from_memory(bytes, size);
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_container *container = NULL;
    size_t copied = 0;
    if (gen5_container_open(&source, &limits, &container, NULL) == GEN5_OK &&
        container->manifest->size <= CONTENT_SIZE_MAX) {
        copied = container->manifest->size;
        memcpy(content, container->manifest->text, copied);
    }
    gen5_container_free(container);
    return copied;
}

static size_t change_content(const struct input_edit *edit, const uint8_t *container, size_t size,
                             uint8_t *content, struct chance *chance) {
    size_t content_size = edit->content.size;
    if (edit->kind == GEN5_PUT_METADATA && chance_below(chance, 4) == 0) {
        content_size = copy_metadata(container, size, content);
    } else if (content_size > 0) {
        memcpy(content, edit->content.bytes, content_size);
    }
    if (edit->kind == GEN5_PUT_METADATA || edit->kind == GEN5_PUT_ENVIRONMENT) {
        return mutate_json((char *)content, content_size, CONTENT_SIZE_MAX, chance);
    }
    return LLVMFuzzerMutate(content, content_size, CONTENT_SIZE_MAX);
}

static size_t put_content(uint8_t *data, size_t size, size_t size_max, const struct parts *parts,
                          struct chance *chance) {
    static uint8_t content[CONTENT_SIZE_MAX];
    size_t changed = chance_below(chance, parts->count);
    size_t container = parts->offsets[parts->count];
    size_t begin = parts->offsets[changed], end = parts->offsets[changed + 1];
    size_t content_size =
        change_content(&parts->edits[changed], data + container, size - container, content, chance);
    size_t before = begin + INPUT_EDIT_HEAD_SIZE;
    size_t behind = size - end;
    if (content_size > size_max - before || behind > size_max - before - content_size) {
        return size;
    }
    memmove(data + before + content_size, data + end, behind);
    memcpy(data + before, content, content_size);
    data[begin + 2] = (uint8_t)content_size;
    data[begin + 3] = (uint8_t)(content_size >> 8);
    return before + content_size + behind;
}

// An edit without content in front of the others.
static size_t add_edit(uint8_t *data, size_t size, struct chance *chance) {
    memmove(data + INPUT_EDIT_HEAD_SIZE, data, size);
    data[0] = (uint8_t)(chance_below(chance, INPUT_EDIT_ANOTHER) | INPUT_EDIT_ANOTHER);
    data[1] = (uint8_t)chance_below(chance, UINT8_MAX + 1);
    data[2] = 0;
    data[3] = 0;
    return size + INPUT_EDIT_HEAD_SIZE;
}

static size_t change_edit(uint8_t *data, size_t size, size_t size_max, const struct parts *parts,
                          struct chance *chance) {
    uint8_t *head = data + parts->offsets[chance_below(chance, parts->count)];
    switch (chance_below(chance, 8)) {
    case 0:
        head[0] =
            (uint8_t)((head[0] & INPUT_EDIT_ANOTHER) | chance_below(chance, INPUT_EDIT_ANOTHER));
        return size;
    case 1:
        head[1] = (uint8_t)chance_below(chance, UINT8_MAX + 1);
        return size;
    case 2:
        if (parts->count < INPUT_EDIT_COUNT_MAX && size_max - size >= INPUT_EDIT_HEAD_SIZE) {
            return add_edit(data, size, chance);
        }
        return size;
    case 3:
        if (parts->count > 1) {
            memmove(data, data + parts->offsets[1], size - parts->offsets[1]);
            return size - parts->offsets[1];
        }
        return size;
    default:
        return put_content(data, size, size_max, parts, chance);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed) {
    struct chance chance = chance_from(seed);
    struct parts parts;
    find_parts(data, size, &parts);
    size_t container = parts.offsets[parts.count];
    if (container == size) {
        return LLVMFuzzerMutate(data, size, size_max);
    }
    if (chance_below(&chance, 3) == 0) {
        return change_edit(data, size, size_max, &parts, &chance);
    }
    return container +
           mutate_container(data + container, size - container, size_max - container, &chance);
}
