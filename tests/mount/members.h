// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Members of containers: content to write that is valid, and what the source holds of them
// afterwards. That is read by the clients' own reader (clients/container.py), which shares no code
// with gen5fs and checks the container by every rule of the format.
//
// Environment: GEN5_PYTHON is the Python to run it with, PYTHONPATH the folder of the reader.
#ifndef GEN5_TEST_MEMBERS_H
#define GEN5_TEST_MEMBERS_H

#include "bytes.h"

// Valid images that differ.
struct bytes some_image(void);
struct bytes another_image(void);
// The metadata as it is, with another prompt.
struct bytes metadata_with_prompt(const char *path, const char *prompt);
// The .npy file as it is, with zeros for its first elements.
struct bytes latent_with_zeros(const char *path, size_t size);
enum { NPY_HEADER_SIZE = 128 }; // of the latents in the reference's containers

// What a container in the source holds: "image", "environment", "metadata", or "latent:KEY" (the
// tensor alone). Nothing where it has no such member. The container has to be sound.
struct bytes stored(const char *container, const char *member);
void expect_stored(const char *container, const char *member, struct bytes content);
void expect_stored_soon(const char *container, const char *member, struct bytes content);

// user.gen5.error of a member, or nothing.
struct bytes reason_of(const char *path);
// The bytes of the one rescued draft of a container; that it is one is tested.
struct bytes rescued(const char *container);

#endif
