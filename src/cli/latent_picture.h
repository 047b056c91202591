// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container's latent as a picture.
#ifndef GEN5FS_CLI_LATENT_PICTURE_H
#define GEN5FS_CLI_LATENT_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contact_sheet.h"
#include "container_file.h"

// What is wanted; zeros are what a person gets who asks for nothing.
struct latent_picture {
    const char *key;     // NULL: the first latent
    const char *factors; // of the look in colours: NULL for those that the model tells, or "none"
    bool rgb_alone;      // without the channels
    uint32_t scale;      // as of struct contact_sheet_plan
};

// False, with a complaint, where it cannot be drawn. The caller frees sheet->rgb.
bool latent_picture_draw(const struct latent_picture *wish, const struct container_file *file,
                         struct contact_sheet *sheet);

// The sheet as a PNG in new memory that the caller frees.
enum gen5_status latent_picture_png(const struct contact_sheet *sheet, char **bytes, size_t *size,
                                    struct gen5_error *error);

#endif
