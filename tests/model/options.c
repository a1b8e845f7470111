#include "options.h"
#include "enum_counts.h"
#include "harness/usual.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *const call_names[CALL_KINDS] = {
    [CALL_TRAIN] = "train",
    [CALL_TRAIN_PART] = "train on a part",
    [CALL_BACKWARD] = "backward, update and input gradient",
    [CALL_DELTAS] = "backward by own deltas",
    [CALL_CALLBACK] = "backward by own loss",
    [CALL_KEEP] = "backward, gradients kept",
    [CALL_KEEP_DELTAS] = "backward by own deltas, gradients kept, input gradient",
    [CALL_SKIP] = "backward, input gradient alone",
    [CALL_MICRO_BATCHES] = "micro-batches of whole row blocks",
    [CALL_MICRO_BATCHES_ODD] = "micro-batches of any rows",
    [CALL_ACCUMULATE] = "accumulate",
    [CALL_UPDATE] = "update",
    [CALL_DISCARD] = "discard",
    [CALL_SWAP] = "swap the average",
    [CALL_INITIALIZE] = "initialize",
    [CALL_SET_PARAMETERS] = "set parameters",
    [CALL_SET_STATE] = "set state",
    [CALL_SET_STEPS] = "set steps",
    [CALL_FREEZE] = "freeze other layers",
    [CALL_CHECKPOINT] = "checkpoint, on with another network",
    [CALL_REFUSED] = "refused calls",
    [CALL_EVALUATE] = "evaluate",
};

/* ---- Factors ---------------------------------------------------------------------------------------------------- */

enum {
    FIRST_CALL,
    SECOND_CALL,
    HIDDEN_ACTIVATION,
    OUTPUT_ACTIVATION,
    LOSS,
    LOSS_NUMBERS, /* the usual ones, others */
    REDUCTION,    /* without weights of rows, with them */
    LAYERS,
    INPUTS, /* by class of width */
    HIDDEN,
    OUTPUTS,
    UNLIKE, /* whether every other hidden layer is narrow */
    ROWS,
    ROOM, /* max_batch_size: as the batch, one more, a thousand more */
    STRIDE,
    THREADS,
    POOL,
    DROPOUT, /* none, the first layer, all, all strongly */
    NORMALIZE,
    OPTIMIZER,
    OPTIMIZER_NUMBERS, /* the usual ones, others */
    WEIGHT_DECAY,      /* none, as the optimizer has it, decoupled; the same two of weights alone */
    CLIP,
    CLIP_NORM, /* none, below the norm, above it */
    AVERAGE,
    FROZEN, /* none, the first layer, the middle, the last, all but the last, all but the first, all; more often none */
    GRADIENTS,
    SHARING,
    FACTORS
};

static const size_t batch_rows[] = {1, 5, 31, 255, 256, 257, 700, 768, 800, 1100};
static const size_t thread_counts[] = {1, 2, 3, 8};

/* Widths below, at and above vectors and panels. */
enum { WIDTHS = 6 };
static const size_t widths[][WIDTHS] = {
    {1, 1, 1, 1, 1, 1},       {2, 3, 4, 5, 6, 7},       {8, 9, 11, 12, 13, 14},         {15, 16, 17, 16, 18, 15},
    {24, 25, 31, 32, 33, 36}, {40, 47, 48, 49, 64, 65}, {130, 144, 160, 161, 192, 200}, {192, 192, 256, 256, 224, 240}};
enum { NARROW = 2, AVERAGE_WIDTH = 4, WIDE = 5, WIDEST = 7 };

/* Sizes that lead to a way of sharing: a class of widths, and batches. */
static const struct {
    size_t width, rows[4];
} ways[SHARINGS] = {[SHARING_BLOCKS] = {AVERAGE_WIDTH, {512, 768, 768, 1100}},
                    [SHARING_ROWS] = {WIDE, {100, 140, 255, 300}},
                    [SHARING_COLUMNS] = {WIDEST, {6, 8, 10, 12}},
                    [SHARING_SMALL] = {NARROW, {1, 3, 4, 31}},
                    [SHARING_ONE_ROW] = {AVERAGE_WIDTH, {1, 1, 1, 1}}};

const size_t option_factors = FACTORS;
const size_t option_values[FACTORS] = {
    [FIRST_CALL] = CALL_KINDS,
    [SECOND_CALL] = CALL_KINDS,
    [HIDDEN_ACTIVATION] = ACTIVATION_COUNT,
    [OUTPUT_ACTIVATION] = ACTIVATION_COUNT,
    [LOSS] = LOSS_COUNT,
    [LOSS_NUMBERS] = 2,
    [REDUCTION] = 2 * REDUCTION_COUNT,
    [LAYERS] = MODEL_LAYERS_MAX,
    [INPUTS] = WIDEST,
    [HIDDEN] = WIDEST,
    [OUTPUTS] = WIDEST - 1,
    [UNLIKE] = 2,
    [ROWS] = COUNT(batch_rows),
    [ROOM] = 3,
    [STRIDE] = 2,
    [THREADS] = COUNT(thread_counts),
    [POOL] = POOL_KINDS,
    [DROPOUT] = 4,
    [NORMALIZE] = 4,
    [OPTIMIZER] = OPTIMIZER_COUNT,
    [OPTIMIZER_NUMBERS] = 2,
    [WEIGHT_DECAY] = 5,
    [CLIP] = 2,
    [CLIP_NORM] = 3,
    [AVERAGE] = 2,
    [FROZEN] = 10,
    [GRADIENTS] = 2,
    [SHARING] = SHARINGS,
};

/* ---- What a row says -------------------------------------------------------------------------------------------- */

static size_t draw_width(size_t kind, test_random *random) {
    return widths[kind][test_random_below(random, WIDTHS)];
}

static void draw_sizes(setting *s, const unsigned char *row, sharing way, double flops_max, test_random *random) {
    const bool drawn = way == SHARING_DRAWN;
    const size_t layers = s->config.layers = drawn || row[LAYERS] > 0 ? row[LAYERS] + 1 : 2;
    s->rows = drawn ? batch_rows[row[ROWS]] : ways[way].rows[test_random_below(random, 4)];
    for (size_t l = 0; l <= layers; l++) {
        const bool inside = l > 0 && l < layers;
        const size_t kind = !drawn && l < layers ? ways[way].width
                            : l == 0             ? row[INPUTS]
                            : l == layers        ? (way == SHARING_SMALL ? 1 : row[OUTPUTS])
                                                 : row[HIDDEN];
        s->sizes[l] = draw_width(inside && row[UNLIKE] && l % 2 == 0 ? NARROW : kind, random);
    }
    for (;;) { /* the widest layer gives way */
        size_t widest = 0;
        double weights = 0;
        for (size_t l = 0; l <= layers; l++) {
            widest = s->sizes[l] > s->sizes[widest] ? l : widest;
            weights += l > 0 ? (double)s->sizes[l - 1] * (double)s->sizes[l] : 0.0;
        }
        if (6.0 * weights * (double)s->rows <= flops_max || s->sizes[widest] == 1)
            return;
        s->sizes[widest] -= (s->sizes[widest] + 7) / 8;
    }
}

static bool needs_logits(bp_loss_kind loss) {
    return loss == BP_LOSS_BINARY_CROSS_ENTROPY || loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY ||
           loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS || loss == BP_LOSS_KULLBACK_LEIBLER;
}

static bp_activation draw_activation(size_t kind, test_random *random) {
    const bool takes_parameter =
        kind == BP_ACTIVATION_LEAKY_RELU || kind == BP_ACTIVATION_ELU || kind == BP_ACTIVATION_SINE;
    static const float parameters[] = {0.25f, 0.5f, 1.5f};
    return (bp_activation){(bp_activation_kind)kind, takes_parameter ? parameters[test_random_below(random, 3)] : 0.0f};
}

/* Small networks know neither dropout nor normalization. */
static bool is_simple(sharing way) {
    return way == SHARING_SMALL;
}

static void draw_layers(setting *s, const unsigned char *row, sharing way, test_random *random) {
    const size_t last = s->config.layers - 1;
    for (size_t l = 0; l <= last; l++) {
        s->activations[l] = draw_activation(l < last ? row[HIDDEN_ACTIVATION] : row[OUTPUT_ACTIVATION], random);
        const bool drops = l < last && !is_simple(way) && (row[DROPOUT] == 1 ? l == 0 : row[DROPOUT] > 1);
        s->dropout[l] = drops ? row[DROPOUT] == 3 ? 0.75f : 0.25f : 0.0f;
        s->normalize[l] = l < last && !is_simple(way) &&
                          (row[NORMALIZE] == 1   ? l == 0
                           : row[NORMALIZE] == 2 ? l + 1 == last
                                                 : row[NORMALIZE] == 3);
        const bool frozen[] = {false, l == 0, l == last / 2, l == last, l != last, l != 0, true};
        s->frozen[l] = way != SHARING_SMALL && row[FROZEN] < COUNT(frozen) && frozen[row[FROZEN]];
    }
    if (needs_logits(s->config.loss))
        s->activations[last] = (bp_activation){BP_ACTIVATION_IDENTITY, 0.0f};
}

static bp_optimizer optimizer_of(const unsigned char *row) {
    bp_optimizer o = {.kind = (bp_optimizer_kind)row[OPTIMIZER]};
    if (row[OPTIMIZER_NUMBERS] == 1) {
        o.momentum = 0.75f;
        o.beta1 = 0.625f;
        o.beta2 = 0.875f;
        o.epsilon = 1e-4f;
        o.shrink = 0.25f;
        o.grow = 1.5f;
        o.step_min = 1e-5f;
        o.step_max = 0.0625f;
    }
    o.weight_decay = row[WEIGHT_DECAY] > 0 ? 0.0625f : 0.0f;
    o.decoupled = row[WEIGHT_DECAY] == 2 || row[WEIGHT_DECAY] == 4;
    o.decay_scope = row[WEIGHT_DECAY] > 2 ? BP_DECAY_SCOPE_WEIGHTS : BP_DECAY_SCOPE_ALL;
    o.clip = row[CLIP] ? 0.0078125f : 0.0f;
    o.clip_norm = (const float[]){0.0f, 0.03125f, 1e6f}[row[CLIP_NORM]];
    o.ema_decay = row[AVERAGE] ? 0.75f : 0.0f;
    return o;
}

static bp_loss_options loss_options_of(const unsigned char *row) {
    const bool smooths = row[LOSS_NUMBERS] && row[LOSS] == BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    return (bp_loss_options){.huber_threshold = row[LOSS_NUMBERS] ? 0.25f : 0.0f,
                             .label_smoothing = smooths ? 0.125f : 0.0f,
                             .reduction = (bp_reduction)(row[REDUCTION] % REDUCTION_COUNT)};
}

/* Rates by which such nets move visibly, and do not run away. */
static float rate_of(const setting *s) {
    static const float rates[OPTIMIZER_COUNT] = {
        [BP_OPTIMIZER_SGD] = 0.125f,       [BP_OPTIMIZER_MOMENTUM] = 0.0625f, [BP_OPTIMIZER_NESTEROV] = 0.0625f,
        [BP_OPTIMIZER_ADAGRAD] = 0.03125f, [BP_OPTIMIZER_RMSPROP] = 0.0078f,  [BP_OPTIMIZER_ADAM] = 0.0123f,
        [BP_OPTIMIZER_ADAMW] = 0.0123f,    [BP_OPTIMIZER_LION] = 0.0061f,     [BP_OPTIMIZER_RPROP] = 0.0091f};
    const bp_optimizer_kind kind = s->config.optimizer->kind;
    const bool by_size = kind == BP_OPTIMIZER_SGD || kind == BP_OPTIMIZER_MOMENTUM || kind == BP_OPTIMIZER_NESTEROV;
    const bool sum = s->config.loss_options->reduction == BP_REDUCTION_SUM;
    return rates[kind] / (by_size && sum ? (float)s->rows : 1.0f);
}

/* Whether what such a call leaves is seen in networks with room for gradients alone. */
static bool prepares_gradients(call_kind first) {
    return first == CALL_ACCUMULATE || first == CALL_KEEP || first == CALL_KEEP_DELTAS || first == CALL_FREEZE;
}

sharing setting_sharing(const unsigned char *row) {
    return (sharing)row[SHARING];
}

void setting_draw(setting *s, const unsigned char *row, sharing way, double flops_max, test_random *random) {
    const size_t threads = thread_counts[row[THREADS]];
    *s = (setting){.beta = row[STRIDE] ? 3 : 0, .weighted = row[REDUCTION] >= REDUCTION_COUNT};
    draw_sizes(s, row, way, flops_max, random);
    const size_t layers = s->config.layers;
    s->config = (bp_network_config){
        .struct_size = sizeof(bp_network_config),
        .layers = layers,
        .sizes = s->sizes,
        .activations = s->activations,
        .loss = (bp_loss_kind)row[LOSS],
        .max_batch_size = s->rows + (const size_t[]){0, 1, 1000}[row[ROOM]],
        .dropout = s->dropout,
        .normalize = s->normalize,
        .seed = test_random_next(random),
        .threads = way != SHARING_DRAWN && !is_simple(way) && threads == 1 ? 2 : threads,
        .loss_options = stored_loss(loss_options_of(row)),
        .optimizer = stored_optimizer(optimizer_of(row)),
        .gradients = row[GRADIENTS] == 1 || prepares_gradients((call_kind)row[FIRST_CALL]),
    };
    draw_layers(s, row, way, random);
    if (way == SHARING_SMALL) { /* its one call knows no norms, and keeps transposed weights for plain SGD alone */
        bp_optimizer unclipped = *s->config.optimizer;
        unclipped.clip_norm = 0.0f;
        s->config.optimizer = stored_optimizer(unclipped);
    }
    if (way == SHARING_SMALL && test_random_below(random, 4) > 0)
        s->config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_SGD});
    s->labels = s->config.loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || s->config.loss == BP_LOSS_MULTICLASS_HINGE;
    s->pool = (pool_kind)row[POOL];
    s->learning_rate = rate_of(s);
    s->calls[0] = (call_kind)row[FIRST_CALL];
    s->calls[1] = (call_kind)row[SECOND_CALL];
}

/* ---- In words --------------------------------------------------------------------------------------------------- */

void setting_print(FILE *out, const setting *s) {
    static const char *const pools[POOL_KINDS] = {"the library's", "a host's, in order", "a host's, in reverse"};
    static const char *const reductions[REDUCTION_COUNT] = {"mean", "sum", "weighted mean"};
    const bp_network_config *c = &s->config;
    const bp_optimizer *o = c->optimizer, usual_numbers = bp_optimizer_defaults(o->kind);
    const bool other_numbers = o->momentum != usual_numbers.momentum || o->beta2 != usual_numbers.beta2 ||
                               o->epsilon != usual_numbers.epsilon || o->grow != usual_numbers.grow;
    fprintf(out, "  %zu inputs", s->sizes[0]);
    for (size_t l = 0; l < c->layers; l++) {
        fprintf(out, " -> %zu %s", s->sizes[l + 1], bp_activation_name(s->activations[l].kind));
        if (s->activations[l].parameter != 0.0f)
            fprintf(out, ":%g", (double)s->activations[l].parameter);
        if (s->normalize[l])
            fprintf(out, " normalized");
        if (s->dropout[l] > 0.0f)
            fprintf(out, " dropout %g", (double)s->dropout[l]);
        if (s->frozen[l])
            fprintf(out, " frozen");
    }
    fprintf(out, "; %s, %s%s, huber %g, smoothing %g\n", bp_loss_name(c->loss), reductions[c->loss_options->reduction],
            s->weighted ? ", weighted" : "", (double)c->loss_options->huber_threshold,
            (double)c->loss_options->label_smoothing);
    fprintf(out, "  %zu rows of at most %zu%s%s; %zu threads of %s pool\n", s->rows, c->max_batch_size,
            s->beta ? ", padded" : "", c->gradients ? ", room for gradients" : "", c->threads, pools[s->pool]);
    fprintf(out, "  %s%s at rate %g, decay %g%s%s, clip %g, clip_norm %g, average %g\n", bp_optimizer_name(o->kind),
            other_numbers ? " of other numbers" : "", (double)s->learning_rate, (double)o->weight_decay,
            o->decoupled ? " decoupled" : "", o->decay_scope == BP_DECAY_SCOPE_WEIGHTS ? " of weights" : "",
            (double)o->clip, (double)o->clip_norm, (double)o->ema_decay);
    fprintf(out, "  calls:");
    for (size_t k = 0; k < CALLS_DRAWN; k++)
        fprintf(out, "%s %s", k ? "," : "", call_names[s->calls[k]]);
    fputc('\n', out);
}
