// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The published factors.
#include "latent_colours.h"

#include <string.h>

// Factors that were published for results from -1 to 1.
#define MIDDLE 127.5
#define SCALED(red, green, blue)                                                                   \
    { MIDDLE *(red), MIDDLE *(green), MIDDLE *(blue) }

static const struct latent_colours KNOWN[] = {
    {
        .name = "sd1",
        .source =
            "https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204",
        .channels = 4,
        .bias = {MIDDLE, MIDDLE, MIDDLE},
        .factors = {SCALED(0.298, 0.207, 0.208), SCALED(0.187, 0.286, 0.173),
                    SCALED(-0.158, 0.189, 0.264), SCALED(-0.184, -0.271, -0.473)},
    },
    {
        .name = "sdxl",
        .source = "https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space",
        .channels = 4,
        .bias = {150, 140, 130},
        .factors = {{60, 60, 60}, {-60, -5, 10}, {25, 15, -5}, {-70, -50, -35}},
    },
    {
        .name = "sd3",
        .source = "https://github.com/Stability-AI/sd3.5 (sd3_impls.py, decode_latent_to_preview)",
        .channels = 16,
        .bias = {MIDDLE, MIDDLE, MIDDLE},
        .factors = {SCALED(-0.0645, 0.0177, 0.1052), SCALED(0.0028, 0.0312, 0.0650),
                    SCALED(0.1848, 0.0762, 0.0360), SCALED(0.0944, 0.0360, 0.0889),
                    SCALED(0.0897, 0.0506, -0.0364), SCALED(-0.0020, 0.1203, 0.0284),
                    SCALED(0.0855, 0.0118, 0.0283), SCALED(-0.0539, 0.0658, 0.1047),
                    SCALED(-0.0057, 0.0116, 0.0700), SCALED(-0.0412, 0.0281, -0.0039),
                    SCALED(0.1106, 0.1171, 0.1220), SCALED(-0.0248, 0.0682, -0.0481),
                    SCALED(0.0815, 0.0846, 0.1207), SCALED(-0.0120, -0.0055, -0.0867),
                    SCALED(-0.0749, -0.0634, -0.0456), SCALED(-0.1418, -0.1457, -0.1259)},
    },
};

enum { KNOWN_COUNT = sizeof KNOWN / sizeof *KNOWN };

const struct latent_colours *latent_colours_by_name(const char *name) {
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(KNOWN[i].name, name) == 0) {
            return &KNOWN[i];
        }
    }
    return NULL;
}

const struct latent_colours *latent_colours_guess(size_t channels, const char *model_name) {
    if (strcasestr(model_name, "flux") != NULL) {
        return NULL;
    }
    if (channels == 4) {
        return latent_colours_by_name(strcasestr(model_name, "xl") != NULL ? "sdxl" : "sd1");
    }
    return channels == LATENT_CHANNELS_MAX ? latent_colours_by_name("sd3") : NULL;
}
