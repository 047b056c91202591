// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Listing folders of all kinds. Nothing is kept from request to request: a position is a cookie,
// that of the source's own folder or that of the container's listing.
//
// "Plus" listings give the kernel a node with every entry, which it counts as a look-up of each.
#ifndef GEN5FS_LISTING_H
#define GEN5FS_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "filesystem.h"

struct fuse_req;

struct listing {
    struct fuse_req *request;
    bool plus;
    char *bytes; // as the kernel wants them; `used` of `size`
    size_t size;
    size_t used;
    struct node **given; // the nodes in it, each counted once as known to the kernel
    size_t given_count;
    size_t given_max;
};

// As many entries after the position `offset` as fit into `size` bytes. 0 or an errno; release it
// always.
int listing_read(struct filesystem *filesystem, struct node *folder, off_t offset,
                 struct listing *listing);
int listing_init(struct listing *listing, struct fuse_req *request, size_t size, bool plus);
void listing_release(struct listing *listing);
// The kernel did not take it: its nodes are not known after all.
void listing_take_back(struct filesystem *filesystem, struct listing *listing);

#endif
