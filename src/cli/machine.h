// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What this machine's environment record says (FORMAT.md "The environment").
#ifndef GEN5FS_CLI_MACHINE_H
#define GEN5FS_CLI_MACHINE_H

#include <stdbool.h>

#include "gen5/environment.h"

#define MACHINE_PYTHON "python3"

// Torch, numpy and Python are those of the interpreter `python`, a path or a name in PATH; nothing
// of them is imported. The components come in the reference's order. Packages that are not
// installed have none, which is complained about. False, with a complaint, where the interpreter
// cannot be run. The caller releases the environment.
bool machine_environment(const char *python, struct gen5_environment *environment);

#endif
