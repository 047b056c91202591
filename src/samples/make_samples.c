// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// make_samples FOLDER: writes a small library of .gen5 containers to look at and to try things on,
// by libgen5's own means. Every run writes the same pictures and latents. Files that are there
// already are kept.
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen5/container.h"
#include "gen5/digest.h"
#include "gen5/npy.h"
#include "gen5/repack.h"
#include "gen5/replace.h"

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("make_samples: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

// --- Bytes that grow ----------------------------------------------------------------------------

struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

static void bytes_append(struct bytes *bytes, const void *data, size_t size) {
    if (size > bytes->capacity - bytes->size) {
        bytes->capacity = 2 * (bytes->size + size);
        uint8_t *larger = realloc(bytes->data, bytes->capacity);
        if (larger == NULL) {
            fail("out of memory");
        }
        bytes->data = larger;
    }
    if (size > 0) {
        memcpy(bytes->data + bytes->size, data, size);
    }
    bytes->size += size;
}

static void bytes_append_u8(struct bytes *bytes, unsigned value) {
    uint8_t byte = (uint8_t)value;
    bytes_append(bytes, &byte, sizeof byte);
}

static void bytes_append_big_endian(struct bytes *bytes, uint32_t value, size_t size) {
    for (size_t i = size; i > 0; i--) {
        bytes_append_u8(bytes, value >> 8 * (i - 1));
    }
}

static void bytes_append_little_endian(struct bytes *bytes, uint32_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bytes_append_u8(bytes, value >> 8 * i);
    }
}

__attribute__((format(printf, 2, 3))) static void bytes_print(struct bytes *bytes,
                                                              const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(length >= 0 && (size_t)length < sizeof text);
    bytes_append(bytes, text, (size_t)length);
}

// --- Chance -------------------------------------------------------------------------------------

// xorshift64*. The state is never 0.
static uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717U;
}

// Above 0, up to 1.
static double random_fraction(uint64_t *state) {
    return (double)((random_next(state) >> 11) + 1) / (double)((uint64_t)1 << 53);
}

// From the normal distribution, by Box and Muller.
static double random_normal(uint64_t *state) {
    double radius = sqrt(-2.0 * log(random_fraction(state)));
    return radius * cos(2.0 * M_PI * random_fraction(state));
}

// --- The picture --------------------------------------------------------------------------------

struct colour {
    double red, green, blue; // 0 to 255
};

// A sky, two ranges of hills and a sun, in colours that follow from the seed. Left, top is 0, 0;
// right, bottom is 1, 1.
static struct colour picture_at(uint64_t seed, double x, double y) {
    double mood = (double)(seed % 97) / 97.0;
    struct colour colour = {40 + 150 * y + 60 * mood, 60 + 100 * y, 190 - 120 * y * mood};
    double sun_x = x - 0.25 - 0.5 * mood;
    double sun_y = y - 0.3;
    if (sun_x * sun_x + sun_y * sun_y < 0.01) {
        colour = (struct colour){250, 220 - 60 * mood, 120};
    }
    for (int range = 1; range <= 2; range++) {
        double ridge =
            0.45 + 0.2 * range + 0.06 * sin(7 * x * range + 9 * mood) + 0.02 * sin(23 * x + range);
        if (y > ridge) {
            double shade = 1.0 - 0.35 * range + 0.3 * (y - ridge);
            colour = (struct colour){90 * shade, 130 * shade, (80 + 70 * mood) * shade};
        }
    }
    return colour;
}

static uint8_t to_sample(double value) {
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lround(value);
}

// --- PNG ----------------------------------------------------------------------------------------

// PNG specification, annex D.
static uint32_t crc_of(const uint8_t *data, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
        }
    }
    return crc ^ 0xffffffff;
}

// RFC 1950.
static uint32_t adler_of(const uint8_t *data, size_t size) {
    uint32_t low = 1;
    uint32_t high = 0;
    for (size_t i = 0; i < size; i++) {
        low = (low + data[i]) % 65521;
        high = (high + low) % 65521;
    }
    return high << 16 | low;
}

static void png_append_chunk(struct bytes *png, const char *type, const struct bytes *data) {
    bytes_append_big_endian(png, (uint32_t)data->size, 4);
    size_t begin = png->size;
    bytes_append(png, type, 4);
    bytes_append(png, data->data, data->size);
    bytes_append_big_endian(png, crc_of(png->data + begin, png->size - begin), 4);
}

// A zlib stream of stored blocks (RFC 1951, 3.2.4): a compressor would be all that this program
// needs another library for.
static struct bytes zlib_store(const struct bytes *data) {
    struct bytes stream = {0};
    bytes_append(&stream, "\x78\x01", 2);
    for (size_t at = 0; at < data->size;) {
        size_t rest = data->size - at;
        size_t piece = rest < UINT16_MAX ? rest : UINT16_MAX;
        bytes_append_u8(&stream, piece == rest);
        bytes_append_little_endian(&stream, (uint32_t)piece, 2);
        bytes_append_little_endian(&stream, ~(uint32_t)piece, 2);
        bytes_append(&stream, data->data + at, piece);
        at += piece;
    }
    bytes_append_big_endian(&stream, adler_of(data->data, data->size), 4);
    return stream;
}

// Colours and a grain of noise.
static struct bytes picture_rows(uint64_t seed, uint32_t side) {
    struct bytes rows = {0};
    uint64_t state = seed;
    for (uint32_t y = 0; y < side; y++) {
        bytes_append_u8(&rows, 0); // filter: none
        for (uint32_t x = 0; x < side; x++) {
            struct colour colour = picture_at(seed, (double)x / side, (double)y / side);
            double grain = (double)(random_next(&state) >> 61);
            bytes_append_u8(&rows, to_sample(colour.red + grain));
            bytes_append_u8(&rows, to_sample(colour.green + grain));
            bytes_append_u8(&rows, to_sample(colour.blue + grain));
        }
    }
    return rows;
}

static struct bytes make_png(uint64_t seed, uint32_t side) {
    struct bytes png = {0};
    struct bytes head = {0};
    struct bytes nothing = {0};
    struct bytes rows = picture_rows(seed, side);
    struct bytes data = zlib_store(&rows);
    bytes_append_big_endian(&head, side, 4);
    bytes_append_big_endian(&head, side, 4);
    bytes_append(&head, "\x08\x02\x00\x00\x00", 5); // 8 bits of red, green and blue
    bytes_append(&png, "\x89PNG\r\n\x1a\n", 8);
    png_append_chunk(&png, "IHDR", &head);
    png_append_chunk(&png, "IDAT", &data);
    png_append_chunk(&png, "IEND", &nothing);
    free(head.data);
    free(rows.data);
    free(data.data);
    return png;
}

// --- JPEG ---------------------------------------------------------------------------------------

// A mosaic: each block of 8 x 8 pixels has one colour, so that of its coefficients only the first
// is not zero, and the Huffman tables are as small as can be (ITU-T T.81, annex F.1.2).
struct jpeg {
    struct bytes bytes;
    uint32_t pending; // bits that make no whole byte yet
    unsigned pending_count;
    int last[3]; // the coefficient before, of each component
};

static void jpeg_append_bits(struct jpeg *jpeg, uint32_t bits, unsigned count) {
    jpeg->pending = jpeg->pending << count | bits;
    jpeg->pending_count += count;
    while (jpeg->pending_count >= 8) {
        jpeg->pending_count -= 8;
        unsigned byte = (jpeg->pending >> jpeg->pending_count) & 0xff;
        bytes_append_u8(&jpeg->bytes, byte);
        if (byte == 0xff) {
            bytes_append_u8(&jpeg->bytes, 0); // else it would be a marker
        }
    }
}

static void jpeg_append_block(struct jpeg *jpeg, size_t component, double level) {
    int value = (int)lround(level);
    int difference = value - jpeg->last[component];
    jpeg->last[component] = value;
    unsigned magnitude = (unsigned)abs(difference);
    unsigned bit_count = 0;
    while (magnitude >> bit_count != 0) {
        bit_count++;
    }
    uint32_t mask = ((uint32_t)1 << bit_count) - 1;
    uint32_t bits = difference < 0 ? ~magnitude & mask : magnitude;
    jpeg_append_bits(jpeg, bit_count, 4); // all codes of the first table are as long
    jpeg_append_bits(jpeg, bits, bit_count);
    jpeg_append_bits(jpeg, 0, 1); // the only code of the second: nothing follows
}

static void jpeg_append_tables(struct bytes *bytes) {
    bytes_append(bytes, "\xff\xdb\x00\x43\x00", 5);
    for (int i = 0; i < 64; i++) {
        bytes_append_u8(bytes, 8); // makes the first coefficient the level itself
    }
    bytes_append(bytes, "\xff\xc4\x00\x1f\x00", 5); // first coefficients: 12 codes of 4 bits
    for (int length = 1; length <= 16; length++) {
        bytes_append_u8(bytes, length == 4 ? 12 : 0);
    }
    for (unsigned symbol = 0; symbol < 12; symbol++) {
        bytes_append_u8(bytes, symbol);
    }
    bytes_append(bytes, "\xff\xc4\x00\x14\x10", 5); // the others: one code of 1 bit, end of block
    for (int length = 1; length <= 16; length++) {
        bytes_append_u8(bytes, length == 1 ? 1 : 0);
    }
    bytes_append_u8(bytes, 0);
}

static void jpeg_append_mosaic(struct jpeg *jpeg, uint64_t seed, uint32_t blocks) {
    for (uint32_t y = 0; y < blocks; y++) {
        for (uint32_t x = 0; x < blocks; x++) {
            struct colour c = picture_at(seed, (double)x / blocks, (double)y / blocks);
            // JFIF 1.02, levels around 0.
            jpeg_append_block(jpeg, 0, 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue - 128);
            jpeg_append_block(jpeg, 1, -0.1687 * c.red - 0.3313 * c.green + 0.5 * c.blue);
            jpeg_append_block(jpeg, 2, 0.5 * c.red - 0.4187 * c.green - 0.0813 * c.blue);
        }
    }
}

static struct bytes make_jpeg(uint64_t seed, uint32_t side) {
    struct jpeg jpeg = {.pending = 0};
    struct bytes *bytes = &jpeg.bytes;
    bytes_append(bytes, "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00", 20);
    jpeg_append_tables(bytes);
    bytes_append(bytes, "\xff\xc0\x00\x11\x08", 5); // baseline, three components
    bytes_append_big_endian(bytes, side, 2);
    bytes_append_big_endian(bytes, side, 2);
    bytes_append(bytes, "\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00", 10);
    bytes_append(bytes, "\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00", 14);
    jpeg_append_mosaic(&jpeg, seed, side / 8);
    jpeg_append_bits(&jpeg, 0x7f, 7); // fills the last byte
    bytes_append(bytes, "\xff\xd9", 2);
    return jpeg.bytes;
}

// --- Latents ------------------------------------------------------------------------------------

// The nearest half-precision number of a value that is 0 or within its normal range.
static uint16_t to_half(double value) {
    if (fabs(value) < 6.103515625e-05) {
        return 0;
    }
    int exponent;
    double fraction = frexp(fabs(value), &exponent); // 0.5 <= fraction < 1
    long bits = lrint(ldexp(fraction, 11));          // 1024 to 2048; the carry goes to the exponent
    long half = ((long)(exponent + 14) << 10) + bits - 1024;
    assert(half > 0 && half < 0x7c00);
    return (uint16_t)(half | (value < 0 ? 0x8000 : 0));
}

static void latent_append(struct bytes *npy, enum gen5_dtype dtype, double value) {
    if (dtype == GEN5_DTYPE_FLOAT16) {
        bytes_append_little_endian(npy, to_half(value), sizeof(uint16_t));
        return;
    }
    float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    bytes_append_little_endian(npy, bits, sizeof bits);
}

// A .npy file of normal noise, which is less and less of it the further a sampler has come.
static struct bytes make_latent(uint64_t seed, enum gen5_dtype dtype, const uint64_t shape[4],
                                double strength) {
    struct bytes npy = {0};
    char header[GEN5_NPY_HEADER_SIZE_MAX];
    size_t header_size = gen5_npy_header_write(dtype, shape, 4, header);
    bytes_append(&npy, header, header_size);
    uint64_t state = seed;
    for (uint64_t i = 0; i < shape[0] * shape[1] * shape[2] * shape[3]; i++) {
        latent_append(&npy, dtype, strength * random_normal(&state));
    }
    return npy;
}

// --- JSON ---------------------------------------------------------------------------------------

struct model {
    const char *name;
    const char *version;
    const char *sampler;
    int steps;
    double cfg_scale;
    enum gen5_dtype dtype;
    uint64_t channels;
    uint32_t latent_side; // an eighth of the picture's
};

static const struct model sd15 = {
    "stable-diffusion-v1-5", "1.5", "DPM++ 2M Karras", 25, 7.5, GEN5_DTYPE_FLOAT16, 4, 64};
static const struct model sdxl = {"sdxl-base",        "1.0", "Euler a", 30, 6.0,
                                  GEN5_DTYPE_FLOAT32, 4,     128};
static const struct model sd3 = {"stable-diffusion-3-medium", "3.0", "Flow Euler", 28, 4.5,
                                 GEN5_DTYPE_FLOAT16,          16,    128};

static struct bytes make_metadata(const struct model *model, uint64_t seed, const char *prompt,
                                  const char *tags) {
    struct bytes json = {0};
    bytes_print(&json, "{\n  \"gen5_metadata\": {\n    \"model_info\": {\n");
    bytes_print(&json, "      \"model_name\": \"%s\",\n      \"version\": \"%s\",\n", model->name,
                model->version);
    bytes_print(&json, "      \"date\": \"2026-01-04T09:%02u:00+00:00\",\n", (unsigned)(seed % 60));
    bytes_print(&json, "      \"prompt\": \"%s\",\n      \"tags\": [%s],\n", prompt, tags);
    bytes_print(&json, "      \"generation_settings\": {\n        \"seed\": %llu,\n",
                (unsigned long long)seed);
    bytes_print(&json, "        \"steps\": %d,\n        \"sampler\": \"%s\",\n", model->steps,
                model->sampler);
    bytes_print(&json, "        \"cfg_scale\": %.1f,\n", model->cfg_scale);
    bytes_print(&json,
                "        \"precision\": \"%s\",\n        \"deterministic\": true\n      },\n",
                model->dtype == GEN5_DTYPE_FLOAT16 ? "fp16" : "fp32");
    bytes_print(&json, "      \"hardware_info\": {\n        \"os\": \"Linux\",\n"
                       "        \"cpu_cores\": 16,\n        \"ram_gb\": 64.0,\n"
                       "        \"gpu\": [\n          {\n            \"name\": \"RTX 4090\",\n"
                       "            \"memory_gb\": 24\n          }\n        ]\n      }\n");
    bytes_print(&json, "    },\n    \"chunks\": []\n  }\n}");
    return json;
}

static void append_component(struct bytes *json, const char *id, const char *canonical,
                             const char *separator) {
    struct gen5_digest digest;
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    if (gen5_digest_of(canonical, strlen(canonical), &digest, NULL) != GEN5_OK) {
        fail("out of memory");
    }
    gen5_digest_to_hex(&digest, hex);
    bytes_print(json,
                "    {\n      \"component_id\": \"%s\",\n      \"cononical_str\": \"%s\",\n"
                "      \"component_sha256_digest\": \"%s\"\n    }%s\n",
                id, canonical, hex, separator);
}

static struct bytes make_environment(void) {
    struct bytes json = {0};
    bytes_print(&json, "{\n  \"env_version\": 1,\n  \"components\": [\n");
    append_component(&json, "torch", "name=torch;version=2.4.0;cuda=12.1", ",");
    append_component(&json, "numpy", "name=numpy;version=1.26.4", ",");
    append_component(&json, "python", "name=python;version=3.11.7", ",");
    append_component(&json, "cuda", "name=cuda;version=12.1", ",");
    append_component(&json, "os", "name=os;version=Linux 6.8.0", ",");
    append_component(&json, "gpu", "name=gpu;model=RTX 4090;driver=550.54", "");
    bytes_print(&json, "  ]\n}");
    return json;
}

// --- Containers ---------------------------------------------------------------------------------

enum { LATENT_COUNT_MAX = 3, EDIT_COUNT_MAX = LATENT_COUNT_MAX + 3 };

struct sample {
    const char *folder; // below the library's
    const char *name;
    const struct model *model;
    uint64_t seed;
    const char *prompt; // as it stands in JSON, like the tags
    const char *tags;
    const char *keys[LATENT_COUNT_MAX]; // of the latents
    enum gen5_image_kind image_kind;
    bool damaged; // cut in the middle, as by a download that stopped
};

static const char long_prompt[] =
    "朝霧の谷、遠くに二つの山並み、水彩。 "
    "Ein Tal im Morgennebel — zwei Bergketten, Aquarell. "
    "Долина в утреннем тумане. "
    "وادٍ في ضباب الصباح. "
    "🌄⛰️ "
    "Café, naïveté, Ærøskøbing; every script has its own hills, and the prompt goes on for a while "
    "so that whoever shows it finds out how it is cut: soft light, long shadows, a river in the "
    "distance, three birds, no people, no text, fine grain, muted colours, painted from memory";

static const struct sample samples[] = {
    {".", "sunrise.gen5", &sd15, 1234567, "sunrise over two ranges of hills, oil on canvas",
     "\"landscape\", \"sunrise\"", .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG},
    {".", "valley.gen5", &sdxl, 88172645463325252, "a valley at dusk, wide angle, soft light",
     "\"landscape\", \"dusk\"", .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG},
    {"series", "ridge.gen5", &sd3, 31, "a ridge in the morning haze, ink and wash",
     "\"landscape\", \"ink\"", .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG},
    {"series", "steps.gen5", &sd15, 77, "hills, as the sampler saw them on its way",
     "\"landscape\"", .keys = {"initial_noise", "step 10", "final"}, .image_kind = GEN5_IMAGE_PNG},
    {".", "mosaic.gen5", &sd15, 52, "hills as a mosaic of coloured glass", "\"mosaic\"",
     .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_JPEG},
    {".", "unicode-prompt.gen5", &sd15, 4242, long_prompt, "\"風景\", \"水彩\", \"landscape\"",
     .keys = {"潜在変数"}, .image_kind = GEN5_IMAGE_PNG},
    {".", "damaged.gen5", &sd15, 13, "a file that lost its second half", "\"damaged\"",
     .keys = {"initial_noise"}, .image_kind = GEN5_IMAGE_PNG, .damaged = true},
};

static const char note[] =
    "These are samples. Containers (.gen5) are directories in a mount: open image.png, load\n"
    "latent.npy with numpy, edit metadata.json. damaged.gen5 is cut on purpose; the mount says why "
    "it\n"
    "cannot be read.\n";

// Everything that one container is made of, and the edits that put it in.
struct parts {
    struct bytes contents[EDIT_COUNT_MAX];
    struct gen5_edit edits[EDIT_COUNT_MAX];
    size_t count;
};

static void parts_add(struct parts *parts, enum gen5_edit_kind kind, struct bytes content,
                      struct gen5_edit edit) {
    assert(parts->count < EDIT_COUNT_MAX);
    edit.kind = kind;
    edit.content = gen5_source_from_memory(content.data, content.size);
    parts->contents[parts->count] = content;
    parts->edits[parts->count] = edit;
    parts->count++;
}

static void parts_release(struct parts *parts) {
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->contents[i].data);
    }
}

static void parts_make(struct parts *parts, const struct sample *sample) {
    const struct model *model = sample->model;
    const uint64_t shape[4] = {1, model->channels, model->latent_side, model->latent_side};
    uint32_t side = 8 * model->latent_side;
    for (size_t i = 0; i < LATENT_COUNT_MAX && sample->keys[i] != NULL; i++) {
        const char *key = sample->keys[i];
        double strength = 1.0 / (double)(i + 1);
        struct gen5_edit edit = {.key = key, .key_length = strlen(key)};
        parts_add(parts, GEN5_PUT_LATENT,
                  make_latent(sample->seed + i, model->dtype, shape, strength), edit);
    }
    struct bytes image = sample->image_kind == GEN5_IMAGE_JPEG ? make_jpeg(sample->seed, side)
                                                               : make_png(sample->seed, side);
    parts_add(parts, GEN5_PUT_IMAGE, image, (struct gen5_edit){.image_kind = sample->image_kind});
    parts_add(parts, GEN5_PUT_ENVIRONMENT, make_environment(), (struct gen5_edit){.key = NULL});
    parts_add(parts, GEN5_PUT_METADATA,
              make_metadata(model, sample->seed, sample->prompt, sample->tags),
              (struct gen5_edit){.key = NULL});
}

// Check the edits and write what an empty container becomes by them.
static enum gen5_status write_container(const struct parts *parts, int fd_blank, int fd_out,
                                        struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_source source;
    struct gen5_container *blank = NULL;
    enum gen5_status status = gen5_repack_blank(fd_blank, error);
    if (status == GEN5_OK) {
        status = gen5_source_from_fd(fd_blank, &source, error);
    }
    if (status == GEN5_OK) {
        status = gen5_container_open(&source, &limits, &blank, error);
    }
    for (size_t i = 0; i < parts->count && status == GEN5_OK; i++) {
        status = gen5_edit_check(&parts->edits[i], blank, &limits, error);
    }
    if (status == GEN5_OK) {
        status = gen5_repack(blank, parts->edits, parts->count, &limits, fd_out, error);
    }
    gen5_container_free(blank);
    return status;
}

static enum gen5_status cut_in_half(int fd, struct gen5_error *error) {
    struct stat attributes;
    if (fstat(fd, &attributes) != 0 || ftruncate(fd, attributes.st_size / 2) != 0) {
        return gen5_error_set_system(error, errno, "cannot cut the file");
    }
    return GEN5_OK;
}

// Write the container to a temporary, then give it its name.
static enum gen5_status replace_by(const struct parts *parts, const struct sample *sample,
                                   int folder_fd, int fd_blank, struct stat *written,
                                   struct gen5_error *error) {
    struct gen5_replacement replacement = GEN5_REPLACEMENT_NONE;
    enum gen5_status status = gen5_replacement_begin(&replacement, folder_fd, -1, error);
    if (status == GEN5_OK) {
        status = write_container(parts, fd_blank, replacement.fd, error);
    }
    if (status == GEN5_OK && sample->damaged) {
        status = cut_in_half(replacement.fd, error);
    }
    if (status == GEN5_OK) {
        status = gen5_replacement_commit(&replacement, sample->name, NULL, GEN5_SYNC_FILE, written,
                                         error);
    }
    gen5_replacement_release(&replacement);
    return status;
}

// Write a sample, unless a file of its name is there.
static void write_sample(int library_fd, const struct sample *sample) {
    int folder_fd = openat(library_fd, sample->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        fail("cannot open the folder %s: %s", sample->folder, strerror(errno));
    }
    if (faccessat(folder_fd, sample->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        printf("%s/%s is there already\n", sample->folder, sample->name);
        close(folder_fd);
        return;
    }
    int fd_blank = memfd_create("blank.gen5", MFD_CLOEXEC);
    if (fd_blank < 0) {
        fail("cannot make a file in memory: %s", strerror(errno));
    }
    struct parts parts = {.count = 0};
    parts_make(&parts, sample);
    struct gen5_error error = GEN5_ERROR_NONE;
    struct stat written = {.st_size = 0};
    if (replace_by(&parts, sample, folder_fd, fd_blank, &written, &error) != GEN5_OK) {
        fail("%s/%s: %s", sample->folder, sample->name, error.message);
    }
    printf("%s/%s: %s, %lld KiB%s\n", sample->folder, sample->name, sample->model->name,
           (long long)written.st_size / 1024, sample->damaged ? ", damaged on purpose" : "");
    parts_release(&parts);
    close(fd_blank);
    close(folder_fd);
}

static void write_note(int folder_fd) {
    int fd = openat(folder_fd, "note.txt", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
        printf("./note.txt is there already\n");
        return;
    }
    if (fd < 0 || write(fd, note, sizeof note - 1) != (ssize_t)sizeof note - 1 || close(fd) != 0) {
        fail("note.txt: %s", strerror(errno));
    }
    printf("./note.txt\n");
}

static void make_folder(int parent_fd, const char *path) {
    if (mkdirat(parent_fd, path, 0777) != 0 && errno != EEXIST) {
        fail("cannot make the folder %s: %s", path, strerror(errno));
    }
}

int main(int argc, char **argv) {
    if (argc != 2 || argv[1][0] == '-') {
        fputs("usage: make_samples FOLDER\n", stderr);
        return 2;
    }
    make_folder(AT_FDCWD, argv[1]);
    int folder_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        fail("cannot open the folder %s: %s", argv[1], strerror(errno));
    }
    make_folder(folder_fd, "series");
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        write_sample(folder_fd, &samples[i]);
    }
    write_note(folder_fd);
    close(folder_fd);
    return 0;
}
