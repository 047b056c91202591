// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Whether a metadata document may be stored: FORMAT.md's schema for what is the user's in it, and
// enough of file_info and chunks for the computed fields to be put right.
//
// The new document and the old one are gone through side by side, so that a fault which the old one
// has at the same place with the same literal is seen as such at once.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_document.h"
#include "json_literal.h"
#include "json_path.h"
#include "manifest_record.h"

// --- The schema ---------------------------------------------------------------------------------

enum rule {
    RULE_STRING,
    RULE_STRINGS,
    RULE_INTEGER_FROM_0,
    RULE_INTEGER_FROM_1,
    RULE_NUMBER_FROM_0,
    RULE_BOOLEAN,
    RULE_OBJECT,
    RULE_ARRAY,
};

static const char *const RULE_WORDS[] = {
    [RULE_STRING] = "must be a string",
    [RULE_STRINGS] = "must be an array of strings",
    [RULE_INTEGER_FROM_0] = "must be an integer of 0 or more",
    [RULE_INTEGER_FROM_1] = "must be an integer of 1 or more",
    [RULE_NUMBER_FROM_0] = "must be a number of 0 or more",
    [RULE_BOOLEAN] = "must be true or false",
    [RULE_OBJECT] = "must be an object",
    [RULE_ARRAY] = "must be an array",
};

struct member_rule {
    const char *name;
    bool required;
    enum rule rule;
};

// More members than any object of the schema names.
enum { MEMBERS_MAX = 10 };

struct object_rule {
    size_t count;
    struct member_rule members[MEMBERS_MAX];
};

enum { METADATA_FILE_INFO, METADATA_MODEL_INFO, METADATA_CHUNKS };
static const struct object_rule METADATA = {
    3,
    {[METADATA_FILE_INFO] = {"file_info", false, RULE_OBJECT},
     [METADATA_MODEL_INFO] = {"model_info", true, RULE_OBJECT},
     [METADATA_CHUNKS] = {"chunks", false, RULE_ARRAY}}};

enum { MODEL_TAGS = 4, MODEL_SETTINGS = 5, MODEL_HARDWARE = 6 };
static const struct object_rule MODEL_INFO = {
    7,
    {{"model_name", true, RULE_STRING},
     {"version", true, RULE_STRING},
     {"date", true, RULE_STRING},
     {"prompt", true, RULE_STRING},
     [MODEL_TAGS] = {"tags", true, RULE_STRINGS},
     [MODEL_SETTINGS] = {"generation_settings", false, RULE_OBJECT},
     [MODEL_HARDWARE] = {"hardware_info", false, RULE_OBJECT}}};

static const struct object_rule GENERATION_SETTINGS = {9,
                                                       {{"seed", true, RULE_INTEGER_FROM_0},
                                                        {"steps", true, RULE_INTEGER_FROM_1},
                                                        {"sampler", true, RULE_STRING},
                                                        {"cfg_scale", false, RULE_NUMBER_FROM_0},
                                                        {"scheduler", false, RULE_STRING},
                                                        {"eta", false, RULE_NUMBER_FROM_0},
                                                        {"guidance", false, RULE_STRING},
                                                        {"precision", false, RULE_STRING},
                                                        {"deterministic", false, RULE_BOOLEAN}}};

enum { HARDWARE_GPU = 7 };
static const struct object_rule HARDWARE_INFO = {8,
                                                 {{"os", true, RULE_STRING},
                                                  {"machine_name", false, RULE_STRING},
                                                  {"cpu", false, RULE_STRING},
                                                  {"framework", false, RULE_STRING},
                                                  {"compute_lib", false, RULE_STRING},
                                                  {"cpu_cores", false, RULE_INTEGER_FROM_1},
                                                  {"ram_gb", false, RULE_NUMBER_FROM_0},
                                                  [HARDWARE_GPU] = {"gpu", false, RULE_ARRAY}}};

static const struct object_rule GPU = {4,
                                       {{"name", true, RULE_STRING},
                                        {"memory_gb", false, RULE_NUMBER_FROM_0},
                                        {"driver", false, RULE_STRING},
                                        {"cuda_version", false, RULE_STRING}}};

// Of a record only that counts which is the user's; the rest is written anew.
enum { RECORD_TYPE, RECORD_EXTRA };
static const struct object_rule RECORD = {
    2,
    {[RECORD_TYPE] = {"type", false, RULE_STRING}, [RECORD_EXTRA] = {"extra", false, RULE_OBJECT}}};

static const struct object_rule LATENT_EXTRA = {1, {{"key", false, RULE_STRING}}};

// --- Side by side -------------------------------------------------------------------------------

// A value of the new document, and what the old one has in its place.
struct pair {
    struct gen5_json_value value;
    struct gen5_json_value old;
};

struct check {
    struct gen5_json_document document;
    struct gen5_json_document old; // text is NULL where there is none
    // The first fault in the order of the text; `problem` is NULL while there is none.
    size_t offset;
    const char *name; // of the member that the object at `offset` lacks, or NULL
    const char *problem;
    struct gen5_json_value found; // what stands there, GEN5_JSON_NONE for a member that is missing
};

static bool stands_in_old(const struct check *check, const struct pair *pair) {
    size_t size = pair->value.span.end - pair->value.span.begin;
    return pair->old.kind == pair->value.kind &&
           size == pair->old.span.end - pair->old.span.begin &&
           memcmp(check->document.text + pair->value.span.begin,
                  check->old.text + pair->old.span.begin, size) == 0;
}

static void report(struct check *check, size_t offset, const char *name, const char *problem,
                   struct gen5_json_value found) {
    if (check->problem == NULL || offset < check->offset) {
        check->offset = offset;
        check->name = name;
        check->problem = problem;
        check->found = found;
    }
}

static bool satisfies(const struct check *check, struct gen5_json_value value, enum rule rule) {
    switch (rule) {
    case RULE_STRING:
        return value.kind == GEN5_JSON_STRING;
    case RULE_STRINGS:
    case RULE_ARRAY:
        return value.kind == GEN5_JSON_ARRAY;
    case RULE_BOOLEAN:
        return value.kind == GEN5_JSON_TRUE || value.kind == GEN5_JSON_FALSE;
    case RULE_OBJECT:
        return value.kind == GEN5_JSON_OBJECT;
    case RULE_INTEGER_FROM_0:
    case RULE_INTEGER_FROM_1:
    case RULE_NUMBER_FROM_0:
        break;
    }
    if (value.kind != GEN5_JSON_NUMBER) {
        return false;
    }
    switch (gen5_json_number_class(check->document.text, value.span)) {
    case GEN5_JSON_NUMBER_NEGATIVE:
        return false;
    case GEN5_JSON_NUMBER_FRACTION:
        return rule == RULE_NUMBER_FROM_0;
    case GEN5_JSON_NUMBER_ZERO:
        return rule != RULE_INTEGER_FROM_1;
    case GEN5_JSON_NUMBER_POSITIVE:
        break;
    }
    return true;
}

static void check_value(struct check *check, const struct pair *pair, enum rule rule) {
    if (!satisfies(check, pair->value, rule) && !stands_in_old(check, pair)) {
        report(check, pair->value.span.begin, NULL, RULE_WORDS[rule], pair->value);
    }
}

// Check an object's members; members[i] is then the pair of rule->members[i]. What is no object,
// and was reported as such, has no members and lacks none.
static void check_object(struct check *check, const struct pair *object,
                         const struct object_rule *rule, struct pair members[MEMBERS_MAX]) {
    const char *names[MEMBERS_MAX];
    struct gen5_json_value values[MEMBERS_MAX], old_values[MEMBERS_MAX];
    for (size_t i = 0; i < rule->count; i++) {
        names[i] = rule->members[i].name;
    }
    gen5_json_pick(check->document.text, object->value, names, rule->count, values);
    gen5_json_pick(check->old.text, object->old, names, rule->count, old_values);
    for (size_t i = 0; i < rule->count; i++) {
        members[i] = (struct pair){values[i], old_values[i]};
        if (values[i].kind != GEN5_JSON_NONE) {
            check_value(check, &members[i], rule->members[i].rule);
            continue;
        }
        bool old_lacks_it =
            object->old.kind == GEN5_JSON_OBJECT && old_values[i].kind == GEN5_JSON_NONE;
        if (object->value.kind == GEN5_JSON_OBJECT && rule->members[i].required && !old_lacks_it) {
            report(check, object->value.span.begin, names[i], "is missing", values[i]);
        }
    }
}

// The elements of two arrays side by side; where the old one is shorter, the rest has no partner.
struct pair_walk {
    struct gen5_json_walk walk;
    struct gen5_json_walk old_walk;
};

static struct pair_walk walk_start(const struct check *check, const struct pair *array) {
    // An object in the place of an array has no elements.
    struct gen5_json_value none = {.kind = GEN5_JSON_NONE};
    bool is_array = array->value.kind == GEN5_JSON_ARRAY;
    bool old_is_array = array->old.kind == GEN5_JSON_ARRAY;
    return (struct pair_walk){
        gen5_json_walk_start(check->document.text, is_array ? array->value : none),
        gen5_json_walk_start(check->old.text, old_is_array ? array->old : none)};
}

static bool walk_next(struct pair_walk *walk, struct pair *pair) {
    struct gen5_json_member member;
    if (!gen5_json_walk_next(&walk->walk, &member)) {
        return false;
    }
    pair->value = member.value;
    bool partner = gen5_json_walk_next(&walk->old_walk, &member);
    pair->old = partner ? member.value : (struct gen5_json_value){.kind = GEN5_JSON_NONE};
    return true;
}

// --- The parts of the document ------------------------------------------------------------------

static void check_model_info(struct check *check, const struct pair *model_info) {
    struct pair members[MEMBERS_MAX], inner[MEMBERS_MAX], element;
    check_object(check, model_info, &MODEL_INFO, members);
    struct pair_walk tags = walk_start(check, &members[MODEL_TAGS]);
    while (walk_next(&tags, &element)) {
        check_value(check, &element, RULE_STRING);
    }
    check_object(check, &members[MODEL_SETTINGS], &GENERATION_SETTINGS, inner);
    check_object(check, &members[MODEL_HARDWARE], &HARDWARE_INFO, inner);
    struct pair_walk gpus = walk_start(check, &inner[HARDWARE_GPU]);
    while (walk_next(&gpus, &element)) {
        struct pair ignored[MEMBERS_MAX];
        check_value(check, &element, RULE_OBJECT);
        check_object(check, &element, &GPU, ignored);
    }
}

static void check_record(struct check *check, const struct pair *record) {
    struct pair members[MEMBERS_MAX], inner[MEMBERS_MAX];
    check_value(check, record, RULE_OBJECT);
    check_object(check, record, &RECORD, members);
    struct gen5_json_value type = members[RECORD_TYPE].value;
    if (type.kind == GEN5_JSON_STRING &&
        gen5_json_string_equals(check->document.text, type.span, "LATN", 4)) {
        check_object(check, &members[RECORD_EXTRA], &LATENT_EXTRA, inner);
    }
}

static size_t check_chunks(struct check *check, const struct pair *chunks) {
    struct pair_walk walk = walk_start(check, chunks);
    struct pair record;
    size_t count = 0;
    while (walk_next(&walk, &record)) {
        check_record(check, &record);
        count++;
    }
    return count;
}

// --- The outcome --------------------------------------------------------------------------------

static const char *kind_words(enum gen5_json_kind kind) {
    return kind == GEN5_JSON_ARRAY ? "an array" : "an object";
}

// Tell the first fault: "must be a string, is 5".
static enum gen5_status tell(const struct check *check, struct gen5_error *error) {
    enum { LITERAL_SHOWN = 60 };
    char problem[200];
    const char *text = check->document.text;
    struct gen5_span span = check->found.span;
    if (check->found.kind == GEN5_JSON_NONE) {
        snprintf(problem, sizeof problem, "%s", check->problem);
    } else if (check->found.kind == GEN5_JSON_ARRAY || check->found.kind == GEN5_JSON_OBJECT) {
        snprintf(problem, sizeof problem, "%s, is %s", check->problem,
                 kind_words(check->found.kind));
    } else {
        bool cut = span.end - span.begin > LITERAL_SHOWN;
        span.end = cut ? span.begin + LITERAL_SHOWN : span.end;
        while (cut && ((unsigned char)text[span.end] & 0xC0) == 0x80) {
            span.end--;
        }
        snprintf(problem, sizeof problem, "%s, is %.*s%s", check->problem,
                 (int)(span.end - span.begin), text + span.begin, cut ? "…" : "");
    }
    return gen5_json_path_error(error, text, check->document.size, check->offset, check->name,
                                problem);
}

static enum gen5_status check_metadata(struct check *check, const struct gen5_limits *limits,
                                       struct gen5_error *error) {
    static const char *const NAME = "gen5_metadata";
    const char *text = check->document.text;
    struct pair members[MEMBERS_MAX];
    struct pair metadata = {gen5_json_find(text, check->document.root, NAME),
                            gen5_json_find(check->old.text, check->old.root, NAME)};
    if (metadata.value.kind != GEN5_JSON_OBJECT) {
        return gen5_error_set(error, GEN5_ERROR_INVALID, (int64_t)check->document.root.span.begin,
                              "%s: must be an object, the document's own", NAME);
    }
    check_object(check, &metadata, &METADATA, members);
    check_model_info(check, &members[METADATA_MODEL_INFO]);
    size_t count = check_chunks(check, &members[METADATA_CHUNKS]);
    if (check->problem != NULL) {
        return tell(check, error);
    }
    if (count > limits->record_count_max) {
        return gen5_error_set(error, GEN5_ERROR_INVALID,
                              (int64_t)members[METADATA_CHUNKS].value.span.begin,
                              "gen5_metadata.chunks: has %zu records, more than %" PRIu32, count,
                              limits->record_count_max);
    }
    return GEN5_OK;
}

enum gen5_status gen5_metadata_check(const char *text, size_t size, const char *old_text,
                                     size_t old_size, const struct gen5_limits *limits,
                                     struct gen5_error *error) {
    if (size > limits->manifest_size_max) {
        return gen5_error_set(error, GEN5_ERROR_TOO_LARGE, GEN5_OFFSET_NONE,
                              "a metadata document of %zu bytes is over the limit of %" PRIu64,
                              size, limits->manifest_size_max);
    }
    struct check check = {.problem = NULL};
    // An old text that is no JSON has no faults of its own to let through.
    bool has_old =
        old_text != NULL && gen5_json_document_open(old_text, old_size, limits->json_depth_max,
                                                    &check.old, NULL) == GEN5_OK;
    if (!has_old) {
        check.old = (struct gen5_json_document){.text = NULL};
    }
    enum gen5_status status = gen5_json_document_check(
        text, size, has_old ? &check.old : NULL, limits->json_depth_max, &check.document, error);
    return status == GEN5_OK ? check_metadata(&check, limits, error) : status;
}
