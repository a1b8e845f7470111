/* activate, activation_derivative and activation_delta of every table against the oracle, bit for bit. */
#include "harness/harness.h"

#include "cases/cases.h"
#include "enum_counts.h"

/* One trial for each kind, or for one of them in turn where there are many repetitions: the sizes alone are few. */
static void all_kinds(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition,
                      case_activation_role role) {
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++) {
        const bool chosen = ((size_t)kind + repetition + rows + columns) % 4 == 0;
        if (chosen || (repetition < 2 && !test_quick())) {
            case_activation(table, side, rows, columns, repetition, role, (bp_activation_kind)kind);
        }
    }
}

static void activate_cases(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    all_kinds(table, side, rows, columns, repetition, CASE_ACTIVATE);
}

static void derivative_cases(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    all_kinds(table, side, rows, columns, repetition, CASE_DERIVATIVE);
}

static void delta_cases(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    all_kinds(table, side, rows, columns, repetition, CASE_DELTA);
}

static void activate_sizes(test_table *table) {
    test_sweep_planes(table, activate_cases);
}

static void derivative_sizes(test_table *table) {
    test_sweep_planes(table, derivative_cases);
}

static void delta_sizes(test_table *table) {
    test_sweep_planes(table, delta_cases);
}

static void activate_all_sizes(void **state) {
    (void)state;
    test_each_table(activate_sizes);
}

static void derivative_all_sizes(void **state) {
    (void)state;
    test_each_table(derivative_sizes);
}

static void delta_all_sizes(void **state) {
    (void)state;
    test_each_table(delta_sizes);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activate_all_sizes),
        cmocka_unit_test(derivative_all_sizes),
        cmocka_unit_test(delta_all_sizes),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
