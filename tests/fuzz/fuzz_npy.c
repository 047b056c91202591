// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Any bytes as a .npy file: opened, its values checked, converted. What opens converts to as many
// bytes as it says it has, each element where C order has it.
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen5/npy.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// An empty file in memory, the same one each time.
static int empty_file(void) {
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("payload", MFD_CLOEXEC);
    }
    require(fd >= 0 && ftruncate(fd, 0) == 0);
    return fd;
}

// Where the file has the element that C order has at `index`.
static uint64_t index_in_file(const struct gen5_npy *npy, uint64_t index) {
    uint64_t in_file = 0, stride = npy->data_size / gen5_dtype_size(npy->dtype);
    if (!npy->fortran_order) {
        return index;
    }
    for (uint32_t i = npy->rank; i > 0; i--) {
        stride /= npy->shape[i - 1];
        in_file += index % npy->shape[i - 1] * stride;
        index /= npy->shape[i - 1];
    }
    return in_file;
}

static void check_converted(const struct gen5_npy *npy, const uint8_t *elements,
                            const uint8_t *converted) {
    size_t size = gen5_dtype_size(npy->dtype);
    for (uint64_t i = 0; i < npy->data_size / size; i++) {
        const uint8_t *from = elements + index_in_file(npy, i) * size;
        for (size_t byte = 0; byte < size; byte++) {
            require(converted[i * size + byte] == from[npy->big_endian ? size - 1 - byte : byte]);
        }
    }
}

static void check_conversion(const struct gen5_source *source, const struct gen5_npy *npy,
                             const uint8_t *data) {
    struct gen5_error error = GEN5_ERROR_NONE;
    struct stat attributes;
    int fd = empty_file();
    require(gen5_npy_convert(source, npy, fd, &error) == GEN5_OK);
    require(fstat(fd, &attributes) == 0 && (uint64_t)attributes.st_size == npy->data_size);
    uint8_t *converted = malloc(npy->data_size + 1);
    require(converted != NULL);
    require(pread(fd, converted, npy->data_size, 0) == (ssize_t)npy->data_size);
    check_converted(npy, data + npy->data_offset, converted);
    free(converted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source = gen5_source_from_memory(data, size);
    struct gen5_error error = GEN5_ERROR_NONE;
    struct gen5_npy npy;
    if (gen5_npy_open(&source, &limits, &npy, &error) != GEN5_OK) {
        require(error.status == GEN5_ERROR_INVALID && error.message[0] != '\0');
        return 0;
    }
    require(npy.rank == 4 && npy.data_offset + npy.data_size == size);
    enum gen5_status status = gen5_npy_check_values(&source, &npy, &error);
    require(status == GEN5_OK || status == GEN5_ERROR_INVALID);
    require(gen5_npy_is_payload(&npy) == (!npy.big_endian && !npy.fortran_order));
    check_conversion(&source, &npy, data);
    return 0;
}
