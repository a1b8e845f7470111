#include <backprop/optimizer.h>

#include <string.h>

#include "api/check.h"
#include "api/optimizer.h"
#include "dispatch/dispatch.h"
#include "enum_counts.h"
#include "float_environment.h"

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
        return BP_ERROR_NULL;
    for (unsigned k = 0; k < OPTIMIZER_COUNT; k++)
        if (strcmp(name, kinds[k].name) == 0) {
            *kind = (bp_optimizer_kind)k;
            return BP_OK;
        }
    return BP_ERROR_VALUE;
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

bp_status bp_optimizer_step(const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                            const bp_parameters *parameters, const float *gradient, size_t count) {
    CONTRACT_MODE(host);
    if (!optimizer || !parameters || !gradient)
        return BP_ERROR_NULL;
    const matrix input = vector_of(gradient, count);
    matrix outputs[PARAMETER_ARRAYS];
    size_t output_count = 0;
    const bp_kernels *kernels;
    bp_status status = check_step(optimizer, step, learning_rate);
    if (status != BP_OK ||
        (status = list_parameters(optimizer, parameters, 1, count, count, outputs, &output_count)) != BP_OK ||
        (status = check_matrices(outputs, output_count, &input, 1)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->optimizer_step(optimizer, step, learning_rate, parameters, gradient, count);
    return BP_OK;
}

bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float learning_rate) {
    CONTRACT_MODE(host);
    if (!parameters || !gradient)
        return BP_ERROR_NULL;
    const matrix output = vector_of(parameters, count), input = vector_of(gradient, count);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&output, 1, &input, 1);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->sgd(parameters, gradient, count, learning_rate);
    return BP_OK;
}
