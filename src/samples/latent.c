// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "latent.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "chance.h"

// The nearest half-precision number of a value that is 0 or within its normal range.
static uint16_t to_half(double value) {
    if (fabs(value) < 6.103515625e-05) {
        return 0;
    }
    int exponent;
    double fraction = frexp(fabs(value), &exponent); // 0.5 <= fraction < 1
    long bits = lrint(ldexp(fraction, 11));          // 1024 to 2048; the carry goes to the exponent
    long half = ((long)(exponent + 14) << 10) + bits - 1024;
    assert(half > 0 && half < 0x7c00);
    return (uint16_t)(half | (value < 0 ? 0x8000 : 0));
}

static void latent_append(struct bytes *npy, enum gen5_dtype dtype, double value) {
    if (dtype == GEN5_DTYPE_FLOAT16) {
        bytes_append_little_endian(npy, to_half(value), sizeof(uint16_t));
        return;
    }
    float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    bytes_append_little_endian(npy, bits, sizeof bits);
}

struct bytes make_latent(uint64_t seed, enum gen5_dtype dtype, const uint64_t shape[4],
                         double deviation) {
    struct bytes npy = {0};
    char header[GEN5_NPY_HEADER_SIZE_MAX];
    size_t header_size = gen5_npy_header_write(dtype, shape, 4, header);
    bytes_append(&npy, header, header_size);
    uint64_t state = seed;
    for (uint64_t i = 0; i < shape[0] * shape[1] * shape[2] * shape[3]; i++) {
        latent_append(&npy, dtype, deviation * random_normal(&state));
    }
    return npy;
}
