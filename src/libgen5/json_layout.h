// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// How a document is laid out (line breaks, indentation, spaces), so that what is added to it looks
// like its neighbours, and a writer that lays out values that way. Private to libgen5.
#ifndef GEN5_JSON_LAYOUT_H
#define GEN5_JSON_LAYOUT_H

#include "json_text.h"
#include "text_builder.h"

// Bytes of a text or a literal, borrowed.
struct gen5_slice {
    const char *bytes;
    size_t size;
};

// Where members stand: each on a line of its own, indented by `base` and `levels` times `unit`; or
// one behind the other, separated by a comma and `gap`.
struct gen5_json_layout {
    bool lines;
    struct gen5_slice newline;
    struct gen5_slice base;
    struct gen5_slice unit;
    size_t levels;
    struct gen5_slice colon; // with the space around it
    struct gen5_slice gap;
};

// As Python's json.dumps(…, indent=2) writes the outermost value.
struct gen5_json_layout gen5_json_layout_default(void);

// The layout of an object's members as it can be seen from them. What cannot be seen (no members,
// no line breaks, odd or huge indentation) is taken from `outer`, the layout of the object itself.
struct gen5_json_layout gen5_json_layout_of(const char *text, struct gen5_json_value object,
                                            const struct gen5_json_layout *outer);

// The layout one level further in, or out.
struct gen5_json_layout gen5_json_layout_inner(const struct gen5_json_layout *layout);
struct gen5_json_layout gen5_json_layout_outer(const struct gen5_json_layout *layout);

bool gen5_json_layout_equal(const struct gen5_json_layout *left,
                            const struct gen5_json_layout *right);

// The line break and indentation in front of a member; nothing where members stand on one line.
void gen5_json_layout_break(const struct gen5_json_layout *layout, struct gen5_text_builder *out);

// A writer begins with the layout in which its value stands.
struct gen5_json_writer {
    struct gen5_text_builder *out;
    struct gen5_json_layout layout;
    bool empty; // nothing stands in the open container yet
};

void gen5_json_writer_open(struct gen5_json_writer *writer, const char *bracket);
void gen5_json_writer_close(struct gen5_json_writer *writer, const char *bracket);
// What comes in front of each member or element of the open container.
void gen5_json_writer_item(struct gen5_json_writer *writer);

// Writes a key or a scalar.
typedef void gen5_json_token_writer(struct gen5_text_builder *out, const char *text,
                                    const struct gen5_json_value *token);
// With its literal as it is.
gen5_json_token_writer gen5_json_token_copy;

// Write a value of a text that gen5_json_scan has passed in `layout`, its keys and scalars by
// `write_token`.
void gen5_json_layout_copy(const char *text, size_t size, const struct gen5_json_layout *layout,
                           gen5_json_token_writer *write_token, struct gen5_text_builder *out);

#endif
