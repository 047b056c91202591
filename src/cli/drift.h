// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// How environments differ, shown with the reference's three kinds of finding.
#ifndef GEN5FS_CLI_DRIFT_H
#define GEN5FS_CLI_DRIFT_H

#include "gen5/environment.h"
#include "json_output.h"

// Where the two environments were found: in words, "current system", and as a name in JSON.
struct drift_sides {
    const char *first;
    const char *second;
    const char *first_name;
    const char *second_name;
};

// "torch differs: name=torch;... in file, name=torch;... in current system", "gpu missing in file:
// name=gpu;..." on standard output, without an end of the line.
void drift_print(const struct gen5_drift *drift, const struct drift_sides *sides);

// An object: component_id, kind ("differs", "missing in current system", "missing in file"), and
// what each side has under its name, null where it has nothing.
void drift_put(struct json_output *json, const struct gen5_drift *drift,
               const struct drift_sides *sides);

#endif
