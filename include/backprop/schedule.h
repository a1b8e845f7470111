/*
 * Learning-rate schedules: the rate of each step as a function of its number, counted from 0. A training loop asks for
 * the rate and gives it to bp_network_train_step.
 */
#ifndef BACKPROP_SCHEDULE_H
#define BACKPROP_SCHEDULE_H

#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_schedule_kind {
    BP_SCHEDULE_CONSTANT = 0,
    BP_SCHEDULE_STEP,
    BP_SCHEDULE_LINEAR,
    BP_SCHEDULE_COSINE,
    BP_SCHEDULE_ONE_CYCLE,
    BP_SCHEDULE_COUNT
} bp_schedule_kind;

/** A schedule with its numbers; rates are finite and not negative. */
typedef struct bp_schedule {
    bp_schedule_kind kind;
    float rate;      /* the highest */
    uint64_t warmup; /* steps before the rate is at its highest; 0: none */
    uint64_t steps;  /* step: from one drop to the next; linear, cosine, one-cycle: all, warm-up included */
    float factor;    /* step: of each drop, 0 to 1 */
    float start;     /* one-cycle: of the first step */
    float end;       /* linear, cosine, one-cycle: after `steps` */
} bp_schedule;

/**
 * *rate = that of step `step`, in binary64 but where it says otherwise, rounded to binary32 at the end. While
 * step < warmup it rises linearly, for one-cycle by half a cosine:
 *
 *   rate * ((step + 1) / warmup)      one-cycle: between(start, rate, step / warmup)
 *
 * After that, with t = step - warmup, T = steps - warmup, and p = t / T, or 1 where t >= T:
 *
 *   constant           rate
 *   step               rate * factor^(t / steps), the quotient rounded down, the power computed as in optimizer.h
 *   linear             rate + (end - rate) * p
 *   cosine, one-cycle  between(rate, end, p)
 *
 *   between(a, b, p) = b + (a - b) * (0.5 + 0.5 * cos(pi * p))
 *
 * pi * p is rounded to binary32; cos is SLEEF's deterministic cosf of 1.0 ULP.
 *
 * Cosine: I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, one period.
 * One-cycle: L. N. Smith, N. Topin, "Super-convergence", 2019, with cosines, as PyTorch has it; momentum stays as it
 * is.
 *
 * BP_ERROR_NULL; BP_ERROR_VALUE: a number outside its range, `steps` of 0 where it counts, warmup >= steps for linear,
 * cosine and one-cycle; those of bp_cpu_active. On error *rate is unchanged.
 */
BP_API bp_status bp_schedule_rate(const bp_schedule *schedule, uint64_t step, float *rate);

/** "constant", "step", "linear", "cosine", "one-cycle"; null for any other value. */
BP_API const char *bp_schedule_name(bp_schedule_kind kind);

/** The inverse of bp_schedule_name. BP_ERROR_NULL, or BP_ERROR_VALUE with *kind unchanged. */
BP_API bp_status bp_schedule_from_name(const char *name, bp_schedule_kind *kind);

BP_END_DECLS

#endif
