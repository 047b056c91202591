// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Which environment documents may be stored, and written.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gen5/environment.h"
#include "gen5/limits.h"
#include "gen5/manifest.h"
#include "text_change.h"

// sha256sum of "name=python;version=3.11.7" and of "name=cuda;version=none".
#define PYTHON_DIGEST "644760041a02347e16129f2cddebc70ba7db462bbf3d701e24ec4ea1eaf96098"
#define CUDA_DIGEST "7dd8a6d3d404960c6f9d281c970d7dff1b1a4b5b4e8beb91d6861019d267349a"

static const char DOCUMENT[] =
    "{\n"
    "  \"env_version\": 1,\n"
    "  \"components\": [\n"
    "    {\"component_id\": \"python\", \"cononical_str\": \"name=python;version=3.11.7\",\n"
    "     \"component_sha256_digest\": \"" PYTHON_DIGEST "\"},\n"
    "    {\"component_id\": \"cuda\", \"cononical_str\": \"name=cuda;version=none\",\n"
    "     \"component_sha256_digest\": \"" CUDA_DIGEST "\"}\n"
    "  ]\n"
    "}";

static enum gen5_status check(const char *text, struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    *error = (struct gen5_error)GEN5_ERROR_NONE;
    return gen5_environment_check(text, strlen(text), &limits, error);
}

Test(environment, takes_what_the_format_describes) {
    static const struct text_change CHANGES[] = {
        {"\"env_version\": 1", "\"env_version\": 1", NULL},
        {"\"env_version\": 1", "\"env_version\": 1.0", NULL},
        {"\"component_id\": \"cuda\"", "\"component_id\": \"python\"", NULL},
        {"name=cuda", "name=\\u0063uda", NULL},
        {"\"component_id\": \"cuda\"", "\"note\": null, \"component_id\": \"cuda\"", NULL},
    };
    EXPECT_CHANGES(DOCUMENT, CHANGES, check);
}

Test(environment, takes_an_empty_list_of_components) {
    struct gen5_error error;
    cr_expect_eq(check("{\"components\":[],\"env_version\":1}", &error), GEN5_OK);
}

Test(environment, names_what_is_wrong) {
    static const struct text_change CHANGES[] = {
        {"\"env_version\": 1", "\"env_version\": 2", "env_version: must be 1"},
        {"\"env_version\": 1", "\"env_version\": \"1\"", "env_version: must be 1"},
        {"\"env_version\": 1", "\"env_version\": true", "env_version: must be 1"},
        {"\"env_version\": 1,", "", "env_version: is missing"},
        {"\"env_version\": 1,", "\"env_version\": 1, \"third\": 0,",
         "third: an environment has no keys but env_version and components"},
        {"\"env_version\": 1,", "\"env_version\": 1, \"Env_version\": 1,",
         "Env_version: an environment has no keys but env_version and components"},
        {"\"env_version\": 1,", "\"env_version\": 1, \"env_version\": 1,",
         "env_version: the object has this key twice"},
        {"[\n", "{\"a\": [\n", "not JSON at line 9, column 2: the text ends too early"},
        {"\"component_id\": \"cuda\", ", "", "components[1].component_id: is missing"},
        {"\"cuda\"", "7", "components[1].component_id: must be a string"},
        {"cononical_str", "canonical_str", "components[0].cononical_str: is missing"},
        {"version=none", "version=12.1",
         "components[1].component_sha256_digest: must be the SHA-256 of cononical_str, "
         "ab7e65e0a90401c7ff266d697be614ae4d1279f251fc100aa8dfa3f96cd13a1b"},
        {"name=cuda", "\\ud800",
         "components[1].cononical_str: has a lone surrogate, so it has no digest"},
    };
    EXPECT_CHANGES(DOCUMENT, CHANGES, check);
}

Test(environment, refuses_a_digest_in_capitals_which_the_reference_would_find_different) {
    struct gen5_error error;
    char upper[] = PYTHON_DIGEST;
    for (size_t i = 0; upper[i] != '\0'; i++) {
        upper[i] = upper[i] >= 'a' ? (char)(upper[i] - 'a' + 'A') : upper[i];
    }
    char *text = text_replaced(DOCUMENT, PYTHON_DIGEST, upper);
    cr_expect_eq(check(text, &error), GEN5_ERROR_INVALID);
    free(text);
}

Test(environment, refuses_documents_of_another_kind) {
    static const char *const TEXTS[] = {
        "",
        "[]",
        "null",
        "{}",
        "{\"env_version\": 1, \"components\": {}}",
        "{\"env_version\": 1, \"components\": [[]]}",
        "{\"env_version\": 1, \"components\": null}",
        "\xef\xbb\xbf{\"env_version\": 1, \"components\": []}",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct gen5_error error;
        cr_expect_eq(check(TEXTS[i], &error), GEN5_ERROR_INVALID, "%s", TEXTS[i]);
    }
}

Test(environment, refuses_what_is_over_the_limits) {
    struct gen5_limits limits = gen5_limits_default();
    struct gen5_error error;
    limits.environment_size_max = strlen(DOCUMENT) - 1;
    cr_expect_eq(gen5_environment_check(DOCUMENT, strlen(DOCUMENT), &limits, &error),
                 GEN5_ERROR_TOO_LARGE);
}

Test(environment, writes_no_text_that_may_not_be_stored) {
    static const char *const STRINGS[] = {"\xed\xa0\x80", "\xff", "a\xed\xbf\xbf"};
    for (size_t i = 0; i < sizeof STRINGS / sizeof *STRINGS; i++) {
        struct gen5_environment environment = GEN5_ENVIRONMENT_NONE;
        struct gen5_error error = GEN5_ERROR_NONE;
        char *text = NULL;
        size_t size = 0;
        cr_assert_eq(gen5_environment_add(&environment, "id", STRINGS[i], NULL), GEN5_OK);
        cr_expect_eq(gen5_environment_write(&environment, &text, &size, &error), GEN5_ERROR_INVALID,
                     "string %zu", i);
        cr_expect_neq(error.message[0], '\0');
        gen5_environment_release(&environment);
    }
}
