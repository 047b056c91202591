// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Hashing beside reading: a thread that hashes one piece while the next is decoded. What is large
// is verified in little more time than the slower of the two takes. Private to libgen5.
//
//     struct gen5_digest_ahead *ahead = NULL;
//     status = gen5_digest_ahead_new(stream, piece_size, &ahead, error);
//     … char *piece = gen5_digest_ahead_piece(ahead); fill it; gen5_digest_ahead_add(ahead, size);
//     … status = gen5_digest_ahead_end(ahead, error); // on every path
#ifndef GEN5_DIGEST_AHEAD_H
#define GEN5_DIGEST_AHEAD_H

#include <stddef.h>

#include "gen5/digest.h"
#include "gen5/error.h"

struct gen5_digest_ahead;

// `stream` is the caller's, who leaves it alone until the end. GEN5_ERROR_MEMORY also where no
// thread can be had: then the caller hashes by itself.
enum gen5_status gen5_digest_ahead_new(struct gen5_digest_stream *stream, size_t piece_size,
                                       struct gen5_digest_ahead **ahead, struct gen5_error *error);

// Room for the next piece: waits until one that was added before has been hashed.
char *gen5_digest_ahead_piece(struct gen5_digest_ahead *ahead);
// It has `size` bytes. They may still be read until the piece is asked for again.
void gen5_digest_ahead_add(struct gen5_digest_ahead *ahead, size_t size);

// Wait until all of it is hashed, and free. NULL is allowed.
enum gen5_status gen5_digest_ahead_end(struct gen5_digest_ahead *ahead, struct gen5_error *error);

#endif
