// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The files that a container is to be made of.
#ifndef GEN5FS_CLI_PARTS_H
#define GEN5FS_CLI_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "complaint_list.h"
#include "gen5/image.h"
#include "gen5/manifest.h"

struct latent_part {
    char *path;
    char *key; // ended by a NUL that is not counted; NULL until it is found by the file's name
    size_t key_length;
    bool first;   // called latent.npy, which says that it is the first, and not its key
    bool hidden;  // a program's temporary, unless the metadata has the key that it is called by
    size_t place; // of parts_find_keys
};

struct parts {
    char *image;                     // paths; NULL where there is none
    enum gen5_image_kind image_kind; // what its name promises
    struct latent_part *latents;
    size_t latent_count;
    char *metadata;
    char *environment;
};

// Each takes copies. False or NULL where there is no memory.
bool parts_set(char **part, const char *path);
// A latent of which nothing but its path is known, for the caller to say more.
struct latent_part *parts_add_latent(struct parts *parts, const char *path);
void parts_release(struct parts *parts);

// Find the members in a folder that gen5fs unpack made, or that looks like one. Those that `parts`
// has already are kept. Files that are no members are complained about, hidden ones aside. False,
// with a complaint, where the folder cannot be read, has two images or no member at all.
bool parts_find(struct parts *parts, const char *folder, struct complaint_list *complaints);

// Give each latent its key, and bring them into their order. `manifest` is that of the metadata,
// NULL where there is none: the first latent's key is the first of its keys, a file's name stands
// for the key that has it (gen5/latent_name.h), and the order of its keys is kept. Without one, the
// first latent is the one of those with keys whose content it has, or its key is "latent". False,
// with a complaint, where a name stands for no key or two files are one latent.
bool parts_find_keys(struct parts *parts, const struct gen5_manifest *manifest,
                     struct complaint_list *complaints);

#endif
