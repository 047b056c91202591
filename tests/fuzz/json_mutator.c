// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// libFuzzer's mutator for targets whose input is JSON, or several texts with a NUL between them.
#include "json_mutation.h"

#include <string.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed);

// One of the texts: where it begins and ends.
static size_t pick_text(const uint8_t *data, size_t size, struct chance *chance, size_t *end) {
    size_t begin = 0, picked = 0, count = 0;
    *end = size;
    for (size_t at = 0; at <= size; at++) {
        if (at == size || data[at] == '\0') {
            if (chance_below(chance, ++count) == 0) {
                picked = begin;
                *end = at;
            }
            begin = at + 1;
        }
    }
    return picked;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed) {
    static char text[1 << 20];
    struct chance chance = chance_from(seed);
    size_t end;
    size_t begin = pick_text(data, size, &chance, &end);
    size_t room = size_max - size + (end - begin);
    if (chance_below(&chance, 4) == 0 || room > sizeof text || room == 0) {
        return LLVMFuzzerMutate(data, size, size_max);
    }
    memcpy(text, data + begin, end - begin);
    size_t mutated = mutate_json(text, end - begin, room, &chance);
    memmove(data + begin + mutated, data + end, size - end);
    memcpy(data + begin, text, mutated);
    return size - (end - begin) + mutated;
}
