#include "api/refuse_step.h"

#include <stdio.h>

/* A number of an optimizer that must be at least 0 and below `end`. */
typedef struct named_number {
    const char *name;
    float value, end;
} named_number;

static bp_status fail_step_range(float min, float max) {
    char low[32], high[32];
    return bp_fail(BP_ERROR_VALUE, "optimizer.step_min is %s, and must be at most optimizer.step_max, %s",
                   bp_number_text(low, (double)min), bp_number_text(high, (double)max));
}

static bp_status fail_optimizer(const bp_optimizer *given) {
    if ((unsigned)given->kind >= OPTIMIZER_COUNT)
        return bp_fail_enumerator("optimizer.kind", (int)given->kind, "bp_optimizer_kind");
    if ((unsigned)given->decay_scope >= DECAY_SCOPE_COUNT)
        return bp_fail_enumerator("optimizer.decay_scope", (int)given->decay_scope, "bp_decay_scope");
    const bp_optimizer o = optimizer_filled(*given);
    const named_number numbers[] = {{"momentum", o.momentum, 1.0f},
                                    {"beta1", o.beta1, 1.0f},
                                    {"beta2", o.beta2, 1.0f},
                                    {"shrink", o.shrink, 1.0f},
                                    {"ema_decay", o.ema_decay, 1.0f},
                                    {"epsilon", o.epsilon, INFINITY},
                                    {"weight_decay", o.weight_decay, INFINITY},
                                    {"clip", o.clip, INFINITY},
                                    {"clip_norm", o.clip_norm, INFINITY},
                                    {"grow", o.grow, INFINITY},
                                    {"step_min", o.step_min, INFINITY},
                                    {"step_max", o.step_max, INFINITY}};
    char name[40];
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        if (!is_within(numbers[k].value, numbers[k].end)) {
            snprintf(name, sizeof name, "optimizer.%s", numbers[k].name);
            return bp_fail_number(name, (double)numbers[k].value,
                                  numbers[k].end == 1.0f ? "at least 0 and below 1" : "finite and not negative");
        }
    if (!(o.grow > 1.0f))
        return bp_fail_number("optimizer.grow", (double)o.grow, "above 1");
    if (!(o.step_min > 0.0f))
        return bp_fail_number("optimizer.step_min", (double)o.step_min, "above 0");
    if (!(o.step_min <= o.step_max))
        return fail_step_range(o.step_min, o.step_max);
    return bp_refuse(BP_ERROR_VALUE);
}

bp_status bp_fail_step(const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    if (check_optimizer(optimizer) != BP_OK)
        return fail_optimizer(optimizer);
    if (step == 0)
        return bp_fail(BP_ERROR_VALUE, "step is 0, and must be at least 1");
    if (!isfinite(learning_rate))
        return bp_fail_number("learning_rate", (double)learning_rate, "finite");
    return bp_fail_number("optimizer.clip_norm", (double)optimizer->clip_norm,
                          "0 here: only a network knows the norm of all gradients");
}

bp_status bp_name_parameters(const bp_optimizer *optimizer, const bp_parameters *p, matrix shape,
                             matrix_names shape_names, const char *const arrays[PARAMETER_ARRAYS], matrix *matrices,
                             matrix_names *names, size_t *count) {
    const size_t states = bp_optimizer_states(optimizer->kind);
    const float *const all[PARAMETER_ARRAYS] = {p->values, p->state[0], p->state[1], p->ema};
    const bool wanted[PARAMETER_ARRAYS] = {true, states > 0, states > 1, optimizer->ema_decay > 0.0f};
    for (size_t k = 0; k < PARAMETER_ARRAYS; k++) {
        if (!wanted[k])
            continue;
        if (!all[k])
            return bp_fail(BP_ERROR_NULL, "%s is null, and this optimizer (%s) needs it", arrays[k],
                           bp_optimizer_name(optimizer->kind));
        matrices[*count] = shape;
        matrices[*count].data = all[k];
        names[*count] = shape_names;
        names[(*count)++].data = arrays[k];
    }
    return BP_OK;
}
