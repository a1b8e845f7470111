#include <backprop/schedule.h>

#include <stdbool.h>
#include <string.h>

#include "api/optimizer.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

static const char *const names[BP_SCHEDULE_COUNT] = {
    [BP_SCHEDULE_CONSTANT] = "constant", [BP_SCHEDULE_STEP] = "step",           [BP_SCHEDULE_LINEAR] = "linear",
    [BP_SCHEDULE_COSINE] = "cosine",     [BP_SCHEDULE_ONE_CYCLE] = "one-cycle",
};

const char *bp_schedule_name(bp_schedule_kind kind) {
    return (unsigned)kind < BP_SCHEDULE_COUNT ? names[kind] : NULL;
}

bp_status bp_schedule_from_name(const char *name, bp_schedule_kind *kind) {
    if (!name || !kind)
        return BP_ERROR_NULL;
    for (unsigned k = 0; k < BP_SCHEDULE_COUNT; k++)
        if (strcmp(name, names[k]) == 0) {
            *kind = (bp_schedule_kind)k;
            return BP_OK;
        }
    return BP_ERROR_VALUE;
}

static bp_status check_schedule(const bp_schedule *s) {
    if ((unsigned)s->kind >= BP_SCHEDULE_COUNT || !is_within(s->rate, INFINITY))
        return BP_ERROR_VALUE;
    bool good = true;
    if (s->kind == BP_SCHEDULE_STEP)
        good = s->steps > 0 && s->factor >= 0.0f && s->factor <= 1.0f;
    else if (s->kind != BP_SCHEDULE_CONSTANT)
        good = s->steps > s->warmup && is_within(s->end, INFINITY);
    if (s->kind == BP_SCHEDULE_ONE_CYCLE)
        good = good && is_within(s->start, INFINITY);
    return good ? BP_OK : BP_ERROR_VALUE;
}

bp_status bp_schedule_rate(const bp_schedule *schedule, uint64_t step, float *rate) {
    CONTRACT_MODE(host);
    if (!schedule || !rate)
        return BP_ERROR_NULL;
    const bp_kernels *kernels;
    bp_status status;
    if ((status = check_schedule(schedule)) != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    *rate = kernels->schedule_rate(schedule, step);
    return BP_OK;
}
