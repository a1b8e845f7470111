/*
 * All options of a network, every two of them together at least once, against the model of model.h: networks on every
 * level and for several numbers of threads go through a sequence of calls side by side with it, and after each call
 * have its parameters, state, gradients, losses and outputs, to the bit. A failure names the call at which they part.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "covering.h"
#include "harness/bits.h"
#include "harness/session.h"
#include "network/network.h"
#include "options.h"
#include "storage/files.h"
#include "transcript.h"

enum { QUICK_SETTINGS = 32, SUBJECTS_MAX = 40 };
#define FLOPS_MAX 1.6e7
#define QUICK_FLOPS_MAX 4e6

/* ---- Data ------------------------------------------------------------------------------------------------------- */

static float *make(size_t count) {
    float *array = calloc(count ? count : 1, sizeof *array);
    assert_non_null(array);
    return array;
}

/* A batch for a setting, with its memory; deltas of the caller's are packed. */
typedef struct samples {
    bp_batch batch;
    float *inputs, *targets, *weights, *deltas;
    uint32_t *labels;
} samples;

static float *make_rows(test_random *random, size_t rows, size_t columns, size_t shift, bool positive) {
    float *values = make(shift + rows * (columns + shift));
    for (size_t k = 0; k < shift + rows * (columns + shift); k++)
        values[k] = NAN;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++) {
            const float value = test_random_symmetric(random);
            values[shift + n * (columns + shift) + j] = positive ? fabsf(value) : value;
        }
    return values;
}

static samples samples_create(const setting *s, test_random *random) {
    const size_t in = s->sizes[0], out = s->sizes[s->config.layers], shift = s->shift;
    samples made = {.batch = {.rows = s->rows}};
    made.inputs = make_rows(random, s->rows, in, shift, false);
    made.batch.inputs = made.inputs + shift;
    made.batch.input_stride = shift ? in + shift : 0;
    made.deltas = make_rows(random, s->rows, out, 0, false);
    for (size_t k = 0; k < s->rows * out; k++)
        made.deltas[k] = made.deltas[k] / (float)s->rows;
    if (s->weighted) {
        made.weights = make_rows(random, 1, s->rows, shift, false);
        made.batch.weights = made.weights + shift;
    }
    if (s->labels) {
        made.labels = calloc(s->rows, sizeof *made.labels);
        assert_non_null(made.labels);
        for (size_t n = 0; n < s->rows; n++)
            made.labels[n] = (uint32_t)test_random_below(random, out);
        made.batch.labels = made.labels;
    } else {
        const bool positive = s->config.loss != BP_LOSS_MSE && s->config.loss != BP_LOSS_MAE;
        made.targets = make_rows(random, s->rows, out, shift, positive);
        made.batch.targets = made.targets + shift;
        made.batch.target_stride = shift ? out + shift : 0;
    }
    return made;
}

static void samples_destroy(samples *s) {
    free(s->inputs);
    free(s->targets);
    free(s->weights);
    free(s->deltas);
    free(s->labels);
}

/* Rows first .. first + rows - 1. */
static bp_batch part_of(const setting *s, const bp_batch *whole, size_t first, size_t rows) {
    const size_t out = s->sizes[s->config.layers];
    bp_batch part = *whole;
    part.rows = rows;
    part.inputs += first * (whole->input_stride ? whole->input_stride : s->sizes[0]);
    if (part.targets)
        part.targets += first * (whole->target_stride ? whole->target_stride : out);
    if (part.labels)
        part.labels += first;
    if (part.weights)
        part.weights += first;
    return part;
}

/* ---- A network or its model ------------------------------------------------------------------------------------- */

/* One of the two is null. */
typedef struct actor {
    model *m;
    bp_network *n;
} actor;

static bp_status train(actor a, const bp_batch *batch, float rate, float *loss) {
    return a.m ? model_train_step(a.m, batch, rate, loss) : bp_network_train_step(a.n, batch, rate, loss);
}

static bp_status backward(actor a, const bp_batch *batch, const bp_backward *how) {
    return a.m ? model_backward(a.m, batch, how) : bp_network_backward(a.n, batch, how);
}

static bp_status accumulate(actor a, const bp_batch *batch, size_t total_rows, float *loss) {
    return a.m ? model_accumulate(a.m, batch, total_rows, loss) : bp_network_accumulate(a.n, batch, total_rows, loss);
}

static bp_status update(actor a, float rate) {
    return a.m ? model_update(a.m, rate) : bp_network_update(a.n, rate);
}

static bp_status swap(actor a) {
    return a.m ? model_swap_average(a.m) : bp_network_swap_average(a.n);
}

static void freeze(actor a, size_t layer, bool frozen) {
    if (a.m)
        a.m->layer[layer].frozen = frozen;
    else
        assert_int_equal(bp_network_freeze(a.n, layer, frozen), BP_OK);
}

static void set_array(actor a, size_t layer, model_array array, const float *values) {
    if (a.m)
        model_set(a.m, layer, array, values);
    else if (array == MODEL_WEIGHTS)
        assert_int_equal(bp_network_set_parameters(a.n, layer, values, 0, NULL), BP_OK);
    else if (array == MODEL_BIASES)
        assert_int_equal(bp_network_set_parameters(a.n, layer, NULL, 0, values), BP_OK);
    else
        assert_int_equal(bp_network_set_normalization(a.n, layer, array == MODEL_GAINS ? values : NULL,
                                                      array == MODEL_SHIFTS ? values : NULL),
                         BP_OK);
}

static void set_state(actor a, size_t state, size_t layer, model_array array, const float *values) {
    if (a.m)
        memcpy(a.m->layer[layer].state[state][array], values, a.m->layer[layer].count[array] * sizeof *values);
    else if (array == MODEL_WEIGHTS)
        assert_int_equal(bp_network_set_state(a.n, state, layer, values, 0, NULL), BP_OK);
    else if (array == MODEL_BIASES)
        assert_int_equal(bp_network_set_state(a.n, state, layer, NULL, 0, values), BP_OK);
    else
        assert_int_equal(bp_network_set_normalization_state(a.n, state, layer, array == MODEL_GAINS ? values : NULL,
                                                            array == MODEL_SHIFTS ? values : NULL),
                         BP_OK);
}

/* ---- What it holds ---------------------------------------------------------------------------------------------- */

enum { VALUES, GRADIENT, STATE }; /* STATE + k: array k of state */

static bp_status get_arrays(const bp_network *n, size_t what, size_t l, bool normalization, float *first,
                            float *second) {
    if (what == VALUES)
        return normalization ? bp_network_get_normalization(n, l, first, second)
                             : bp_network_get_parameters(n, l, first, 0, second);
    if (what == GRADIENT)
        return normalization ? bp_network_get_normalization_gradient(n, l, first, second)
                             : bp_network_get_gradient(n, l, first, 0, second);
    return normalization ? bp_network_get_normalization_state(n, what - STATE, l, first, second)
                         : bp_network_get_state(n, what - STATE, l, first, 0, second);
}

/* Arrays 2 k and 2 k + 1 of a layer: weights and biases, or gains and shifts. */
static void record_arrays(transcript *t, actor a, const model *shape, size_t what, size_t l, size_t pair) {
    static const char *const names[STATE + MODEL_STATES_MAX][MODEL_ARRAYS] = {
        {"weights", "biases", "gains", "shifts"},
        {"gradients of weights", "gradients of biases", "gradients of gains", "gradients of shifts"},
        {"state 0 of weights", "state 0 of biases", "state 0 of gains", "state 0 of shifts"},
        {"state 1 of weights", "state 1 of biases", "state 1 of gains", "state 1 of shifts"},
        {"state 2 of weights", "state 2 of biases", "state 2 of gains", "state 2 of shifts"}};
    const model_layer *k = &shape->layer[l];
    float *arrays[2];
    bp_status status = what == GRADIENT && a.m && a.m->held == MODEL_NONE ? BP_ERROR_VALUE : BP_OK;
    for (size_t i = 0; i < 2; i++)
        arrays[i] = make(k->count[2 * pair + i]);
    if (a.n)
        status = get_arrays(a.n, what, l, pair == 1, arrays[0], arrays[1]);
    for (size_t i = 0; i < 2; i++) {
        const size_t array = 2 * pair + i;
        const float *values = a.n                ? arrays[i]
                              : what == VALUES   ? k->values[array]
                              : what == GRADIENT ? k->gradient[array]
                                                 : k->state[what - STATE][array];
        transcript_number(t, "status of a copy", l, status);
        if (status == BP_OK)
            transcript_floats(t, names[what][array], l, values, k->count[array]);
        free(arrays[i]);
    }
}

static uint64_t hash_of(const model *m) {
    uint64_t hash = TEST_HASH_START;
    for (size_t l = 0; l < m->layers; l++)
        for (size_t a = 0; a < MODEL_ARRAYS; a++)
            for (size_t e = 0; e < m->layer[l].count[a]; e++)
                hash = test_hash(hash, test_bits(m->layer[l].values[a][e]));
    return hash;
}

static void record_state(transcript *t, actor a, const model *shape) {
    for (size_t what = 0; what < STATE + shape->states; what++)
        for (size_t l = 0; l < shape->layers; l++)
            for (size_t pair = 0; pair < (shape->layer[l].normalized ? 2 : 1); pair++)
                record_arrays(t, a, shape, what, l, pair);
    const float norm = a.m ? a.m->norm : bp_network_gradient_norm(a.n);
    transcript_floats(t, "norm", 0, &norm, 1);
    transcript_number(t, "steps", 0, a.m ? a.m->steps : bp_network_steps(a.n));
    transcript_number(t, "seed", 0, a.m ? a.m->seed : bp_network_seed(a.n));
    transcript_number(t, "hash", 0, a.m ? hash_of(a.m) : bp_network_hash(a.n));
}

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

/* A call with what was drawn for it. */
typedef struct call {
    call_kind kind;
    const setting *s;
    const samples *data;
    uint64_t seed, steps;
    size_t layer, state;
    model_array array;
    const float *values; /* for one array of a layer */
    bool frozen[MODEL_LAYERS_MAX];
} call;

/* A loss of the caller's; rows come in ascending pieces. */
typedef struct own_loss {
    const float *reference;
    size_t out, next;
    float scale;
} own_loss;

static void give_deltas(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                        float *delta, size_t delta_stride) {
    own_loss *own = context;
    own->next = first == own->next ? first + rows : SIZE_MAX;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < own->out; j++) {
            const float error = outputs[n * output_stride + j] - own->reference[(first + n) * own->out + j];
            delta[n * delta_stride + j] = error * own->scale;
        }
}

static void act_backward(transcript *t, actor a, const call *c) {
    const setting *s = c->s;
    const size_t in = s->sizes[0], out = s->sizes[s->config.layers], stride = s->shift ? in + s->shift : 0;
    const size_t room = s->rows * (stride ? stride : in);
    own_loss own = {c->data->deltas, out, 0, 0.5f / (float)s->rows};
    float loss = NAN, *input_gradient = make(room);
    bp_backward how = {.gradient = BP_GRADIENT_UPDATE, .rate = s->rate};
    if (c->kind == CALL_SKIP)
        how.gradient = BP_GRADIENT_SKIP;
    if (c->kind == CALL_KEEP || c->kind == CALL_KEEP_DELTAS)
        how.gradient = BP_GRADIENT_KEEP;
    if (c->kind == CALL_DELTAS || c->kind == CALL_KEEP_DELTAS)
        how.delta = c->data->deltas;
    if (c->kind == CALL_CALLBACK) {
        how.own_loss = give_deltas;
        how.context = &own;
    }
    if (c->kind == CALL_SKIP || c->kind == CALL_BACKWARD || c->kind == CALL_KEEP_DELTAS) {
        how.input_gradient = input_gradient;
        how.input_gradient_stride = stride;
    }
    if (!how.delta && !how.own_loss)
        how.loss = &loss;
    const bp_status status = backward(a, &c->data->batch, &how);
    transcript_number(t, "status", 0, status);
    transcript_number(t, "rows of the own loss", 0, status == BP_OK && how.own_loss ? own.next : 0);
    transcript_floats(t, "loss", 0, &loss, 1);
    transcript_floats(t, "gradient of inputs", 0, input_gradient, room);
    free(input_gradient);
}

static void act_accumulate(transcript *t, actor a, const call *c) {
    static const size_t whole_blocks[] = {256, 768, 76}, odd[] = {100, 29, 300, 7, 256};
    const size_t rows = c->s->rows, most = c->kind == CALL_ACCUMULATE ? (rows + 1) / 2 : rows;
    for (size_t n = 0, k = 0, count; n < most; n += count, k++) {
        count = c->kind == CALL_MICRO_BATCHES_ODD ? odd[k % 5] : whole_blocks[k % 3];
        count = count < most - n ? count : most - n;
        const bp_batch part = part_of(c->s, &c->data->batch, n, count);
        float loss = NAN;
        transcript_number(t, "status", 0, accumulate(a, &part, rows, &loss));
        transcript_floats(t, "loss of a micro-batch", 0, &loss, 1);
    }
    if (c->kind != CALL_ACCUMULATE)
        transcript_number(t, "status", 0, update(a, c->s->rate));
}

static void act_evaluate(transcript *t, actor a, const call *c) {
    const bp_batch *batch = &c->data->batch;
    const size_t out = c->s->sizes[c->s->config.layers];
    float *outputs = make(batch->rows * out), loss = NAN;
    transcript_number(t, "status", 0,
                      a.m ? model_forward(a.m, batch, outputs) : bp_network_forward(a.n, batch, outputs, 0));
    transcript_floats(t, "outputs", 0, outputs, batch->rows * out);
    transcript_number(t, "status", 0, a.m ? model_loss(a.m, batch, &loss) : bp_network_loss(a.n, batch, &loss));
    transcript_floats(t, "loss", 0, &loss, 1);
    free(outputs);
}

static void act_refused(transcript *t, actor a, const call *c) {
    float loss = NAN;
    bp_batch large = c->data->batch;
    large.rows = c->s->config.batch_max + 1;
    transcript_number(t, "status", 0, train(a, &c->data->batch, INFINITY, &loss));
    transcript_number(t, "status", 0, update(a, NAN));
    transcript_number(t, "status", 0, a.m ? BP_ERROR_BATCH : bp_network_train_step(a.n, &large, c->s->rate, &loss));
    transcript_floats(t, "loss", 0, &loss, 1);
}

static void act_set_steps(actor a, const call *c) {
    if (a.n) {
        assert_int_equal(bp_network_set_steps(a.n, c->seed, c->steps), BP_OK);
        return;
    }
    a.m->seed = c->seed;
    a.m->steps = c->steps;
}

static void act(transcript *t, actor a, const call *c) {
    const bp_batch *batch = &c->data->batch;
    const bp_batch part = part_of(c->s, batch, batch->rows / 3, batch->rows - batch->rows / 3);
    float loss = NAN;
    switch (c->kind) {
    case CALL_TRAIN:
        transcript_number(t, "status", 0, train(a, batch, c->s->rate, &loss));
        transcript_floats(t, "loss", 0, &loss, 1);
        break;
    case CALL_TRAIN_PART:
        transcript_number(t, "status", 0, train(a, &part, c->s->rate, NULL));
        break;
    case CALL_MICRO_BATCHES:
    case CALL_MICRO_BATCHES_ODD:
    case CALL_ACCUMULATE:
        act_accumulate(t, a, c);
        break;
    case CALL_UPDATE:
        transcript_number(t, "status", 0, update(a, c->s->rate));
        break;
    case CALL_DISCARD:
        transcript_number(t, "status", 0, a.m ? model_discard(a.m) : bp_network_discard(a.n));
        break;
    case CALL_SWAP:
        transcript_number(t, "status", 0, swap(a));
        break;
    case CALL_INITIALIZE:
        if (a.m)
            model_initialize(a.m, c->seed);
        else
            assert_int_equal(bp_network_initialize(a.n, c->seed), BP_OK);
        break;
    case CALL_SET_PARAMETERS:
        set_array(a, c->layer, c->array, c->values);
        break;
    case CALL_SET_STATE:
        if (c->state != SIZE_MAX)
            set_state(a, c->state, c->layer, c->array, c->values);
        break;
    case CALL_SET_STEPS:
        act_set_steps(a, c);
        break;
    case CALL_FREEZE:
        for (size_t l = 0; l < c->s->config.layers; l++)
            freeze(a, l, c->frozen[l]);
        break;
    case CALL_REFUSED:
        act_refused(t, a, c);
        break;
    case CALL_EVALUATE:
        act_evaluate(t, a, c);
        break;
    case CALL_CHECKPOINT: /* see carry_over */
        break;
    default:
        act_backward(t, a, c);
    }
}

/* ---- Networks under test ---------------------------------------------------------------------------------------- */

static void run_serial(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    (void)context;
    for (size_t index = 0; index < count; index++)
        task(argument, index);
}

static void run_reverse(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    (void)context;
    for (size_t index = count; index-- > 0;)
        task(argument, index);
}

typedef struct subject {
    test_table *table;
    size_t threads;
    pool_kind pool;
    bp_network *network;
} subject;

static bp_network *network_create(const subject *b, const setting *s, uint64_t seed) {
    bp_network_config config = s->config;
    config.threads = b->threads;
    if (b->pool != POOL_OWN)
        config.pool = (bp_thread_pool){b->pool == POOL_SERIAL ? run_serial : run_reverse, NULL, b->threads};
    bp_network *network = NULL;
    assert_int_equal(bp_network_create_on(b->table->level, &config, &network), BP_OK);
    assert_int_equal(bp_network_initialize(network, seed), BP_OK);
    return network;
}

typedef struct scene {
    const char *key;
    const setting *s;
    samples data;
    model m;
    subject subject[SUBJECTS_MAX];
    size_t subjects;
    test_random random;
    transcript expected, got;
    bool failed;
} scene;

static void add_subject(scene *sc, test_table *table, size_t threads, pool_kind pool, uint64_t seed) {
    subject *b = &sc->subject[sc->subjects++];
    *b = (subject){table, threads, pool, NULL};
    b->network = network_create(b, sc->s, seed);
    for (size_t l = 0; l < sc->m.layers; l++)
        freeze((actor){.n = b->network}, l, sc->s->frozen[l]);
    table->cases++;
}

/* The setting's threads on every level; on those that are not slow other numbers of them too, by a pool that needs no
 * cores. */
static void add_subjects(scene *sc, uint64_t seed) {
    static const size_t counts[] = {1, 2, 3, 8};
    for (size_t k = 0; test_table_at(k); k++) {
        test_table *table = test_table_at(k);
        add_subject(sc, table, sc->s->config.threads, sc->s->pool, seed);
        for (size_t i = 0; i < 4 && table->kernels->isa != BP_ISA_SCALAR && !test_quick(); i++)
            if (counts[i] != sc->s->config.threads)
                add_subject(sc, table, counts[i], i % 2 ? POOL_SERIAL : POOL_REVERSE, seed);
    }
}

/* ---- The sequence ----------------------------------------------------------------------------------------------- */

static void report(scene *sc, const subject *b, size_t place, const call *c) {
    sc->failed = true;
    if (!test_count_failure())
        return;
    fprintf(stderr, "FAILED %s on %s with %zu threads, after call %zu (%s)\n    ", sc->key, b->table->name, b->threads,
            place, call_names[c->kind]);
    transcript_print_difference(stderr, &sc->expected, &sc->got);
    setting_print(stderr, sc->s);
    fputs("  again: ", stderr);
    test_say_again(stderr, b->table->name, sc->key);
    fputc('\n', stderr);
}

/* One network saves, and all go on as others that read the file. */
static void carry_over(scene *sc) {
    const bp_status expected = model_reload(&sc->m);
    const char *path = files_path("checkpoint");
    const subject *saver = &sc->subject[test_random_below(&sc->random, sc->subjects)];
    if (expected != BP_OK) /* the average is in: not to be saved */
        return;
    assert_int_equal(bp_checkpoint_save(saver->network, path, NULL, 0, NULL), BP_OK);
    for (size_t k = 0; k < sc->subjects; k++) {
        subject *b = &sc->subject[k];
        bp_network *other = network_create(b, sc->s, 77);
        assert_int_equal(bp_checkpoint_load(other, path, NULL), BP_OK);
        for (size_t l = 0; l < sc->m.layers; l++)
            freeze((actor){.n = other}, l, sc->m.layer[l].frozen);
        bp_network_destroy(b->network);
        b->network = other;
    }
}

/* Draws what a call needs; its values are the caller's to free. */
static call draw_call(scene *sc, call_kind kind) {
    static const uint64_t steps[] = {0, 7, 999, UINT64_C(0x100000004), UINT64_C(1) << 40, (UINT64_C(1) << 48) - 100};
    test_random *random = &sc->random;
    call c = {.kind = kind, .s = sc->s, .data = &sc->data, .seed = test_random_next(random)};
    c.steps = steps[test_random_below(random, sizeof steps / sizeof *steps)];
    c.layer = test_random_below(random, sc->m.layers);
    const model_layer *k = &sc->m.layer[c.layer];
    c.array = (model_array)test_random_below(random, k->normalized ? MODEL_ARRAYS : MODEL_GAINS);
    c.state = sc->m.states ? test_random_below(random, sc->m.states) : SIZE_MAX;
    float *values = make(k->count[c.array]);
    for (size_t e = 0; e < k->count[c.array]; e++) {
        const float value = test_random_symmetric(random) * 0.25f;
        values[e] = kind == CALL_SET_STATE ? fabsf(value) : value;
    }
    c.values = values;
    for (size_t l = 0; l < sc->m.layers; l++)
        c.frozen[l] = test_random_below(random, 2) == 0;
    return c;
}

static void do_call(scene *sc, size_t place, call_kind kind) {
    const call c = draw_call(sc, kind);
    transcript_clear(&sc->expected);
    act(&sc->expected, (actor){.m = &sc->m}, &c);
    if (kind == CALL_CHECKPOINT)
        carry_over(sc);
    record_state(&sc->expected, (actor){.m = &sc->m}, &sc->m);
    for (size_t k = 0; k < sc->subjects; k++) {
        const actor a = {.n = sc->subject[k].network};
        transcript_clear(&sc->got);
        act(&sc->got, a, &c);
        record_state(&sc->got, a, &sc->m);
        if (!transcript_equal(&sc->expected, &sc->got))
            report(sc, &sc->subject[k], place, &c);
    }
    free((void *)c.values);
}

static bool is_finite(const model *m) {
    for (size_t l = 0; l < m->layers; l++)
        for (size_t a = 0; a < MODEL_ARRAYS; a++)
            for (size_t e = 0; e < m->layer[l].count[a]; e++)
                if (!isfinite(m->layer[l].values[a][e]))
                    return false;
    return true;
}

/* Whether the parameters stayed finite, so that the bits tell something. */
static bool play(const char *key, const setting *s, test_random random) {
    scene sc = {.key = key, .s = s, .random = random};
    sc.data = samples_create(s, &sc.random);
    sc.m = model_create(&s->config);
    const uint64_t seed = test_random_next(&sc.random);
    model_initialize(&sc.m, seed);
    for (size_t l = 0; l < sc.m.layers; l++)
        sc.m.layer[l].frozen = s->frozen[l];
    add_subjects(&sc, seed);
    size_t place = 0;
    do_call(&sc, place++, CALL_TRAIN);
    for (size_t k = 0; k < CALLS_DRAWN && !sc.failed; k++)
        do_call(&sc, place++, s->calls[k]);
    if (sc.m.averaged && !sc.failed)
        do_call(&sc, place++, CALL_SWAP);
    if (!sc.failed)
        do_call(&sc, place++, CALL_TRAIN);
    if (!sc.failed)
        do_call(&sc, place++, CALL_EVALUATE);
    const bool finite = is_finite(&sc.m);
    for (size_t k = 0; k < sc.subjects; k++)
        bp_network_destroy(sc.subject[k].network);
    transcript_free(&sc.expected);
    transcript_free(&sc.got);
    model_destroy(&sc.m);
    samples_destroy(&sc.data);
    return finite;
}

static void pairs_of_options(void **state) {
    (void)state;
    test_random random = test_random_for(test_seed(), "pairs");
    covering c = covering_create(option_values, option_factors, &random);
    assert_int_equal(covering_missing(&c, option_values, c.rows), 0);
    const size_t rows = test_quick() && c.rows > QUICK_SETTINGS ? QUICK_SETTINGS : c.rows;
    size_t played = 0, finite = 0;
    for (size_t r = 0; r < rows; r++) {
        char key[32];
        snprintf(key, sizeof key, "pairs/%zu", r);
        if (!test_selected(key))
            continue;
        test_random own = test_random_for(test_seed(), key);
        setting s;
        setting_draw(&s, c.row[r], test_quick() ? QUICK_FLOPS_MAX : FLOPS_MAX, &own);
        played++;
        finite += play(key, &s, own);
    }
    printf("%zu of %zu settings, %zu pairs of options left out, %zu trained to finite numbers\n", played, c.rows,
           covering_missing(&c, option_values, rows), finite);
    assert_true(10 * finite >= 9 * played);
    covering_destroy(&c);
    test_expect_no_failures();
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    test_keep_levels();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_options),
    };
    return test_finish(cmocka_run_group_tests(tests, files_set_up, files_tear_down));
}
