/* Checks of optimizers and of the arrays that they step. */
#ifndef BP_API_OPTIMIZER_H
#define BP_API_OPTIMIZER_H

#include <backprop/optimizer.h>

#include "api/check.h"
#include "coefficients.h"
#include "enum_counts.h"

/* A number that is zero or finite and above, and below `end`. */
static inline bool is_within(float x, float end) {
    return x >= 0.0f && x < end;
}

static inline bp_status check_optimizer(const bp_optimizer *optimizer) {
    if ((unsigned)optimizer->kind >= OPTIMIZER_COUNT || (unsigned)optimizer->decay_scope >= DECAY_SCOPE_COUNT)
        return BP_ERROR_VALUE;
    const bp_optimizer o = optimizer_filled(*optimizer);
    const bool previous_one = is_within(o.momentum, 1.0f) && is_within(o.beta1, 1.0f) && is_within(o.beta2, 1.0f) &&
                              is_within(o.shrink, 1.0f) && is_within(o.ema_decay, 1.0f);
    const bool finite = is_within(o.epsilon, INFINITY) && is_within(o.weight_decay, INFINITY) &&
                        is_within(o.clip, INFINITY) && is_within(o.clip_norm, INFINITY) &&
                        is_within(o.grow, INFINITY) && is_within(o.step_max, INFINITY) && o.step_min > 0.0f;
    return previous_one && finite && o.grow > 1.0f && o.step_min <= o.step_max ? BP_OK : BP_ERROR_VALUE;
}

/* What a step of any array asks: `rows` x `columns`, `ld` apart. Fills in the arrays that are there. */
enum { PARAMETER_ARRAYS = BP_OPTIMIZER_STATES + 2 };

static inline bp_status list_parameters(const bp_optimizer *o, const bp_parameters *p, size_t rows, size_t columns,
                                        size_t ld, matrix *arrays, size_t *count) {
    const size_t states = bp_optimizer_states(o->kind);
    const float *const all[PARAMETER_ARRAYS] = {p->values, states > 0 ? p->state[0] : NULL,
                                                states > 1 ? p->state[1] : NULL, o->ema_decay > 0.0f ? p->ema : NULL};
    const bool wanted[PARAMETER_ARRAYS] = {true, states > 0, states > 1, o->ema_decay > 0.0f};
    for (size_t k = 0; k < PARAMETER_ARRAYS; k++) {
        if (!wanted[k])
            continue;
        if (!all[k])
            return BP_ERROR_NULL;
        arrays[(*count)++] = matrix_of(all[k], rows, columns, ld);
    }
    return BP_OK;
}

/* An optimizer's step as the kernel backend takes it. */
static inline bp_status check_step(const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    const bp_status status = check_optimizer(optimizer);
    if (status != BP_OK)
        return status;
    return optimizer->clip_norm > 0.0f || !isfinite(learning_rate) || step == 0 ? BP_ERROR_VALUE : BP_OK;
}

#endif
