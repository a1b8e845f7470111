/*
 * The learning rate of a step, as include/backprop/schedule.h defines it. Scalar code; the backends differ only in the
 * cosine that they pass.
 */
#ifndef BP_LEARNING_RATE_H
#define BP_LEARNING_RATE_H

#include <stdint.h>
#include <string.h>

#include <backprop/schedule.h>

#include "coefficients.h"

typedef float cosine_fn(float x);

static inline bp_schedule default_schedule(bp_schedule_kind kind) {
    return (bp_schedule){.struct_size = sizeof(bp_schedule),
                         .kind = kind,
                         .learning_rate = 0.001f,
                         .factor = kind == BP_SCHEDULE_EXPONENTIAL ? 0.99f : 0.1f,
                         .period_factor = 1};
}

/* A caller's schedule, checked before, in this version's struct. */
static inline bp_schedule this_schedule(const bp_schedule *given) {
    if (given->struct_size >= sizeof *given)
        return *given;
    bp_schedule s = default_schedule(given->kind);
    memcpy(&s, given, given->struct_size);
    return s;
}

/* From a to b by half a cosine. */
static inline double between(double a, double b, double p, cosine_fn *cosine) {
    const double pi = 0x1.921fb54442d18p+1;
    return b + (a - b) * (0.5 + 0.5 * (double)cosine((float)(pi * p)));
}

/* Warm restarts: the elapsed part of the period at step t. */
static inline double part_of_period(const bp_schedule *s, uint64_t t) {
    const uint64_t factor = s->period_factor; /* at least 1 */
    uint64_t period = s->steps;
    if (factor == 1)
        t = t % period;
    for (; t >= period; period = period > UINT64_MAX / factor ? UINT64_MAX : period * factor)
        t -= period;
    return (double)t / (double)period;
}

static inline uint64_t milestones_until(const bp_schedule *s, uint64_t t) {
    uint64_t count = 0;
    while (count < s->milestone_count && s->milestones[count] <= t)
        count++;
    return count;
}

static inline float learning_rate_of_step(const bp_schedule *given, uint64_t step, cosine_fn *cosine) {
    const bp_schedule read = this_schedule(given), *s = &read;
    const double learning_rate = s->learning_rate, end = s->end;
    if (step < s->warmup) {
        if (s->kind == BP_SCHEDULE_ONE_CYCLE)
            return (float)between(s->start, learning_rate, (double)step / (double)s->warmup, cosine);
        return (float)(learning_rate * (((double)step + 1.0) / (double)s->warmup));
    }
    const uint64_t t = step - s->warmup;
    const uint64_t all = s->steps - s->warmup; /* for kinds whose steps include the warm-up */
    const double p = t < all ? (double)t / (double)all : 1.0;
    switch (s->kind) {
    case BP_SCHEDULE_STEP:
        return (float)(learning_rate * power_of(s->factor, t / s->steps));
    case BP_SCHEDULE_MULTI_STEP:
        return (float)(learning_rate * power_of(s->factor, milestones_until(s, t)));
    case BP_SCHEDULE_EXPONENTIAL:
        return (float)(learning_rate * power_of(s->factor, t));
    case BP_SCHEDULE_WARM_RESTARTS:
        return (float)between(learning_rate, end, part_of_period(s, t), cosine);
    case BP_SCHEDULE_LINEAR:
        return (float)(learning_rate + (end - learning_rate) * p);
    case BP_SCHEDULE_COSINE:
    case BP_SCHEDULE_ONE_CYCLE:
        return (float)between(learning_rate, end, p, cosine);
    default:
        return s->learning_rate;
    }
}

#endif
