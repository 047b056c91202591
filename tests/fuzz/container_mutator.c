// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// libFuzzer's mutator for targets whose input is a container.
#include "container_mutation.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed) {
    struct chance chance = chance_from(seed);
    return mutate_container(data, size, size_max, &chance);
}
