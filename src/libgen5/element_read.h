// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The elements of a latent's payload, turned into floats piece by piece. Private to libgen5.
#ifndef GEN5_ELEMENT_READ_H
#define GEN5_ELEMENT_READ_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/latent.h"
#include "payload_reader.h"

// An IEEE 754 binary16 in the bits of `half`; every one of them has a float of the same value.
float gen5_half_to_float(uint16_t half);

// As many as are read at a time: half of a payload's piece, so that float16 fills one.
enum { GEN5_ELEMENTS_AT_ONCE = GEN5_PAYLOAD_PIECE_SIZE / 4 };

struct gen5_element_reader {
    struct gen5_payload_reader *payload;
    enum gen5_dtype dtype;
    uint64_t left; // elements that have not been read
    uint8_t bytes[GEN5_PAYLOAD_PIECE_SIZE];
};

// Begin to read, with the SHA-256 checked: new memory, which gen5_element_reader_free frees.
// GEN5_ERROR_DAMAGED where the record is no latent's.
enum gen5_status gen5_element_reader_new(const struct gen5_latent *latent,
                                         struct gen5_element_reader **reader,
                                         struct gen5_error *error);

// Read the next elements, at most GEN5_ELEMENTS_AT_ONCE: *count is 0 behind the last one, once the
// payload has proved right.
enum gen5_status gen5_element_reader_next(struct gen5_element_reader *reader, float *elements,
                                          size_t *count, struct gen5_error *error);
// NULL is allowed.
void gen5_element_reader_free(struct gen5_element_reader *reader);

#endif
