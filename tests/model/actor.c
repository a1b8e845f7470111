#include "actor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/bits.h"
#include "harness/layers.h"

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

bp_status actor_train(actor a, const bp_batch *batch, float learning_rate, float *loss) {
    return a.m ? model_train_step(a.m, batch, learning_rate, loss)
               : bp_network_train_step(a.n, batch, learning_rate, loss);
}

bp_status actor_backward(actor a, const bp_batch *batch, const bp_backward_options *options) {
    return a.m ? model_backward(a.m, batch, options) : bp_network_backward(a.n, batch, options);
}

bp_status actor_accumulate(actor a, const bp_batch *batch, size_t total_rows, float *loss) {
    return a.m ? model_accumulate(a.m, batch, total_rows, loss) : bp_network_accumulate(a.n, batch, total_rows, loss);
}

bp_status actor_update(actor a, float learning_rate) {
    return a.m ? model_update(a.m, learning_rate) : bp_network_update(a.n, learning_rate);
}

bp_status actor_swap(actor a) {
    return a.m ? model_swap_average(a.m) : bp_network_swap_ema(a.n);
}

void actor_freeze(actor a, size_t layer, bool frozen) {
    if (a.m)
        a.m->layer[layer].frozen = frozen;
    else
        assert_int_equal(bp_network_freeze(a.n, layer, frozen), BP_OK);
}

static void write(bp_network *n, size_t of, size_t layer, model_array array, const float *values) {
    const size_t index = layer_tensor(n, of, layer, (bp_tensor_part)array);
    assert_int_equal(bp_network_tensor_write(n, index, values, NULL), BP_OK);
}

void actor_set_array(actor a, size_t layer, model_array array, const float *values) {
    if (a.m)
        model_set(a.m, layer, array, values);
    else
        write(a.n, OF_PARAMETERS, layer, array, values);
}

void actor_set_state(actor a, size_t state, size_t layer, model_array array, const float *values) {
    if (a.m)
        model_set_state(a.m, state, layer, array, values);
    else
        write(a.n, OF_STATE + state, layer, array, values);
}

static float *allocate(size_t count) {
    float *array = calloc(count ? count : 1, sizeof *array);
    assert_non_null(array);
    return array;
}

/* ---- What it holds ---------------------------------------------------------------------------------------------- */

enum { VALUES, GRADIENT, STATE }; /* STATE + k: array k of state */

static bp_status get_array(const bp_network *n, size_t what, size_t layer, size_t array, float *values) {
    const size_t of = what == VALUES ? OF_PARAMETERS : what == GRADIENT ? OF_GRADIENT : OF_STATE + what - STATE;
    return bp_network_tensor_read(n, layer_tensor(n, of, layer, (bp_tensor_part)array), values, NULL);
}

static void record_array(transcript *t, actor a, const model *shape, size_t what, size_t l, size_t array) {
    static const char *const names[STATE + MODEL_STATES_MAX][MODEL_ARRAYS] = {
        {"weights", "biases", "gains", "shifts"},
        {"gradients of weights", "gradients of biases", "gradients of gains", "gradients of shifts"},
        {"state 0 of weights", "state 0 of biases", "state 0 of gains", "state 0 of shifts"},
        {"state 1 of weights", "state 1 of biases", "state 1 of gains", "state 1 of shifts"},
        {"state 2 of weights", "state 2 of biases", "state 2 of gains", "state 2 of shifts"}};
    const model_layer *k = &shape->layer[l];
    bp_status status = what == GRADIENT && a.m && a.m->held == MODEL_NONE ? BP_ERROR_VALUE : BP_OK;
    float *copy = allocate(k->count[array]);
    if (a.n)
        status = get_array(a.n, what, l, array, copy);
    const float *values = a.n                ? copy
                          : what == VALUES   ? k->values[array]
                          : what == GRADIENT ? k->gradient[array]
                                             : k->state[what - STATE][array];
    transcript_number(t, "status of a copy", l, status);
    if (status == BP_OK)
        transcript_floats(t, names[what][array], l, values, k->count[array]);
    free(copy);
}

static uint64_t hash_of(const model *m) {
    uint64_t hash = TEST_HASH_START;
    for (size_t l = 0; l < m->layers; l++)
        for (size_t a = 0; a < MODEL_ARRAYS; a++)
            for (size_t e = 0; e < m->layer[l].count[a]; e++)
                hash = test_hash(hash, test_bits(m->layer[l].values[a][e]));
    return hash;
}

void actor_record(transcript *t, actor a, const model *shape) {
    for (size_t what = 0; what < STATE + shape->states; what++)
        for (size_t l = 0; l < shape->layers; l++)
            for (size_t array = 0; array < (shape->layer[l].normalized ? MODEL_ARRAYS : MODEL_GAINS); array++)
                record_array(t, a, shape, what, l, array);
    const float norm = a.m ? a.m->norm : bp_network_gradient_norm(a.n);
    transcript_floats(t, "norm", 0, &norm, 1);
    transcript_number(t, "steps", 0, a.m ? a.m->steps : bp_network_steps(a.n));
    transcript_number(t, "seed", 0, a.m ? a.m->seed : bp_network_seed(a.n));
    transcript_number(t, "hash", 0, a.m ? hash_of(a.m) : bp_network_hash(a.n));
}
