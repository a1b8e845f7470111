/* Sums and plain updates of vectors. */
#include "cases.h"

typedef struct vectors {
    test_operand *result, *input;
    size_t count, cut;
    float learning_rate;
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
        kernels->sgd(v->result->data, v->input->data, cut, v->learning_rate);
    }
    if (cut < v->count) {
        kernels->sgd(v->result->data + cut, v->input->data + cut, v->count - cut, v->learning_rate);
    }
}

void case_sum(test_table *table, test_side side, size_t count, size_t repetition) {
    test_trial *trial = test_begin(table, "sum", side, "%zu/%zu", count, repetition);
    if (trial == NULL) {
        return;
    }
    vectors v = {.count = count};
    v.input = test_input(trial, "values", 1, count);
    v.result = test_output(trial, "sum", 1, 1);
    test_run(trial, call_sum, &v);
}

void case_sgd(test_table *table, test_side side, size_t count, size_t repetition) {
    static const float rates[] = {0.0f, 0.1f, 1.0f, -0.5f, 0x1p-30f};
    test_trial *trial = test_begin(table, "sgd", side, "%zu/%zu", count, repetition);
    if (trial == NULL) {
        return;
    }
    vectors v = {.count = count,
                 .learning_rate = rates[test_random_below(&trial->random, sizeof rates / sizeof *rates)]};
    test_note(trial, ", rate %g", (double)v.learning_rate);
    v.input = test_input(trial, "gradient", 1, count);
    v.result = test_updated(trial, "parameters", 1, count);
    size_t unused;
    test_draw_cuts(trial, count, &v.cut, 1, &unused);
    test_run(trial, call_sgd, &v);
}
