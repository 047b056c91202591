// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Living within the limit of open files. A node of the source holds a descriptor for as long as the
// kernel remembers it, and the kernel remembers as many as it has memory for. Past half of the
// limit, files that are looked up are noted, and those that were noted first are taken out of the
// kernel's memory of names again; what is open, or a folder, stays.
#ifndef GEN5FS_DESCRIPTORS_H
#define GEN5FS_DESCRIPTORS_H

#include <stdbool.h>

struct filesystem;
struct node;

// Whether half of what the process may open is in use by nodes of the source.
bool descriptors_are_scarce(struct filesystem *filesystem);

// Whether the limit is one that leaves a quarter for descriptors that are kept in case they are
// needed. Asking for one more of these; what was granted is given back.
bool descriptors_may_be_granted(void);
bool descriptors_grant(struct filesystem *filesystem);
void descriptors_give_back(struct filesystem *filesystem);

// A name was looked up, and the kernel is about to remember it.
void descriptors_note(struct filesystem *filesystem, struct node *folder, const char *name,
                      const struct node *node);

// Forget what was noted. At the end, before the node table is released.
void descriptors_release(struct filesystem *filesystem);

#endif
