/*
 * The errors of activations and derivatives against double precision, over the whole range of floats: all exponents and
 * both signs, denormals, infinities, and every float around the places where a formula changes. These are the bounds
 * that include/backprop/activation.h states.
 *
 *   BACKPROP_TEST_STRIDE=n   every n-th float instead, all of them for 1: hours, for one who changes a formula
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "activation_formulas.h"
#include "enum_counts.h"
#include "harness/harness.h"

#include <backprop/cpu.h>

/* A bound in units of the last place of the exact result, or of `least` where that is smaller. */
typedef struct bound {
    double units, least;
} bound;

static const struct {
    bp_activation activation;
    bound value, slope;
} kinds[] = {
    {{BP_ACTIVATION_IDENTITY, 0}, {0, 0}, {0, 0}},
    {{BP_ACTIVATION_RELU, 0}, {0, 0}, {0, 0}},
    {{BP_ACTIVATION_LEAKY_RELU, 0.01f}, {0.5, 0}, {0, 0}},
    {{BP_ACTIVATION_SIGMOID, 0}, {2.7, 0x1p-105}, {0.75, 1}},
    {{BP_ACTIVATION_TANH, 0}, {2.9, 0}, {1.5, 1}},
    {{BP_ACTIVATION_RELU6, 0}, {0, 0}, {0, 0}},
    {{BP_ACTIVATION_ELU, 0}, {4.2, 0}, {1, 1}},
    {{BP_ACTIVATION_ELU, 0.3f}, {4.5, 0}, {1.7, 0.3}},
    {{BP_ACTIVATION_SELU, 0}, {5.2, 0}, {2.3, 1}},
    {{BP_ACTIVATION_SOFTSIGN, 0}, {1.5, 0}, {1, 1}},
    {{BP_ACTIVATION_HARD_SIGMOID, 0}, {1.4, 0}, {0.4, 0}},
    {{BP_ACTIVATION_SOFTPLUS, 0}, {1.7, 0}, {2.9, 0}},
    {{BP_ACTIVATION_HARD_SWISH, 0}, {2, 0}, {0.7, 1}},
    {{BP_ACTIVATION_SILU, 0}, {3.8, 0x1p-120}, {2.6, 0.25}},
    {{BP_ACTIVATION_GELU, 0}, {2.6, 0x1p-120}, {1.8, 0.25}},
    {{BP_ACTIVATION_GELU_TANH, 0}, {2.6, 0.25}, {2.9, 0.25}},
    {{BP_ACTIVATION_MISH, 0}, {5.1, 0x1p-120}, {4, 0.25}},
    {{BP_ACTIVATION_SINE, 0}, {2.6, 0}, {2.6, 0}},
};
enum { KINDS = sizeof kinds / sizeof *kinds, CHUNK = 4096 };

typedef struct worst {
    double units;
    float z, got;
    double exact;
} worst;

static const bp_kernels *kernels;
static float inputs[CHUNK];
static size_t count;
static uint64_t examined;
static size_t failures;
static worst of_value[KINDS], of_slope[KINDS];

/* The distance between the floats around x. */
static double unit_of(double x) {
    int exponent;
    frexp(fmax(fabs(x), (double)FLT_MIN), &exponent);
    return ldexp(1, exponent - FLT_MANT_DIG);
}

static void compare(worst *w, float z, float got, double exact, bound allowed) {
    const double limit = (double)FLT_MAX + unit_of((double)FLT_MAX) / 2;
    if (fabs(exact) >= limit ? got == (exact > 0 ? INFINITY : -INFINITY) : isnan(exact) && isnan(got))
        return;
    const double units = fabs((double)got - exact) / unit_of(fmax(fabs(exact), allowed.least));
    if (!(units <= w->units))
        *w = (worst){isnan(units) ? INFINITY : units, z, got, exact};
}

/* The derivative of a rounded a: beside its upper end hard-sigmoid is rounded to 1, one float below 3. */
static bool beside_an_end(float z, bp_activation f) {
    return f.kind == BP_ACTIVATION_HARD_SIGMOID && z < 3.0f && z > 2.999999f;
}

static void examine(void) {
    static float a[CHUNK], d[CHUNK];
    for (size_t k = 0; k < KINDS; k++) {
        const bp_activation f = kinds[k].activation;
        kernels->activate(a, CHUNK, inputs, CHUNK, 1, count, f);
        kernels->activation_derivative(d, CHUNK, bp_activation_saves_input(f.kind) ? inputs : a, CHUNK, 1, count, f);
        for (size_t n = 0; n < count; n++) {
            const double z = (double)inputs[n];
            compare(&of_value[k], inputs[n], a[n], activation_formula(z, f), kinds[k].value);
            if (!beside_an_end(inputs[n], f))
                compare(&of_slope[k], inputs[n], d[n], activation_formula_slope(z, f), kinds[k].slope);
        }
    }
    examined += count;
    count = 0;
}

static void add(float z) {
    if (isnan(z))
        return;
    inputs[count++] = z;
    if (count == CHUNK)
        examine();
}

/* So many floats of each sign and exponent, and the ends of its range. */
static void all_exponents(size_t each) {
    test_random random = test_random_for(test_seed(), "accuracy");
    for (uint32_t exponent = 0; exponent < 255; exponent++)
        for (uint32_t sign = 0; sign <= 1; sign++) {
            const uint32_t bits = sign << 31 | exponent << 23;
            for (uint32_t k = 0; k < 4; k++) {
                add(test_float(bits + k));
                add(test_float(bits + 0x7fffffu - k));
            }
            for (size_t k = 0; k < each; k++)
                add(test_float(bits | (uint32_t)test_random_below(&random, 1u << 23)));
        }
    add(INFINITY);
    add(-INFINITY);
}

/* Floats around the borders of a formula, of exp's range, and of what a float can hold. */
static void borders(void) {
    static const float places[] = {3, 6, 9.02f, 14, 16.64f, 17.33f, 20, 87.34f, 88.73f, 103.97f, 104, 128};
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (int32_t k = -2000; k <= 2000; k++) {
            const float z = test_float(test_raw_bits(places[p]) + (uint32_t)k);
            add(z);
            add(-z);
        }
}

static void report(const char *what, size_t k, const worst *w, bound allowed) {
    const bp_activation f = kinds[k].activation;
    char text[200];
    snprintf(text, sizeof text, "%s%s of parameter %g: off by %.3f units at %a: %a instead of %a", what,
             bp_activation_name(f.kind), (double)f.parameter, w->units, (double)w->z, (double)w->got, w->exact);
    if (getenv("BACKPROP_TEST_STRIDE") != NULL)
        puts(text);
    if (!(w->units <= allowed.units)) {
        print_error("%s, allowed %g\n", text, allowed.units);
        failures++;
    }
}

static void errors_within_bounds(void **state) {
    (void)state;
    const char *stride = getenv("BACKPROP_TEST_STRIDE");
    if (stride != NULL && strtoul(stride, NULL, 0) > 0) {
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += strtoul(stride, NULL, 0))
            add(test_float((uint32_t)bits));
    } else {
        all_exponents(test_quick() ? 40 : 4000);
        borders();
    }
    examine();
    assert_true(examined > 20000);
    for (size_t k = 0; k < KINDS; k++) {
        report("", k, &of_value[k], kinds[k].value);
        report("the derivative of ", k, &of_slope[k], kinds[k].slope);
    }
    assert_int_equal(failures, 0);
    printf("%" PRIu64 " floats, %d activations\n", examined, KINDS);
}

/* Each kind is here, and a bound is not so wide that it says nothing. */
static void bounds_mean_something(void **state) {
    (void)state;
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++) {
        bool found = false;
        for (size_t k = 0; k < KINDS; k++)
            found = found || (int)kinds[k].activation.kind == kind;
        assert_true(found);
    }
    for (size_t k = 0; k < KINDS; k++) {
        assert_true(kinds[k].value.units <= 5.5 && kinds[k].value.least <= 0.25);
        assert_true(kinds[k].slope.units <= 4 && kinds[k].slope.least <= 1);
    }
}

/*
 * Of a sine of another frequency the product p * z is rounded, once: an error of at most half a unit of it, next to
 * those of sin and cos.
 */
static void other_frequencies(void **state) {
    (void)state;
    static const float frequencies[] = {30.0f, -2.5f, 0.1f};
    test_random random = test_random_for(test_seed(), "frequencies");
    for (size_t p = 0; p < sizeof frequencies / sizeof *frequencies; p++) {
        const bp_activation f = {BP_ACTIVATION_SINE, frequencies[p]};
        for (size_t k = 0; k < 100000; k++) {
            const float z = 8.0f * test_random_symmetric(&random);
            const double phase = unit_of((double)f.parameter * (double)z) / 2, exact = activation_formula((double)z, f);
            const double slope = activation_formula_slope((double)z, f), size = fabs((double)f.parameter);
            float a, d;
            kernels->activate(&a, 1, &z, 1, 1, 1, f);
            kernels->activation_derivative(&d, 1, &z, 1, 1, 1, f);
            assert_true(fabs((double)a - exact) <= 2.3 * unit_of(exact) + phase);
            assert_true(fabs((double)d - slope) <= size * (2.3 * unit_of(slope / size) + phase) + unit_of(slope));
        }
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_within_bounds),
        cmocka_unit_test(bounds_mean_something),
        cmocka_unit_test(other_frequencies),
    };
    test_start(argv[0]);
    /* All tables have the same bits, as test_activation.c shows; the widest is the fastest. */
    if (bp_kernels_for(bp_cpu_best(), &kernels) != BP_OK)
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
