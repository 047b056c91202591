// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "picture.h"

#include <math.h>

struct colour picture_at(uint64_t seed, double x, double y) {
    double mood = (double)(seed % 97) / 97.0;
    struct colour colour = {40 + 150 * y + 60 * mood, 60 + 100 * y, 190 - 120 * y * mood};
    double sun_x = x - 0.25 - 0.5 * mood;
    double sun_y = y - 0.3;
    if (sun_x * sun_x + sun_y * sun_y < 0.01) {
        colour = (struct colour){250, 220 - 60 * mood, 120};
    }
    for (int range = 1; range <= 2; range++) {
        double ridge =
            0.45 + 0.2 * range + 0.06 * sin(7 * x * range + 9 * mood) + 0.02 * sin(23 * x + range);
        if (y > ridge) {
            double shade = 1.0 - 0.35 * range + 0.3 * (y - ridge);
            colour = (struct colour){90 * shade, 130 * shade, (80 + 70 * mood) * shade};
        }
    }
    return colour;
}
