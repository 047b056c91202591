// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The containers of one source folder in the two orders that programs go through them in: as the
// folder lists them (find, tar), and by name (a shell's pattern, a sorted list). By name means by
// bytes.
#ifndef GEN5FS_FOLDER_ORDER_H
#define GEN5FS_FOLDER_ORDER_H

#include <stdbool.h>
#include <stddef.h>

struct filesystem;
struct node;

enum { ORDER_BY_NAME, ORDER_LISTED, ORDER_COUNT };

// All zero is the order of no containers.
struct folder_order {
    char *text; // the names as they are listed, each ended by a NUL
    const char **names[ORDER_COUNT];
    size_t count;
};

// Read a folder whose descriptor is held. 0 or an errno; E2BIG where the names are more than 2 MiB.
// With its tables, an order takes 8 MiB at the most.
int folder_order_read(struct filesystem *filesystem, const struct node *folder,
                      struct folder_order *order);
// The places of a container, one for each order. false where the folder had none of this name.
bool folder_order_find(const struct folder_order *order, const char *name,
                       size_t places[ORDER_COUNT]);
void folder_order_release(struct folder_order *order);

#endif
