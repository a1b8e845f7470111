/*
 * All options of a network, every two of them together at least once, against the model of model.h: networks on every
 * backend and for several numbers of threads go through a sequence of calls side by side with it, and after each call
 * have its parameters, state, gradients, losses and outputs, to the bit. A failure names the call at which they piece.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actor.h"
#include "covering.h"
#include "defaults.h"
#include "harness/bits.h"
#include "harness/session.h"
#include "harness/usual.h"
#include "network/create.h"
#include "network/step_schedule.h"
#include "options.h"
#include "storage/files.h"

enum { QUICK_ROWS = 32, SUBJECTS_MAX = 40, FAILURES_MAX = 50 };
#define FLOPS_MAX 1.1e7
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

static float *make_rows(test_random *random, size_t rows, size_t columns, size_t beta, bool positive) {
    float *values = make(beta + rows * (columns + beta));
    for (size_t k = 0; k < beta + rows * (columns + beta); k++)
        values[k] = NAN;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++) {
            const float value = test_random_symmetric(random);
            values[beta + n * (columns + beta) + j] = positive ? fabsf(value) : value;
        }
    return values;
}

static samples samples_create(const setting *s, test_random *random) {
    const size_t in = s->sizes[0], out = s->sizes[s->config.layers], beta = s->beta;
    samples made = {.batch = {.rows = s->rows}};
    made.inputs = make_rows(random, s->rows, in, beta, false);
    made.batch.inputs = made.inputs + beta;
    made.batch.input_stride = beta ? in + beta : 0;
    made.deltas = make_rows(random, s->rows, out, 0, false);
    for (size_t k = 0; k < s->rows * out; k++)
        made.deltas[k] = made.deltas[k] / (float)s->rows;
    if (s->weighted) {
        const bool mean = s->config.loss_options->reduction == BP_REDUCTION_WEIGHTED_MEAN; /* not of a sum near 0 */
        made.weights = make_rows(random, 1, s->rows, beta, mean);
        made.batch.weights = made.weights + beta;
    }
    if (s->labels) {
        made.labels = calloc(s->rows, sizeof *made.labels);
        assert_non_null(made.labels);
        for (size_t n = 0; n < s->rows; n++)
            made.labels[n] = (uint32_t)test_random_below(random, out);
        made.batch.labels = made.labels;
    } else {
        const bool positive = s->config.loss != BP_LOSS_MSE && s->config.loss != BP_LOSS_MAE;
        made.targets = make_rows(random, s->rows, out, beta, positive);
        made.batch.targets = made.targets + beta;
        made.batch.target_stride = beta ? out + beta : 0;
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
    bp_batch piece = *whole;
    piece.rows = rows;
    piece.inputs += first * (whole->input_stride ? whole->input_stride : s->sizes[0]);
    if (piece.targets)
        piece.targets += first * (whole->target_stride ? whole->target_stride : out);
    if (piece.labels)
        piece.labels += first;
    if (piece.weights)
        piece.weights += first;
    return piece;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

/* A call with what was drawn for it. */
typedef struct call {
    call_kind kind;
    const setting *s;
    const samples *data;
    uint64_t seed, steps;
    size_t layer, state;
    model_array array[MODEL_LAYERS_MAX]; /* one of each layer */
    const float *values;                 /* enough for any of them */
    bool frozen[MODEL_LAYERS_MAX];
} call;

/* A loss of the caller's; rows come in ascending pieces. */
typedef struct loss_callback {
    const float *reference;
    size_t out, next;
    float scale;
} loss_callback;

static void give_deltas(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                        float *delta, size_t delta_stride) {
    loss_callback *own = context;
    own->next = first == own->next ? first + rows : SIZE_MAX;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < own->out; j++) {
            const float error = outputs[n * output_stride + j] - own->reference[(first + n) * own->out + j];
            delta[n * delta_stride + j] = error * own->scale;
        }
}

static void act_backward(transcript *t, actor a, const call *c) {
    const setting *s = c->s;
    const size_t in = s->sizes[0], out = s->sizes[s->config.layers], stride = s->beta ? in + s->beta : 0;
    const size_t room = s->rows * (stride ? stride : in);
    loss_callback own = {c->data->deltas, out, 0, 0.5f / (float)s->rows};
    float loss = NAN, *input_gradient = make(room);
    bp_backward_options options =
        BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_UPDATE, .learning_rate = s->learning_rate);
    if (c->kind == CALL_SKIP)
        options.gradient = BP_GRADIENT_MODE_SKIP;
    if (c->kind == CALL_KEEP || c->kind == CALL_KEEP_DELTAS)
        options.gradient = BP_GRADIENT_MODE_STORE;
    if (c->kind == CALL_DELTAS || c->kind == CALL_KEEP_DELTAS)
        options.delta = c->data->deltas;
    if (c->kind == CALL_CALLBACK) {
        options.loss_callback = give_deltas;
        options.loss_context = &own;
    }
    if (c->kind == CALL_SKIP || c->kind == CALL_BACKWARD || c->kind == CALL_KEEP_DELTAS) {
        options.input_gradient = input_gradient;
        options.input_gradient_stride = stride;
    }
    if (!options.delta && !options.loss_callback)
        options.loss = &loss;
    const bp_status status = actor_backward(a, &c->data->batch, &options);
    transcript_number(t, "status", 0, status);
    transcript_number(t, "rows of the own loss", 0, status == BP_OK && options.loss_callback ? own.next : 0);
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
        const bp_batch piece = part_of(c->s, &c->data->batch, n, count);
        float loss = NAN;
        transcript_number(t, "status", 0, actor_accumulate(a, &piece, rows, &loss));
        transcript_floats(t, "loss of a micro-batch", 0, &loss, 1);
    }
    if (c->kind != CALL_ACCUMULATE)
        transcript_number(t, "status", 0, actor_update(a, c->s->learning_rate));
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
    large.rows = c->s->config.max_batch_size + 1;
    transcript_number(t, "status", 0, actor_train(a, &c->data->batch, INFINITY, &loss));
    transcript_number(t, "status", 0, actor_update(a, NAN));
    transcript_number(t, "status", 0,
                      a.m ? BP_ERROR_BATCH : bp_network_train_step(a.n, &large, c->s->learning_rate, &loss));
    if (c->s->config.loss_options->reduction == BP_REDUCTION_WEIGHTED_MEAN) {
        float *nothing = make(c->s->rows);
        bp_batch weightless = c->data->batch;
        weightless.weights = nothing;
        transcript_number(t, "status", 0, actor_train(a, &weightless, c->s->learning_rate, &loss));
        free(nothing);
    }
    transcript_floats(t, "loss", 0, &loss, 1);
}

static void act_set_steps(actor a, const call *c) {
    if (a.m)
        model_set_steps(a.m, c->seed, c->steps);
    else
        assert_int_equal(bp_network_set_steps(a.n, c->seed, c->steps), BP_OK);
}

static void act(transcript *t, actor a, const call *c) {
    const bp_batch *batch = &c->data->batch;
    const bp_batch piece = part_of(c->s, batch, batch->rows / 3, batch->rows - batch->rows / 3);
    float loss = NAN;
    switch (c->kind) {
    case CALL_TRAIN:
        transcript_number(t, "status", 0, actor_train(a, batch, c->s->learning_rate, &loss));
        transcript_floats(t, "loss", 0, &loss, 1);
        break;
    case CALL_TRAIN_PART:
        transcript_number(t, "status", 0, actor_train(a, &piece, c->s->learning_rate, NULL));
        break;
    case CALL_MICRO_BATCHES:
    case CALL_MICRO_BATCHES_ODD:
    case CALL_ACCUMULATE:
        act_accumulate(t, a, c);
        break;
    case CALL_UPDATE:
        transcript_number(t, "status", 0, actor_update(a, c->s->learning_rate));
        break;
    case CALL_DISCARD:
        transcript_number(t, "status", 0, a.m ? model_discard(a.m) : bp_network_discard(a.n));
        break;
    case CALL_SWAP:
        transcript_number(t, "status", 0, actor_swap(a));
        break;
    case CALL_INITIALIZE:
        if (a.m)
            model_initialize(a.m, c->seed);
        else
            assert_int_equal(bp_network_initialize(a.n, c->seed), BP_OK);
        break;
    case CALL_SET_PARAMETERS:
        for (size_t l = 0; l < c->s->config.layers; l++)
            actor_set_array(a, l, c->array[l], c->values);
        break;
    case CALL_SET_STATE:
        if (c->state != SIZE_MAX)
            actor_set_state(a, c->state, c->layer, c->array[c->layer], c->values);
        break;
    case CALL_SET_STEPS:
        act_set_steps(a, c);
        break;
    case CALL_FREEZE:
        for (size_t l = 0; l < c->s->config.layers; l++)
            actor_freeze(a, l, c->frozen[l]);
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
        config.pool =
            stored_pool((bp_thread_pool){b->pool == POOL_SERIAL ? run_serial : run_reverse, NULL, b->threads});
    bp_network *network = NULL;
    assert_int_equal(bp_network_create_on(b->table->backend, &config, &network), BP_OK);
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

/* How many networks take each way; on one worker in slices: SHARING_DRAWN. */
static size_t shared[SHARINGS];

static void count_sharing(const bp_network *network, size_t rows) {
    step_schedule plan = {.phases = calloc(MOST_PHASES(network->plan.layers), sizeof(step_phase))};
    const step_request request = {.rows = rows, .input_stride = network->layers[0].in, .train = true, .one_call = true};
    sharing way = SHARING_DRAWN;
    bp_schedule_slice(&plan, network, &network->workspace, &request);
    if (plan.phases[0].operations[0].kind == SMALL_STEP)
        way = SHARING_SMALL;
    else if (rows == 1 && plan.phases[0].workers == 1)
        way = SHARING_ONE_ROW;
    else if (plan.phases[0].each_block)
        way = SHARING_BLOCKS;
    else if (plan.phases[plan.count - 1].workers > 1)
        way = SHARING_ROWS;
    for (size_t k = 0; way == SHARING_ROWS && k < plan.count; k++)
        for (size_t o = 0; o < plan.phases[k].count; o++)
            if (plan.phases[k].operations[o].kind == FORWARD_COLUMNS)
                way = SHARING_COLUMNS;
    shared[way]++;
    free(plan.phases);
}

static void add_subject(scene *sc, test_table *table, size_t threads, pool_kind pool, uint64_t seed) {
    subject *b = &sc->subject[sc->subjects++];
    *b = (subject){table, threads, pool, NULL};
    b->network = network_create(b, sc->s, seed);
    for (size_t l = 0; l < sc->m.layers; l++)
        actor_freeze((actor){.n = b->network}, l, sc->s->frozen[l]);
    count_sharing(b->network, sc->s->rows);
    table->cases++;
}

/* The setting's threads on every backend; on those that are not slow other numbers of them too, by a pool that needs no
 * cores: all of them where they are to share in some way. */
static void add_subjects(scene *sc, sharing way, uint64_t seed) {
    static const size_t counts[] = {3, 1, 2, 8};
    for (size_t k = 0; test_table_at(k); k++) {
        test_table *table = test_table_at(k);
        add_subject(sc, table, sc->s->config.threads, sc->s->pool, seed);
        if (table->kernels->isa == BP_ISA_SCALAR || test_quick())
            continue;
        for (size_t i = 0; i < (way == SHARING_DRAWN ? 1 : 4); i++)
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

/* Saves a network; while its average is in that is refused, so that it is taken out for a while. */
static void save(bp_network *network, const char *path) {
    const bool ema_swapped = bp_network_ema_swapped(network);
    if (ema_swapped) {
        assert_int_equal(bp_checkpoint_save(network, path, NULL, 0, NULL), BP_ERROR_VALUE);
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
    }
    assert_int_equal(bp_checkpoint_save(network, path, NULL, 0, NULL), BP_OK);
    if (ema_swapped)
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
}

/* One network saves, and all read the file: by turns into themselves, as they are, and into new ones that go on. */
static void carry_over(scene *sc) {
    model_reload(&sc->m);
    const char *path = files_path("checkpoint");
    save(sc->subject[test_random_below(&sc->random, sc->subjects)].network, path);
    for (size_t k = 0; k < sc->subjects; k++) {
        subject *b = &sc->subject[k];
        if (k % 2 == 0) {
            assert_int_equal(bp_checkpoint_load(b->network, path, NULL), BP_OK);
            continue;
        }
        bp_network *other = network_create(b, sc->s, 77);
        assert_int_equal(bp_checkpoint_load(other, path, NULL), BP_OK);
        for (size_t l = 0; l < sc->m.layers; l++)
            actor_freeze((actor){.n = other}, l, sc->m.layer[l].frozen);
        bp_network_destroy(b->network);
        b->network = other;
    }
}

/* Draws what a call needs; its values are the caller's to free. */
static call draw_call(scene *sc, call_kind kind) {
    static const uint64_t steps[] = {0, 7, 999, UINT64_C(0x100000004), UINT64_C(1) << 40, (UINT64_C(1) << 48) - 2};
    test_random *random = &sc->random;
    call c = {.kind = kind, .s = sc->s, .data = &sc->data, .seed = test_random_next(random)};
    c.steps = steps[test_random_below(random, sizeof steps / sizeof *steps)];
    c.layer = test_random_below(random, sc->m.layers);
    size_t most = 0;
    for (size_t l = 0; l < sc->m.layers; l++) {
        const model_layer *k = &sc->m.layer[l];
        c.array[l] = (model_array)test_random_below(random, k->normalized ? MODEL_ARRAYS : MODEL_GAINS);
        most = k->count[c.array[l]] > most ? k->count[c.array[l]] : most;
    }
    c.state = sc->m.states ? test_random_below(random, sc->m.states) : SIZE_MAX;
    float *values = make(most);
    for (size_t e = 0; e < most; e++) {
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
    actor_record(&sc->expected, (actor){.m = &sc->m}, &sc->m);
    for (size_t k = 0; k < sc->subjects; k++) {
        const actor a = {.n = sc->subject[k].network};
        transcript_clear(&sc->got);
        act(&sc->got, a, &c);
        actor_record(&sc->got, a, &sc->m);
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
static bool play(const char *key, const setting *s, sharing way, test_random random) {
    scene sc = {.key = key, .s = s, .random = random};
    sc.data = samples_create(s, &sc.random);
    sc.m = model_create(&s->config);
    const uint64_t seed = test_random_next(&sc.random);
    model_initialize(&sc.m, seed);
    for (size_t l = 0; l < sc.m.layers; l++)
        sc.m.layer[l].frozen = s->frozen[l];
    add_subjects(&sc, way, seed);
    size_t place = 0;
    /* First steps that leave something wherever gradients and weights go, and at the end an update that is refused if
     * there are no gradients. */
    if (s->config.gradients)
        do_call(&sc, place++, CALL_MICRO_BATCHES);
    do_call(&sc, place++, CALL_TRAIN);
    for (size_t k = 0; k < CALLS_DRAWN && !sc.failed; k++)
        do_call(&sc, place++, s->calls[k]);
    if (!sc.failed)
        do_call(&sc, place++, CALL_UPDATE);
    if (sc.m.ema_swapped && !sc.failed)
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

/* Plays a row of the covering set; whether the numbers stayed finite. */
static bool play_row(size_t number, const unsigned char *row, sharing way) {
    static const char *const names[SHARINGS] = {"drawn", "blocks", "rows", "columns", "small", "one_row"};
    char key[48];
    snprintf(key, sizeof key, "pairs/%zu/%s", number, names[way]);
    if (!test_selected(key))
        return true;
    test_random own = test_random_for(test_seed(), key);
    setting s;
    setting_draw(&s, row, way, test_quick() ? QUICK_FLOPS_MAX : FLOPS_MAX, &own);
    return play(key, &s, way, own);
}

/* Each row as it is, and by the way of sharing that it names. */
static void pairs_of_options(void **state) {
    (void)state;
    test_random random = test_random_for(test_seed(), "pairs");
    covering c = covering_create(option_values, option_factors, &random);
    assert_int_equal(covering_missing(&c, option_values, c.rows), 0);
    const size_t rows = test_quick() && c.rows > QUICK_ROWS ? QUICK_ROWS : c.rows;
    const bool one_case = getenv("BACKPROP_TEST_CASE") != NULL;
    size_t played = 0, finite = 0;
    for (size_t r = 0; r < rows && test_failures() <= FAILURES_MAX; r++) {
        const sharing way = setting_sharing(c.row[r]);
        finite += play_row(r, c.row[r], SHARING_DRAWN);
        finite += way != SHARING_DRAWN && play_row(r, c.row[r], way);
        played += way != SHARING_DRAWN ? 2 : 1;
    }
    printf("%zu of %zu rows, %zu pairs left out; %zu of %zu settings kept to finite numbers\n", rows, c.rows,
           covering_missing(&c, option_values, rows), finite, played);
    printf("networks in slices alone %zu, by blocks %zu, by rows %zu, by columns %zu; small %zu, one row %zu\n",
           shared[SHARING_DRAWN], shared[SHARING_BLOCKS], shared[SHARING_ROWS], shared[SHARING_COLUMNS],
           shared[SHARING_SMALL], shared[SHARING_ONE_ROW]);
    assert_true(10 * finite >= 9 * played);
    for (size_t way = 0; way < SHARINGS && rows == c.rows && !one_case; way++)
        assert_true(shared[way] > 0);
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
