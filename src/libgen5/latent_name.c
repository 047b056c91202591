// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Latent keys as file names.
#include "gen5/latent_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/digest.h"
#include "ownership.h"

enum {
    CUT_DIGITS = 16,
    CUT_MARK = '~',
    ESCAPE_SIZE = 3,
    CHARACTER_SIZE_MAX = 4, // UTF-8
};

static const char suffix[] = ".npy";

enum {
    SUFFIX_SIZE = sizeof suffix - 1,
    STEM_SIZE_MAX = GEN5_LATENT_NAME_SIZE_MAX - SUFFIX_SIZE,
    CUT_STEM_SIZE_MAX = STEM_SIZE_MAX - 1 - CUT_DIGITS,
};

// --- Characters ---------------------------------------------------------------------------------

// How many bytes the UTF-8 character at `bytes` has, and its code point. 0 where there is none: a
// stray or missing continuation, an overlong form, a surrogate, above U+10FFFF (RFC 3629).
static size_t decode_character(const uint8_t *bytes, size_t size, uint32_t *character) {
    uint8_t lead = bytes[0];
    size_t length = lead < 0x80   ? 1
                    : lead < 0xc2 ? 0
                    : lead < 0xe0 ? 2
                    : lead < 0xf0 ? 3
                    : lead < 0xf5 ? 4
                                  : 0;
    if (length == 0 || length > size) {
        return 0;
    }
    uint32_t value = length == 1 ? lead : lead & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = (value << 6) | (bytes[i] & 0x3f);
    }
    static const uint32_t first_of_length[CHARACTER_SIZE_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < first_of_length[length] || surrogate || value > 0x10ffff) {
        return 0;
    }
    *character = value;
    return length;
}

// Characters that a file name cannot hold, or with which it would look like another one.
static bool must_escape(uint32_t character) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     // control characters
        {'%', '%'},       // the escape itself
        {'/', '/'},       //
        {0x7f, 0x9f},     // DEL and the C1 controls
        {0x061c, 0x061c}, // Arabic letter mark
        {0x200e, 0x200f}, // left-to-right and right-to-left marks
        {0x2028, 0x202e}, // line and paragraph separators, bidirectional embeddings and overrides
        {0x2066, 0x2069}, // bidirectional isolates
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

// --- From key to name ---------------------------------------------------------------------------

// The stem of a name: what stands before ".npy".
struct stem {
    char bytes[STEM_SIZE_MAX];
    size_t size;
    size_t cut_size; // of its longest beginning of whole characters that leaves room for the digest
    bool full;       // something did not fit any more
};

// Append a whole character, or nothing.
static void append_character(struct stem *stem, const uint8_t *bytes, size_t length, bool escape) {
    static const char digits[] = "0123456789ABCDEF";
    size_t needed = escape ? length * ESCAPE_SIZE : length;
    if (stem->full || needed > STEM_SIZE_MAX - stem->size) {
        stem->full = true;
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if (escape) {
            stem->bytes[stem->size++] = '%';
            stem->bytes[stem->size++] = digits[bytes[i] >> 4];
            stem->bytes[stem->size++] = digits[bytes[i] & 0x0f];
        } else {
            stem->bytes[stem->size++] = (char)bytes[i];
        }
    }
    if (stem->size <= CUT_STEM_SIZE_MAX) {
        stem->cut_size = stem->size;
    }
}

static bool is_lower_hex_digit(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

// True where the key has at `at` what a cut name ends in. Its '~' is escaped, so that no key's full
// name is the cut name of another key.
static bool looks_cut_at(const uint8_t *key, size_t key_length, size_t at) {
    if (key[at] != CUT_MARK || key_length - at != 1 + CUT_DIGITS) {
        return false;
    }
    for (size_t i = at + 1; i < key_length; i++) {
        if (!is_lower_hex_digit(key[i])) {
            return false;
        }
    }
    return true;
}

static bool is_dots(const uint8_t *key, size_t key_length) {
    return key[0] == '.' && (key_length == 1 || (key_length == 2 && key[1] == '.'));
}

static void append_key(struct stem *stem, const uint8_t *key, size_t key_length) {
    bool dots = key_length > 0 && is_dots(key, key_length);
    for (size_t at = 0; at < key_length && !stem->full;) {
        uint32_t character;
        size_t length = decode_character(key + at, key_length - at, &character);
        bool escape =
            dots || length == 0 || must_escape(character) || looks_cut_at(key, key_length, at);
        length = length == 0 ? 1 : length;
        append_character(stem, key + at, length, escape);
        at += length;
    }
}

// End the cut stem in the key's digest. False where there is no memory to compute it.
static bool cut_stem(struct stem *stem, const char *key, size_t key_length) {
    struct gen5_digest digest;
    char hex[GEN5_DIGEST_HEX_SIZE + 1];
    if (gen5_digest_of(key, key_length, &digest, NULL) != GEN5_OK) {
        return false;
    }
    gen5_digest_to_hex(&digest, hex);
    stem->size = stem->cut_size;
    stem->bytes[stem->size++] = CUT_MARK;
    memcpy(stem->bytes + stem->size, hex, CUT_DIGITS);
    stem->size += CUT_DIGITS;
    return true;
}

size_t gen5_latent_name_from_key(const char *key, size_t key_length,
                                 char name[GEN5_LATENT_NAME_SIZE_MAX + 1]) {
    struct stem stem = {.size = 0};
    if (key_length == 0) {
        stem.bytes[stem.size++] = '%'; // no escape is that short, so no key's name can be the same
    }
    append_key(&stem, (const uint8_t *)key, key_length);
    if (stem.full && !cut_stem(&stem, key, key_length)) {
        name[0] = '\0';
        return 0;
    }
    memcpy(name, stem.bytes, stem.size);
    memcpy(name + stem.size, suffix, sizeof suffix);
    return stem.size + SUFFIX_SIZE;
}

// --- From name to key ---------------------------------------------------------------------------

// The value of a digit as this file writes it, or -1.
static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

// Undo the escapes of a stem. What is no escape stays, and is found out by making the name again.
static size_t unescape(const char *stem, size_t size, char *key) {
    size_t length = 0;
    for (size_t at = 0; at < size; at++) {
        int high = stem[at] == '%' && size - at >= ESCAPE_SIZE ? digit_value(stem[at + 1]) : -1;
        int low = high >= 0 ? digit_value(stem[at + 2]) : -1;
        if (low >= 0) {
            key[length++] = (char)(high * 16 + low);
            at += ESCAPE_SIZE - 1;
        } else {
            key[length++] = stem[at];
        }
    }
    return length;
}

static enum gen5_status not_a_name(struct gen5_error *error) {
    return gen5_error_set(
        error, GEN5_ERROR_INVALID, GEN5_OFFSET_NONE,
        "not the file name of any latent's key: it must be KEY.npy, with '%%' and "
        "what no file name can hold as %%XX, and not be cut");
}

enum gen5_status gen5_latent_name_to_key(const char *name, char **key, size_t *key_length,
                                         struct gen5_error *error) {
    size_t size = strlen(name);
    if (size <= SUFFIX_SIZE || size > GEN5_LATENT_NAME_SIZE_MAX ||
        memcmp(name + size - SUFFIX_SIZE, suffix, SUFFIX_SIZE) != 0) {
        return not_a_name(error);
    }
    size_t stem_size = size - SUFFIX_SIZE;
    GEN5_AUTO_FREE char *bytes = malloc(stem_size + 1);
    if (bytes == NULL) {
        return gen5_error_set_memory(error);
    }
    bool empty = stem_size == 1 && name[0] == '%';
    size_t length = empty ? 0 : unescape(name, stem_size, bytes);
    bytes[length] = '\0';

    char again[GEN5_LATENT_NAME_SIZE_MAX + 1];
    gen5_latent_name_from_key(bytes, length, again);
    if (strcmp(again, name) != 0) {
        return not_a_name(error);
    }
    *key = gen5_steal(&bytes);
    *key_length = length;
    return GEN5_OK;
}

bool gen5_latent_name_is_cut(const char *name) {
    size_t size = strlen(name);
    if (size <= SUFFIX_SIZE + 1 + CUT_DIGITS || size > GEN5_LATENT_NAME_SIZE_MAX) {
        return false;
    }
    size_t stem_size = size - SUFFIX_SIZE;
    return strcmp(name + stem_size, suffix) == 0 &&
           looks_cut_at((const uint8_t *)name, stem_size, stem_size - 1 - CUT_DIGITS);
}
