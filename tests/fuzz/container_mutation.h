// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Mutations of containers that reach what stands behind zstd and SHA-256: the manifest or a payload
// is unpacked, changed, and put back with the sizes and the digest that it has then.
#ifndef GEN5_FUZZ_CONTAINER_MUTATION_H
#define GEN5_FUZZ_CONTAINER_MUTATION_H

#include <stddef.h>
#include <stdint.h>

#include "chance.h"

// Change the container in its place, which has room for `size_max` bytes, and return its new size.
// Any bytes may be given: what is no container, or would not fit, is changed as mere bytes.
size_t mutate_container(uint8_t *bytes, size_t size, size_t size_max, struct chance *chance);

#endif
