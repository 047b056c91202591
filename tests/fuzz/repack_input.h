// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The input of the target repack: edits, and the container to be edited. An edit (at most three) is
// a byte for its kind, whose highest bit says that another follows, one for its key, the content's
// size in two bytes, and the content.
#ifndef GEN5_FUZZ_REPACK_INPUT_H
#define GEN5_FUZZ_REPACK_INPUT_H

#include <stdbool.h>

#include "gen5/repack.h"
#include "input.h"

struct input_edit {
    enum gen5_edit_kind kind;
    bool another; // edit follows
    uint8_t key;
    struct input content;
};

enum { INPUT_EDIT_COUNT_MAX = 3, INPUT_EDIT_HEAD_SIZE = 4, INPUT_EDIT_ANOTHER = 0x80 };

static inline struct input_edit take_edit(struct input *input) {
    uint8_t kind = take_byte(input);
    struct input_edit edit = {
        .kind = (enum gen5_edit_kind)((kind & ~INPUT_EDIT_ANOTHER) % (GEN5_REMOVE_ENVIRONMENT + 1)),
        .another = (kind & INPUT_EDIT_ANOTHER) != 0,
        .key = take_byte(input),
    };
    edit.content = take_bytes(input, take_size(input));
    return edit;
}

#endif
