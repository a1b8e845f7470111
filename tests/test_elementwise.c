/* sum and sgd of every table against the oracle, bit for bit. */
#include "harness/harness.h"

typedef struct vectors {
    test_operand *result, *input;
    size_t count, cut;
    float rate;
} vectors;

static void call_sum(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)under_test;
    (void)scratch;
    const vectors *v = arguments;
    v->result->data[0] = kernels->sum(v->input->data, v->count);
}

static void call_sgd(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    const vectors *v = arguments;
    const size_t cut = under_test ? v->cut : 0;
    if (cut > 0) {
        kernels->sgd(v->result->data, v->input->data, cut, v->rate);
    }
    if (cut < v->count) {
        kernels->sgd(v->result->data + cut, v->input->data + cut, v->count - cut, v->rate);
    }
}

static void sum_case(test_table *table, test_side side, size_t count, size_t repetition) {
    test_trial *trial = test_begin(table, "sum", side, "%zu/%zu", count, repetition);
    if (trial == NULL) {
        return;
    }
    vectors v = {.count = count};
    v.input = test_input(trial, "values", 1, count);
    v.result = test_output(trial, "sum", 1, 1);
    test_run(trial, call_sum, &v);
}

static void sgd_case(test_table *table, test_side side, size_t count, size_t repetition) {
    static const float rates[] = {0.0f, 0.1f, 1.0f, -0.5f, 0x1p-30f};
    test_trial *trial = test_begin(table, "sgd", side, "%zu/%zu", count, repetition);
    if (trial == NULL) {
        return;
    }
    vectors v = {.count = count, .rate = rates[test_random_below(&trial->random, sizeof rates / sizeof *rates)]};
    test_note(trial, ", rate %g", (double)v.rate);
    v.input = test_input(trial, "gradient", 1, count);
    v.result = test_updated(trial, "parameters", 1, count);
    size_t unused;
    test_draw_cuts(trial, count, &v.cut, 1, &unused);
    test_run(trial, call_sgd, &v);
}

typedef void vector_case(test_table *table, test_side side, size_t count, size_t repetition);

static void sweep(test_table *table, vector_case *visit) {
    static const size_t large[] = {255, 256, 257, 1000, 1024, 4099, 100003};
    const size_t repetitions = test_quick() ? 2 : 20;
    for (size_t repetition = 0; repetition < repetitions; repetition++) {
        for (size_t count = 1; count <= 4 * table->kernels->tile_columns + 33; count++) {
            visit(table, TEST_END, count, repetition);
            visit(table, TEST_START, count, repetition);
        }
        for (size_t k = 0; k < sizeof large / sizeof *large && !(test_quick() && large[k] > 5000); k++) {
            visit(table, TEST_END, large[k], repetition);
            visit(table, TEST_START, large[k], repetition);
        }
    }
}

static void sum_counts(test_table *table) {
    sweep(table, sum_case);
}

static void sgd_counts(test_table *table) {
    sweep(table, sgd_case);
}

static void sum_all_counts(void **state) {
    (void)state;
    test_each_table(sum_counts);
}

static void sgd_all_counts(void **state) {
    (void)state;
    test_each_table(sgd_counts);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_all_counts),
        cmocka_unit_test(sgd_all_counts),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
