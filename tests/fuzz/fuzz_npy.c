// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Any bytes as a .npy file: opened, its values checked, converted. What opens must convert to as
// many bytes as it says it has.
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen5/npy.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    if (gen5_npy_is_payload(&npy)) {
        return 0;
    }
    int fd = memfd_create("payload", MFD_CLOEXEC);
    struct stat attributes;
    require(gen5_npy_convert(&source, &npy, fd, &error) == GEN5_OK);
    require(fstat(fd, &attributes) == 0 && (uint64_t)attributes.st_size == npy.data_size);
    close(fd);
    return 0;
}
