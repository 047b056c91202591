// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// GPUs by NVML's C interface (nvml.h, versions 1 to 12).
#include "gpu.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NVML_LIBRARY "libnvidia-ml.so.1"

enum { NVML_SUCCESS = 0, GPUS_MAX = 256 };

// The part of NVML that is used. Every call returns NVML_SUCCESS or an error.
struct nvml {
    void *library;
    int (*start)(void);
    int (*stop)(void);
    int (*driver_version)(char *version, unsigned size);
    int (*count)(unsigned *count);
    int (*handle)(unsigned index, void **device);
    int (*name)(void *device, char *name, unsigned size);
};

// ISO C has no conversion between pointers to data and to functions; POSIX promises that they have
// the same form.
static bool find(void *library, const char *symbol, void *function) {
    void *found = dlsym(library, symbol);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static bool nvml_open(struct nvml *nvml) {
    nvml->library = dlopen(NVML_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (nvml->library == NULL) {
        return false;
    }
    bool whole = find(nvml->library, "nvmlInit_v2", &nvml->start) &&
                 find(nvml->library, "nvmlShutdown", &nvml->stop) &&
                 find(nvml->library, "nvmlSystemGetDriverVersion", &nvml->driver_version) &&
                 find(nvml->library, "nvmlDeviceGetCount_v2", &nvml->count) &&
                 find(nvml->library, "nvmlDeviceGetHandleByIndex_v2", &nvml->handle) &&
                 find(nvml->library, "nvmlDeviceGetName", &nvml->name);
    if (whole && nvml->start() == NVML_SUCCESS) {
        return true;
    }
    dlclose(nvml->library);
    return false;
}

static bool describe(const struct nvml *nvml, unsigned index, struct gpu *gpu) {
    void *device = NULL;
    bool known = nvml->handle(index, &device) == NVML_SUCCESS &&
                 nvml->name(device, gpu->name, sizeof gpu->name) == NVML_SUCCESS &&
                 nvml->driver_version(gpu->driver, sizeof gpu->driver) == NVML_SUCCESS;
    gpu->name[sizeof gpu->name - 1] = '\0';
    gpu->driver[sizeof gpu->driver - 1] = '\0';
    return known;
}

size_t gpu_list(struct gpu **gpus) {
    struct nvml nvml;
    unsigned present = 0;
    size_t count = 0;
    *gpus = NULL;
    if (!nvml_open(&nvml)) {
        return 0;
    }
    if (nvml.count(&present) == NVML_SUCCESS && present <= GPUS_MAX) {
        *gpus = calloc(present + 1, sizeof **gpus);
    }
    for (unsigned i = 0; *gpus != NULL && i < present; i++) {
        count += describe(&nvml, i, &(*gpus)[count]) ? 1 : 0;
    }
    nvml.stop();
    dlclose(nvml.library);
    return count;
}
