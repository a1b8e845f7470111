/*
 * Pairwise covering sets: few rows of choices in which every value of every factor meets every value of every other
 * one. Greedy, as AETG has it (D. M. Cohen et al., "The AETG system: an approach to testing based on combinatorial
 * design", 1997): each row begins with a pair that no row has yet, and takes for one factor after the other, in random
 * order, the value that meets the most new pairs.
 */
#ifndef BACKPROP_TESTS_COVERING_H
#define BACKPROP_TESTS_COVERING_H

#include <stddef.h>

#include "harness/random.h"

enum { COVERING_FACTORS_MAX = 40, COVERING_VALUES_MAX = 32 };

typedef struct covering {
    size_t factors, rows;
    unsigned char (*row)[COVERING_FACTORS_MAX]; /* a value for each factor */
} covering;

/** The set for factors of so many values each. */
covering covering_create(const size_t *values, size_t factors, test_random *random);
void covering_destroy(covering *c);

/** How many pairs the first rows leave out. */
size_t covering_missing(const covering *c, const size_t *values, size_t rows);

#endif
