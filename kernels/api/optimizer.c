#include <backprop/optimizer.h>

#include <float.h>
#include <string.h>

#include "api/optimizer.h"
#include "api/refuse.h"
#include "api/refuse_step.h"
#include "coefficients.h"
#include "dispatch/dispatch.h"
#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "sized.h"

static const struct {
    const char *name;
    const char *states[BP_OPTIMIZER_STATES];
} kinds[OPTIMIZER_COUNT] = {
    [BP_OPTIMIZER_SGD] = {"sgd", {NULL, NULL}},
    [BP_OPTIMIZER_MOMENTUM] = {"momentum", {"momentum", NULL}},
    [BP_OPTIMIZER_NESTEROV] = {"nesterov", {"momentum", NULL}},
    [BP_OPTIMIZER_ADAGRAD] = {"adagrad", {"squares", NULL}},
    [BP_OPTIMIZER_RMSPROP] = {"rmsprop", {"squares", NULL}},
    [BP_OPTIMIZER_ADAM] = {"adam", {"momentum", "squares"}},
    [BP_OPTIMIZER_ADAMW] = {"adamw", {"momentum", "squares"}},
    [BP_OPTIMIZER_LION] = {"lion", {"momentum", NULL}},
    [BP_OPTIMIZER_RPROP] = {"rprop", {"previous_gradient", "step_size"}},
};

const char *bp_optimizer_name(bp_optimizer_kind kind) {
    return (unsigned)kind < OPTIMIZER_COUNT ? kinds[kind].name : NULL;
}

bp_status bp_optimizer_from_name(const char *name, bp_optimizer_kind *kind) {
    if (!name || !kind)
        return FAIL_NULL({"name", name}, {"kind", kind});
    for (unsigned k = 0; k < OPTIMIZER_COUNT; k++)
        if (strcmp(name, kinds[k].name) == 0) {
            *kind = (bp_optimizer_kind)k;
            return BP_OK;
        }
    const char *names[OPTIMIZER_COUNT];
    for (unsigned k = 0; k < OPTIMIZER_COUNT; k++)
        names[k] = kinds[k].name;
    return bp_fail_name(BP_ERROR_VALUE, "optimizer", name, names, OPTIMIZER_COUNT);
}

const char *bp_optimizer_state_name(bp_optimizer_kind kind, size_t index) {
    return (unsigned)kind < OPTIMIZER_COUNT && index < BP_OPTIMIZER_STATES ? kinds[kind].states[index] : NULL;
}

size_t bp_optimizer_states(bp_optimizer_kind kind) {
    size_t count = 0;
    while (bp_optimizer_state_name(kind, count))
        count++;
    return count;
}

void bp_optimizer_init(bp_optimizer *optimizer, size_t struct_size, bp_optimizer_kind kind) {
    const bp_optimizer usual = usual_optimizer(kind);
    if (optimizer)
        sized_write(optimizer, struct_size, &usual, sizeof usual);
}

/* ---- Checks --------------------------------------------------------------------------------------------------- */

#define KIND(name) (1u << BP_OPTIMIZER_##name)
#define ALL_KINDS (~0u)

/* The range of a number, from `least` to below `end`, where the optimizer's kind has it. */
typedef struct number {
    const char *name, *range;
    size_t offset;
    unsigned kinds;
    float least, end;
} number;

#define BELOW_ONE "from 0 to below 1"
#define FROM_ZERO "finite, 0 or more"

static const number numbers[] = {
    {"momentum", BELOW_ONE, offsetof(bp_optimizer, momentum), KIND(MOMENTUM) | KIND(NESTEROV), 0.0f, 1.0f},
    {"beta1", BELOW_ONE, offsetof(bp_optimizer, beta1), KIND(ADAM) | KIND(ADAMW) | KIND(LION), 0.0f, 1.0f},
    {"beta2", BELOW_ONE, offsetof(bp_optimizer, beta2), KIND(RMSPROP) | KIND(ADAM) | KIND(ADAMW) | KIND(LION), 0.0f,
     1.0f},
    {"epsilon", FROM_ZERO, offsetof(bp_optimizer, epsilon), KIND(ADAGRAD) | KIND(RMSPROP) | KIND(ADAM) | KIND(ADAMW),
     0.0f, INFINITY},
    {"shrink", "above 0 and below 1", offsetof(bp_optimizer, shrink), KIND(RPROP), FLT_TRUE_MIN, 1.0f},
    {"grow", "finite and above 1", offsetof(bp_optimizer, grow), KIND(RPROP), 1.0f + FLT_EPSILON, INFINITY},
    {"step_min", FROM_ZERO, offsetof(bp_optimizer, step_min), KIND(RPROP), 0.0f, INFINITY},
    {"step_max", FROM_ZERO, offsetof(bp_optimizer, step_max), KIND(RPROP), 0.0f, INFINITY},
    {"weight_decay", FROM_ZERO, offsetof(bp_optimizer, weight_decay), ALL_KINDS, 0.0f, INFINITY},
    {"clip", FROM_ZERO, offsetof(bp_optimizer, clip), ALL_KINDS, 0.0f, INFINITY},
    {"clip_norm", FROM_ZERO, offsetof(bp_optimizer, clip_norm), ALL_KINDS, 0.0f, INFINITY},
    {"ema_decay", BELOW_ONE, offsetof(bp_optimizer, ema_decay), ALL_KINDS, 0.0f, 1.0f},
};

static bp_status refuse_number(const number *n, const char *name, const bp_optimizer *o, float value) {
    char text[32];
    bp_number_text(text, (double)value);
    if (n->kinds >> o->kind & 1)
        return bp_fail(BP_ERROR_VALUE, "%s.%s is %s, and must be %s", name, n->name, text, n->range);
    return bp_fail(BP_ERROR_VALUE, "%s.%s is %s, and must be 0: the kind %s has no %s", name, n->name, text,
                   bp_optimizer_name(o->kind), n->name);
}

static bp_status check_numbers(const bp_optimizer *o, const char *name) {
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        const number *n = &numbers[k];
        float value;
        memcpy(&value, (const char *)o + n->offset, sizeof value);
        if (n->kinds >> o->kind & 1 ? !(value >= n->least && value < n->end) : !(value == 0.0f))
            return refuse_number(n, name, o, value);
    }
    if (o->step_max < o->step_min) {
        char most[32], least[32];
        return bp_fail(BP_ERROR_VALUE, "%s.step_max is %s, and must be at least step_min, %s", name,
                       bp_number_text(most, (double)o->step_max), bp_number_text(least, (double)o->step_min));
    }
    return BP_OK;
}

bp_status bp_check_optimizer(const bp_optimizer *given, const char *name, bp_optimizer *optimizer) {
    *optimizer = usual_optimizer(given->kind);
    const bp_status status = sized_read(optimizer, sizeof *optimizer, SIZED_END(bp_optimizer, ema_decay), given, name,
                                        "bp_optimizer_defaults(kind)");
    if (status != BP_OK)
        return status;
    if ((unsigned)optimizer->kind >= OPTIMIZER_COUNT)
        return bp_fail(BP_ERROR_VALUE, "%s.kind is %d, and must be one of bp_optimizer_kind", name,
                       (int)optimizer->kind);
    if ((unsigned)optimizer->decay_scope >= DECAY_SCOPE_COUNT)
        return bp_fail(BP_ERROR_VALUE, "%s.decay_scope is %d, and must be one of bp_decay_scope", name,
                       (int)optimizer->decay_scope);
    return check_numbers(optimizer, name);
}

bp_status bp_check_step(const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    bp_optimizer o;
    const bp_status status = bp_check_optimizer(optimizer, "optimizer", &o);
    if (status != BP_OK)
        return status;
    char text[32];
    if (o.clip_norm > 0.0f)
        return bp_fail(BP_ERROR_VALUE,
                       "optimizer.clip_norm is %s, and must be 0: the norm of all gradients is clipped "
                       "in networks alone",
                       bp_number_text(text, (double)o.clip_norm));
    if (step == 0)
        return bp_fail(BP_ERROR_VALUE, "step is 0, and must be at least 1");
    if (!isfinite(learning_rate))
        return bp_fail(BP_ERROR_VALUE, "learning_rate is %s, and must be finite",
                       bp_number_text(text, (double)learning_rate));
    return BP_OK;
}

/* ---- Steps ---------------------------------------------------------------------------------------------------- */

static const char *const array_names[PARAMETER_ARRAYS] = {"parameters->values", "parameters->state[0]",
                                                          "parameters->state[1]", "parameters->ema"};

/* The arrays of a step that check_matrices refused, or the first that is missing. */
__attribute__((cold)) static bp_status fail_arrays(bp_status status, const bp_optimizer *optimizer,
                                                   const bp_parameters *parameters, const matrix *gradient) {
    matrix outputs[PARAMETER_ARRAYS];
    matrix_names names[PARAMETER_ARRAYS + 1];
    const size_t count = gradient->columns;
    size_t output_count = 0;
    const bp_status missing =
        bp_name_parameters(optimizer, parameters, vector_of(NULL, count), (matrix_names){.columns = "count"},
                           array_names, outputs, names, &output_count);
    if (missing != BP_OK)
        return missing;
    names[output_count] = (matrix_names){"gradient", .columns = "count"};
    return bp_fail_matrices(status, outputs, output_count, gradient, 1, names);
}

bp_status bp_optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                            const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    CONTRACT_MODE(host);
    if (!optimizer || !parameters || !gradient)
        return FAIL_NULL({"parameters", parameters}, {"gradient", gradient}, {"optimizer", optimizer});
    const matrix input = vector_of(gradient, count);
    matrix outputs[PARAMETER_ARRAYS];
    size_t output_count = 0;
    const bp_kernels *kernels;
    bp_status status = bp_check_step(optimizer, step, learning_rate);
    if (status != BP_OK)
        return status;
    if ((status = list_parameters(optimizer, parameters, 1, count, count, outputs, &output_count)) != BP_OK ||
        (status = check_matrices(outputs, output_count, &input, 1)) != BP_OK)
        return fail_arrays(status, optimizer, parameters, &input);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->optimizer_step(parameters, gradient, count, optimizer, step, learning_rate);
    return BP_OK;
}

static const matrix_names sgd_names[] = {{"parameters", .columns = "count"}, {"gradient", .columns = "count"}};

bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float learning_rate) {
    CONTRACT_MODE(host);
    if (!parameters || !gradient)
        return FAIL_NULL({"parameters", parameters}, {"gradient", gradient});
    const matrix output = vector_of(parameters, count), input = vector_of(gradient, count);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&output, 1, &input, 1);
    if (status != BP_OK)
        return bp_fail_matrices(status, &output, 1, &input, 1, sgd_names);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->sgd(parameters, gradient, count, learning_rate);
    return BP_OK;
}
