// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Any bytes as a latent's key, and as a file name. A key's name is a file name, and leads back to
// the key unless it was cut; a name that leads to a key is that key's name.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/latent_name.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_key(const char *key, size_t key_length) {
    char name[GEN5_LATENT_NAME_SIZE_MAX + 1];
    size_t length = gen5_latent_name_from_key(key, key_length, name);
    require(length > 4 && length == strlen(name) && length <= GEN5_LATENT_NAME_SIZE_MAX);
    require(strchr(name, '/') == NULL && strcmp(name + length - 4, ".npy") == 0);
    for (size_t i = 0; i < length; i++) {
        require((uint8_t)name[i] >= 0x20 && name[i] != 0x7f);
    }
    char *found = NULL;
    size_t found_length = 0;
    if (gen5_latent_name_to_key(name, &found, &found_length, NULL) == GEN5_OK) {
        require(found_length == key_length && memcmp(found, key, key_length) == 0);
    } else {
        require(key_length * 3 > GEN5_LATENT_NAME_SIZE_MAX - 4);
    }
    free(found);
}

static void try_name(const char *name) {
    char *key = NULL;
    size_t key_length = 0;
    char again[GEN5_LATENT_NAME_SIZE_MAX + 1];
    if (gen5_latent_name_to_key(name, &key, &key_length, NULL) == GEN5_OK) {
        gen5_latent_name_from_key(key, key_length, again);
        require(strcmp(again, name) == 0);
    }
    free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    try_key(text, size);
    try_name(text);
    free(text);
    return 0;
}
