// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Chunks as they are stored: any bytes as a zstd frame and as a chunk, read in one piece and in
// many, held against libzstd's own decoder; and any bytes written as frames, which must hold them.
#include "frame.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "chunk_read.h"
#include "gen5/header.h"
#include "input.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Bombs are cut off here.
enum { CONTENT_SIZE_MAX = 1 << 18 };

struct content {
    uint8_t bytes[CONTENT_SIZE_MAX + 1];
    size_t size;
};

// --- Reading ---

// Decode to the end or the limit, by pieces.
static enum gen5_status decode(const struct gen5_source *stored, size_t piece,
                               struct content *content) {
    struct gen5_frame_reader *reader = NULL;
    struct gen5_error error = GEN5_ERROR_NONE;
    require(gen5_frame_reader_new(stored, &reader, &error) == GEN5_OK);
    enum gen5_status status = GEN5_OK;
    size_t got = piece;
    content->size = 0;
    while (status == GEN5_OK && got == piece && content->size + piece <= sizeof content->bytes) {
        status =
            gen5_frame_reader_read(reader, content->bytes + content->size, piece, &got, &error);
        content->size += got;
    }
    require(status == GEN5_OK || (error.status == status && error.message[0] != '\0'));
    gen5_frame_reader_free(reader);
    return status;
}

// Where we take a frame, libzstd takes it too, and both see the same.
static void check_frame(const struct gen5_source *stored, size_t piece) {
    static struct content whole, pieces, libzstd;
    uint64_t declared = 0;
    enum gen5_status known = gen5_frame_content_size(stored, &declared, NULL);
    if (declared > CONTENT_SIZE_MAX) {
        return;
    }
    enum gen5_status status = decode(stored, CONTENT_SIZE_MAX, &whole);
    enum gen5_status by_pieces = decode(stored, piece, &pieces);
    if (whole.size == CONTENT_SIZE_MAX || known != GEN5_OK) {
        return;
    }
    require(by_pieces == status);
    if (status == GEN5_OK) {
        size_t size =
            ZSTD_decompress(libzstd.bytes, sizeof libzstd.bytes, stored->memory, stored->size);
        require(!ZSTD_isError(size) && size == declared && size == whole.size);
        require(memcmp(libzstd.bytes, whole.bytes, size) == 0);
        require(pieces.size == size && memcmp(pieces.bytes, whole.bytes, size) == 0);
    }
}

// A chunk that is read to its end has an inner header with the payload's size.
static void check_chunk(const struct gen5_source *stored, bool compressed, uint64_t payload_size,
                        size_t piece) {
    static uint8_t payload[CONTENT_SIZE_MAX];
    struct gen5_chunk_reader *reader = NULL;
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status =
        gen5_chunk_reader_new(stored, compressed, payload_size, &reader, &error);
    if (status == GEN5_OK) {
        require(gen5_chunk_reader_header(reader)->payload_size == payload_size);
    }
    uint64_t left = payload_size;
    while (status == GEN5_OK && left > 0) {
        size_t next = left < piece ? (size_t)left : piece;
        status = gen5_chunk_reader_read(reader, payload, next, &error);
        left -= next;
    }
    if (status == GEN5_OK) {
        status = gen5_chunk_reader_finish(reader, &error);
    }
    require(status == GEN5_OK || error.message[0] != '\0');
    require(status != GEN5_OK || compressed ||
            stored->size == payload_size + GEN5_CHUNK_HEADER_SIZE);
    gen5_chunk_reader_free(reader);
}

// --- Writing ---

static void check_written(const void *frame, size_t frame_size, const struct input *from) {
    static struct content content;
    struct gen5_source stored = gen5_source_from_memory(frame, frame_size);
    uint64_t declared;
    require(gen5_frame_content_size(&stored, &declared, NULL) == GEN5_OK);
    require(declared == from->size);
    require(decode(&stored, CONTENT_SIZE_MAX, &content) == GEN5_OK);
    require(content.size == from->size);
    require(from->size == 0 || memcmp(content.bytes, from->bytes, from->size) == 0);
}

static void write_to_file(const struct input *from, size_t head_size, uint64_t stored_size_max) {
    static int fd = -1;
    static uint8_t frame[CONTENT_SIZE_MAX];
    uint64_t stored_size = 0;
    struct gen5_source whole = gen5_source_from_memory(from->bytes, from->size);
    struct gen5_source body = gen5_source_window(&whole, head_size, from->size - head_size);
    if (fd < 0) {
        fd = memfd_create("frame", MFD_CLOEXEC);
    }
    require(fd >= 0 && ftruncate(fd, 0) == 0);
    require(gen5_frame_compress_to(from->bytes, head_size, &body, 3, fd, 7, stored_size_max,
                                   &stored_size, NULL) == GEN5_OK);
    require(stored_size <= stored_size_max && stored_size <= sizeof frame);
    if (stored_size > 0) {
        require(pread(fd, frame, stored_size, 7) == (ssize_t)stored_size);
        check_written(frame, stored_size, from);
    }
}

static void check_writing(struct input from, size_t choice) {
    void *frame = NULL;
    size_t size = 0;
    bool compressed = choice % 2 == 0;
    from.size = from.size < CONTENT_SIZE_MAX / 2 ? from.size : CONTENT_SIZE_MAX / 2;
    require((compressed ? gen5_frame_compress(from.bytes, from.size, 1, &frame, &size, NULL)
                        : gen5_frame_store(from.bytes, from.size, &frame, &size, NULL)) == GEN5_OK);
    check_written(frame, size, &from);
    size_t padded = size;
    require(gen5_frame_pad(&frame, &padded, choice, NULL) == GEN5_OK);
    require(padded == size + choice * GEN5_FRAME_PADDING_SIZE);
    check_written(frame, padded, &from);
    free(frame);
    if (from.size > 0 && choice % 8 == 0) {
        write_to_file(&from, choice % from.size, choice % 16 == 0 ? from.size : UINT32_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {data, size};
    uint8_t choice = take_byte(&input);
    uint64_t payload_size = take_size(&input);
    struct gen5_source stored = gen5_source_from_memory(input.bytes, input.size);
    check_frame(&stored, (size_t)choice + 1);
    check_chunk(&stored, true, payload_size, (size_t)choice + 1);
    check_chunk(&stored, false, payload_size, (size_t)choice + 1);
    check_writing(input, choice);
    return 0;
}
