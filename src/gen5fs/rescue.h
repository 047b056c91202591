// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Keeping what could not be committed (DESIGN.md 2.2 rule 4): SOURCE/.gen5fs/rescued/CONTAINER/
// holds STAMP-NAME and STAMP-NAME.reason, one line of why.
#ifndef GEN5FS_RESCUE_H
#define GEN5FS_RESCUE_H

#include <stdio.h>

struct filesystem;

// Keep the content of `fd` (a draft, open for reading; it is linked where it is an unnamed file of
// the source's own file system, else copied) under the container's path `container` (relative to
// the source) and the member's name, in which '/' becomes '_'. The file keeps its owner and mode,
// but what belongs to the daemon's root goes to the owner of the source folder, like the folders
// made for it. Logs where it is. Where the source cannot take it, it is kept in TMPDIR or /var/tmp,
// in gen5fs-rescued-UID/. 0 or errno; on failure the log says so and the bytes are only in `fd`.
int rescue_draft(struct filesystem *filesystem, const char *container, const char *name, int fd,
                 const char *reason);

// A line "rescued: PATH: REASON" for each rescued file, those of earlier mounts included. The path
// is relative to the source.
void rescue_report(struct filesystem *filesystem, FILE *out);

#endif
