// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The header of a .npy file: written as numpy.save writes it, and read as leniently as numpy.load
// reads it (NEP 1, format versions 1.0, 2.0 and 3.0).
#include "gen5/npy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "npy_literal.h"
#include "ownership.h"
#include "size_arithmetic.h"

static const char npy_magic[] = "\x93NUMPY";

enum {
    MAGIC_SIZE = sizeof npy_magic - 1,
    LENGTH_OFFSET = MAGIC_SIZE + 2, // behind the two bytes of the version
    VERSION_1_TEXT_OFFSET = LENGTH_OFFSET + 2,
    VERSION_2_TEXT_OFFSET = LENGTH_OFFSET + 4,
    TEXT_SIZE_MAX = 64 * 1024, // all that version 1.0 can say, six times what numpy.load accepts
    ALIGNMENT = 64,            // numpy.lib.format.ARRAY_ALIGN
    GROWTH_DIGITS = 21,        // numpy.lib.format.GROWTH_AXIS_MAX_DIGITS
    LATENT_RANK = 4,           // FORMAT.md "What the reference encoder refuses"
};

// --- Writing ------------------------------------------------------------------------------------

// Text that grows in the caller's header buffer.
struct header_text {
    char *bytes;
    size_t size;
};

static void append(struct header_text *text, const char *piece) {
    size_t length = strlen(piece);
    assert(length < GEN5_NPY_HEADER_SIZE_MAX - text->size);
    memcpy(text->bytes + text->size, piece, length);
    text->size += length;
}

static void append_spaces(struct header_text *text, size_t count) {
    assert(count < GEN5_NPY_HEADER_SIZE_MAX - text->size);
    memset(text->bytes + text->size, ' ', count);
    text->size += count;
}

// Returns the number of digits.
static size_t append_number(struct header_text *text, uint64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    append(text, digits);
    return (size_t)length;
}

// Python's text of a tuple. Returns how many digits its first element has.
static size_t append_shape(struct header_text *text, const uint64_t *shape, uint32_t rank) {
    size_t first_digits = 0;
    append(text, "(");
    for (uint32_t i = 0; i < rank; i++) {
        append(text, i > 0 ? ", " : "");
        size_t digits = append_number(text, shape[i]);
        first_digits = i == 0 ? digits : first_digits;
    }
    append(text, rank == 1 ? ",)" : ")");
    return first_digits;
}

size_t gen5_npy_header_write(enum gen5_dtype dtype, const uint64_t *shape, uint32_t rank,
                             char header[GEN5_NPY_HEADER_SIZE_MAX]) {
    assert(dtype == GEN5_DTYPE_FLOAT16 || dtype == GEN5_DTYPE_FLOAT32);
    assert(rank <= GEN5_RANK_MAX);
    struct header_text text = {.bytes = header, .size = VERSION_1_TEXT_OFFSET};
    append(&text, dtype == GEN5_DTYPE_FLOAT16 ? "{'descr': '<f2'" : "{'descr': '<f4'");
    append(&text, ", 'fortran_order': False, 'shape': ");
    size_t first_digits = append_shape(&text, shape, rank);
    append(&text, ", }");
    // numpy leaves room to rewrite the first dimension in place when data is appended …
    append_spaces(&text, rank > 0 ? GROWTH_DIGITS - first_digits : 0);
    // … and pads by a whole 64 bytes where there would be nothing to pad.
    append_spaces(&text, ALIGNMENT - (text.size + 1) % ALIGNMENT);
    append(&text, "\n");

    size_t length = text.size - VERSION_1_TEXT_OFFSET;
    memcpy(header, npy_magic, MAGIC_SIZE);
    header[MAGIC_SIZE] = 1;
    header[MAGIC_SIZE + 1] = 0;
    header[LENGTH_OFFSET] = (char)(length & 0xff);
    header[LENGTH_OFFSET + 1] = (char)(length >> 8);
    return text.size;
}

// --- The dictionary -----------------------------------------------------------------------------

struct dictionary {
    char descr[GEN5_NPY_STRING_SIZE_MAX];
    bool structured; // descr is no string: fields, or a sub-array
    bool fortran_order;
    uint32_t rank;
    uint64_t shape[GEN5_RANK_MAX];
    bool has_descr, has_order, has_shape;
};

static void read_shape(struct gen5_npy_literal *literal, struct dictionary *dictionary) {
    gen5_npy_literal_expect(literal, '(', "the shape must be a tuple, such as (1, 4, 64, 64)");
    bool comma = true;
    while (literal->fault == NULL && !gen5_npy_literal_accept(literal, ')')) {
        if (!comma) {
            gen5_npy_literal_fail(literal, "a comma was expected between dimensions");
        } else if (dictionary->rank == GEN5_RANK_MAX) {
            gen5_npy_literal_fail(literal, "the shape has more dimensions than numpy allows");
        } else {
            dictionary->shape[dictionary->rank++] = gen5_npy_literal_integer(literal);
            comma = gen5_npy_literal_accept(literal, ',');
        }
    }
    if (dictionary->rank == 1 && !comma) {
        gen5_npy_literal_fail(literal, "a tuple of one number needs a comma, such as (3,)");
    }
}

static void mark_seen(struct gen5_npy_literal *literal, bool *seen) {
    if (*seen) {
        gen5_npy_literal_fail(literal, "a key stands twice in the dictionary");
    }
    *seen = true;
}

// Read one value. A structured descr ends the reading, with dictionary->structured set: nothing
// behind it matters any more.
static void read_entry(struct gen5_npy_literal *literal, struct dictionary *dictionary) {
    char key[GEN5_NPY_STRING_SIZE_MAX];
    gen5_npy_literal_string(literal, key);
    gen5_npy_literal_expect(literal, ':', "a colon was expected behind the key");
    if (strcmp(key, "descr") == 0) {
        mark_seen(literal, &dictionary->has_descr);
        char first = gen5_npy_literal_peek(literal);
        dictionary->structured = first == '[' || first == '(';
        if (!dictionary->structured) {
            gen5_npy_literal_string(literal, dictionary->descr);
        }
    } else if (strcmp(key, "fortran_order") == 0) {
        mark_seen(literal, &dictionary->has_order);
        dictionary->fortran_order = gen5_npy_literal_boolean(literal);
    } else if (strcmp(key, "shape") == 0) {
        mark_seen(literal, &dictionary->has_shape);
        read_shape(literal, dictionary);
    } else {
        gen5_npy_literal_fail(literal, "only descr, fortran_order and shape may stand there");
    }
}

static void read_dictionary(struct gen5_npy_literal *literal, struct dictionary *dictionary) {
    gen5_npy_literal_expect(literal, '{', "a dictionary was expected");
    bool comma = true;
    while (literal->fault == NULL && !gen5_npy_literal_accept(literal, '}')) {
        if (!comma) {
            gen5_npy_literal_fail(literal, "a comma was expected between entries");
            return;
        }
        read_entry(literal, dictionary);
        if (dictionary->structured) {
            return;
        }
        comma = gen5_npy_literal_accept(literal, ',');
    }
    gen5_npy_literal_end(literal);
    if (!dictionary->has_descr || !dictionary->has_order || !dictionary->has_shape) {
        gen5_npy_literal_fail(literal, "descr, fortran_order and shape must all be there");
    }
}

// --- What the dictionary must say for a latent --------------------------------------------------

// numpy's letters (without the byte order) and the name that a person knows. A row without a digit
// stands for all sizes of its type, and comes behind those with one.
struct dtype_name {
    const char *letters;
    const char *name;
    const char *advice;
};

#define CONVERT "convert with .astype('float32')"
#define NO_TENSOR "a latent is an array of float16 or float32"

static const struct dtype_name dtype_names[] = {
    {"f8", "float64", CONVERT},
    {"f12", "longdouble", CONVERT},
    {"f16", "longdouble", CONVERT},
    {"b1", "bool", CONVERT},
    {"?", "bool", CONVERT},
    {"i1", "int8", CONVERT},
    {"i2", "int16", CONVERT},
    {"i4", "int32", CONVERT},
    {"i8", "int64", CONVERT},
    {"u1", "uint8", CONVERT},
    {"u2", "uint16", CONVERT},
    {"u4", "uint32", CONVERT},
    {"u8", "uint64", CONVERT},
    {"c", "complex", NO_TENSOR},
    {"O", "object", "pickled Python objects are never loaded, " NO_TENSOR},
    {"V2", "void", "if these are bfloat16 numbers, convert with .float() before numpy.save"},
    {"V", "void", NO_TENSOR},
    {"S", "bytes", NO_TENSOR},
    {"a", "bytes", NO_TENSOR},
    {"U", "text", NO_TENSOR},
    {"M", "datetime64", NO_TENSOR},
    {"m", "timedelta64", NO_TENSOR},
};

static bool has_byte_order(const char *descr) {
    return descr[0] == '<' || descr[0] == '>' || descr[0] == '=' || descr[0] == '|';
}

static enum gen5_status refuse_dtype(const char *descr, struct gen5_error *error) {
    const char *letters = descr + (has_byte_order(descr) ? 1 : 0);
    for (size_t i = 0; i < sizeof dtype_names / sizeof dtype_names[0]; i++) {
        const struct dtype_name *row = &dtype_names[i];
        bool all_sizes = row->letters[1] == '\0';
        if (all_sizes ? letters[0] == row->letters[0] : strcmp(letters, row->letters) == 0) {
            return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                  "dtype %s ('%s'): %s", row->name, descr, row->advice);
        }
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                          "dtype '%s' is not known: " NO_TENSOR, descr);
}

static enum gen5_status check_dtype(const struct dictionary *dictionary, struct gen5_npy *npy,
                                    struct gen5_error *error) {
    if (dictionary->structured) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                              "a structured dtype: " NO_TENSOR);
    }
    const char *descr = dictionary->descr;
    bool native_is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    if (descr[0] != '<' && descr[0] != '>' && descr[0] != '=') {
        return refuse_dtype(descr, error);
    }
    npy->big_endian = descr[0] == '>' || (descr[0] == '=' && native_is_big);
    if (strcmp(descr + 1, "f2") == 0) {
        npy->dtype = GEN5_DTYPE_FLOAT16;
    } else if (strcmp(descr + 1, "f4") == 0) {
        npy->dtype = GEN5_DTYPE_FLOAT32;
    } else {
        return refuse_dtype(descr, error);
    }
    return GEN5_OK;
}

static enum gen5_status check_shape(const struct dictionary *dictionary,
                                    const struct gen5_limits *limits, struct gen5_npy *npy,
                                    struct gen5_error *error) {
    if (dictionary->rank != LATENT_RANK) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                              "the shape has %u dimensions, a latent has 4: batch, channels, "
                              "height, width",
                              dictionary->rank);
    }
    uint64_t elements = 1;
    for (uint32_t i = 0; i < LATENT_RANK; i++) {
        uint64_t dimension = dictionary->shape[i];
        if (dimension == 0 || dimension > limits->tensor_dimension_max) {
            return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                  "dimension %u of the shape is %llu, it may be 1 to %u", i,
                                  (unsigned long long)dimension, limits->tensor_dimension_max);
        }
        if (!gen5_size_multiply(elements, dimension, &elements) ||
            elements > limits->tensor_elements_max) {
            return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                                  "the shape has more than %llu elements",
                                  (unsigned long long)limits->tensor_elements_max);
        }
        npy->shape[i] = dimension;
    }
    npy->rank = LATENT_RANK;
    npy->fortran_order = dictionary->fortran_order;
    if (!gen5_size_multiply(elements, gen5_dtype_size(npy->dtype), &npy->data_size)) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
                              "the shape has more bytes than 64 bits can count");
    }
    return GEN5_OK;
}

static enum gen5_status check_size(const struct gen5_source *source, const struct gen5_npy *npy,
                                   struct gen5_error *error) {
    uint64_t present = source->size - npy->data_offset;
    if (present == npy->data_size) {
        return GEN5_OK;
    }
    bool is_short = present < npy->data_size;
    uint64_t difference = is_short ? npy->data_size - present : present - npy->data_size;
    uint64_t offset = is_short ? source->size : npy->data_offset + npy->data_size;
    return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)offset,
                          "the file is %llu byte%s too %s: its shape asks for %llu bytes of data",
                          (unsigned long long)difference, difference == 1 ? "" : "s",
                          is_short ? "short" : "long", (unsigned long long)npy->data_size);
}

// --- Reading ------------------------------------------------------------------------------------

// What the file is instead, so that the message helps whoever mixed up two kinds of file.
static enum gen5_status refuse_magic(const uint8_t *bytes, size_t size, struct gen5_error *error) {
    static const char zip_magic[] = "PK\x03\x04";
    if (size == 0) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, 0, "the file is empty");
    }
    if (size >= sizeof zip_magic - 1 && memcmp(bytes, zip_magic, sizeof zip_magic - 1) == 0) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, 0,
                              "a zip archive (such as .npz and .pt files are), not a .npy file: "
                              "write one array with numpy.save");
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, 0,
                          "not a .npy file: it does not start with \\x93NUMPY");
}

// Where the header's text stands in the file.
struct text_place {
    uint64_t offset;
    uint32_t size;
};

static enum gen5_status read_prefix(const struct gen5_source *source, struct text_place *place,
                                    struct gen5_error *error) {
    uint8_t prefix[VERSION_2_TEXT_OFFSET];
    size_t size = (size_t)gen5_size_smaller(source->size, sizeof prefix);
    enum gen5_status status = gen5_source_read(source, 0, prefix, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (size < MAGIC_SIZE || memcmp(prefix, npy_magic, MAGIC_SIZE) != 0) {
        return refuse_magic(prefix, size, error);
    }
    struct gen5_cursor cursor = gen5_cursor_start(prefix + MAGIC_SIZE, size - MAGIC_SIZE);
    unsigned major = gen5_cursor_u8(&cursor);
    unsigned minor = gen5_cursor_u8(&cursor);
    if (!cursor.overrun && (major < 1 || major > 3 || minor != 0)) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, MAGIC_SIZE,
                              "version %u.%u of the .npy format is not known, 1.0, 2.0 and 3.0 are",
                              major, minor);
    }
    place->offset = major == 1 ? VERSION_1_TEXT_OFFSET : VERSION_2_TEXT_OFFSET;
    place->size = major == 1 ? gen5_cursor_u16(&cursor) : gen5_cursor_u32(&cursor);
    if (!cursor.overrun && place->size > TEXT_SIZE_MAX) {
        return gen5_error_set(
            error, GEN5_ERROR_INVALID, LENGTH_OFFSET,
            "the .npy header says that it has %u bytes, more than %d are not read", place->size,
            TEXT_SIZE_MAX);
    }
    if (cursor.overrun || !gen5_size_lies_within(place->offset, place->size, source->size)) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)source->size,
                              "the file ends within the .npy header, after %llu bytes",
                              (unsigned long long)source->size);
    }
    return GEN5_OK;
}

static enum gen5_status parse_text(const char *text, const struct text_place *place,
                                   struct dictionary *dictionary, struct gen5_error *error) {
    struct gen5_npy_literal literal = gen5_npy_literal_start(text, place->size);
    read_dictionary(&literal, dictionary);
    if (literal.fault == NULL) {
        return GEN5_OK;
    }
    uint64_t offset = place->offset + literal.at;
    return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)offset,
                          "the .npy header is not understood at byte %llu: %s",
                          (unsigned long long)offset, literal.fault);
}

static enum gen5_status open_npy(const struct gen5_source *source, const struct gen5_limits *limits,
                                 struct gen5_npy *npy, struct gen5_error *error) {
    struct text_place place = {.offset = 0, .size = 0};
    enum gen5_status status = read_prefix(source, &place, error);
    if (status != GEN5_OK) {
        return status;
    }
    GEN5_AUTO_FREE char *text = malloc((size_t)place.size + 1);
    if (text == NULL) {
        return gen5_error_set_memory(error);
    }
    status = gen5_source_read(source, place.offset, text, place.size, error);
    struct dictionary dictionary = {.rank = 0};
    if (status == GEN5_OK) {
        status = parse_text(text, &place, &dictionary, error);
    }
    if (status == GEN5_OK) {
        status = check_dtype(&dictionary, npy, error);
    }
    if (status == GEN5_OK) {
        status = check_shape(&dictionary, limits, npy, error);
    }
    npy->data_offset = place.offset + place.size;
    return status == GEN5_OK ? check_size(source, npy, error) : status;
}

enum gen5_status gen5_npy_open(const struct gen5_source *source, const struct gen5_limits *limits,
                               struct gen5_npy *npy, struct gen5_error *error) {
    struct gen5_npy result = {.dtype = GEN5_DTYPE_NONE};
    enum gen5_status status = open_npy(source, limits, &result, error);
    if (status == GEN5_OK) {
        *npy = result;
    }
    return status;
}
