// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The elements of a .npy file: checked, and converted to a payload's form.
#include "gen5/npy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "file_write.h"
#include "ownership.h"
#include "size_arithmetic.h"

enum {
    BLOCK_SIZE = 256 * 1024, // read at a time
    // Fortran order is turned around in pieces of this many bytes of the result.
    TRANSPOSITION_SIZE_MAX = 32 * 1024 * 1024,
    BATCH = 0, // the four dimensions
    CHANNEL = 1,
    ROW = 2,
    COLUMN = 3,
};

// A piece of the elements, as they are in the file.
union block {
    uint8_t bytes[BLOCK_SIZE];
    uint16_t half[BLOCK_SIZE / sizeof(uint16_t)];
    uint32_t single[BLOCK_SIZE / sizeof(uint32_t)];
};

static bool is_swapped(const struct gen5_npy *npy) {
    return npy->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

static void swap_half(union block *block) {
    for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint16_t); i++) {
        block->half[i] = __builtin_bswap16(block->half[i]);
    }
}

static void swap_single(union block *block) {
    for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint32_t); i++) {
        block->single[i] = __builtin_bswap32(block->single[i]);
    }
}

static void swap_block(const struct gen5_npy *npy, union block *block) {
    if (npy->dtype == GEN5_DTYPE_FLOAT16) {
        swap_half(block);
    } else {
        swap_single(block);
    }
}

// Read the piece that starts `offset` bytes into the data; the rest of the block is zeros.
static enum gen5_status read_block(const struct gen5_source *source, const struct gen5_npy *npy,
                                   uint64_t offset, union block *block, size_t *size,
                                   struct gen5_error *error) {
    *size = (size_t)gen5_size_smaller(npy->data_size - offset, BLOCK_SIZE);
    memset(block->bytes + *size, 0, BLOCK_SIZE - *size);
    return gen5_source_read(source, npy->data_offset + offset, block->bytes, *size, error);
}

// --- NaN and infinities -------------------------------------------------------------------------

// IEEE 754: a number is neither finite nor zero exactly where all bits of the exponent are set.
enum { HALF_EXPONENT = 0x7c00, SINGLE_EXPONENT = 0x7f800000 };

// The loops run over whole blocks and look at the result at the end: compilers vectorise that, and
// an array of a file has not one bad element in a million.
static bool half_has_bad(const union block *block, uint16_t exponent) {
    uint16_t bad = 0;
    for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint16_t); i++) {
        bad |= (uint16_t)((block->half[i] & exponent) == exponent);
    }
    return bad != 0;
}

static bool single_has_bad(const union block *block, uint32_t exponent) {
    uint32_t bad = 0;
    for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint32_t); i++) {
        bad |= (uint32_t)((block->single[i] & exponent) == exponent);
    }
    return bad != 0;
}

static bool block_has_bad(const struct gen5_npy *npy, const union block *block) {
    if (npy->dtype == GEN5_DTYPE_FLOAT16) {
        uint16_t exponent = HALF_EXPONENT;
        return half_has_bad(block, is_swapped(npy) ? __builtin_bswap16(exponent) : exponent);
    }
    uint32_t exponent = SINGLE_EXPONENT;
    return single_has_bad(block, is_swapped(npy) ? __builtin_bswap32(exponent) : exponent);
}

// The bits of an element of a block in the machine's own order, its sign removed.
static uint32_t magnitude_of(const struct gen5_npy *npy, const union block *block, size_t index) {
    if (npy->dtype == GEN5_DTYPE_FLOAT16) {
        uint16_t half = block->half[index];
        return (is_swapped(npy) ? __builtin_bswap16(half) : half) & 0x7fff;
    }
    uint32_t single = block->single[index];
    return (is_swapped(npy) ? __builtin_bswap32(single) : single) & 0x7fffffff;
}

// Say which element it is by numpy's index, whatever the order in the file.
static enum gen5_status refuse_element(const struct gen5_npy *npy, uint64_t position, bool is_nan,
                                       struct gen5_error *error) {
    uint64_t index[COLUMN + 1];
    uint64_t rest = position;
    for (size_t i = 0; i <= COLUMN; i++) {
        size_t axis = npy->fortran_order ? i : COLUMN - i;
        index[axis] = rest % npy->shape[axis];
        rest /= npy->shape[axis];
    }
    uint64_t offset = npy->data_offset + position * gen5_dtype_size(npy->dtype);
    return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)offset,
                          "%s at index (%llu, %llu, %llu, %llu): a latent must be finite",
                          is_nan ? "NaN" : "an infinity", (unsigned long long)index[BATCH],
                          (unsigned long long)index[CHANNEL], (unsigned long long)index[ROW],
                          (unsigned long long)index[COLUMN]);
}

static enum gen5_status refuse_block(const struct gen5_npy *npy, const union block *block,
                                     uint64_t offset, struct gen5_error *error) {
    uint32_t exponent =
        npy->dtype == GEN5_DTYPE_FLOAT16 ? (uint32_t)HALF_EXPONENT : (uint32_t)SINGLE_EXPONENT;
    size_t index = 0;
    while ((magnitude_of(npy, block, index) & exponent) != exponent) {
        index++;
    }
    bool is_nan = magnitude_of(npy, block, index) != exponent;
    return refuse_element(npy, offset / gen5_dtype_size(npy->dtype) + index, is_nan, error);
}

enum gen5_status gen5_npy_check_values(const struct gen5_source *source, const struct gen5_npy *npy,
                                       struct gen5_error *error) {
    GEN5_AUTO_FREE union block *block = malloc(sizeof *block);
    if (block == NULL) {
        return gen5_error_set_memory(error);
    }
    for (uint64_t offset = 0; offset < npy->data_size; offset += BLOCK_SIZE) {
        size_t size;
        enum gen5_status status = read_block(source, npy, offset, block, &size, error);
        if (status != GEN5_OK) {
            return status;
        }
        if (block_has_bad(npy, block)) {
            return refuse_block(npy, block, offset, error);
        }
    }
    return GEN5_OK;
}

// --- Conversion ---------------------------------------------------------------------------------

bool gen5_npy_is_payload(const struct gen5_npy *npy) {
    return !npy->big_endian && !npy->fortran_order;
}

static enum gen5_status convert_byte_order(const struct gen5_source *source,
                                           const struct gen5_npy *npy, int fd_out,
                                           struct gen5_error *error) {
    GEN5_AUTO_FREE union block *block = malloc(sizeof *block);
    if (block == NULL) {
        return gen5_error_set_memory(error);
    }
    for (uint64_t offset = 0; offset < npy->data_size; offset += BLOCK_SIZE) {
        size_t size;
        enum gen5_status status = read_block(source, npy, offset, block, &size, error);
        if (status == GEN5_OK) {
            swap_block(npy, block);
            status = gen5_file_write(fd_out, offset, block->bytes, size, error);
        }
        if (status != GEN5_OK) {
            return status;
        }
    }
    return GEN5_OK;
}

// Fortran order has the batch index vary fastest and the column slowest, C order the other way
// round. The result is made piece by piece: the whole source is read for each piece, and the
// elements that belong to it are dropped in their places. A latent of a usual size is one piece;
// 400 MB take 13 readings, most of them from the page cache, and never more memory than a piece and
// a block.
struct transposition {
    const struct gen5_npy *npy;
    size_t element_size;
    // Of the element that comes next in the source: its indices, and its line in the result, which
    // is (batch * channels + channel) * rows + row.
    uint64_t index[COLUMN + 1];
    uint64_t line;
    // The piece of the result that is being made: lines of `columns` elements.
    uint64_t first_line;
    uint64_t line_count;
    uint8_t *piece;
};

// Go to the next element in Fortran order.
static void transposition_step(struct transposition *at) {
    const uint64_t *shape = at->npy->shape;
    at->line += shape[CHANNEL] * shape[ROW];
    if (++at->index[BATCH] < shape[BATCH]) {
        return;
    }
    at->index[BATCH] = 0;
    if (++at->index[CHANNEL] == shape[CHANNEL]) {
        at->index[CHANNEL] = 0;
        if (++at->index[ROW] == shape[ROW]) {
            at->index[ROW] = 0;
            at->index[COLUMN]++;
        }
    }
    at->line = at->index[CHANNEL] * shape[ROW] + at->index[ROW];
}

static void transposition_scatter(struct transposition *at, const union block *block,
                                  size_t count) {
    for (size_t i = 0; i < count; i++) {
        // Lines before the piece wrap around to large numbers.
        uint64_t line = at->line - at->first_line;
        if (line < at->line_count) {
            uint64_t place = line * at->npy->shape[COLUMN] + at->index[COLUMN];
            if (at->element_size == sizeof(uint16_t)) {
                memcpy(at->piece + place * sizeof(uint16_t), &block->half[i], sizeof(uint16_t));
            } else {
                memcpy(at->piece + place * sizeof(uint32_t), &block->single[i], sizeof(uint32_t));
            }
        }
        transposition_step(at);
    }
}

// Make one piece from the whole source.
static enum gen5_status transposition_fill(struct transposition *at,
                                           const struct gen5_source *source, union block *block,
                                           struct gen5_error *error) {
    memset(at->index, 0, sizeof at->index);
    at->line = 0;
    for (uint64_t offset = 0; offset < at->npy->data_size; offset += BLOCK_SIZE) {
        size_t size;
        enum gen5_status status = read_block(source, at->npy, offset, block, &size, error);
        if (status != GEN5_OK) {
            return status;
        }
        if (at->npy->big_endian) {
            swap_block(at->npy, block);
        }
        transposition_scatter(at, block, size / at->element_size);
    }
    return GEN5_OK;
}

static enum gen5_status convert_order(const struct gen5_source *source, const struct gen5_npy *npy,
                                      int fd_out, struct gen5_error *error) {
    const uint64_t *shape = npy->shape;
    uint64_t lines = shape[BATCH] * shape[CHANNEL] * shape[ROW];
    uint64_t line_size = npy->data_size / lines;
    uint64_t lines_at_once = TRANSPOSITION_SIZE_MAX / line_size;
    // A line of 8192 elements always fits; limits that allow longer ones pay with memory.
    lines_at_once = gen5_size_smaller(lines_at_once > 0 ? lines_at_once : 1, lines);

    GEN5_AUTO_FREE union block *block = malloc(sizeof *block);
    GEN5_AUTO_FREE uint8_t *piece = malloc((size_t)(lines_at_once * line_size));
    if (block == NULL || piece == NULL) {
        return gen5_error_set_memory(error);
    }
    struct transposition at = {
        .npy = npy, .element_size = gen5_dtype_size(npy->dtype), .piece = piece};
    for (uint64_t line = 0; line < lines; line += lines_at_once) {
        at.first_line = line;
        at.line_count = gen5_size_smaller(lines_at_once, lines - line);
        enum gen5_status status = transposition_fill(&at, source, block, error);
        if (status == GEN5_OK) {
            status = gen5_file_write(fd_out, line * line_size, piece,
                                     (size_t)(at.line_count * line_size), error);
        }
        if (status != GEN5_OK) {
            return status;
        }
    }
    return GEN5_OK;
}

enum gen5_status gen5_npy_convert(const struct gen5_source *source, const struct gen5_npy *npy,
                                  int fd_out, struct gen5_error *error) {
    assert(npy->rank == COLUMN + 1);
    if (npy->fortran_order) {
        return convert_order(source, npy, fd_out, error);
    }
    if (npy->big_endian) {
        return convert_byte_order(source, npy, fd_out, error);
    }
    struct gen5_source data = gen5_source_window(source, npy->data_offset, npy->data_size);
    return gen5_source_copy(&data, fd_out, 0, error);
}
