/*
 * Learning-rate schedules: the rate of each step as a function of its number, counted from 0. A training loop asks for
 * the rate and gives it to bp_network_train_step.
 */
#ifndef BACKPROP_SCHEDULE_H
#define BACKPROP_SCHEDULE_H

#include <stddef.h>
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
    BP_SCHEDULE_EXPONENTIAL,
    BP_SCHEDULE_MULTI_STEP,
    BP_SCHEDULE_WARM_RESTARTS,
} bp_schedule_kind;

/** A schedule with its numbers; rates are finite and not negative. Made by bp_schedule_defaults(kind). */
typedef struct bp_schedule {
    size_t struct_size; /* set by bp_schedule_defaults */
    bp_schedule_kind kind;
    float learning_rate; /* the highest; default 0.001 */
    uint64_t warmup;     /* steps before the rate is at its highest; default 0 */
    uint64_t steps; /* step: from one drop to the next; linear, cosine, one-cycle: all, warm-up included; warm restarts:
                       those of the first period; default 0, which these kinds refuse */
    float factor;   /* step, multi-step: of each drop, default 0.1; exponential: of each step, default 0.99; 0 to 1 */
    float start;    /* one-cycle: of the first step; default 0 */
    float end;      /* linear, cosine, one-cycle: after `steps`; warm restarts: at the end of each period; default 0 */
    const uint64_t
        *milestones;        /* multi-step: [milestone_count] steps after the warm-up, ascending, at which it drops */
    size_t milestone_count; /* at least 1 */
    uint64_t period_factor; /* warm restarts: of each period to the one before, at least 1; default 1 */
    float momentum_max; /* one-cycle: of the first and the last step, below 1; default 0: the momentum stays as it is */
    float momentum_min; /* at the highest rate: above 0, at most momentum_max */
} bp_schedule;

/** Fills in the defaults of bp_schedule_defaults(kind) for a struct of `struct_size` bytes. Null: nothing is done. */
BP_API void bp_schedule_init(bp_schedule *schedule, size_t struct_size, bp_schedule_kind kind);

/** A schedule of this kind with the defaults above. */
static inline bp_schedule bp_schedule_defaults(bp_schedule_kind bp_kind) {
    bp_schedule bp_made;
    bp_schedule_init(&bp_made, sizeof bp_made, bp_kind);
    return bp_made;
}

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
 *   multi-step         rate * factor^(number of milestones that are at most t)
 *   exponential        rate * factor^t
 *   linear             rate + (end - rate) * p
 *   cosine, one-cycle  between(rate, end, p)
 *   warm-restarts      between(rate, end, u / T), T = steps at first, u = t; while u >= T: u = u - T,
 *                      T = T * period_factor, 2^64 - 1 if that is less
 *
 *   between(a, b, p) = b + (a - b) * (0.5 + 0.5 * cos(pi * p))
 *
 * pi * p is rounded to binary32; cos is SLEEF's deterministic cosf of 1.0 ULP.
 *
 * Cosine: I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, one period; warm
 * restarts: all of them. One-cycle: L. N. Smith, N. Topin, "Super-convergence", 2019, with cosines, as PyTorch has it.
 * These are PyTorch's StepLR, MultiStepLR, ExponentialLR, CosineAnnealingLR, CosineAnnealingWarmRestarts (T_0 = steps,
 * T_mult = period_factor) and OneCycleLR, one step of theirs to each step here; to drop by epochs, give `steps` and
 * milestones in steps. (ReduceLROnPlateau: bp_plateau in fit.h.)
 *
 * BP_ERROR_NULL (milestones, too); BP_ERROR_VALUE: a struct_size that bp_schedule_defaults did not set, a number
 * outside its range, `steps` or milestone_count of 0 where it counts, milestones that do not ascend (equal ones count
 * each), warmup >= steps for linear, cosine and one-cycle; those of bp_cpu_active. On error *rate is unchanged.
 */
BP_API bp_status bp_schedule_learning_rate(const bp_schedule *schedule, uint64_t step, float *learning_rate);

/**
 * *momentum = that of step `step` of a one-cycle schedule with a momentum_max: it falls while the rate rises, and comes
 * back while that falls, as PyTorch's cycle_momentum; bp_network_set_momentum takes it, and a fit does so by itself.
 *
 *   step < warmup  between(momentum_max, momentum_min, step / warmup)
 *   after that     between(momentum_min, momentum_max, p)
 *
 * Errors as bp_schedule_learning_rate; BP_ERROR_VALUE also for other schedules.
 */
BP_API bp_status bp_schedule_momentum(const bp_schedule *schedule, uint64_t step, float *momentum);

/** "constant", "step", "linear", "cosine", "one-cycle", "exponential", "multi-step", "warm-restarts"; null for any
 * other value. */
BP_API const char *bp_schedule_name(bp_schedule_kind kind);

/** The inverse of bp_schedule_name. BP_ERROR_NULL, or BP_ERROR_VALUE with *kind unchanged. */
BP_API bp_status bp_schedule_from_name(const char *name, bp_schedule_kind *kind);

BP_END_DECLS

#endif
