/* What the operands of a case hold. */
#ifndef BACKPROP_TESTS_FILL_H
#define BACKPROP_TESTS_FILL_H

#include "array.h"
#include "random.h"

typedef enum test_fill_kind {
    TEST_FILL_UNIFORM,  /* [-m, m), m drawn from 1, 8, 100 */
    TEST_FILL_WIDE,     /* exponents from -40 to 40: products and sums of very unequal size */
    TEST_FILL_TINY,     /* around 2^-70: products are denormal or vanish */
    TEST_FILL_INTEGERS, /* -8 .. 8 */
    TEST_FILL_SPECIALS, /* uniform with NaN, infinities, zeros, denormals and the largest numbers among them */
    TEST_FILL_ZEROS,    /* +0 and -0 */
    TEST_FILL_COUNT
} test_fill_kind;

const char *test_fill_name(test_fill_kind kind);

/** A kind, the more telling ones more often. */
test_fill_kind test_fill_draw(test_random *random);

/** Fills all rows; leaves the padding. */
void test_fill(const test_array *array, test_fill_kind kind, test_random *random);

/** Fills all rows with labels below `classes`, as uint32_t. */
void test_fill_labels(const test_array *array, size_t classes, test_random *random);

#endif
