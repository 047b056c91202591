// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Linear factors that bring the channels of a latent to colours without its model's decoder: an
// approximation, for each family of models that somebody has published one for.
#ifndef GEN5FS_CLI_LATENT_COLOURS_H
#define GEN5FS_CLI_LATENT_COLOURS_H

#include <stddef.h>

enum { LATENT_COLOURS = 3, LATENT_CHANNELS_MAX = 16 };

struct latent_colours {
    const char *name;   // "sd1"
    const char *source; // where the factors were published
    size_t channels;
    // A colour is the bias and the sum of each channel times its factor, from 0 to 255.
    double bias[LATENT_COLOURS];
    double factors[LATENT_CHANNELS_MAX][LATENT_COLOURS];
};

// NULL where there are none of this name.
const struct latent_colours *latent_colours_by_name(const char *name);

// Those for so many channels, as far as the model's name tells: SDXL where "xl" is in it, and none
// where "flux" is, whose channels are others. NULL where there are none.
const struct latent_colours *latent_colours_guess(size_t channels, const char *model_name);

#endif
