// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The names in an environment document (FORMAT.md "The environment"). Private to libgen5.
#ifndef GEN5_ENVIRONMENT_FIELDS_H
#define GEN5_ENVIRONMENT_FIELDS_H

// The two keys of the document.
enum gen5_environment_field {
    GEN5_ENVIRONMENT_VERSION,
    GEN5_ENVIRONMENT_COMPONENTS,
    GEN5_ENVIRONMENT_FIELD_COUNT,
};
extern const char *const GEN5_ENVIRONMENT_FIELD_NAMES[GEN5_ENVIRONMENT_FIELD_COUNT];

enum { GEN5_ENVIRONMENT_VERSION_VALUE = 1 };

// The three keys of a component.
enum gen5_component_field {
    GEN5_COMPONENT_ID,
    GEN5_COMPONENT_CANONICAL,
    GEN5_COMPONENT_DIGEST,
    GEN5_COMPONENT_FIELD_COUNT,
};
extern const char *const GEN5_COMPONENT_FIELD_NAMES[GEN5_COMPONENT_FIELD_COUNT];

#endif
