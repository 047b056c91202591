// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The places that the stored latents of one container have in listings of their folder. They are in
// the container's order, and a latent keeps its place when others are removed, so that a listing
// that has begun goes on behind what it gave last. Protected by container.lock.
#ifndef GEN5FS_LATENT_ORDER_H
#define GEN5FS_LATENT_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/digest.h"

struct snapshot;

// All zero is the order of no latents.
struct latent_order {
    struct latent_place *places; // one for each of the snapshot's latents, growing
    size_t count;
    struct gen5_digest manifest; // of the snapshot
};

// Bring the places up to a snapshot of a readable container. 0 or ENOMEM.
int latent_order_follow(struct latent_order *order, const struct snapshot *snapshot);
// The place of the latent at `index` of those of the snapshot, and the first index whose place is
// `place` or behind it.
uint32_t latent_order_place(const struct latent_order *order, size_t index);
size_t latent_order_index(const struct latent_order *order, uint64_t place);
void latent_order_release(struct latent_order *order);

#endif
