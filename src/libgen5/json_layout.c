// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// How a document is laid out, and a writer that lays out values in the same way.
#include "json_layout.h"

#include <string.h>

// Wider indentation is no one's style, and would be repeated for each line.
enum { BASE_SIZE_MAX = 256, UNIT_SIZE_MAX = 16 };

static struct gen5_slice slice_of(const char *string) {
    return (struct gen5_slice){string, strlen(string)};
}

static bool slice_equal(struct gen5_slice left, struct gen5_slice right) {
    return left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0;
}

struct gen5_json_layout gen5_json_layout_default(void) {
    return (struct gen5_json_layout){true, slice_of("\n"), slice_of(""), slice_of("  "),
                                     0,    slice_of(": "), slice_of(" ")};
}

struct gen5_json_layout gen5_json_layout_inner(const struct gen5_json_layout *layout) {
    struct gen5_json_layout inner = *layout;
    inner.levels++;
    return inner;
}

struct gen5_json_layout gen5_json_layout_outer(const struct gen5_json_layout *layout) {
    struct gen5_json_layout outer = *layout;
    outer.levels -= outer.levels > 0 ? 1 : 0;
    return outer;
}

// --- Seeing a layout ----------------------------------------------------------------------------

// What stands between the last line break of white space and its end; false without a line break.
static bool indentation(const char *text, size_t begin, size_t end, struct gen5_slice *indent) {
    size_t at = end;
    while (at > begin && text[at - 1] != '\n') {
        at--;
    }
    *indent = (struct gen5_slice){text + at, end - at};
    return at > begin;
}

// The indentation of the members tells, together with that of the closing bracket, what one level
// is.
static void see_lines(const char *text, struct gen5_json_value object, size_t members_end,
                      struct gen5_slice indent, struct gen5_json_layout *layout) {
    bool carriage_return = indent.bytes >= text + object.span.begin + 3 && indent.bytes[-2] == '\r';
    struct gen5_slice closing;
    layout->lines = true;
    layout->newline = slice_of(carriage_return ? "\r\n" : "\n");
    if (!indentation(text, members_end, object.span.end - 1, &closing) ||
        closing.size >= indent.size || memcmp(closing.bytes, indent.bytes, closing.size) != 0 ||
        closing.size > BASE_SIZE_MAX || indent.size - closing.size > UNIT_SIZE_MAX) {
        return;
    }
    layout->base = closing;
    layout->levels = 1;
    layout->unit = (struct gen5_slice){indent.bytes + closing.size, indent.size - closing.size};
}

static void see_colon(const char *text, const struct gen5_json_member *member,
                      struct gen5_json_layout *layout) {
    struct gen5_slice colon = {text + member->key.end, member->value.span.begin - member->key.end};
    if (colon.size <= UNIT_SIZE_MAX && memchr(colon.bytes, '\n', colon.size) == NULL) {
        layout->colon = colon;
    }
}

struct gen5_json_layout gen5_json_layout_of(const char *text, struct gen5_json_value object,
                                            const struct gen5_json_layout *outer) {
    struct gen5_json_layout layout = gen5_json_layout_inner(outer);
    struct gen5_json_walk walk = gen5_json_walk_start(text, object);
    struct gen5_json_member first, member;
    if (object.kind != GEN5_JSON_OBJECT || !gen5_json_walk_next(&walk, &first)) {
        return layout;
    }
    size_t members_end = first.value.span.end;
    struct gen5_slice gap = slice_of("");
    size_t count = 1;
    for (; gen5_json_walk_next(&walk, &member); count++) {
        members_end = member.value.span.end;
        gap = (struct gen5_slice){text + member.lead, member.key.begin - member.lead};
    }
    see_colon(text, &first, &layout);
    struct gen5_slice indent;
    layout.lines = false;
    if (indentation(text, first.lead, first.key.begin, &indent)) {
        see_lines(text, object, members_end, indent, &layout);
    } else if (count == 1 || gap.size > UNIT_SIZE_MAX) {
        layout.gap = slice_of(layout.colon.size > 1 ? " " : "");
    } else {
        layout.gap = gap;
    }
    return layout;
}

bool gen5_json_layout_equal(const struct gen5_json_layout *left,
                            const struct gen5_json_layout *right) {
    if (left->lines != right->lines || !slice_equal(left->colon, right->colon)) {
        return false;
    }
    if (!left->lines) {
        return slice_equal(left->gap, right->gap);
    }
    return left->levels == right->levels && slice_equal(left->newline, right->newline) &&
           slice_equal(left->base, right->base) && slice_equal(left->unit, right->unit);
}

// --- Writing ------------------------------------------------------------------------------------

void gen5_json_layout_break(const struct gen5_json_layout *layout, struct gen5_text_builder *out) {
    if (!layout->lines) {
        return;
    }
    gen5_text_builder_append(out, layout->newline.bytes, layout->newline.size);
    gen5_text_builder_append(out, layout->base.bytes, layout->base.size);
    for (size_t i = 0; i < layout->levels; i++) {
        gen5_text_builder_append(out, layout->unit.bytes, layout->unit.size);
    }
}

void gen5_json_writer_open(struct gen5_json_writer *writer, const char *bracket) {
    gen5_text_builder_append_string(writer->out, bracket);
    writer->layout.levels++;
    writer->empty = true;
}

void gen5_json_writer_close(struct gen5_json_writer *writer, const char *bracket) {
    writer->layout = gen5_json_layout_outer(&writer->layout);
    if (!writer->empty) {
        gen5_json_layout_break(&writer->layout, writer->out);
    }
    gen5_text_builder_append_string(writer->out, bracket);
    writer->empty = false;
}

void gen5_json_writer_item(struct gen5_json_writer *writer) {
    if (!writer->empty) {
        gen5_text_builder_append(writer->out, ",", 1);
        if (!writer->layout.lines) {
            gen5_text_builder_append(writer->out, writer->layout.gap.bytes,
                                     writer->layout.gap.size);
        }
    }
    gen5_json_layout_break(&writer->layout, writer->out);
    writer->empty = false;
}

void gen5_json_token_copy(struct gen5_text_builder *out, const char *text,
                          const struct gen5_json_value *token) {
    gen5_text_builder_append_span(out, text, token->span);
}

static void copy_event(struct gen5_json_writer *writer, const char *text,
                       enum gen5_json_event event, const struct gen5_json_value *token,
                       gen5_json_token_writer *write_token, bool *after_key) {
    bool object = token->kind == GEN5_JSON_OBJECT;
    if (event == GEN5_JSON_EVENT_CLOSE) {
        gen5_json_writer_close(writer, object ? "}" : "]");
        return;
    }
    if (!*after_key) {
        gen5_json_writer_item(writer);
    }
    *after_key = event == GEN5_JSON_EVENT_KEY;
    if (event == GEN5_JSON_EVENT_OPEN) {
        gen5_json_writer_open(writer, object ? "{" : "[");
        return;
    }
    write_token(writer->out, text, token);
    if (*after_key) {
        gen5_text_builder_append(writer->out, writer->layout.colon.bytes,
                                 writer->layout.colon.size);
    }
}

void gen5_json_layout_copy(const char *text, size_t size, const struct gen5_json_layout *layout,
                           gen5_json_token_writer *write_token, struct gen5_text_builder *out) {
    struct gen5_json_writer writer = {out, *layout, true};
    struct gen5_json_reader reader;
    gen5_json_reader_init(&reader, text, size, GEN5_JSON_DEPTH_LIMIT, GEN5_JSON_NO_BOM);
    bool after_key = true; // nothing comes in front of the outermost value either
    enum gen5_json_event event = gen5_json_reader_next(&reader);
    while (event != GEN5_JSON_EVENT_END && event != GEN5_JSON_EVENT_FAULT) {
        copy_event(&writer, text, event, &reader.token, write_token, &after_key);
        event = gen5_json_reader_next(&reader);
    }
}
