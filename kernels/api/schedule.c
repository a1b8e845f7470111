#include <backprop/schedule.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "check/refuse.h"
#include "dispatch/dispatch.h"
#include "enum_counts.h"
#include "float_environment.h"
#include "learning_rate.h"
#include "sized.h"

/* ---- The struct ----------------------------------------------------------------------------------------------- */

void bp_schedule_init(bp_schedule *schedule, size_t struct_size, bp_schedule_kind kind) {
    const bp_schedule defaults = default_schedule(kind);
    sized_write(schedule, struct_size, &defaults, sizeof defaults);
}

static bp_status read_schedule(bp_schedule *schedule, const bp_schedule *given) {
    *schedule = default_schedule(given->kind);
    return sized_read(schedule, sizeof *schedule, SIZED_END(bp_schedule, momentum_min), given, "schedule",
                      "bp_schedule_defaults(kind)");
}

/* ---- Checks --------------------------------------------------------------------------------------------------- */

static bp_status check_rate(const char *field, float learning_rate) {
    return learning_rate >= 0.0f && isfinite(learning_rate)
               ? BP_OK
               : bp_fail_number(field, (double)learning_rate, "finite and not negative");
}

static bp_status check_factor(const bp_schedule *s) {
    return s->factor >= 0.0f && s->factor <= 1.0f ? BP_OK
                                                  : bp_fail_number("schedule.factor", (double)s->factor, "from 0 to 1");
}

static bp_status check_milestones(const bp_schedule *s) {
    if (s->milestone_count == 0)
        return bp_fail_number("schedule.milestone_count", 0.0, "at least 1");
    if (!s->milestones)
        return bp_fail(BP_ERROR_NULL, "schedule.milestones is null");
    for (size_t k = 1; k < s->milestone_count; k++)
        if (s->milestones[k] < s->milestones[k - 1])
            return bp_fail_number("schedule.milestones", (double)s->milestones[k], "no less than the one before");
    return BP_OK;
}

/* Kinds that need the number of all steps. */
static bp_status check_end(const bp_schedule *s) {
    if (s->steps > s->warmup)
        return check_rate("schedule.end", s->end);
    return bp_fail(BP_ERROR_VALUE, "schedule.steps is %" PRIu64 ", and must be above schedule.warmup, %" PRIu64,
                   s->steps, s->warmup);
}

static bp_status check_one_cycle(const bp_schedule *s) {
    const float most = s->momentum_max, least = s->momentum_min;
    if (most != 0.0f && !(most > 0.0f && most < 1.0f))
        return bp_fail_number("schedule.momentum_max", (double)most, "from 0 to below 1");
    if (most > 0.0f && !(least > 0.0f && least <= most))
        return bp_fail_number("schedule.momentum_min", (double)least, "above 0 and at most momentum_max");
    const bp_status status = check_end(s);
    return status == BP_OK ? check_rate("schedule.start", s->start) : status;
}

static bp_status check_steps(const bp_schedule *s) {
    return s->steps > 0 ? BP_OK : bp_fail_number("schedule.steps", 0.0, "at least 1");
}

static bp_status check_kind(const bp_schedule *s) {
    bp_status status = BP_OK;
    switch (s->kind) {
    case BP_SCHEDULE_STEP:
        status = check_steps(s);
        return status == BP_OK ? check_factor(s) : status;
    case BP_SCHEDULE_MULTI_STEP:
        status = check_milestones(s);
        return status == BP_OK ? check_factor(s) : status;
    case BP_SCHEDULE_EXPONENTIAL:
        return check_factor(s);
    case BP_SCHEDULE_LINEAR:
    case BP_SCHEDULE_COSINE:
        return check_end(s);
    case BP_SCHEDULE_WARM_RESTARTS:
        if (s->period_factor == 0)
            return bp_fail_number("schedule.period_factor", 0.0, "at least 1");
        status = check_steps(s);
        return status == BP_OK ? check_rate("schedule.end", s->end) : status;
    case BP_SCHEDULE_ONE_CYCLE:
        return check_one_cycle(s);
    default:
        return BP_OK;
    }
}

static bp_status check_schedule(const bp_schedule *s) {
    if ((unsigned)s->kind >= SCHEDULE_COUNT)
        return bp_fail_number("schedule.kind", (double)s->kind, "one of bp_schedule_kind");
    const bp_status status = check_rate("schedule.learning_rate", s->learning_rate);
    return status == BP_OK ? check_kind(s) : status;
}

/* ---- Schedules ------------------------------------------------------------------------------------------------ */

bp_status bp_schedule_learning_rate(const bp_schedule *schedule, uint64_t step, float *learning_rate) {
    CONTRACT_MODE(host);
    if (!schedule || !learning_rate)
        return bp_fail(BP_ERROR_NULL, "%s is null", schedule ? "learning_rate" : "schedule");
    const bp_kernels *kernels;
    bp_schedule s;
    bp_status status;
    if ((status = read_schedule(&s, schedule)) != BP_OK || (status = check_schedule(&s)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    *learning_rate = kernels->schedule_learning_rate(&s, step);
    return BP_OK;
}

/* Momentum rises while the learning rate falls. */
bp_status bp_schedule_momentum(const bp_schedule *schedule, uint64_t step, float *momentum) {
    CONTRACT_MODE(host);
    if (!schedule || !momentum)
        return bp_fail(BP_ERROR_NULL, "%s is null", schedule ? "momentum" : "schedule");
    bp_schedule s;
    bp_status status;
    if ((status = read_schedule(&s, schedule)) != BP_OK || (status = check_schedule(&s)) != BP_OK)
        return status;
    if (s.kind != BP_SCHEDULE_ONE_CYCLE || s.momentum_max == 0.0f)
        return bp_fail(BP_ERROR_VALUE, "the schedule has no momentum: it is not one-cycle, or momentum_max is 0");
    s.learning_rate = s.momentum_min;
    s.start = s.end = s.momentum_max;
    return bp_schedule_learning_rate(&s, step, momentum);
}
