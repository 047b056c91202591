// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// zstd frames (RFC 8878): the one file that knows libzstd. Private to libgen5.
#ifndef GEN5_FRAME_H
#define GEN5_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "gen5/error.h"
#include "gen5/source.h"

// The content size that the frame at the start of `stored` declares. GEN5_ERROR_DAMAGED where there
// is no frame, where it has no content size or needs a dictionary, or where it is a skippable
// frame.
enum gen5_status gen5_frame_content_size(const struct gen5_source *stored, uint64_t *size,
                                         struct gen5_error *error);

// A frame being decoded from its start. The window is bounded (8 MiB, or the content where
// smaller), so that memory does not follow a claim.
struct gen5_frame_reader;

enum gen5_status gen5_frame_reader_new(const struct gen5_source *stored,
                                       struct gen5_frame_reader **reader, struct gen5_error *error);
// Decode up to `size` further bytes; *got is less only at the end of the frame. Behind the end, the
// stored bytes must be used up (one frame, nothing after it), else GEN5_ERROR_DAMAGED.
enum gen5_status gen5_frame_reader_read(struct gen5_frame_reader *reader, void *buffer, size_t size,
                                        size_t *got, struct gen5_error *error);
void gen5_frame_reader_free(struct gen5_frame_reader *reader);

// Compress memory into new memory that the caller frees: one frame with content size, no checksum.
enum gen5_status gen5_frame_compress(const void *content, size_t size, int level, void **frame,
                                     size_t *frame_size, struct gen5_error *error);

// Make a frame longer without changing what it holds: empty blocks, GEN5_FRAME_PADDING_SIZE bytes
// each, are put behind its header. *frame is replaced by new memory, or left alone on failure.
enum { GEN5_FRAME_PADDING_SIZE = 3 };
enum gen5_status gen5_frame_pad(void **frame, size_t *frame_size, size_t block_count,
                                struct gen5_error *error);

// The same content as one frame of raw blocks, whose size depends on `size` alone.
enum gen5_status gen5_frame_store(const void *content, size_t size, void **frame,
                                  size_t *frame_size, struct gen5_error *error);

// Compress `head` followed by the whole of `body` as one frame to `fd_out` at `offset_out`, through
// a small buffer, and give up (*stored_size = 0) once it is clear that more than `stored_size_max`
// bytes would be needed.
enum gen5_status gen5_frame_compress_to(const void *head, size_t head_size,
                                        const struct gen5_source *body, int level, int fd_out,
                                        uint64_t offset_out, uint64_t stored_size_max,
                                        uint64_t *stored_size, struct gen5_error *error);

#endif
