// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
#include "metadata.h"

#include <string.h>

#include "gen5/digest.h"

struct bytes make_metadata(const struct model *model, uint64_t seed, const char *prompt,
                           const char *tags) {
    struct bytes json = {0};
    bytes_print(&json, "{\n  \"gen5_metadata\": {\n    \"model_info\": {\n");
    bytes_print(&json, "      \"model_name\": \"%s\",\n      \"version\": \"%s\",\n", model->name,
                model->version);
    bytes_print(&json, "      \"date\": \"2026-01-04T09:%02u:00+00:00\",\n", (unsigned)(seed % 60));
    bytes_print(&json, "      \"prompt\": \"%s\",\n      \"tags\": [%s],\n", prompt, tags);
    bytes_print(&json, "      \"generation_settings\": {\n        \"seed\": %llu,\n",
                (unsigned long long)seed);
    bytes_print(&json, "        \"steps\": %d,\n        \"sampler\": \"%s\",\n", model->steps,
                model->sampler);
    bytes_print(&json, "        \"cfg_scale\": %.1f,\n", model->cfg_scale);
    bytes_print(&json,
                "        \"precision\": \"%s\",\n        \"deterministic\": true\n      },\n",
                model->dtype == GEN5_DTYPE_FLOAT16 ? "fp16" : "fp32");
    bytes_print(&json, "      \"hardware_info\": {\n        \"os\": \"Linux\",\n"
                       "        \"cpu_cores\": 16,\n        \"ram_gb\": 64.0,\n"
                       "        \"gpu\": [\n          {\n            \"name\": \"RTX 4090\",\n"
                       "            \"memory_gb\": 24\n          }\n        ]\n      }\n");
    bytes_print(&json, "    },\n    \"chunks\": []\n  }\n}");
    return json;
}

static void append_component(struct bytes *json, const char *id, const char *canonical,
                             const char *separator) {
    struct gen5_digest digest;
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    if (gen5_digest_of(canonical, strlen(canonical), &digest, NULL) != GEN5_OK) {
        fail("out of memory");
    }
    gen5_digest_to_hex(&digest, hex);
    bytes_print(json,
                "    {\n      \"component_id\": \"%s\",\n      \"cononical_str\": \"%s\",\n"
                "      \"component_sha256_digest\": \"%s\"\n    }%s\n",
                id, canonical, hex, separator);
}

struct bytes make_environment(void) {
    struct bytes json = {0};
    bytes_print(&json, "{\n  \"env_version\": 1,\n  \"components\": [\n");
    append_component(&json, "torch", "name=torch;version=2.4.0;cuda=12.1", ",");
    append_component(&json, "numpy", "name=numpy;version=1.26.4", ",");
    append_component(&json, "python", "name=python;version=3.11.7", ",");
    append_component(&json, "cuda", "name=cuda;version=12.1", ",");
    append_component(&json, "os", "name=os;version=Linux 6.8.0", ",");
    append_component(&json, "gpu", "name=gpu;model=RTX 4090;driver=550.54", "");
    bytes_print(&json, "  ]\n}");
    return json;
}
