/*
 * Learning-rate schedules: exact rates at the corners, the textbook's formulas in double precision between them, the
 * same bits from every table, and bad inputs.
 */
#include <math.h>

#include "defaults.h"
#include "enum_counts.h"
#include "harness/harness.h"

#include <backprop/cpu.h>
#include <backprop/schedule.h>

static const uint64_t milestones[] = {0, 30, 30, 80};

static const bp_schedule schedules[] = {
    SCHEDULE(BP_SCHEDULE_CONSTANT, .learning_rate = 0.3f),
    SCHEDULE(BP_SCHEDULE_CONSTANT, .learning_rate = 0.3f, .warmup = 7),
    SCHEDULE(BP_SCHEDULE_STEP, .learning_rate = 0.1f, .steps = 30, .factor = 0.1f),
    SCHEDULE(BP_SCHEDULE_STEP, .learning_rate = 0.1f, .steps = 5, .factor = 0.9f, .warmup = 11),
    SCHEDULE(BP_SCHEDULE_STEP, .learning_rate = 0.1f, .steps = 100, .factor = 0),
    SCHEDULE(BP_SCHEDULE_LINEAR, .learning_rate = 0.25f, .steps = 100),
    SCHEDULE(BP_SCHEDULE_LINEAR, .learning_rate = 0.25f, .steps = 99, .warmup = 10, .end = 0.5f),
    SCHEDULE(BP_SCHEDULE_COSINE, .learning_rate = 0.01f, .steps = 150),
    SCHEDULE(BP_SCHEDULE_COSINE, .learning_rate = 0.01f, .steps = 150, .warmup = 20, .end = 1e-5f),
    SCHEDULE(BP_SCHEDULE_ONE_CYCLE, .learning_rate = 1, .steps = 160, .warmup = 48, .start = 0.04f, .end = 4e-6f),
    SCHEDULE(BP_SCHEDULE_ONE_CYCLE, .learning_rate = 1, .steps = 160, .start = 0.04f),
    SCHEDULE(BP_SCHEDULE_EXPONENTIAL, .learning_rate = 0.1f, .factor = 0.97f),
    SCHEDULE(BP_SCHEDULE_EXPONENTIAL, .learning_rate = 0.1f, .factor = 0.5f, .warmup = 9),
    SCHEDULE(BP_SCHEDULE_MULTI_STEP, .learning_rate = 0.1f, .factor = 0.1f, .milestones = milestones,
             .milestone_count = 4),
    SCHEDULE(BP_SCHEDULE_MULTI_STEP, .learning_rate = 0.1f, .factor = 0.5f, .warmup = 20, .milestones = milestones,
             .milestone_count = 2),
    SCHEDULE(BP_SCHEDULE_WARM_RESTARTS, .learning_rate = 0.1f, .steps = 50),
    SCHEDULE(BP_SCHEDULE_WARM_RESTARTS, .learning_rate = 0.1f, .steps = 10, .end = 0.01f, .period_factor = 2),
    SCHEDULE(BP_SCHEDULE_WARM_RESTARTS, .learning_rate = 0.1f, .steps = 7, .end = 0.2f, .period_factor = 3,
             .warmup = 5),
    SCHEDULE(BP_SCHEDULE_ONE_CYCLE, .learning_rate = 1, .steps = 160, .warmup = 48, .start = 0.04f,
             .momentum_max = 0.95f, .momentum_min = 0.85f),
};
enum { SCHEDULES = sizeof schedules / sizeof *schedules, STEPS = 170 };

static double wave(double a, double b, double p) {
    return b + (a - b) * (1 + cos(3.14159265358979323846 * p)) / 2;
}

static double textbook(const bp_schedule *s, double step) {
    const double learning_rate = s->learning_rate, warmup = (double)s->warmup, end = s->end;
    if (step < warmup)
        return s->kind == BP_SCHEDULE_ONE_CYCLE ? wave(s->start, learning_rate, step / warmup)
                                                : learning_rate * (step + 1) / warmup;
    const double p = fmin((step - warmup) / ((double)s->steps - warmup), 1), t = step - warmup;
    double period = (double)s->steps, begin = 0, drops = 0;
    switch (s->kind) {
    case BP_SCHEDULE_STEP:
        return learning_rate * pow(s->factor, floor((step - warmup) / (double)s->steps));
    case BP_SCHEDULE_EXPONENTIAL:
        return learning_rate * pow(s->factor, t);
    case BP_SCHEDULE_MULTI_STEP:
        for (size_t k = 0; k < s->milestone_count; k++)
            drops += (double)s->milestones[k] <= t;
        return learning_rate * pow(s->factor, drops);
    case BP_SCHEDULE_WARM_RESTARTS:
        for (; t >= begin + period; period *= fmax(1, (double)s->period_factor))
            begin += period;
        return wave(learning_rate, end, (t - begin) / period);
    case BP_SCHEDULE_LINEAR:
        return learning_rate * (1 - p) + end * p;
    case BP_SCHEDULE_COSINE:
    case BP_SCHEDULE_ONE_CYCLE:
        return wave(learning_rate, end, p);
    default:
        return learning_rate;
    }
}

/* The cosine's argument and value round by 2^-23 and 2^-24 at the most, and change what lies between two rates by half.
 */
static void rates_are_the_textbooks(void **state) {
    (void)state;
    for (size_t k = 0; k < SCHEDULES; k++)
        for (uint64_t step = 0; step < STEPS; step++) {
            const bp_schedule *s = &schedules[k];
            float learning_rate = NAN;
            assert_int_equal(bp_schedule_learning_rate(s, step, &learning_rate), BP_OK);
            const double expected = textbook(s, (double)step), most = fmax((double)s->learning_rate, (double)s->end);
            if (!(fabs((double)learning_rate - expected) <= 0x1p-23 * most))
                fail_msg("%s, schedule %zu, step %llu: %.9g instead of %.9g", bp_schedule_name(s->kind), k,
                         (unsigned long long)step, (double)learning_rate, expected);
        }
}

static void check_rate(bp_schedule s, uint64_t step, float expected, int line) {
    float learning_rate = NAN;
    assert_int_equal(bp_schedule_learning_rate(&s, step, &learning_rate), BP_OK);
    if (test_bits(learning_rate) != test_bits(expected))
        fail_msg("line %d: %a instead of %a", line, (double)learning_rate, (double)expected);
}

#define CHECK(schedule, step, expected) check_rate(schedule, step, expected, __LINE__)

static void corners_are_exact(void **state) {
    (void)state;
    CHECK(schedules[0], UINT64_MAX, 0.3f);
    CHECK(schedules[1], 6, 0.3f);
    CHECK(schedules[2], 29, 0.1f);
    CHECK(schedules[3], 10, 0.1f);
    CHECK(schedules[4], 100, 0);
    CHECK(schedules[4], 99, 0.1f);
    CHECK(schedules[5], 0, 0.25f);
    CHECK(schedules[5], 50, 0.125f);
    CHECK(schedules[5], 100, 0);
    CHECK(schedules[5], UINT64_MAX, 0);
    CHECK(schedules[7], 0, 0.01f);
    CHECK(schedules[7], 150, 0);
    CHECK(schedules[8], 0, (float)((double)0.01f / 20));
    CHECK(schedules[8], 20, 0.01f);
    CHECK(schedules[8], 151, 1e-5f);
    CHECK(schedules[9], 0, 0.04f);
    CHECK(schedules[9], 48, 1);
    CHECK(schedules[9], 160, 4e-6f);
    CHECK(schedules[10], 0, 1);
    CHECK(schedules[11], UINT64_MAX, 0);
    CHECK(schedules[12], 10, 0.05f);
    CHECK(schedules[13], 0, (float)((double)0.1f * (double)0.1f));
    CHECK(schedules[14], 20, 0.05f);
    CHECK(schedules[14], 50, 0.025f);
    CHECK(schedules[15], 50, 0.1f);
    CHECK(schedules[15], 50 * (UINT64_C(1) << 50), 0.1f);
    CHECK(schedules[16], 10, 0.1f);
    CHECK(schedules[16], 30, 0.1f);
    CHECK(schedules[16], 70, 0.1f);
    CHECK(schedules[16], 20, (float)((double)0.01f + ((double)0.1f - (double)0.01f) * 0.5));
    const bp_schedule huge =
        SCHEDULE(BP_SCHEDULE_WARM_RESTARTS, .learning_rate = 1, .steps = 1, .period_factor = UINT64_C(1) << 63);
    CHECK(huge, 1, 1);
    CHECK(huge, UINT64_C(1) << 63, 0);
    CHECK(huge, (UINT64_C(1) << 63) + 1, 1);
    /* Warm-up alone, of powers of two. */
    const bp_schedule rising = SCHEDULE(BP_SCHEDULE_CONSTANT, .learning_rate = 1, .warmup = 4);
    CHECK(rising, 0, 0.25f);
    CHECK(rising, 2, 0.75f);
    CHECK(rising, 3, 1);
}

static void check_table(test_table *table) {
    for (size_t k = 0; k < SCHEDULES; k++)
        for (uint64_t step = 0; step < STEPS; step++) {
            const float expected = test_oracle()->schedule_learning_rate(&schedules[k], step);
            const float learning_rate = table->kernels->schedule_learning_rate(&schedules[k], step);
            if (test_bits(learning_rate) != test_bits(expected))
                fail_msg("schedule %zu, step %llu on %s: %a instead of %a", k, (unsigned long long)step, table->name,
                         (double)learning_rate, (double)expected);
            table->cases++;
        }
}

static void rates_have_the_scalar_bits(void **state) {
    (void)state;
    test_each_table(check_table);
}

/* All rates have the bits that they had when this was written. */
static void rates_are_the_pinned_ones(void **state) {
    (void)state;
    uint64_t hash = TEST_HASH_START;
    for (size_t k = 0; k < SCHEDULES; k++)
        for (uint64_t step = 0; step < STEPS; step++) {
            float learning_rate = NAN;
            assert_int_equal(bp_schedule_learning_rate(&schedules[k], step, &learning_rate), BP_OK);
            hash = test_hash(hash, test_bits(learning_rate));
        }
    if (bp_cpu_covered() && hash != UINT64_C(0x69352f7de3a696b0))
        fail_msg("0x%016llx", (unsigned long long)hash);
}

static void refuse(bp_schedule s, int line) {
    float learning_rate = 4711;
    if (bp_schedule_learning_rate(&s, 3, &learning_rate) != BP_ERROR_VALUE || learning_rate != 4711)
        fail_msg("line %d: a bad schedule was not refused", line);
}

#define REFUSE(number, ...)                                                                                            \
    do {                                                                                                               \
        bp_schedule bad = schedules[number];                                                                           \
        bad.__VA_ARGS__;                                                                                               \
        refuse(bad, __LINE__);                                                                                         \
    } while (0)

static void bad_schedules_are_refused(void **state) {
    (void)state;
    static const float bad_rates[] = {-1, NAN, INFINITY, -INFINITY};
    float learning_rate = 4711;
    assert_int_equal(bp_schedule_learning_rate(NULL, 0, &learning_rate), BP_ERROR_NULL);
    assert_int_equal(bp_schedule_learning_rate(&schedules[0], 0, NULL), BP_ERROR_NULL);
    assert_true(learning_rate == 4711);
    for (size_t k = 0; k < 4; k++) {
        REFUSE(0, learning_rate = bad_rates[k]);
        REFUSE(2, factor = bad_rates[k]);
        REFUSE(5, end = bad_rates[k]);
        REFUSE(7, end = bad_rates[k]);
        REFUSE(9, end = bad_rates[k]);
        REFUSE(9, start = bad_rates[k]);
    }
    REFUSE(2, factor = 1.5f);
    REFUSE(2, steps = 0);
    REFUSE(5, steps = 0);
    REFUSE(7, steps = 0);
    REFUSE(8, steps = 20);
    REFUSE(9, warmup = 160);
    REFUSE(9, warmup = 161);
    for (size_t k = 0; k < 4; k++) {
        REFUSE(11, factor = bad_rates[k]);
        REFUSE(13, factor = bad_rates[k]);
        REFUSE(15, end = bad_rates[k]);
        REFUSE(9, momentum_max = bad_rates[k]);
    }
    REFUSE(11, factor = 1.5f);
    REFUSE(13, milestone_count = 0);
    REFUSE(15, steps = 0);
    REFUSE(15, period_factor = 0);
    REFUSE(0, struct_size = 0);
    REFUSE(9, momentum_max = 0.9f);
    REFUSE(18, momentum_min = 0.96f);
    REFUSE(18, momentum_min = -0.1f);
    REFUSE(18, momentum_max = 1);
    static const uint64_t falling[] = {3, 2};
    REFUSE(14, milestones = falling);
    bp_schedule none = schedules[13];
    none.milestones = NULL;
    assert_int_equal(bp_schedule_learning_rate(&none, 0, &learning_rate), BP_ERROR_NULL);
    assert_true(learning_rate == 4711);
    REFUSE(0, kind = SCHEDULE_COUNT);
    REFUSE(0, kind = (bp_schedule_kind)-1);
}

/* It falls while the rate rises, and back. */
static void momentum_of_one_cycle(void **state) {
    (void)state;
    const bp_schedule s = schedules[18];
    float momentum = 4711;
    for (uint64_t step = 0; step < STEPS; step++) {
        const double least = s.momentum_min, most = s.momentum_max;
        const double expected = step < s.warmup ? wave(most, least, (double)step / (double)s.warmup)
                                                : wave(least, most, fmin(((double)step - 48) / 112, 1));
        assert_int_equal(bp_schedule_momentum(&s, step, &momentum), BP_OK);
        if (!(fabs((double)momentum - expected) <= 0x1p-23))
            fail_msg("step %llu: %.9g instead of %.9g", (unsigned long long)step, (double)momentum, expected);
    }
    assert_int_equal(bp_schedule_momentum(&s, 0, &momentum), BP_OK);
    assert_true(momentum == s.momentum_max);
    assert_int_equal(bp_schedule_momentum(&s, s.warmup, &momentum), BP_OK);
    assert_true(momentum == s.momentum_min);
    assert_int_equal(bp_schedule_momentum(&s, UINT64_MAX, &momentum), BP_OK);
    assert_true(momentum == s.momentum_max);
    momentum = 4711;
    assert_int_equal(bp_schedule_momentum(NULL, 0, &momentum), BP_ERROR_NULL);
    assert_int_equal(bp_schedule_momentum(&s, 0, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_schedule_momentum(&schedules[9], 0, &momentum), BP_ERROR_VALUE);
    assert_int_equal(bp_schedule_momentum(&schedules[7], 0, &momentum), BP_ERROR_VALUE);
    assert_true(momentum == 4711);
}

static void names(void **state) {
    (void)state;
    static const char *const kinds[] = {"constant",  "step",        "linear",     "cosine",
                                        "one-cycle", "exponential", "multi-step", "warm-restarts"};
    bp_schedule_kind kind = SCHEDULE_COUNT;
    for (int k = 0; k < SCHEDULE_COUNT; k++) {
        assert_string_equal(bp_schedule_name((bp_schedule_kind)k), kinds[k]);
        assert_int_equal(bp_schedule_from_name(kinds[k], &kind), BP_OK);
        assert_int_equal(kind, k);
    }
    assert_null(bp_schedule_name(SCHEDULE_COUNT));
    assert_null(bp_schedule_name((bp_schedule_kind)-1));
    assert_int_equal(bp_schedule_from_name("Cosine", &kind), BP_ERROR_VALUE);
    assert_int_equal(bp_schedule_from_name(NULL, &kind), BP_ERROR_NULL);
    assert_int_equal(bp_schedule_from_name("cosine", NULL), BP_ERROR_NULL);
    assert_int_equal(kind, BP_SCHEDULE_WARM_RESTARTS);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_the_textbooks),
        cmocka_unit_test(corners_are_exact),
        cmocka_unit_test(rates_have_the_scalar_bits),
        cmocka_unit_test(rates_are_the_pinned_ones),
        cmocka_unit_test(bad_schedules_are_refused),
        cmocka_unit_test(momentum_of_one_cycle),
        cmocka_unit_test(names),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
