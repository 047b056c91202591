// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Places are carried over from one state of a container to the next by the keys' hashes. Two keys
// of one hash would at worst be mistaken for each other in a listing that has begun.
#include "latent_order.h"

#include <errno.h>
#include <stdlib.h>

#include "key_hash.h"
#include "snapshot.h"

struct latent_place {
    uint64_t key_hash;
    uint32_t place;
};

static uint64_t hash_of(const struct gen5_record *latent) {
    uint64_t hash = latent->key_length;
    for (size_t i = 0; i < latent->key_length; i++) {
        hash = key_hash_number(hash, (unsigned char)latent->key[i]);
    }
    return hash;
}

int latent_order_follow(struct latent_order *order, const struct snapshot *snapshot) {
    const struct gen5_container *container = snapshot->container;
    if (order->places != NULL && gen5_digest_equal(&order->manifest, &snapshot->manifest_digest)) {
        return 0;
    }
    struct latent_place *places = calloc(container->latent_count + 1, sizeof *places);
    if (places == NULL) {
        return ENOMEM;
    }
    const struct latent_place *former = order->places;
    const size_t former_count = former != NULL ? order->count : 0;
    size_t old = 0;
    uint32_t next = 0;
    for (size_t i = 0; i < container->latent_count; i++) {
        places[i].key_hash = hash_of(container->latents[i]);
        // Those that are passed over were removed. Where one is not found it is new, and so are, as
        // far as listings are concerned, those behind it: writers append.
        while (old < former_count && former[old].key_hash != places[i].key_hash) {
            old++;
        }
        places[i].place = old < former_count ? former[old++].place : next;
        next = places[i].place + 1;
    }
    free(order->places);
    *order = (struct latent_order){
        .places = places, .count = container->latent_count, .manifest = snapshot->manifest_digest};
    return 0;
}

uint32_t latent_order_place(const struct latent_order *order, size_t index) {
    return order->places[index].place;
}

size_t latent_order_index(const struct latent_order *order, uint64_t place) {
    size_t begin = 0;
    size_t end = order->count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (order->places[middle].place < place) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

void latent_order_release(struct latent_order *order) {
    free(order->places);
    *order = (struct latent_order){.places = NULL};
}
