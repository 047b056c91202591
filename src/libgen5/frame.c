// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// zstd frames: the one file that knows libzstd.
#include "frame.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "cursor.h"
#include "file_write.h"
#include "ownership.h"
#include "size_arithmetic.h"

// RFC 8878, 3.1.1 and 3.1.2.
#define FRAME_MAGIC 0xFD2FB528U
#define SKIPPABLE_MAGIC 0x184D2A50U
#define SKIPPABLE_MAGIC_MASK 0xFFFFFFF0U

enum {
    FRAME_HEADER_SIZE_MAX =
        18,              // RFC 8878, 3.1.1: magic 4, descriptor 1, window 1, dictionary 4, size 8
    WINDOW_LOG_MAX = 23, // 8 MiB, what RFC 8878, 3.1.1.1.2 asks of every decoder
    WINDOW_DESCRIPTOR_MAX = 21 << 3,     // exponent 21, mantissa 0: 2^(10+21) bytes
    READ_BUFFER_SIZE = 128 * 1024 + 512, // one block and what surrounds it
    WRITE_BUFFER_SIZE = 128 * 1024,
    SPARE_SIZE_MAX = 256 * 1024, // what a context without a window takes, and some
};

static enum gen5_status damaged(const struct gen5_source *stored, struct gen5_error *error,
                                const char *what) {
    return gen5_error_set(error, GEN5_ERROR_DAMAGED, (int64_t)stored->offset, "%s", what);
}

static enum gen5_status check_magic(const struct gen5_source *stored, const uint8_t *bytes,
                                    size_t size, struct gen5_error *error) {
    struct gen5_cursor cursor = gen5_cursor_start(bytes, size);
    uint32_t magic = gen5_cursor_u32(&cursor);
    if (cursor.overrun) {
        return damaged(stored, error, "too short for a zstd frame");
    }
    // libzstd takes a skippable frame for a frame without content.
    if ((magic & SKIPPABLE_MAGIC_MASK) == SKIPPABLE_MAGIC) {
        return damaged(stored, error, "a skippable zstd frame stands where the content should");
    }
    return magic == FRAME_MAGIC ? GEN5_OK : damaged(stored, error, "not a zstd frame");
}

enum gen5_status gen5_frame_content_size(const struct gen5_source *stored, uint64_t *size,
                                         struct gen5_error *error) {
    uint8_t bytes[FRAME_HEADER_SIZE_MAX];
    size_t length = (size_t)gen5_size_smaller(stored->size, sizeof bytes);
    enum gen5_status status = gen5_source_read(stored, 0, bytes, length, error);
    if (status == GEN5_OK) {
        status = check_magic(stored, bytes, length, error);
    }
    if (status != GEN5_OK) {
        return status;
    }
    unsigned long long declared = ZSTD_getFrameContentSize(bytes, length);
    if (declared == ZSTD_CONTENTSIZE_ERROR) {
        return damaged(stored, error, "the zstd frame's header is damaged");
    }
    if (declared == ZSTD_CONTENTSIZE_UNKNOWN) {
        return damaged(stored, error, "the zstd frame does not state its content size");
    }
    if (ZSTD_getDictID_fromFrame(bytes, length) != 0) {
        return damaged(stored, error, "the zstd frame needs a dictionary");
    }
    *size = declared;
    return GEN5_OK;
}

// --- Decoding ---

// A decoder that was used before, for the next one who needs one; NULL where there is none. A new
// one asks the processor what it can do, which in a virtual machine takes as long as reading a
// manifest.
static _Atomic(ZSTD_DCtx *) spare;

static ZSTD_DCtx *take_context(void) {
    ZSTD_DCtx *context = atomic_exchange(&spare, NULL);
    return context != NULL ? context : ZSTD_createDCtx();
}

// NULL is allowed.
static void give_context_back(ZSTD_DCtx *context) {
    if (context != NULL && ZSTD_sizeof_DCtx(context) <= SPARE_SIZE_MAX &&
        !ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters))) {
        context = atomic_exchange(&spare, context);
    }
    ZSTD_freeDCtx(context);
}

struct gen5_frame_reader {
    struct gen5_source stored;
    ZSTD_DCtx *context;
    uint8_t *buffer;       // NULL where the stored bytes are in memory
    ZSTD_inBuffer input;   // the stored bytes in front of `position` that are not decoded yet
    uint64_t position;     // of the next stored byte to be read, from the window's start
    uint64_t content_size; // that the frame states; ZSTD_CONTENTSIZE_UNKNOWN or _ERROR too
    uint64_t decoded_size; // so far
    bool started;
    bool ended;
};

enum gen5_status gen5_frame_reader_new(const struct gen5_source *stored,
                                       struct gen5_frame_reader **reader,
                                       struct gen5_error *error) {
    struct gen5_frame_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return gen5_error_set_memory(error);
    }
    made->stored = *stored;
    made->context = take_context();
    if (stored->memory != NULL) {
        made->input.src = (const char *)stored->memory + stored->offset;
        made->input.size = (size_t)stored->size;
        made->position = stored->size;
    } else {
        made->buffer = malloc(READ_BUFFER_SIZE);
        made->input.src = made->buffer;
    }
    if (made->context == NULL || (stored->memory == NULL && made->buffer == NULL)) {
        gen5_frame_reader_free(made);
        return gen5_error_set_memory(error);
    }
    *reader = made;
    return GEN5_OK;
}

void gen5_frame_reader_free(struct gen5_frame_reader *reader) {
    if (reader != NULL) {
        give_context_back(reader->context);
        free(reader->buffer);
        free(reader);
    }
}

// Where in the file decoding stands.
static int64_t file_offset(const struct gen5_frame_reader *reader) {
    uint64_t pending = reader->input.size - reader->input.pos;
    return (int64_t)(reader->stored.offset + reader->position - pending);
}

// Have stored bytes at hand, if there are any left.
static enum gen5_status refill(struct gen5_frame_reader *reader, struct gen5_error *error) {
    uint64_t left = reader->stored.size - reader->position;
    if (reader->input.pos < reader->input.size || left == 0) {
        return GEN5_OK;
    }
    size_t size = (size_t)gen5_size_smaller(left, READ_BUFFER_SIZE);
    enum gen5_status status =
        gen5_source_read(&reader->stored, reader->position, reader->buffer, size, error);
    if (status == GEN5_OK) {
        reader->position += size;
        reader->input.size = size;
        reader->input.pos = 0;
    }
    return status;
}

static enum gen5_status window_too_large(const struct gen5_frame_reader *reader,
                                         struct gen5_error *error) {
    return gen5_error_set(error, GEN5_ERROR_LIMIT, file_offset(reader),
                          "the zstd frame needs a window of more than 8 MiB");
}

// RFC 8878, 3.1.1.1.1 and 3.1.1.1.2: true where the frame has a window of more than 2^31 bytes, the
// largest that libzstd takes by pieces.
static bool has_window_over_bounds(const ZSTD_inBuffer *input) {
    const uint8_t *header = input->src;
    bool single_segment = (header[4] >> 5 & 1) != 0;
    return !single_segment && header[5] > WINDOW_DESCRIPTOR_MAX;
}

// Bound the window. A content that is smaller is all that libzstd allocates, and libzstd asks for
// no window where it can decode into the caller's buffer: it must not depend on the piece's size
// whether such a frame is taken.
static enum gen5_status start(struct gen5_frame_reader *reader, struct gen5_error *error) {
    reader->content_size = ZSTD_getFrameContentSize(reader->input.src, reader->input.size);
    // What is unknown or no frame counts as larger.
    bool small = reader->content_size <= 1ULL << WINDOW_LOG_MAX;
    reader->started = true;
    if (small && has_window_over_bounds(&reader->input)) {
        return window_too_large(reader, error);
    }
    int log_max = small ? (WINDOW_DESCRIPTOR_MAX >> 3) + 10 : WINDOW_LOG_MAX;
    size_t result = ZSTD_DCtx_setParameter(reader->context, ZSTD_d_windowLogMax, log_max);
    return ZSTD_isError(result) ? gen5_error_set_memory(error) : GEN5_OK;
}

static enum gen5_status decode_failed(const struct gen5_frame_reader *reader, size_t result,
                                      struct gen5_error *error) {
    switch ((unsigned int)ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return gen5_error_set_memory(error);
    case ZSTD_error_frameParameter_windowTooLarge:
        return window_too_large(reader, error);
    default:
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, file_offset(reader),
                              "the zstd frame is damaged (%s)", ZSTD_getErrorName(result));
    }
}

// The frame has ended: nothing may follow it.
static enum gen5_status finish(struct gen5_frame_reader *reader, struct gen5_error *error) {
    reader->ended = true;
    uint64_t left = reader->stored.size - reader->position + reader->input.size - reader->input.pos;
    if (left != 0) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, file_offset(reader),
                              "%llu bytes follow the zstd frame", (unsigned long long)left);
    }
    // libzstd does not look where the last block is an empty one.
    if (reader->content_size != ZSTD_CONTENTSIZE_UNKNOWN &&
        reader->content_size != reader->decoded_size) {
        return gen5_error_set(error, GEN5_ERROR_DAMAGED, file_offset(reader),
                              "the zstd frame holds %llu bytes and states %llu",
                              (unsigned long long)reader->decoded_size,
                              (unsigned long long)reader->content_size);
    }
    return GEN5_OK;
}

enum gen5_status gen5_frame_reader_read(struct gen5_frame_reader *reader, void *buffer, size_t size,
                                        size_t *got, struct gen5_error *error) {
    ZSTD_outBuffer output = {.dst = buffer, .size = size, .pos = 0};
    *got = 0;
    while (output.pos < output.size && !reader->ended) {
        enum gen5_status status = refill(reader, error);
        if (status == GEN5_OK && !reader->started) {
            status = start(reader, error);
        }
        if (status != GEN5_OK) {
            return status;
        }
        size_t pending = reader->input.size - reader->input.pos;
        size_t written = output.pos;
        size_t result = ZSTD_decompressStream(reader->context, &output, &reader->input);
        if (ZSTD_isError(result)) {
            return decode_failed(reader, result, error);
        }
        reader->decoded_size += output.pos - written;
        if (result == 0) {
            status = finish(reader, error);
        } else if (pending == 0 && output.pos == written) {
            status = gen5_error_set(error, GEN5_ERROR_DAMAGED, file_offset(reader),
                                    "the zstd frame is cut short");
        }
        if (status != GEN5_OK) {
            return status;
        }
    }
    *got = output.pos;
    return GEN5_OK;
}

// --- Encoding ---

static enum gen5_status encode_failed(size_t result, struct gen5_error *error) {
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) {
        return gen5_error_set_memory(error);
    }
    return gen5_error_set(error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE, "zstd cannot compress: %s",
                          ZSTD_getErrorName(result));
}

enum gen5_status gen5_frame_compress(const void *content, size_t size, int level, void **frame,
                                     size_t *frame_size, struct gen5_error *error) {
    size_t bound = ZSTD_compressBound(size);
    if (ZSTD_isError(bound)) {
        return encode_failed(bound, error);
    }
    void *memory = malloc(bound);
    if (memory == NULL) {
        return gen5_error_set_memory(error);
    }
    size_t result = ZSTD_compress(memory, bound, content, size, level);
    if (ZSTD_isError(result)) {
        free(memory);
        return encode_failed(result, error);
    }
    *frame = memory;
    *frame_size = result;
    return GEN5_OK;
}

// What gen5_frame_store writes, RFC 8878, 3.1.1: a frame with a 32-bit content size, a window as
// large as the largest block, and raw blocks.
enum {
    STORE_DESCRIPTOR = 2 << 6, // Frame_Content_Size_flag 2: 4 bytes; nothing else
    STORE_WINDOW = 7 << 3,     // exponent 7, mantissa 0: 2^(10+7) = 128 KiB
    STORE_HEADER_SIZE = 4 + 1 + 1 + 4,
    STORE_BLOCK_SIZE = 128 * 1024,
    STORE_BLOCK_HEADER_SIZE = 3,
};

static uint8_t *put_integer(uint8_t *next, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        *next++ = (uint8_t)(value >> (8 * i));
    }
    return next;
}

static void store_blocks(uint8_t *next, const uint8_t *content, size_t size) {
    size_t done = 0;
    do {
        size_t piece = (size_t)gen5_size_smaller(size - done, STORE_BLOCK_SIZE);
        bool last = done + piece == size;
        // Block_Header: Last_Block, Block_Type 0 (Raw_Block), Block_Size.
        next =
            put_integer(next, (last ? 1U : 0U) | ((uint64_t)piece << 3), STORE_BLOCK_HEADER_SIZE);
        if (piece > 0) {
            memcpy(next, content + done, piece);
        }
        next += piece;
        done += piece;
    } while (done < size);
}

enum gen5_status gen5_frame_store(const void *content, size_t size, void **frame,
                                  size_t *frame_size, struct gen5_error *error) {
    if (size > UINT32_MAX) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "%zu bytes do not fit a chunk", size);
    }
    size_t blocks = size == 0 ? 1 : (size - 1) / STORE_BLOCK_SIZE + 1;
    size_t whole = STORE_HEADER_SIZE + blocks * STORE_BLOCK_HEADER_SIZE + size;
    uint8_t *memory = malloc(whole);
    if (memory == NULL) {
        return gen5_error_set_memory(error);
    }
    uint8_t *next = put_integer(memory, FRAME_MAGIC, 4);
    *next++ = STORE_DESCRIPTOR;
    *next++ = STORE_WINDOW;
    next = put_integer(next, size, 4);
    store_blocks(next, content, size);
    *frame = memory;
    *frame_size = whole;
    return GEN5_OK;
}

// The size of the header of a frame that libzstd has written (RFC 8878, 3.1.1.1).
static size_t frame_header_size(const uint8_t *frame) {
    static const size_t dictionary_field[] = {0, 1, 2, 4};
    static const size_t content_field[] = {0, 2, 4, 8};
    uint8_t descriptor = frame[4];
    bool single_segment = (descriptor >> 5 & 1) != 0;
    size_t content = content_field[descriptor >> 6];
    if (content == 0 && single_segment) {
        content = 1;
    }
    size_t window = single_segment ? 0 : 1;
    return 4 + 1 + window + dictionary_field[descriptor & 3] + content;
}

enum gen5_status gen5_frame_pad(void **frame, size_t *frame_size, size_t block_count,
                                struct gen5_error *error) {
    if (block_count == 0) {
        return GEN5_OK;
    }
    size_t padding = block_count * GEN5_FRAME_PADDING_SIZE;
    size_t header = frame_header_size(*frame);
    uint8_t *memory = malloc(*frame_size + padding);
    if (memory == NULL) {
        return gen5_error_set_memory(error);
    }
    memcpy(memory, *frame, header);
    // Block_Header of zeros: not the last one, Raw_Block, of size 0.
    memset(memory + header, 0, padding);
    memcpy(memory + header + padding, (const uint8_t *)*frame + header, *frame_size - header);
    free(*frame);
    *frame = memory;
    *frame_size += padding;
    return GEN5_OK;
}

// A frame on its way to a file.
struct frame_writer {
    ZSTD_CCtx *context;
    uint8_t *read_buffer;  // WRITE_BUFFER_SIZE bytes of content
    uint8_t *write_buffer; // WRITE_BUFFER_SIZE bytes of frame
    int fd;
    uint64_t offset;
    uint64_t size; // of what has been written
    uint64_t size_max;
    bool given_up;
};

// Compress one piece of content and write what comes out of it; the whole rest with `ending`.
static enum gen5_status write_piece(struct frame_writer *writer, const void *piece, size_t size,
                                    ZSTD_EndDirective ending, struct gen5_error *error) {
    ZSTD_inBuffer input = {.src = piece, .size = size, .pos = 0};
    size_t left = 0;
    do {
        ZSTD_outBuffer output = {.dst = writer->write_buffer, .size = WRITE_BUFFER_SIZE, .pos = 0};
        left = ZSTD_compressStream2(writer->context, &output, &input, ending);
        if (ZSTD_isError(left)) {
            return encode_failed(left, error);
        }
        if (output.pos > writer->size_max - writer->size) {
            writer->given_up = true;
            return GEN5_OK;
        }
        enum gen5_status status = gen5_file_write(writer->fd, writer->offset + writer->size,
                                                  writer->write_buffer, output.pos, error);
        if (status != GEN5_OK) {
            return status;
        }
        writer->size += output.pos;
    } while (ending == ZSTD_e_end ? left != 0 : input.pos < input.size);
    return GEN5_OK;
}

static enum gen5_status write_frame(struct frame_writer *writer, const void *head, size_t head_size,
                                    const struct gen5_source *body, struct gen5_error *error) {
    enum gen5_status status = write_piece(writer, head, head_size, ZSTD_e_continue, error);
    uint64_t done = 0;
    while (status == GEN5_OK && !writer->given_up && done < body->size) {
        size_t piece = (size_t)gen5_size_smaller(body->size - done, WRITE_BUFFER_SIZE);
        status = gen5_source_read(body, done, writer->read_buffer, piece, error);
        if (status == GEN5_OK) {
            status = write_piece(writer, writer->read_buffer, piece, ZSTD_e_continue, error);
        }
        done += piece;
    }
    if (status == GEN5_OK && !writer->given_up) {
        status = write_piece(writer, NULL, 0, ZSTD_e_end, error);
    }
    return status;
}

static enum gen5_status prepare(struct frame_writer *writer, int level, uint64_t content_size,
                                struct gen5_error *error) {
    writer->context = ZSTD_createCCtx();
    writer->read_buffer = malloc(WRITE_BUFFER_SIZE);
    writer->write_buffer = malloc(WRITE_BUFFER_SIZE);
    if (writer->context == NULL || writer->read_buffer == NULL || writer->write_buffer == NULL) {
        return gen5_error_set_memory(error);
    }
    size_t result = ZSTD_CCtx_setParameter(writer->context, ZSTD_c_compressionLevel, level);
    if (!ZSTD_isError(result)) {
        result = ZSTD_CCtx_setPledgedSrcSize(writer->context, content_size);
    }
    return ZSTD_isError(result) ? encode_failed(result, error) : GEN5_OK;
}

enum gen5_status gen5_frame_compress_to(const void *head, size_t head_size,
                                        const struct gen5_source *body, int level, int fd_out,
                                        uint64_t offset_out, uint64_t stored_size_max,
                                        uint64_t *stored_size, struct gen5_error *error) {
    uint64_t content_size = 0;
    if (!gen5_size_add(head_size, body->size, &content_size)) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE, "too large to store");
    }
    struct frame_writer writer = {
        .fd = fd_out, .offset = offset_out, .size = 0, .size_max = stored_size_max};
    enum gen5_status status = prepare(&writer, level, content_size, error);
    if (status == GEN5_OK) {
        status = write_frame(&writer, head, head_size, body, error);
    }
    ZSTD_freeCCtx(writer.context);
    free(writer.read_buffer);
    free(writer.write_buffer);
    *stored_size = status == GEN5_OK && !writer.given_up ? writer.size : 0;
    return status;
}
