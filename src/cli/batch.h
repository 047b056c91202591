// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Many things, each of which becomes another below a folder: side by side on all processors, with a
// bar on a terminal, with complaints in the order of what was given. One that fails keeps none of
// the others from being done; a signal ends it between two of them (interruption.h).
#ifndef GEN5FS_CLI_BATCH_H
#define GEN5FS_CLI_BATCH_H

#include <stdbool.h>

#include "complaint_list.h"
#include "container_list.h"

struct batch {
    const char *command;      // for messages, "unpack"
    enum container_form form; // of what is looked for
    // Makes `target` of the thing at `path`. Called by several threads at once. True where nothing
    // went wrong; else that was complained about.
    bool (*make)(void *context, const char *path, const char *target,
                 struct complaint_list *complaints);
    void *context;
};

// What is given itself goes to FOLDER/NAME, what is found below it to the same place below FOLDER,
// which is created where it is missing. Of two that would go to one place the second is left out.
// Returns COMMAND_DONE, or COMMAND_FAILED where anything went wrong.
int batch_do(const struct batch *batch, char *const *paths, const char *folder);

#endif
