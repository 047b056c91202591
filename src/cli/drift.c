// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// How environments differ.
#include "drift.h"

#include <stdio.h>
#include <string.h>

#include "harmless.h"

enum { KIND_SIZE = 64 };

static const char *kind_of(const struct gen5_drift *drift, const struct drift_sides *sides,
                           char kind[KIND_SIZE]) {
    if (drift->kind == GEN5_DRIFT_DIFFERS) {
        return "differs";
    }
    bool second = drift->kind == GEN5_DRIFT_MISSING_IN_SECOND;
    snprintf(kind, KIND_SIZE, "missing in %s", second ? sides->second : sides->first);
    return kind;
}

void drift_print(const struct gen5_drift *drift, const struct drift_sides *sides) {
    char kind[KIND_SIZE];
    const struct gen5_component *any = drift->first != NULL ? drift->first : drift->second;
    print_harmless(any->id);
    printf(" %s: ", kind_of(drift, sides, kind));
    print_harmless(any->canonical);
    if (drift->first == NULL || drift->second == NULL) {
        return;
    }
    if (strcmp(drift->first->canonical, drift->second->canonical) == 0) {
        fputs(", by its digest alone", stdout);
        return;
    }
    printf(" in %s, ", sides->first);
    print_harmless(drift->second->canonical);
    printf(" in %s", sides->second);
}

static void put_side(struct json_output *json, const char *name,
                     const struct gen5_component *component) {
    if (component != NULL) {
        json_string(json, name, component->canonical);
    } else {
        json_null(json, name);
    }
}

void drift_put(struct json_output *json, const struct gen5_drift *drift,
               const struct drift_sides *sides) {
    char kind[KIND_SIZE];
    const struct gen5_component *any = drift->first != NULL ? drift->first : drift->second;
    json_open(json, NULL, '{');
    json_string(json, "component_id", any->id);
    json_string(json, "kind", kind_of(drift, sides, kind));
    put_side(json, sides->first_name, drift->first);
    put_side(json, sides->second_name, drift->second);
    json_close(json, '}');
}
