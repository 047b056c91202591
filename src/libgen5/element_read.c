// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Little-endian float16 and float32 to floats.
#include "element_read.h"

#include <stdlib.h>
#include <string.h>

#include "size_arithmetic.h"

// IEEE 754: binary16 has 5 bits of exponent and 10 of fraction, binary32 has 8 and 23.
enum {
    HALF_FRACTION_MASK = 0x3ff,
    HALF_EXPONENT_MASK = 0x1f,
    FRACTION_SHIFT = 23 - 10,
    EXPONENT_DIFFERENCE = 127 - 15,
    SINGLE_EXPONENT_ALL = 0xff,
};

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float gen5_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & HALF_EXPONENT_MASK;
    uint32_t fraction = half & HALF_FRACTION_MASK;
    if (exponent == 0) {
        // Zeros and subnormal numbers: the fraction counts units of 2^-24.
        float magnitude = (float)fraction * 0x1p-24F;
        return sign != 0 ? -magnitude : magnitude;
    }
    exponent =
        exponent == HALF_EXPONENT_MASK ? SINGLE_EXPONENT_ALL : exponent + EXPONENT_DIFFERENCE;
    return float_of_bits(sign | exponent << 23 | fraction << FRACTION_SHIFT);
}

static void convert_half(const uint8_t *bytes, size_t count, float *elements) {
    for (size_t i = 0; i < count; i++) {
        elements[i] = gen5_half_to_float((uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8));
    }
}

static void convert_single(const uint8_t *bytes, size_t count, float *elements) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = bytes + 4 * i;
        elements[i] = float_of_bits((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                                    (uint32_t)at[3] << 24);
    }
}

enum gen5_status gen5_element_reader_new(const struct gen5_latent *latent,
                                         struct gen5_element_reader **reader,
                                         struct gen5_error *error) {
    const struct gen5_record *record = latent->record;
    struct gen5_element_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status =
        gen5_payload_reader_new(latent->container, record, GEN5_VERIFY, &made->payload, error);
    if (status == GEN5_OK && record->dtype == GEN5_DTYPE_NONE) {
        status = gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)record->offset,
                                "its elements are no numbers");
    }
    if (status != GEN5_OK) {
        gen5_element_reader_free(made);
        return status;
    }
    made->dtype = record->dtype;
    made->left = record->payload_size / gen5_dtype_size(record->dtype);
    *reader = made;
    return GEN5_OK;
}

enum gen5_status gen5_element_reader_next(struct gen5_element_reader *reader, float *elements,
                                          size_t *count, struct gen5_error *error) {
    *count = (size_t)gen5_size_smaller(reader->left, GEN5_ELEMENTS_AT_ONCE);
    if (*count == 0) {
        return gen5_payload_reader_finish(reader->payload, error);
    }
    size_t size = *count * gen5_dtype_size(reader->dtype);
    enum gen5_status status = gen5_payload_reader_read(reader->payload, reader->bytes, size, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (reader->dtype == GEN5_DTYPE_FLOAT16) {
        convert_half(reader->bytes, *count, elements);
    } else {
        convert_single(reader->bytes, *count, elements);
    }
    reader->left -= *count;
    return GEN5_OK;
}

void gen5_element_reader_free(struct gen5_element_reader *reader) {
    if (reader != NULL) {
        gen5_payload_reader_free(reader->payload);
        free(reader);
    }
}
