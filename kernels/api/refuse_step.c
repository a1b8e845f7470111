#include "api/refuse_step.h"

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
