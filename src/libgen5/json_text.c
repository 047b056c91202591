// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// JSON read where it stands: a reader that checks the grammar token by token, and a walk over the
// members of values that the reader has passed.
#include "json_text.h"

#include <string.h>

#include "json_literal.h"

// --- The reader ---------------------------------------------------------------------------------

static bool is_space(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

static bool is_hex_digit(char character) {
    return is_digit(character) || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F');
}

size_t gen5_json_skip_space(const char *text, size_t at, size_t end) {
    while (at < end && is_space(text[at])) {
        at++;
    }
    return at;
}

static bool starts_with_mark(const char *text, size_t size) {
    return size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
}

void gen5_json_reader_init(struct gen5_json_reader *reader, const char *text, size_t size,
                           uint32_t depth_max, enum gen5_json_mark mark) {
    reader->text = text;
    reader->size = size;
    reader->at = mark == GEN5_JSON_BOM_IGNORED && starts_with_mark(text, size) ? 3 : 0;
    reader->depth = 0;
    reader->depth_max = depth_max < GEN5_JSON_DEPTH_LIMIT ? depth_max : GEN5_JSON_DEPTH_LIMIT;
    reader->state = GEN5_JSON_STATE_VALUE;
    reader->token = (struct gen5_json_value){.kind = GEN5_JSON_NONE};
    reader->fault = (struct gen5_json_fault){0, false, NULL};
    memset(reader->objects, 0, sizeof reader->objects);
}

static enum gen5_json_event fail(struct gen5_json_reader *reader, size_t offset,
                                 const char *reason) {
    reader->fault = (struct gen5_json_fault){offset, false, reason};
    return GEN5_JSON_EVENT_FAULT;
}

static bool in_object(const struct gen5_json_reader *reader) {
    uint32_t level = reader->depth - 1;
    return (reader->objects[level / 64] >> (level % 64) & 1) != 0;
}

static void after_value(struct gen5_json_reader *reader) {
    reader->state = reader->depth == 0 ? GEN5_JSON_STATE_END : GEN5_JSON_STATE_NEXT;
}

static enum gen5_json_event take(struct gen5_json_reader *reader, enum gen5_json_event event,
                                 enum gen5_json_kind kind, size_t end) {
    reader->token = (struct gen5_json_value){kind, {reader->at, end}};
    reader->at = end;
    return event;
}

static enum gen5_json_event open_container(struct gen5_json_reader *reader,
                                           enum gen5_json_kind kind) {
    if (reader->depth >= reader->depth_max) {
        fail(reader, reader->at, "it is nested too deeply");
        reader->fault.too_deep = true;
        return GEN5_JSON_EVENT_FAULT;
    }
    uint64_t bit = (uint64_t)1 << (reader->depth % 64);
    uint64_t *word = &reader->objects[reader->depth / 64];
    *word = kind == GEN5_JSON_OBJECT ? *word | bit : *word & ~bit;
    reader->depth++;
    reader->state =
        kind == GEN5_JSON_OBJECT ? GEN5_JSON_STATE_FIRST_KEY : GEN5_JSON_STATE_FIRST_VALUE;
    return take(reader, GEN5_JSON_EVENT_OPEN, kind, reader->at + 1);
}

static enum gen5_json_event close_container(struct gen5_json_reader *reader) {
    enum gen5_json_kind kind = in_object(reader) ? GEN5_JSON_OBJECT : GEN5_JSON_ARRAY;
    reader->depth--;
    after_value(reader);
    return take(reader, GEN5_JSON_EVENT_CLOSE, kind, reader->at + 1);
}

// Check the escape whose backslash is at `at`. Returns its end, or 0.
static size_t escape_end(const struct gen5_json_reader *reader, size_t at) {
    if (reader->size - at < 2) {
        return 0;
    }
    char letter = reader->text[at + 1];
    if (letter != 'u') {
        return letter != '\0' && strchr("\"\\/bfnrt", letter) != NULL ? at + 2 : 0;
    }
    if (reader->size - at < 6) {
        return 0;
    }
    for (size_t i = at + 2; i < at + 6; i++) {
        if (!is_hex_digit(reader->text[i])) {
            return 0;
        }
    }
    return at + 6;
}

// Check the string whose opening quote is at reader->at. Returns its end, or 0 with a fault.
static size_t string_end_checked(struct gen5_json_reader *reader) {
    size_t at = reader->at + 1;
    while (at < reader->size) {
        unsigned char byte = (unsigned char)reader->text[at];
        size_t next = at + 1;
        if (byte == '"') {
            return next;
        }
        if (byte < 0x20) {
            fail(reader, at, "a control character in a string must be escaped");
            return 0;
        }
        if (byte == '\\' && (next = escape_end(reader, at)) == 0) {
            fail(reader, at, "this is no escape sequence");
            return 0;
        }
        if (byte >= 0x80) {
            size_t length = gen5_utf8_length(reader->text + at, reader->size - at);
            if (length == 0) {
                fail(reader, at, "these bytes are not UTF-8");
                return 0;
            }
            next = at + length;
        }
        at = next;
    }
    fail(reader, reader->at, "a string is not closed");
    return 0;
}

static size_t digits_end(const struct gen5_json_reader *reader, size_t at) {
    while (at < reader->size && is_digit(reader->text[at])) {
        at++;
    }
    return at;
}

// The end of the number at `begin`, or 0 where there is none.
static size_t number_end_checked(const struct gen5_json_reader *reader, size_t begin) {
    const char *text = reader->text;
    size_t size = reader->size;
    size_t at = text[begin] == '-' ? begin + 1 : begin;
    size_t end = digits_end(reader, at);
    if (end == at || (text[at] == '0' && end - at > 1)) {
        return 0;
    }
    if (end < size && text[end] == '.') {
        at = end + 1;
        end = digits_end(reader, at);
        if (end == at) {
            return 0;
        }
    }
    if (end < size && (text[end] == 'e' || text[end] == 'E')) {
        at = end + 1;
        if (at < size && (text[at] == '+' || text[at] == '-')) {
            at++;
        }
        end = digits_end(reader, at);
        if (end == at) {
            return 0;
        }
    }
    return end;
}

static const struct {
    const char *word;
    enum gen5_json_kind kind;
} WORDS[] = {
    {"null", GEN5_JSON_NULL},  {"false", GEN5_JSON_FALSE},     {"true", GEN5_JSON_TRUE},
    {"NaN", GEN5_JSON_NUMBER}, {"Infinity", GEN5_JSON_NUMBER}, {"-Infinity", GEN5_JSON_NUMBER},
};

static enum gen5_json_event read_word(struct gen5_json_reader *reader) {
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        size_t length = strlen(WORDS[i].word);
        if (length <= reader->size - reader->at &&
            memcmp(reader->text + reader->at, WORDS[i].word, length) == 0) {
            after_value(reader);
            return take(reader, GEN5_JSON_EVENT_SCALAR, WORDS[i].kind, reader->at + length);
        }
    }
    return fail(reader, reader->at, "a value is expected");
}

static enum gen5_json_event read_number(struct gen5_json_reader *reader) {
    size_t end = number_end_checked(reader, reader->at);
    if (end == 0) {
        enum gen5_json_event event = read_word(reader); // -Infinity
        if (event == GEN5_JSON_EVENT_FAULT) {
            reader->fault.reason = "this is no number";
        }
        return event;
    }
    after_value(reader);
    return take(reader, GEN5_JSON_EVENT_SCALAR, GEN5_JSON_NUMBER, end);
}

static enum gen5_json_event read_value(struct gen5_json_reader *reader) {
    char first = reader->text[reader->at];
    if (first == '{' || first == '[') {
        return open_container(reader, first == '{' ? GEN5_JSON_OBJECT : GEN5_JSON_ARRAY);
    }
    if (first == '"') {
        size_t end = string_end_checked(reader);
        if (end == 0) {
            return GEN5_JSON_EVENT_FAULT;
        }
        after_value(reader);
        return take(reader, GEN5_JSON_EVENT_SCALAR, GEN5_JSON_STRING, end);
    }
    return first == '-' || is_digit(first) ? read_number(reader) : read_word(reader);
}

// Read a key and the colon behind it.
static enum gen5_json_event read_key(struct gen5_json_reader *reader) {
    if (reader->text[reader->at] != '"') {
        return fail(reader, reader->at, "a key in double quotes is expected");
    }
    size_t end = string_end_checked(reader);
    if (end == 0) {
        return GEN5_JSON_EVENT_FAULT;
    }
    size_t colon = gen5_json_skip_space(reader->text, end, reader->size);
    if (colon == reader->size || reader->text[colon] != ':') {
        return fail(reader, colon, "a colon is expected");
    }
    take(reader, GEN5_JSON_EVENT_KEY, GEN5_JSON_STRING, end);
    reader->at = colon + 1;
    reader->state = GEN5_JSON_STATE_VALUE;
    return GEN5_JSON_EVENT_KEY;
}

// Read what follows a value inside a container: the end, or a comma with what it announces.
static enum gen5_json_event read_next(struct gen5_json_reader *reader) {
    bool object = in_object(reader);
    char first = reader->text[reader->at];
    if (first == (object ? '}' : ']')) {
        return close_container(reader);
    }
    if (first != ',') {
        return fail(reader, reader->at,
                    object ? "a comma or '}' is expected" : "a comma or ']' is expected");
    }
    reader->at = gen5_json_skip_space(reader->text, reader->at + 1, reader->size);
    reader->state = object ? GEN5_JSON_STATE_KEY : GEN5_JSON_STATE_VALUE;
    if (reader->at == reader->size) {
        return fail(reader, reader->at, "the text ends too early");
    }
    return object ? read_key(reader) : read_value(reader);
}

enum gen5_json_event gen5_json_reader_next(struct gen5_json_reader *reader) {
    if (reader->fault.reason != NULL) {
        return GEN5_JSON_EVENT_FAULT;
    }
    reader->at = gen5_json_skip_space(reader->text, reader->at, reader->size);
    if (reader->at == reader->size) {
        return reader->state == GEN5_JSON_STATE_END
                   ? GEN5_JSON_EVENT_END
                   : fail(reader, reader->at, "the text ends too early");
    }
    char first = reader->text[reader->at];
    switch (reader->state) {
    case GEN5_JSON_STATE_FIRST_VALUE:
        return first == ']' ? close_container(reader) : read_value(reader);
    case GEN5_JSON_STATE_FIRST_KEY:
        return first == '}' ? close_container(reader) : read_key(reader);
    case GEN5_JSON_STATE_VALUE:
        return read_value(reader);
    case GEN5_JSON_STATE_KEY:
        return read_key(reader);
    case GEN5_JSON_STATE_NEXT:
        return read_next(reader);
    case GEN5_JSON_STATE_END:
        break;
    }
    return fail(reader, reader->at, "something follows the end of the document");
}

// --- Values -------------------------------------------------------------------------------------

bool gen5_json_scan(const char *text, size_t size, uint32_t depth_max, enum gen5_json_mark mark,
                    struct gen5_json_value *root, struct gen5_json_fault *fault) {
    struct gen5_json_reader reader;
    gen5_json_reader_init(&reader, text, size, depth_max, mark);
    enum gen5_json_event event = gen5_json_reader_next(&reader);
    *root = reader.token;
    while (event != GEN5_JSON_EVENT_END && event != GEN5_JSON_EVENT_FAULT) {
        root->span.end = reader.token.span.end;
        event = gen5_json_reader_next(&reader);
    }
    *fault = reader.fault;
    return event == GEN5_JSON_EVENT_END;
}

static size_t quote_from(const char *text, size_t at, size_t end) {
    const char *quote = at < end ? memchr(text + at, '"', end - at) : NULL;
    return quote != NULL ? (size_t)(quote - text) : end;
}

// By memchr, since prompts are long and a value is passed over once for each level that it is in.
static size_t string_end(const char *text, size_t at, size_t end) {
    at++;
    size_t quote = quote_from(text, at, end);
    while (at < quote) {
        const char *escape = memchr(text + at, '\\', quote - at);
        if (escape == NULL) {
            break;
        }
        at = (size_t)(escape - text) + 2;
        if (at > quote) {
            quote = quote_from(text, at, end);
        }
    }
    return quote < end ? quote + 1 : end;
}

static size_t container_end(const char *text, size_t at, size_t end) {
    size_t depth = 0;
    while (at < end) {
        char character = text[at];
        if (character == '"') {
            at = string_end(text, at, end);
            continue;
        }
        at++;
        if (character == '{' || character == '[') {
            depth++;
        } else if ((character == '}' || character == ']') && --depth == 0) {
            break;
        }
    }
    return at;
}

static size_t word_end(const char *text, size_t at, size_t end) {
    while (at < end && !is_space(text[at]) && text[at] != ',' && text[at] != ']' &&
           text[at] != '}') {
        at++;
    }
    return at;
}

static struct gen5_json_value value_at(const char *text, size_t at, size_t end) {
    switch (at < end ? text[at] : '\0') {
    case '\0':
        return (struct gen5_json_value){.kind = GEN5_JSON_NONE};
    case '{':
        return (struct gen5_json_value){GEN5_JSON_OBJECT, {at, container_end(text, at, end)}};
    case '[':
        return (struct gen5_json_value){GEN5_JSON_ARRAY, {at, container_end(text, at, end)}};
    case '"':
        return (struct gen5_json_value){GEN5_JSON_STRING, {at, string_end(text, at, end)}};
    case 'n':
        return (struct gen5_json_value){GEN5_JSON_NULL, {at, word_end(text, at, end)}};
    case 't':
        return (struct gen5_json_value){GEN5_JSON_TRUE, {at, word_end(text, at, end)}};
    case 'f':
        return (struct gen5_json_value){GEN5_JSON_FALSE, {at, word_end(text, at, end)}};
    default:
        return (struct gen5_json_value){GEN5_JSON_NUMBER, {at, word_end(text, at, end)}};
    }
}

struct gen5_json_value gen5_json_root(const char *text, size_t size) {
    size_t at = starts_with_mark(text, size) ? 3 : 0;
    return value_at(text, gen5_json_skip_space(text, at, size), size);
}

struct gen5_json_walk gen5_json_walk_start(const char *text, struct gen5_json_value container) {
    bool object = container.kind == GEN5_JSON_OBJECT;
    if (!object && container.kind != GEN5_JSON_ARRAY) {
        return (struct gen5_json_walk){text, 0, 0, false};
    }
    return (struct gen5_json_walk){text, container.span.begin + 1, container.span.end - 1, object};
}

bool gen5_json_walk_next(struct gen5_json_walk *walk, struct gen5_json_member *member) {
    const char *text = walk->text;
    size_t at = gen5_json_skip_space(text, walk->at, walk->end);
    if (at >= walk->end) {
        return false;
    }
    *member = (struct gen5_json_member){.lead = walk->at, .key = {at, at}};
    if (walk->object) {
        member->key.end = string_end(text, at, walk->end);
        at = gen5_json_skip_space(text, member->key.end, walk->end);
        at = gen5_json_skip_space(text, at + 1, walk->end); // behind the colon
    }
    member->value = value_at(text, at, walk->end);
    if (member->value.kind == GEN5_JSON_NONE) {
        return false;
    }
    at = gen5_json_skip_space(text, member->value.span.end, walk->end);
    walk->at = at < walk->end ? at + 1 : walk->end; // behind the comma
    return true;
}

void gen5_json_pick(const char *text, struct gen5_json_value object, const char *const *names,
                    size_t count, struct gen5_json_value *values) {
    for (size_t i = 0; i < count; i++) {
        values[i] = (struct gen5_json_value){.kind = GEN5_JSON_NONE};
    }
    if (object.kind != GEN5_JSON_OBJECT) {
        return;
    }
    struct gen5_json_walk walk = gen5_json_walk_start(text, object);
    struct gen5_json_member member;
    while (gen5_json_walk_next(&walk, &member)) {
        for (size_t i = 0; i < count; i++) {
            if (gen5_json_string_equals(text, member.key, names[i], strlen(names[i]))) {
                values[i] = member.value;
                break;
            }
        }
    }
}

struct gen5_json_value gen5_json_find(const char *text, struct gen5_json_value object,
                                      const char *name) {
    struct gen5_json_value value;
    gen5_json_pick(text, object, &name, 1, &value);
    return value;
}

struct gen5_json_value gen5_json_value_of_key(const char *text, size_t size, size_t key) {
    size_t colon = gen5_json_skip_space(text, string_end(text, key, size), size);
    size_t at = gen5_json_skip_space(text, colon + 1, size);
    return value_at(text, at, size);
}

void gen5_json_position(const char *text, size_t size, size_t offset, size_t *line,
                        size_t *column) {
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < size; i++) {
        if (text[i] == '\n') {
            *line += 1;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            *column += 1;
        }
    }
}
