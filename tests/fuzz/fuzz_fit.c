/*
 * Whole trainings, fuzzed: data sets, splits, options and callbacks; passes over data sets. What is refused changes
 * nothing, and what is done has the same bits on scalar kernels and one thread as elsewhere.
 */
#include <math.h>
#include <string.h>

#include "../../kernels/enum_counts.h"
#include "../defaults.h"
#include "operands.h"
#include "subjects.h"

typedef struct training {
    bp_network *network;
    const bp_dataset *data;
    size_t stop_after; /* steps after which a callback ends the fit */
    size_t steps;
    bool wrong; /* a callback was told something that cannot be */
} training;

static bool on_step(void *context, const bp_fit_progress *progress) {
    training *t = context;
    t->steps++;
    t->wrong |= progress->step == 0 || progress->step > progress->steps || progress->epoch >= progress->epochs ||
                progress->rows > t->data->rows;
    return t->steps == t->stop_after;
}

static bool on_epoch(void *context, const bp_fit_progress *progress) {
    training *t = context;
    double loss;
    t->wrong |= progress->step != progress->steps;
    t->wrong |= bp_network_evaluate(t->network, t->data, &loss) != BP_OK;
    return false;
}

static float rate_of(void *context, size_t step) {
    const float *learning_rate = context;
    return *learning_rate / (float)(step + 1);
}

/* A data set for a network, in arrays of its own, of which an index may take any rows. */
static bp_dataset take_dataset(bytes *in, operands *arrays, const description *d) {
    const size_t rows = 1 + take_below(in, 50), outputs = d->sizes[d->config.layers];
    const bool labeled = d->config.loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || d->config.loss == BP_LOSS_MULTICLASS_HINGE;
    bp_dataset set = {.rows = rows, .input_columns = d->sizes[0]};
    set.input_stride = set.input_columns + take_below(in, 3);
    set.inputs = operand_new(arrays, in, rows, set.input_columns, set.input_stride, sizeof(float), false);
    if (labeled) {
        uint32_t *labels = operand_new(arrays, in, 1, rows, rows, sizeof *labels, false);
        operand_labels(arrays, in, outputs);
        set.labels = labels;
    } else {
        set.target_columns = outputs;
        set.targets = operand_new(arrays, in, rows, outputs, outputs, sizeof(float), false);
    }
    if (take_flag(in))
        set.weights = operand_new(arrays, in, 1, rows, rows, sizeof(float), false);
    if (take_flag(in)) {
        set.rows = 1 + take_below(in, 60);
        uint32_t *index = operand_new(arrays, in, 1, set.rows, set.rows, sizeof *index, false);
        operand_labels(arrays, in, rows);
        set.index = index;
    }
    return set;
}

/* Options that may be refused. */
static bp_fit_options take_options(bytes *in, const bp_dataset *validation) {
    const uint8_t wanted = take_byte(in);
    bp_fit_options o = FIT_OPTIONS(.epochs = 1 + take_below(in, 4));
    o.initial_epoch = wanted & 1 ? take_below(in, 4) : 0;
    o.batch_size = wanted & 2 ? take_below(in, 50) : 0;
    o.learning_rate = take_float(in);
    o.seed = take_u64(in, 2);
    o.shuffle = !(wanted & 4);
    o.validation = wanted & 8 ? validation : NULL;
    o.restore_best = wanted & 16;
    o.nonfinite = (bp_nonfinite_policy)take_below(in, 4);
    return o;
}

typedef struct outcome {
    bp_status status, passes;
    bp_fit_result result;
    double loss;
    float *outputs;
} outcome;

static outcome train(subject *s, bytes in, const description *d, operands *arrays) {
    outcome o = {.result = {.outcome = BP_FIT_OUTCOME_COMPLETE, .epochs = 12345}};
    const bp_dataset data = take_dataset(&in, arrays, d), validation = take_dataset(&in, arrays, d);
    bp_fit_options options = take_options(&in, &validation);
    training t = {.network = s->network, .data = &data, .stop_after = take_below(&in, 30)};
    const bp_schedule schedule =
        SCHEDULE(BP_SCHEDULE_CONSTANT, .kind = (bp_schedule_kind)take_below(&in, SCHEDULE_COUNT + 1),
                 .learning_rate = 0.5f, .warmup = 1, .steps = 9, .factor = 0.5f);
    bp_early_stopping stopping = EARLY_STOPPING(.patience = take_below(&in, 4), .min_delta = 0.01);
    const uint8_t wanted = take_byte(&in);
    options.schedule = wanted & 1 ? &schedule : NULL;
    options.learning_rate_of_step = wanted & 2 ? rate_of : NULL;
    options.learning_rate_context = &options.learning_rate;
    options.stopping = wanted & 4 ? &stopping : NULL;
    options.on_step = wanted & 8 ? on_step : NULL;
    options.on_epoch = wanted & 16 ? on_epoch : NULL;
    options.context = &t;
    const uint64_t before = subject_state(s->network);
    operands_keep(arrays);
    o.status = bp_network_fit(s->network, &data, &options, &o.result);
    REQUIRE(!t.wrong);
    REQUIRE((o.result.outcome == BP_FIT_OUTCOME_NONFINITE) == (o.status == BP_ERROR_NONFINITE));
    /* Weights of a batch without a mean end a fit when that batch comes. */
    if (o.status != BP_OK && o.status != BP_ERROR_NONFINITE && o.result.steps == 0)
        REQUIRE(subject_state(s->network) == before && stopping.seen == 0);
    o.passes = bp_network_evaluate(s->network, &data, &o.loss);
    const size_t outputs = d->sizes[d->config.layers];
    o.outputs = calloc(data.rows * outputs + 1, sizeof *o.outputs);
    const bp_status predicted = bp_network_predict(s->network, &data, o.outputs, 0);
    REQUIRE(o.passes == BP_OK && predicted == BP_OK && o.outputs[data.rows * outputs] == 0.0f);
    operands_require(arrays, true);
    return o;
}

static bool same_double(double a, double b) {
    return isnan(a) ? isnan(b) != 0 : memcmp(&a, &b, sizeof a) == 0;
}

static void require_same(const outcome *a, const outcome *b) {
    const bp_fit_result *x = &a->result, *y = &b->result;
    REQUIRE(a->status == b->status && x->outcome == y->outcome && x->epochs == y->epochs && x->steps == y->steps);
    REQUIRE(same_double(x->loss, y->loss) && same_double(x->validation_loss, y->validation_loss));
    REQUIRE(x->best_epoch == y->best_epoch && same_double(x->best_loss, y->best_loss));
    REQUIRE(x->outcome != BP_FIT_OUTCOME_NONFINITE || (x->bad_step == y->bad_step && x->bad_epoch == y->bad_epoch));
    REQUIRE(same_double(a->loss, b->loss));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bytes in = bytes_of(data, size);
    subject pair[2];
    description d;
    take_description(&in, &d, false);
    if (!subjects_create(pair, &d, &in))
        return 0;
    operands arrays[2] = {{.sane = true}, {.sane = true}};
    outcome results[2];
    for (size_t s = 0; s < 2; s++)
        results[s] = train(&pair[s], in, &d, &arrays[s]);
    require_same(&results[0], &results[1]);
    REQUIRE(subject_state(pair[0].network) == subject_state(pair[1].network));
    for (size_t s = 0; s < 2; s++) {
        free(results[s].outputs);
        operands_free(&arrays[s]);
    }
    subjects_destroy(pair);
    return 0;
}
