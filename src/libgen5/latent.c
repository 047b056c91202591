// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the elements of latents are like, and how they differ.
#include "gen5/latent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "element_read.h"
#include "ownership.h"

// --- Statistics ---------------------------------------------------------------------------------

// Of the finite elements so far. Means and squares are merged piece by piece (Chan, Golub and
// LeVeque, 1979), so that neither large counts nor large means cost precision.
struct tally {
    struct gen5_latent_statistics statistics;
    uint64_t finite_count;
    double square_sum; // of the distances from the mean
};

static void count_infinite(struct tally *tally, float element) {
    if (isnan(element)) {
        tally->statistics.nan_count++;
    } else {
        tally->statistics.infinity_count++;
    }
}

static void merge(struct tally *tally, uint64_t count, double mean, double square_sum) {
    double total = (double)(tally->finite_count + count);
    double distance = mean - tally->statistics.mean;
    tally->square_sum +=
        square_sum + distance * distance * (double)tally->finite_count * ((double)count / total);
    tally->statistics.mean += distance * ((double)count / total);
    tally->finite_count += count;
}

static void add(struct tally *tally, const float *elements, size_t count) {
    struct gen5_latent_statistics *statistics = &tally->statistics;
    uint64_t finite = 0;
    double sum = 0;
    bool first = tally->finite_count == 0;
    for (size_t i = 0; i < count; i++) {
        double element = (double)elements[i];
        if (!isfinite(element)) {
            count_infinite(tally, elements[i]);
            continue;
        }
        statistics->min = first || element < statistics->min ? element : statistics->min;
        statistics->max = first || element > statistics->max ? element : statistics->max;
        first = false;
        sum += element;
        finite++;
    }
    statistics->element_count += count;
    if (finite == 0) {
        return;
    }
    double mean = sum / (double)finite;
    double square_sum = 0;
    for (size_t i = 0; i < count; i++) {
        double distance = isfinite(elements[i]) ? (double)elements[i] - mean : 0;
        square_sum += distance * distance;
    }
    merge(tally, finite, mean, square_sum);
}

static enum gen5_status measure(struct gen5_element_reader *reader, struct tally *tally,
                                struct gen5_error *error) {
    GEN5_AUTO_FREE float *elements = malloc(GEN5_ELEMENTS_AT_ONCE * sizeof *elements);
    if (elements == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status;
    size_t count = 0;
    do {
        status = gen5_element_reader_next(reader, elements, &count, error);
        if (status == GEN5_OK) {
            add(tally, elements, count);
        }
    } while (status == GEN5_OK && count > 0);
    return status;
}

enum gen5_status gen5_latent_measure(const struct gen5_latent *latent,
                                     struct gen5_latent_statistics *statistics,
                                     struct gen5_error *error) {
    struct gen5_element_reader *reader = NULL;
    struct tally tally = {.finite_count = 0};
    enum gen5_status status = gen5_element_reader_new(latent, &reader, error);
    if (status == GEN5_OK) {
        status = measure(reader, &tally, error);
    }
    gen5_element_reader_free(reader);
    if (status != GEN5_OK) {
        return gen5_payload_locate(status, latent->record, error);
    }
    *statistics = tally.statistics;
    if (tally.finite_count > 0) {
        statistics->deviation = sqrt(tally.square_sum / (double)tally.finite_count);
    }
    return GEN5_OK;
}

// --- Differences --------------------------------------------------------------------------------

struct comparison {
    struct gen5_latent_difference difference;
    uint64_t comparable_count; // elements that are finite in both
    double absolute_sum;
    double square_sum;
    // Of the first latent's finite elements.
    bool has_range;
    double min;
    double max;
};

static void extend_range(struct comparison *comparison, double element) {
    if (!isfinite(element)) {
        return;
    }
    bool first = !comparison->has_range;
    comparison->min = first || element < comparison->min ? element : comparison->min;
    comparison->max = first || element > comparison->max ? element : comparison->max;
    comparison->has_range = true;
}

static void compare_elements(struct comparison *comparison, const float *first, const float *second,
                             size_t count) {
    struct gen5_latent_difference *difference = &comparison->difference;
    for (size_t i = 0; i < count; i++) {
        double one = (double)first[i];
        double other = (double)second[i];
        bool same = one == other || (isnan(one) && isnan(other));
        extend_range(comparison, one);
        difference->different_count += same ? 0 : 1;
        if (!isfinite(one) || !isfinite(other)) {
            difference->incomparable_count += same ? 0 : 1;
            continue;
        }
        double absolute = fabs(one - other);
        comparison->comparable_count++;
        comparison->absolute_sum += absolute;
        comparison->square_sum += absolute * absolute;
        if (absolute > difference->max_absolute) {
            difference->max_absolute = absolute;
        }
    }
    difference->element_count += count;
}

// Once all elements were compared.
static void conclude(struct comparison *comparison) {
    struct gen5_latent_difference *difference = &comparison->difference;
    double count = (double)comparison->comparable_count;
    double peak = comparison->max - comparison->min;
    difference->psnr = NAN;
    if (comparison->comparable_count == 0) {
        return;
    }
    difference->mean_absolute = comparison->absolute_sum / count;
    if (comparison->square_sum == 0) {
        difference->psnr = INFINITY;
    } else if (peak > 0) {
        difference->psnr = 20 * log10(peak) - 10 * log10(comparison->square_sum / count);
    }
}

// Read and compare the next elements of both; *failed is told where it was the second's reading.
static enum gen5_status compare_next(struct gen5_element_reader *readers[2],
                                     struct comparison *comparison, float *elements, size_t *count,
                                     size_t *failed, struct gen5_error *error) {
    float *others = elements + GEN5_ELEMENTS_AT_ONCE;
    *failed = 0;
    enum gen5_status status = gen5_element_reader_next(readers[0], elements, count, error);
    if (status == GEN5_OK) {
        *failed = 1;
        // As many are left in both: the shapes are the same.
        status = gen5_element_reader_next(readers[1], others, count, error);
    }
    if (status == GEN5_OK) {
        compare_elements(comparison, elements, others, *count);
    }
    return status;
}

static enum gen5_status compare_payloads(struct gen5_element_reader *readers[2],
                                         struct comparison *comparison, size_t *failed,
                                         struct gen5_error *error) {
    GEN5_AUTO_FREE float *elements = calloc(GEN5_ELEMENTS_AT_ONCE, 2 * sizeof *elements);
    if (elements == NULL) {
        return gen5_error_set_memory(error);
    }
    enum gen5_status status;
    size_t count = 0;
    do {
        status = compare_next(readers, comparison, elements, &count, failed, error);
    } while (status == GEN5_OK && count > 0);
    return status;
}

static bool same_shape(const struct gen5_record *first, const struct gen5_record *second) {
    return first->rank == second->rank &&
           memcmp(first->shape, second->shape, first->rank * sizeof first->shape[0]) == 0;
}

enum gen5_status gen5_latent_compare(const struct gen5_latent *first,
                                     const struct gen5_latent *second,
                                     struct gen5_latent_difference *difference,
                                     const struct gen5_latent **failed, struct gen5_error *error) {
    struct comparison comparison = {
        .difference = {.same_dtype = first->record->dtype == second->record->dtype,
                       .same_shape = same_shape(first->record, second->record)}};
    const struct gen5_latent *const latents[2] = {first, second};
    struct gen5_element_reader *readers[2] = {NULL, NULL};
    size_t at = 0;
    enum gen5_status status = gen5_element_reader_new(first, &readers[0], error);
    if (status == GEN5_OK) {
        at = 1;
        status = gen5_element_reader_new(second, &readers[1], error);
    }
    if (status == GEN5_OK && comparison.difference.same_shape) {
        status = compare_payloads(readers, &comparison, &at, error);
        conclude(&comparison);
    }
    gen5_element_reader_free(readers[0]);
    gen5_element_reader_free(readers[1]);
    *difference = comparison.difference;
    *failed = latents[at];
    return gen5_payload_locate(status, latents[at]->record, error);
}

// --- Elements -----------------------------------------------------------------------------------

enum gen5_status gen5_latent_read(const struct gen5_latent *latent, float **elements,
                                  size_t *element_count, struct gen5_error *error) {
    struct gen5_element_reader *reader = NULL;
    GEN5_AUTO_FREE float *read = NULL;
    size_t total = 0;
    uint64_t count_max = latent->container->limits.tensor_elements_max;
    enum gen5_status status = gen5_element_reader_new(latent, &reader, error);
    if (status == GEN5_OK && reader->left > count_max) {
        status = gen5_error_set(error, GEN5_ERROR_LIMIT, (int64_t)latent->record->offset,
                                "%llu elements are more than the limit of %llu",
                                (unsigned long long)reader->left, (unsigned long long)count_max);
    }
    if (status == GEN5_OK) {
        read = calloc((size_t)reader->left + 1, sizeof *read);
        status = read != NULL ? GEN5_OK : gen5_error_set_memory(error);
    }
    for (size_t count = 1; status == GEN5_OK && count > 0; total += count) {
        status = gen5_element_reader_next(reader, read + total, &count, error);
    }
    gen5_element_reader_free(reader);
    if (status == GEN5_OK) {
        *elements = gen5_steal(&read);
        *element_count = total;
    }
    return gen5_payload_locate(status, latent->record, error);
}
