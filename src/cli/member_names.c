// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which files stand for members.
#include "member_names.h"

#include <string.h>

#include "gen5/image.h"

bool member_name_is_image(const char *name) {
    size_t prefix = strlen(MEMBER_IMAGE_PREFIX);
    if (strncmp(name, MEMBER_IMAGE_PREFIX, prefix) != 0) {
        return false;
    }
    // "image.jpeg" is none: one kind has one name.
    enum gen5_image_kind kind = gen5_image_kind_from_extension(name + prefix);
    return strcmp(name + prefix, gen5_image_kind_extension(kind)) == 0;
}

bool member_name_is_any(const char *name) {
    return member_name_is_image(name) || strcmp(name, MEMBER_LATENT) == 0 ||
           strcmp(name, MEMBER_METADATA) == 0 || strcmp(name, MEMBER_ENVIRONMENT) == 0;
}

bool member_name_is_latent(const char *name) {
    size_t length = strlen(name);
    size_t suffix = strlen(MEMBER_LATENT_SUFFIX);
    return name[0] != '.' && length > suffix &&
           strcmp(name + length - suffix, MEMBER_LATENT_SUFFIX) == 0;
}
