// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Changing members of one JSON object by splicing: values that are replaced, members that are
// added; everything else keeps its bytes. Private to libgen5.
//
//     struct gen5_json_edit edit;
//     gen5_json_edit_init(&edit, text, object, &outer, size_max);
//     gen5_json_edit_set(&edit, "file_size", value_that_is_there_or_none, "123", 3);
//     gen5_json_edit_finish(&edit, &out); // and releases the edit
#ifndef GEN5_JSON_EDIT_H
#define GEN5_JSON_EDIT_H

#include "json_layout.h"
#include "json_text.h"
#include "splice.h"

struct gen5_json_edit {
    const char *text; // borrowed, a text that gen5_json_scan has passed
    struct gen5_json_value object;
    struct gen5_json_layout layout; // of the members
    struct gen5_json_member
        first; // first.value.kind is GEN5_JSON_NONE where the object has no members
    struct gen5_json_member last;
    bool added; // to an object without members
    struct gen5_splices splices;
};

// `outer` is the layout in which the object itself stands; it counts where the object has no
// members to go by. At most `size_max` bytes can be put in.
void gen5_json_edit_init(struct gen5_json_edit *edit, const char *text,
                         struct gen5_json_value object, const struct gen5_json_layout *outer,
                         uint64_t size_max);

// Give a member the value `literal`. `current` is the member's value (see gen5_json_pick) or
// GEN5_JSON_NONE: then the member is added behind the last one. A value that is equal already (the
// same bytes, or the same string otherwise escaped) is left alone. `name` must need no escapes.
void gen5_json_edit_set(struct gen5_json_edit *edit, const char *name,
                        struct gen5_json_value current, const char *literal, size_t size);

// Add a member in front of the first one.
void gen5_json_edit_prepend(struct gen5_json_edit *edit, const char *name, const char *literal,
                            size_t size);

// Append the object's text to `out`, and release the edit. A failure becomes one of `out`.
void gen5_json_edit_finish(struct gen5_json_edit *edit, struct gen5_text_builder *out);

#endif
