// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The containers that a command's paths stand for: what is given itself, whatever it is called, and
// in folders all below that is called *.gen5: files, or the folders that gen5fs unpack made of
// them.
#ifndef GEN5FS_CLI_CONTAINER_LIST_H
#define GEN5FS_CLI_CONTAINER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTAINER_SUFFIX ".gen5"

enum container_form {
    CONTAINER_FILES,
    // Of what is given itself, a folder that is called *.gen5 or has metadata.json in it. Nothing
    // is looked for inside of one.
    CONTAINER_FOLDERS,
};

struct listed_container {
    char *path; // as it was given, or below the folder that was
    size_t
        root; // how many of its bytes are that folder and the slash behind it; 0 where it is given
    uint64_t size; // of the file, or of all files in the folder, when it was found
};

struct container_list {
    struct listed_container *items; // in the order of the paths, and by name in folders
    size_t count;
    uint64_t size; // of all files together
    bool complete; // false where something could not be looked at, which was complained about
};

// Links in folders are not followed, the ones given are; gen5fs's own files and folders are passed
// over. A folder without containers is complained about, without the list being incomplete for it.
// `paths` ends in NULL. The caller releases the list.
void container_list_make(char *const *paths, enum container_form form, struct container_list *list);
void container_list_release(struct container_list *list);

// Whether a file is called *.gen5, and is none of gen5fs's own.
bool container_name_is(const char *name);

#endif
