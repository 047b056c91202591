// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the samples' images show.
#ifndef GEN5FS_SAMPLES_PICTURE_H
#define GEN5FS_SAMPLES_PICTURE_H

#include <stdint.h>

struct colour {
    double red, green, blue; // 0 to 255, or a little beyond
};

// A sky, two ranges of hills and a sun, in colours that follow from the seed. Left, top is 0, 0;
// right, bottom is 1, 1.
struct colour picture_at(uint64_t seed, double x, double y);

#endif
