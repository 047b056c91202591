// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What a container's members are called as files (DESIGN.md 2.1), in a mount as in a folder that
// gen5fs unpack made.
#ifndef GEN5FS_CLI_MEMBER_NAMES_H
#define GEN5FS_CLI_MEMBER_NAMES_H

#include <stdbool.h>

#define MEMBER_IMAGE_PREFIX "image." // and the extension of its kind (gen5/image.h)
#define MEMBER_LATENT "latent.npy"   // the first latent
#define MEMBER_LATENTS "latents"     // a folder of all, where there are two or more
#define MEMBER_LATENT_KEY "latent"   // of a latent.npy whose key nothing else tells
#define MEMBER_LATENT_SUFFIX ".npy"  // behind the key (gen5/latent_name.h)
#define MEMBER_METADATA "metadata.json"
#define MEMBER_ENVIRONMENT "env.json"

// Whether a file of this name, beside the others, stands for the image.
bool member_name_is_image(const char *name);
// Whether it stands for any member at all; in the folder of latents, for a latent.
bool member_name_is_any(const char *name);
bool member_name_is_latent(const char *name);

#endif
