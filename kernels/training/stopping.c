/* Early stopping, and learning rates that fall on a plateau: the next value changes a state of the caller's. */
#include "training/stopping.h"

#include <math.h>

#include "failure.h"
#include "float_environment.h"
#include "sized.h"

static bool in_range(double x) {
    return x >= 0.0 && !isinf(x);
}

/* One of a state's numbers, with what it may be. */
static bp_status refuse(const char *name, const char *field, double value, const char *allowed) {
    char number[32];
    return bp_fail(BP_ERROR_VALUE, "%s.%s is %s, and must be %s", name, field, bp_number_text(number, value), allowed);
}

/* ---- Early stopping ------------------------------------------------------------------------------------------- */

static const bp_early_stopping stopping_defaults = {.struct_size = sizeof(bp_early_stopping), .patience = 10};

void bp_early_stopping_init(bp_early_stopping *state, size_t struct_size) {
    sized_write(state, struct_size, &stopping_defaults, sizeof stopping_defaults);
}

static bp_status read_stopping(bp_early_stopping *state, const bp_early_stopping *given, const char *name) {
    *state = stopping_defaults;
    const bp_status status = sized_read(state, sizeof *state, SIZED_END(bp_early_stopping, best), given, name,
                                        "bp_early_stopping_defaults()");
    if (status != BP_OK)
        return status;
    if (state->patience == 0)
        return refuse(name, "patience", 0.0, "at least 1");
    return in_range(state->min_delta) ? BP_OK : refuse(name, "min_delta", state->min_delta, "finite, 0 or more");
}

bp_status bp_early_stopping_check(const bp_early_stopping *state, const char *name) {
    bp_early_stopping read;
    return read_stopping(&read, state, name);
}

bp_status bp_early_stopping_next(bp_early_stopping *state, double value, bool *improved, bool *stop) {
    CONTRACT_MODE(host);
    if (!state)
        return bp_fail(BP_ERROR_NULL, "state is null");
    bp_early_stopping s;
    const bp_status status = read_stopping(&s, state, "state");
    if (status != BP_OK)
        return status;
    if (s.seen == 0) {
        s.best = INFINITY;
        s.best_at = 0;
    }
    const bool better = value < s.best - s.min_delta;
    if (better) {
        s.best = value;
        s.best_at = s.seen;
    }
    s.seen++;
    const size_t since = isinf(s.best) && s.best > 0 ? s.seen : s.seen - 1 - s.best_at;
    sized_write(state, state->struct_size, &s, sizeof s);
    if (improved)
        *improved = better;
    if (stop)
        *stop = since >= s.patience;
    return BP_OK;
}

/* ---- Plateaus ------------------------------------------------------------------------------------------------- */

static const bp_plateau plateau_defaults = {.struct_size = sizeof(bp_plateau),
                                            .learning_rate = 0.001f,
                                            .factor = 0.1f,
                                            .patience = 10,
                                            .threshold = 1e-4,
                                            .relative = true};

void bp_plateau_init(bp_plateau *state, size_t struct_size) {
    sized_write(state, struct_size, &plateau_defaults, sizeof plateau_defaults);
}

static bp_status read_plateau(bp_plateau *state, const bp_plateau *given, const char *name) {
    *state = plateau_defaults;
    const bp_status status =
        sized_read(state, sizeof *state, SIZED_END(bp_plateau, cooling), given, name, "bp_plateau_defaults()");
    if (status != BP_OK)
        return status;
    if (!in_range((double)state->learning_rate))
        return refuse(name, "learning_rate", (double)state->learning_rate, "finite, 0 or more");
    if (!in_range((double)state->learning_rate_min))
        return refuse(name, "learning_rate_min", (double)state->learning_rate_min, "finite, 0 or more");
    if (!(state->factor > 0.0f && state->factor < 1.0f))
        return refuse(name, "factor", (double)state->factor, "above 0 and below 1");
    if (!in_range(state->threshold) || (state->relative && state->threshold >= 1.0))
        return refuse(name, "threshold", state->threshold, "finite, 0 or more, and below 1 if it is relative");
    return BP_OK;
}

bp_status bp_plateau_check(const bp_plateau *state, const char *name) {
    bp_plateau read;
    return read_plateau(&read, state, name);
}

bp_status bp_plateau_next(bp_plateau *state, double value, bool *reduced) {
    CONTRACT_MODE(host);
    if (!state)
        return bp_fail(BP_ERROR_NULL, "state is null");
    bp_plateau s;
    const bp_status status = read_plateau(&s, state, "state");
    if (status != BP_OK)
        return status;
    const double best = s.seen == 0 ? (double)INFINITY : s.best;
    const bool better = value < (s.relative ? best * (1.0 - s.threshold) : best - s.threshold);
    s.best = better ? value : best;
    s.bad = better ? 0 : s.bad + 1;
    s.seen++;
    if (s.cooling > 0) {
        s.cooling--;
        s.bad = 0;
    }
    const bool lowers = s.bad > s.patience;
    if (lowers) {
        const double learning_rate = (double)s.learning_rate * (double)s.factor, least = (double)s.learning_rate_min;
        const float lower = (float)(learning_rate > least ? learning_rate : least);
        s.learning_rate = lower < s.learning_rate ? lower : s.learning_rate;
        s.cooling = s.cooldown;
        s.bad = 0;
    }
    sized_write(state, state->struct_size, &s, sizeof s);
    if (reduced)
        *reduced = lowers;
    return BP_OK;
}
