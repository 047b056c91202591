// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A value of the metadata as somebody types it: PATH=VALUE.
//
// PATH is one of gen5/document.h, from gen5_metadata: "model_info.prompt". VALUE is JSON where it
// can be read as such, else a string as it is; a string too where a string stands at the path
// already, so that no prompt needs quotes.
#ifndef GEN5FS_CLI_SETTING_H
#define GEN5FS_CLI_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "gen5/error.h"
#include "gen5/limits.h"

// Whether it has a "=" behind a path, which may have some in its quotes.
bool setting_is(const char *setting);

// Set the value in a manifest's text, which is new memory and becomes other.
// GEN5_ERROR_INVALID says why there is no place for it.
enum gen5_status setting_apply(const char *setting, const struct gen5_limits *limits, char **text,
                               size_t *size, struct gen5_error *error);

#endif
