#include <backprop/fit.h>

#include <math.h>

#include "float_environment.h"

bp_status bp_early_stopping_next(bp_early_stopping *state, double value, bool *improved, bool *stop) {
    CONTRACT_MODE(host);
    if (!state)
        return BP_ERROR_NULL;
    if (state->patience == 0 || !(state->improvement >= 0.0) || isinf(state->improvement))
        return BP_ERROR_VALUE;
    if (state->seen == 0) {
        state->best = INFINITY;
        state->best_at = 0;
    }
    const bool better = value < state->best - state->improvement;
    if (better) {
        state->best = value;
        state->best_at = state->seen;
    }
    state->seen++;
    const size_t since = isinf(state->best) && state->best > 0 ? state->seen : state->seen - 1 - state->best_at;
    if (improved)
        *improved = better;
    if (stop)
        *stop = since >= state->patience;
    return BP_OK;
}
