#include "fill.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "bits.h"

static const char *const names[TEST_FILL_COUNT] = {"uniform", "wide", "tiny", "integers", "specials", "zeros"};

const char *test_fill_name(test_fill_kind kind) {
    return names[kind];
}

test_fill_kind test_fill_draw(test_random *random) {
    static const test_fill_kind drawn[] = {
        TEST_FILL_UNIFORM,  TEST_FILL_UNIFORM,  TEST_FILL_WIDE,     TEST_FILL_WIDE,  TEST_FILL_TINY,
        TEST_FILL_INTEGERS, TEST_FILL_SPECIALS, TEST_FILL_SPECIALS, TEST_FILL_ZEROS,
    };
    return drawn[test_random_below(random, sizeof drawn / sizeof *drawn)];
}

/* A float of random sign and fraction with the exponent drawn from [low, high]. */
static float with_exponent(test_random *random, int low, int high) {
    const int exponent = low + (int)test_random_below(random, (size_t)(high - low + 1));
    const float fraction = 1.0f + (float)(test_random_next(random) >> 41) * 0x1p-23f;
    return (test_random_next(random) & 1 ? -1.0f : 1.0f) * ldexpf(fraction, exponent);
}

static float special(test_random *random) {
    const float specials[] = {0.0f,        INFINITY, NAN,           FLT_TRUE_MIN, FLT_MIN, FLT_MAX, FLT_MIN - 0x1p-149f,
                              0x1.8p-140f, 1.0f,     0x1.fffffep-1f};
    const float value = specials[test_random_below(random, sizeof specials / sizeof *specials)];
    return test_random_next(random) & 1 ? -value : value;
}

static float draw(test_fill_kind kind, float range, size_t rarity, test_random *random) {
    switch (kind) {
    case TEST_FILL_WIDE:
        return with_exponent(random, -40, 40);
    case TEST_FILL_TINY:
        return with_exponent(random, -78, -62);
    case TEST_FILL_INTEGERS:
        return (float)test_random_below(random, 17) - 8.0f;
    case TEST_FILL_SPECIALS:
        if (test_random_below(random, rarity) == 0) {
            return special(random);
        }
        break;
    case TEST_FILL_ZEROS:
        return test_random_next(random) & 1 ? -0.0f : 0.0f;
    default:
        break;
    }
    return range * test_random_symmetric(random);
}

void test_fill(const test_array *array, test_fill_kind kind, test_random *random) {
    static const float ranges[] = {1.0f, 8.0f, 100.0f};
    /* Rare specials leave most results finite, frequent ones meet each other. */
    static const size_t rarities[] = {3, 30, 300};
    const float range = ranges[test_random_below(random, 3)];
    const size_t rarity = rarities[test_random_below(random, 3)];
    for (size_t n = 0; n < array->rows; n++) {
        for (size_t j = 0; j < array->columns; j++) {
            array->data[n * array->ld + j] = draw(kind, range, rarity, random);
        }
    }
}

void test_fill_labels(const test_array *array, size_t classes, test_random *random) {
    for (size_t n = 0; n < array->rows; n++) {
        for (size_t j = 0; j < array->columns; j++) {
            const uint32_t label = (uint32_t)test_random_below(random, classes);
            memcpy(&array->data[n * array->ld + j], &label, sizeof label);
        }
    }
}
