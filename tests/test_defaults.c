/* The option structs' defaults: of the functions in the headers, of init for structs of other sizes, and zero. */
#include <string.h>

#include "defaults.h"
#include "harness/harness.h"

/* Compares by fields: padding holds anything. */
#define SAME(field) assert_true(made.field == expected.field)

static void schedules(void **state) {
    (void)state;
    for (unsigned kind = 0; bp_schedule_name((bp_schedule_kind)kind); kind++) {
        const bp_schedule made = bp_schedule_defaults((bp_schedule_kind)kind),
                          expected = SCHEDULE((bp_schedule_kind)kind, .end = 0);
        SAME(struct_size), SAME(kind), SAME(learning_rate), SAME(warmup), SAME(steps), SAME(factor), SAME(start);
        SAME(end), SAME(milestones), SAME(milestone_count), SAME(period_factor), SAME(momentum_max), SAME(momentum_min);
    }
}

static void backward(void **state) {
    (void)state;
    const bp_backward_options made = bp_backward_options_defaults(), expected = BACKWARD_OPTIONS(.loss = NULL);
    SAME(struct_size), SAME(gradient), SAME(learning_rate), SAME(delta), SAME(delta_stride), SAME(loss_callback);
    SAME(loss_context), SAME(input_gradient), SAME(input_gradient_stride), SAME(loss);
}

static void fit(void **state) {
    (void)state;
    const bp_fit_options made = bp_fit_options_defaults(), expected = FIT_OPTIONS(.seed = 0);
    SAME(struct_size), SAME(epochs), SAME(initial_epoch), SAME(batch_size), SAME(learning_rate), SAME(schedule);
    SAME(learning_rate_of_step), SAME(learning_rate_context), SAME(plateau), SAME(seed), SAME(shuffle);
    SAME(validation), SAME(stopping), SAME(restore_best), SAME(nonfinite), SAME(on_epoch), SAME(on_step), SAME(context);
}

static void states_of_a_fit(void **state) {
    (void)state;
    {
        const bp_early_stopping made = bp_early_stopping_defaults(), expected = EARLY_STOPPING(.seen = 0);
        SAME(struct_size), SAME(patience), SAME(min_delta), SAME(seen), SAME(best_at), SAME(best);
    }
    const bp_plateau made = bp_plateau_defaults(), expected = PLATEAU(.seen = 0);
    SAME(struct_size), SAME(learning_rate), SAME(factor), SAME(learning_rate_min), SAME(patience), SAME(threshold);
    SAME(relative), SAME(cooldown), SAME(best), SAME(seen), SAME(bad), SAME(cooling);
}

static void files(void **state) {
    (void)state;
    {
        const bp_csv_options made = bp_csv_options_defaults(), expected = CSV_OPTIONS(.header = false);
        SAME(struct_size), SAME(header), SAME(delimiter), SAME(missing), SAME(missing_text), SAME(comment);
    }
    const bp_load_options made = bp_load_options_defaults(), expected = LOAD_OPTIONS(.modules = NULL);
    SAME(struct_size), SAME(modules), SAME(module_count), SAME(pattern), SAME(strict), SAME(zero_biases);
    SAME(report), SAME(context);
}

/* A struct of another size: as much as there is room for, zeros beyond, and nothing behind it. */
static void other_sizes(void **state) {
    (void)state;
    enum { ROOM = 512 };
    for (size_t size = 0; size < ROOM; size++) {
        unsigned char bytes[ROOM];
        memset(bytes, 0xa5, sizeof bytes);
        bp_plateau_init((bp_plateau *)(void *)bytes, size);
        const bp_plateau defaults = bp_plateau_defaults();
        const bool written = size >= sizeof size;
        size_t struct_size;
        memcpy(&struct_size, bytes, sizeof struct_size);
        if (written)
            assert_int_equal(struct_size, size);
        for (size_t k = written ? sizeof size : 0; k < ROOM; k++) {
            const unsigned char expected = k < sizeof defaults ? ((const unsigned char *)&defaults)[k] : 0;
            assert_int_equal(bytes[k], written && k < size ? expected : 0xa5);
        }
    }
    bp_schedule_init(NULL, sizeof(bp_schedule), BP_SCHEDULE_STEP);
    bp_backward_options_init(NULL, sizeof(bp_backward_options));
    bp_fit_options_init(NULL, sizeof(bp_fit_options));
    bp_early_stopping_init(NULL, sizeof(bp_early_stopping));
    bp_plateau_init(NULL, sizeof(bp_plateau));
    bp_csv_options_init(NULL, sizeof(bp_csv_options));
    bp_load_options_init(NULL, sizeof(bp_load_options));
}

/* Zero is zero: a factor of 0 is one, and what cannot be 0 is refused. */
static void zero_is_zero(void **state) {
    (void)state;
    bp_schedule step = bp_schedule_defaults(BP_SCHEDULE_STEP);
    step.steps = 1;
    step.factor = 0.0f;
    float learning_rate;
    assert_int_equal(bp_schedule_learning_rate(&step, 1, &learning_rate), BP_OK);
    assert_true(learning_rate == 0.0f);
    bp_plateau plateau = bp_plateau_defaults();
    plateau.patience = 0;
    bool reduced;
    assert_int_equal(bp_plateau_next(&plateau, 1.0, NULL), BP_OK);
    assert_int_equal(bp_plateau_next(&plateau, 1.0, &reduced), BP_OK);
    assert_true(reduced);
    bp_schedule restarts = bp_schedule_defaults(BP_SCHEDULE_WARM_RESTARTS);
    restarts.steps = 3;
    assert_int_equal(bp_schedule_learning_rate(&restarts, 4, &learning_rate), BP_OK);
    restarts.period_factor = 0;
    assert_int_equal(bp_schedule_learning_rate(&restarts, 4, &learning_rate), BP_ERROR_VALUE);
    assert_string_equal(bp_error_message(), "schedule.period_factor is 0, and must be at least 1");
    restarts.struct_size = 0;
    assert_int_equal(bp_schedule_learning_rate(&restarts, 4, &learning_rate), BP_ERROR_VALUE);
    assert_string_equal(bp_error_message(), "schedule.struct_size is 0: make it with bp_schedule_defaults(kind)");
    bp_csv *csv;
    bp_csv_options blanks = bp_csv_options_defaults();
    blanks.delimiter = 0;
    assert_int_equal(bp_csv_open_memory("1  2\n", 5, &blanks, &csv, NULL), BP_OK);
    assert_int_equal(bp_csv_columns(csv), 2);
    bp_csv_close(csv);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules),       cmocka_unit_test(backward), cmocka_unit_test(fit),
        cmocka_unit_test(states_of_a_fit), cmocka_unit_test(files),    cmocka_unit_test(other_sizes),
        cmocka_unit_test(zero_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
