// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The values of two metadata documents, path by path.
#ifndef GEN5FS_CLI_COMPARED_SETTINGS_H
#define GEN5FS_CLI_COMPARED_SETTINGS_H

#include "comparison.h"

// Find the values that differ, in the order of the first document, then those that the second one
// alone has. What is computed, and what the latents are compared by, is left aside.
// GEN5_ERROR_MEMORY alone.
enum gen5_status compared_settings_find(struct comparison *comparison, struct gen5_error *error);

#endif
