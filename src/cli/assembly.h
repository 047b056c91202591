// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Making a container of files.
#ifndef GEN5FS_CLI_ASSEMBLY_H
#define GEN5FS_CLI_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>

#include "complaint_list.h"
#include "parts.h"

// How containers are to be made.
struct assembly {
    bool overwrite;              // a container that is there is replaced
    bool lenient;                // what a reader can read, a writer may write
    const char *const *settings; // setting.h, in the order in which they are applied
    size_t setting_count;
    bool environment_given;       // false: the environment is the one among the parts, if any
    const char *environment_text; // else this, or none where it is NULL
    size_t environment_size;
};

// Make the container `target` of the parts, whose latents are given their keys on the way. All of
// them are checked before anything is written, and the container appears when it is whole. False,
// with complaints, where it does not. When a signal came (interruption.h), there is no container
// and no complaint.
bool assembly_make(const struct assembly *assembly, struct parts *parts, const char *target,
                   struct complaint_list *complaints);

#endif
