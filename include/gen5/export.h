// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Marks what libgen5 shows to its users; everything else is hidden.
#ifndef GEN5_EXPORT_H
#define GEN5_EXPORT_H

#define GEN5_EXPORT __attribute__((visibility("default")))

#endif
