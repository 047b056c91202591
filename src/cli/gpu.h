// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The GPUs of this machine, as NVIDIA's management library (NVML) tells them, where there is one:
// it is looked for when it is asked for, and nothing is linked with it.
#ifndef GEN5FS_CLI_GPU_H
#define GEN5FS_CLI_GPU_H

#include <stddef.h>

// NVML's own sizes, of its names and its driver's version.
enum { GPU_NAME_SIZE = 96, GPU_DRIVER_SIZE = 80 };

struct gpu {
    char name[GPU_NAME_SIZE];     // "NVIDIA A100-SXM4-80GB"
    char driver[GPU_DRIVER_SIZE]; // "535.129.03"
};

// All of them, as new memory that the caller frees. Returns how many: 0 where there is no NVML, or
// none that works.
size_t gpu_list(struct gpu **gpus);

#endif
