// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A list of replacements over a text that itself stays as it is: what no splice covers is copied
// byte for byte. Private to libgen5.
#ifndef GEN5_SPLICE_H
#define GEN5_SPLICE_H

#include "gen5/manifest.h"
#include "text_builder.h"

struct gen5_splice {
    struct gen5_span span;     // of the text, what is taken out; empty for an insertion
    struct gen5_span inserted; // of the list's own bytes, what is put there
};

struct gen5_splices {
    struct gen5_splice *items; // by position
    size_t count;
    size_t capacity;
    struct gen5_text_builder inserted;
};

// At most `size_max` bytes can be put in.
void gen5_splices_init(struct gen5_splices *splices, uint64_t size_max);
void gen5_splices_release(struct gen5_splices *splices);

// Add a splice; the bytes are copied. Splices may come in any order (nearly sorted is fast) and
// must not overlap; of several insertions at one position the first stays first. A failure sticks.
void gen5_splices_add(struct gen5_splices *splices, struct gen5_span span, const char *bytes,
                      size_t size);

// Append the part `whole` of the text, with the splices done, which must all lie in it. A failure
// of the list becomes one of `out`.
void gen5_splices_apply(const struct gen5_splices *splices, const char *text,
                        struct gen5_span whole, struct gen5_text_builder *out);

#endif
