#include <backprop/fit.h>

#include <math.h>

#include "failure.h"
#include "float_environment.h"

bp_status bp_early_stopping_next(bp_early_stopping *state, double value, bool *improved, bool *stop) {
    CONTRACT_MODE(host);
    if (!state)
        return bp_fail(BP_ERROR_NULL, "state is null");
    char text[32];
    if (state->patience == 0 || !(state->improvement >= 0.0) || isinf(state->improvement))
        return bp_fail(BP_ERROR_VALUE,
                       "patience is %zu, and must be at least 1; improvement is %s, and must be finite, 0 or more",
                       state->patience, bp_number_text(text, state->improvement));
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

static bool in_range(double x) {
    return x >= 0.0 && !isinf(x);
}

bp_status bp_plateau_next(bp_plateau *state, double value, bool *reduced) {
    CONTRACT_MODE(host);
    if (!state)
        return bp_fail(BP_ERROR_NULL, "state is null");
    const bool good = in_range((double)state->learning_rate) && in_range((double)state->learning_rate_min) &&
                      in_range(state->threshold) && (!state->relative || state->threshold < 1.0) &&
                      state->factor > 0.0f && state->factor < 1.0f;
    if (good) {
        const double best = state->seen == 0 ? (double)INFINITY : state->best;
        const bool better = value < (state->relative ? best * (1.0 - state->threshold) : best - state->threshold);
        state->best = better ? value : best;
        state->bad = better ? 0 : state->bad + 1;
        state->seen++;
        if (state->cooling > 0) {
            state->cooling--;
            state->bad = 0;
        }
        const bool lowers = state->bad > state->patience;
        if (lowers) {
            const double learning_rate = (double)state->learning_rate * (double)state->factor,
                         least = (double)state->learning_rate_min;
            const float lower = (float)(learning_rate > least ? learning_rate : least);
            state->learning_rate = lower < state->learning_rate ? lower : state->learning_rate;
            state->cooling = state->cooldown;
            state->bad = 0;
        }
        if (reduced)
            *reduced = lowers;
    }
    char texts[4][32];
    return good ? BP_OK
                : bp_fail(BP_ERROR_VALUE,
                          "rate is %s and learning_rate_min %s, and must be finite, 0 or more; factor is %s, and must "
                          "lie between "
                          "0 and 1; threshold is %s, and must be finite, 0 or more, below 1 if relative",
                          bp_number_text(texts[0], (double)state->learning_rate),
                          bp_number_text(texts[1], (double)state->learning_rate_min),
                          bp_number_text(texts[2], (double)state->factor), bp_number_text(texts[3], state->threshold));
}
