#include "kernel_calls.h"
#include "../../kernels/enum_counts.h"

/* The public function if there is no table; both take the same arguments. */
#define CALL(name, ...)                                                                                                \
    do {                                                                                                               \
        if (!table)                                                                                                    \
            return bp_##name(__VA_ARGS__);                                                                             \
        table->name(__VA_ARGS__);                                                                                      \
        return BP_OK;                                                                                                  \
    } while (0)

/* ---- Products --------------------------------------------------------------------------------------------------- */

static bp_status dense_forward(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(dense_forward, at[0], n->ld[0], at[1], n->ld[1], at[2], n->ld[2], at[3], n->batch, n->in, n->out,
         n->activation, n->scratch);
}

static bp_status dense_delta(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(dense_delta, at[0], n->ld[0], at[1], n->ld[1], at[2], n->ld[2], at[3], n->ld[3], n->batch, n->in, n->out,
         n->activation, n->scratch);
}

static bp_status dense_gradient(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(dense_gradient, at[0], n->ld[0], at[1], at[2], n->ld[2], at[3], n->ld[3], n->batch, n->in, n->out, n->scratch);
}

static bp_status dense_gradient_sgd(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(dense_gradient_sgd, at[0], n->ld[0], at[1], at[2], n->ld[2], at[3], n->ld[3], n->batch, n->in, n->out,
         n->learning_rate, n->scratch);
}

static bp_parameters parameters_at(void *const *at) {
    return (bp_parameters){at[0], {at[1], at[2]}, at[3]};
}

static bp_status dense_gradient_update(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    const bp_parameters weights = parameters_at(at), biases = parameters_at(at + 4);
    const bp_parameters *w = at[0] ? &weights : NULL, *bias = at[4] ? &biases : NULL;
    CALL(dense_gradient_update, w, n->ld[0], bias, at[8], n->ld[8], at[9], n->ld[9], n->batch, n->in, n->out,
         &n->optimizer, n->step, n->learning_rate, n->scratch);
}

static bp_status optimizer_step(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    const bp_parameters parameters = parameters_at(at);
    CALL(optimizer_step, &parameters, at[4], n->out, &n->optimizer, n->step, n->learning_rate);
}

static bp_status sgd(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(sgd, at[0], at[1], n->out, n->learning_rate);
}

/* ---- Element by element ----------------------------------------------------------------------------------------- */

static bp_status activate(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(activate, at[0], n->ld[0], at[1], n->ld[1], n->batch, n->out, n->activation);
}

static bp_status activation_derivative(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(activation_derivative, at[0], n->ld[0], at[1], n->ld[1], n->batch, n->out, n->activation);
}

static bp_status activation_delta(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(activation_delta, at[0], n->ld[0], at[1], n->ld[1], n->batch, n->out, n->activation);
}

static bp_status dropout(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(dropout, at[0], n->ld[0], at[1], n->ld[1], n->batch, n->out, &n->mask);
}

static bp_status dropout_derivative(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(dropout_derivative, at[0], n->ld[0], at[1], n->ld[1], n->batch, n->out, n->activation, &n->mask);
}

/* ---- Losses ----------------------------------------------------------------------------------------------------- */

static bp_status loss_mse(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(loss_mse, at[0], n->ld[0], at[1], at[2], n->ld[2], at[3], n->ld[3], n->batch, n->out, n->activation, n->scale);
}

static bp_status loss_softmax_cross_entropy(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(loss_softmax_cross_entropy, at[0], n->ld[0], at[1], at[2], n->ld[2], at[3], n->batch, n->out, n->scale);
}

static bp_status loss_targets(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(loss_targets, at[0], n->ld[0], at[1], at[2], n->ld[2], at[3], n->ld[3], at[4], n->batch, n->out, n->loss,
         n->parameter, n->scale);
}

static bp_status loss_labels(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(loss_labels, at[0], n->ld[0], at[1], at[2], n->ld[2], at[3], at[4], n->batch, n->out, n->loss, n->parameter,
         n->scale);
}

static bp_status softmax(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(softmax, at[0], n->ld[0], at[1], n->ld[1], n->batch, n->out);
}

static bp_status sum(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    if (!table)
        return bp_sum(at[0], at[1], n->out);
    *(float *)at[0] = table->sum(at[1], n->out);
    return BP_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------------------------- */

static bp_status layer_norm_forward(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(layer_norm_forward, at[0], n->ld[0], at[1], n->ld[1], at[2], at[3], n->ld[3], at[4], at[5], n->batch, n->out,
         n->epsilon);
}

static bp_status layer_norm_backward(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(layer_norm_backward, at[0], n->ld[0], at[1], n->ld[1], at[2], n->ld[2], at[3], at[4], n->batch, n->out);
}

static bp_status layer_norm_gradient(const bp_kernels *table, void *const *at, const kernel_numbers *n) {
    CALL(layer_norm_gradient, at[0], at[1], at[2], n->ld[2], at[3], n->ld[3], n->batch, n->out);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

#define READ(shape)                                                                                                    \
    { SHAPE_##shape, USE_READ, false, 0 }
#define READ_OR_NULL(shape)                                                                                            \
    { SHAPE_##shape, USE_READ, true, 0 }
#define WRITE(shape)                                                                                                   \
    { SHAPE_##shape, USE_WRITE, false, 0 }
#define WRITE_OR_NULL(shape)                                                                                           \
    { SHAPE_##shape, USE_WRITE, true, 0 }
#define UPDATE(shape)                                                                                                  \
    { SHAPE_##shape, USE_UPDATE, false, 0 }
#define UPDATE_OR_NULL(shape)                                                                                          \
    { SHAPE_##shape, USE_UPDATE, true, 0 }
#define LABELS                                                                                                         \
    { SHAPE_BATCH, USE_LABELS, false, 0 }
#define READ_IN_PLACE_OF(shape, index)                                                                                 \
    { SHAPE_##shape, USE_READ, false, (index) + 1 }

const kernel_call kernel_calls[] = {
    {"dense_forward", {WRITE(BATCH_OUT), READ(BATCH_IN), READ(IN_OUT), READ_OR_NULL(OUT)}, dense_forward},
    {"dense_delta", {WRITE(BATCH_IN), READ(BATCH_OUT), READ(IN_OUT), READ_IN_PLACE_OF(BATCH_IN, 0)}, dense_delta},
    {"dense_gradient", {WRITE_OR_NULL(IN_OUT), WRITE_OR_NULL(OUT), READ(BATCH_IN), READ(BATCH_OUT)}, dense_gradient},
    {"dense_gradient_sgd",
     {UPDATE_OR_NULL(IN_OUT), UPDATE_OR_NULL(OUT), READ(BATCH_IN), READ(BATCH_OUT)},
     dense_gradient_sgd},
    {"dense_gradient_update",
     {UPDATE_OR_NULL(IN_OUT), UPDATE(IN_OUT), UPDATE(IN_OUT), UPDATE(IN_OUT), UPDATE_OR_NULL(OUT), UPDATE(OUT),
      UPDATE(OUT), UPDATE(OUT), READ(BATCH_IN), READ(BATCH_OUT)},
     dense_gradient_update},
    {"optimizer_step", {UPDATE(OUT), UPDATE(OUT), UPDATE(OUT), UPDATE(OUT), READ(OUT)}, optimizer_step},
    {"sgd", {UPDATE(OUT), READ(OUT)}, sgd},
    {"activate", {WRITE(BATCH_OUT), READ_IN_PLACE_OF(BATCH_OUT, 0)}, activate},
    {"activation_derivative", {WRITE(BATCH_OUT), READ_IN_PLACE_OF(BATCH_OUT, 0)}, activation_derivative},
    {"activation_delta", {UPDATE(BATCH_OUT), READ(BATCH_OUT)}, activation_delta},
    {"dropout", {WRITE(BATCH_OUT), READ_IN_PLACE_OF(BATCH_OUT, 0)}, dropout},
    {"dropout_derivative", {WRITE(BATCH_OUT), READ_IN_PLACE_OF(BATCH_OUT, 0)}, dropout_derivative},
    {"loss_mse",
     {WRITE_OR_NULL(BATCH_OUT), WRITE_OR_NULL(BATCH), READ_IN_PLACE_OF(BATCH_OUT, 0), READ(BATCH_OUT)},
     loss_mse},
    {"loss_softmax_cross_entropy",
     {WRITE_OR_NULL(BATCH_OUT), WRITE_OR_NULL(BATCH), READ_IN_PLACE_OF(BATCH_OUT, 0), LABELS},
     loss_softmax_cross_entropy},
    {"loss_targets",
     {WRITE_OR_NULL(BATCH_OUT), WRITE_OR_NULL(BATCH), READ_IN_PLACE_OF(BATCH_OUT, 0), READ(BATCH_OUT),
      READ_OR_NULL(BATCH)},
     loss_targets},
    {"loss_labels",
     {WRITE_OR_NULL(BATCH_OUT), WRITE_OR_NULL(BATCH), READ_IN_PLACE_OF(BATCH_OUT, 0), LABELS, READ_OR_NULL(BATCH)},
     loss_labels},
    {"softmax", {WRITE(BATCH_OUT), READ_IN_PLACE_OF(BATCH_OUT, 0)}, softmax},
    {"sum", {WRITE(ONE), READ(OUT)}, sum},
    {"layer_norm_forward",
     {WRITE(BATCH_OUT), WRITE_OR_NULL(BATCH_OUT), WRITE_OR_NULL(BATCH), READ_IN_PLACE_OF(BATCH_OUT, 0), READ(OUT),
      READ(OUT)},
     layer_norm_forward},
    {"layer_norm_backward",
     {WRITE(BATCH_OUT), READ_IN_PLACE_OF(BATCH_OUT, 0), READ(BATCH_OUT), READ(BATCH), READ(OUT)},
     layer_norm_backward},
    {"layer_norm_gradient",
     {WRITE_OR_NULL(OUT), WRITE_OR_NULL(OUT), READ(BATCH_OUT), READ(BATCH_OUT)},
     layer_norm_gradient},
};

const size_t kernel_call_count = sizeof kernel_calls / sizeof *kernel_calls;

void kernel_shape_of(const kernel_array *array, const kernel_numbers *n, size_t *rows, size_t *columns) {
    *rows = array->shape == SHAPE_BATCH_IN || array->shape == SHAPE_BATCH_OUT ? n->batch
            : array->shape == SHAPE_IN_OUT                                    ? n->in
                                                                              : 1;
    *columns = array->shape == SHAPE_BATCH_IN ? n->in
               : array->shape == SHAPE_BATCH  ? n->batch
               : array->shape == SHAPE_ONE    ? 1
                                              : n->out;
}

static bool steps(const kernel_call *call) {
    return call->run == dense_gradient_update || call->run == optimizer_step;
}

size_t kernel_stride_of(const kernel_call *call, size_t index) {
    return call->run == dense_gradient_update && index < 4 ? 0 : index;
}

bool kernel_array_used(const kernel_call *call, size_t index, const bp_optimizer *optimizer, void *const *at) {
    if (!steps(call) || index >= 8 || (call->run == optimizer_step && index >= 4))
        return true;
    const size_t which = index % 4;
    if (which == 0)
        return true;
    return at[index - which] &&
           (which == 3 ? optimizer->ema_decay > 0.0f : which <= bp_optimizer_states(optimizer->kind));
}

bool kernel_may_be_null(const kernel_call *call, size_t index, void *const *at) {
    const kernel_array *a = call->arrays;
    if (!a[index].optional)
        return false;
    if (call->run == dense_gradient_update)
        return at[index == 0 ? 4 : 0] != NULL;
    /* Two results, of which one must be wanted. */
    if (index < 2 && a[0].optional && a[1].optional)
        return at[1 - index] != NULL;
    return true;
}

/* ---- Numbers ---------------------------------------------------------------------------------------------------- */

/* 0 to 255/256. */
static float take_fraction(bytes *in) {
    return (float)take_byte(in) / 256.0f;
}

static bp_optimizer take_optimizer(bytes *in) {
    const bp_optimizer has = bp_optimizer_defaults((bp_optimizer_kind)take_below(in, OPTIMIZER_COUNT));
    bp_optimizer o = has;
    if (!take_flag(in))
        return o;
    const float fractions[] = {take_fraction(in), take_fraction(in), take_fraction(in), take_fraction(in) * 1e-6f};
    o.momentum = has.momentum > 0.0f ? fractions[0] : 0.0f; /* others have none */
    o.beta1 = has.beta1 > 0.0f ? fractions[1] : 0.0f;
    o.beta2 = has.beta2 > 0.0f ? fractions[2] : 0.0f;
    o.epsilon = has.epsilon > 0.0f ? fractions[3] : 0.0f;
    if (o.kind == BP_OPTIMIZER_RPROP) {
        o.shrink = take_fraction(in) + 1.0f / 512.0f;
        o.grow = 1.0f + take_fraction(in) + 1.0f / 256.0f;
        o.step_min = take_fraction(in) * 1e-3f;
        o.step_max = take_fraction(in) + 1.0f;
    }
    o.weight_decay = take_fraction(in);
    o.decoupled = take_flag(in);
    o.clip = take_fraction(in);
    o.ema_decay = take_fraction(in);
    return o;
}

static bp_activation take_activation(bytes *in, const kernel_call *call) {
    bp_activation a = {.kind = (bp_activation_kind)take_below(in, ACTIVATION_COUNT)};
    if (call->run == loss_mse && bp_activation_saves_input(a.kind))
        a.kind = BP_ACTIVATION_TANH;
    a.parameter = 4.0f * take_fraction(in);
    return a;
}

static bp_loss_kind take_loss(bytes *in, const kernel_call *call) {
    if (call->run == loss_labels)
        return take_flag(in) ? BP_LOSS_MULTICLASS_HINGE : BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    const bp_loss_kind loss = (bp_loss_kind)take_below(in, LOSS_COUNT);
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_MULTICLASS_HINGE ? BP_LOSS_HUBER : loss;
}

static float take_finite(bytes *in) {
    const float x = take_float(in);
    return x - x == 0.0f ? x : 1.0f;
}

void take_numbers(bytes *in, const kernel_call *call, kernel_numbers *n) {
    n->activation = take_activation(in, call);
    n->loss = take_loss(in, call);
    n->parameter = take_fraction(in) + 1.0f / 512.0f;
    n->scale = take_float(in);
    n->epsilon = take_fraction(in) * 0.01f + 1e-6f;
    /* Plain gradient descent takes any rate, the others a finite one. */
    n->learning_rate = take_finite(in);
    n->step = 1 + take_u64(in, take_flag(in) ? 7 : 1);
    n->optimizer = take_optimizer(in);
    const size_t row = (size_t)take_u64(in, 4), column = (size_t)take_u64(in, 4);
    n->mask = (bp_dropout_mask){.probability = take_fraction(in),
                                .seed = take_u64(in, 2),
                                .stream = take_u64(in, 2),
                                .row = row - row / 2,
                                .column = column - column / 2};
}

void take_odd_number(bytes *in, kernel_numbers *n) {
    float *const floats[] = {
        &n->activation.parameter, &n->parameter,          &n->scale,           &n->epsilon,
        &n->learning_rate,        &n->mask.probability,   &n->optimizer.beta1, &n->optimizer.beta2,
        &n->optimizer.epsilon,    &n->optimizer.grow,     &n->optimizer.clip,  &n->optimizer.ema_decay,
        &n->optimizer.step_max,   &n->optimizer.clip_norm};
    enum { FLOATS = sizeof floats / sizeof *floats };
    const size_t which = take_below(in, FLOATS + 6);
    const unsigned enumerator = (unsigned)take_u64(in, take_flag(in) ? 4 : 1);
    if (which < FLOATS)
        *floats[which] = take_float(in);
    else if (which == FLOATS)
        n->activation.kind = (bp_activation_kind)enumerator;
    else if (which == FLOATS + 1)
        n->loss = (bp_loss_kind)enumerator;
    else if (which == FLOATS + 2)
        n->optimizer.kind = (bp_optimizer_kind)enumerator;
    else if (which == FLOATS + 3)
        n->mask.row = take_odd_size(in);
    else if (which == FLOATS + 4)
        n->mask.column = take_odd_size(in);
    else
        n->step = 0;
}
