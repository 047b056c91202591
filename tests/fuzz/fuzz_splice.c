// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Splices of a text, held against what they mean: which byte of the text is kept, and what is
// inserted in front of it. The input is a count, for each splice a position, a length, a size and
// as many bytes to insert, and the text.
#include "splice.h"

#include <string.h>

#include "input.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SPLICE_COUNT_MAX = 32, TEXT_SIZE_MAX = 256 };

// What the splices mean.
struct model {
    bool removed[TEXT_SIZE_MAX];
    bool begun[TEXT_SIZE_MAX + 1];                        // a splice begins here
    struct gen5_text_builder inserted[TEXT_SIZE_MAX + 1]; // in front of each byte
};

static bool take_splice(struct input *input, size_t text_size, struct gen5_span *span,
                        struct input *inserted) {
    span->begin = take_byte(input) % (text_size + 1);
    span->end = span->begin + take_byte(input) % 8;
    *inserted = take_bytes(input, take_byte(input) % 8);
    return span->end <= text_size;
}

// False where the splice would overlap one that is there. An insertion comes before a removal that
// begins where it is.
static bool model_splice(struct model *model, struct gen5_span span, struct input inserted) {
    if (span.begin < TEXT_SIZE_MAX && model->removed[span.begin]) {
        return false;
    }
    for (size_t at = span.begin + 1; at < span.end; at++) {
        if (model->begun[at]) {
            return false;
        }
    }
    memset(model->removed + span.begin, true, span.end - span.begin);
    model->begun[span.begin] = true;
    gen5_text_builder_append(&model->inserted[span.begin], (const char *)inserted.bytes,
                             inserted.size);
    return true;
}

static void model_apply(const struct model *model, const char *text, struct gen5_span whole,
                        struct gen5_text_builder *out) {
    for (size_t at = whole.begin; at <= whole.end; at++) {
        gen5_text_builder_append(out, model->inserted[at].bytes, model->inserted[at].size);
        if (at < whole.end && !model->removed[at]) {
            gen5_text_builder_append(out, text + at, 1);
        }
    }
}

static void require_same(const struct gen5_text_builder *left,
                         const struct gen5_text_builder *right) {
    require(left->status == GEN5_OK && right->status == GEN5_OK && left->size == right->size);
    require(left->size == 0 || memcmp(left->bytes, right->bytes, left->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct model model;
    struct input input = {data, size};
    struct gen5_splices splices;
    struct gen5_text_builder done, meant;
    size_t count = take_byte(&input) % SPLICE_COUNT_MAX;
    char text[TEXT_SIZE_MAX] = "";
    size_t text_size = take_byte(&input);
    struct input bytes = take_bytes(&input, text_size);
    memcpy(text, bytes.bytes, bytes.size);
    memset(&model, 0, sizeof model);
    for (size_t at = 0; at <= TEXT_SIZE_MAX; at++) {
        gen5_text_builder_init(&model.inserted[at], UINT64_MAX);
    }
    gen5_splices_init(&splices, UINT64_MAX);
    for (size_t i = 0; i < count; i++) {
        struct gen5_span span;
        struct input inserted;
        if (take_splice(&input, text_size, &span, &inserted) &&
            model_splice(&model, span, inserted)) {
            gen5_splices_add(&splices, span, (const char *)inserted.bytes, inserted.size);
        }
    }
    struct gen5_span whole = {0, text_size};
    gen5_text_builder_init(&done, UINT64_MAX);
    gen5_text_builder_init(&meant, UINT64_MAX);
    gen5_splices_apply(&splices, text, whole, &done);
    model_apply(&model, text, whole, &meant);
    require_same(&done, &meant);
    gen5_text_builder_release(&meant);
    gen5_text_builder_release(&done);
    gen5_splices_release(&splices);
    for (size_t at = 0; at <= TEXT_SIZE_MAX; at++) {
        gen5_text_builder_release(&model.inserted[at]);
    }
    return 0;
}
