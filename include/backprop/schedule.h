/*
 * Learning-rate schedules: the learning rate as a function of the step's number, counted from 0. A training loop asks
 * for the learning rate of each step and passes it to bp_network_train_step.
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

/**
 * A schedule and its numbers, made by bp_schedule_defaults(kind). All learning rates are finite and not negative.
 *
 * | kind                      | meaning of `steps`                              |
 * |---------------------------|-------------------------------------------------|
 * | step                      | steps between two drops; at least 1             |
 * | linear, cosine, one-cycle | all steps, warm-up included; more than `warmup` |
 * | warm restarts             | steps of the first period; at least 1           |
 * | others                    | unused                                          |
 */
typedef struct bp_schedule {
    size_t struct_size; /* sizeof(bp_schedule), set by bp_schedule_defaults */
    bp_schedule_kind kind;
    float learning_rate; /* the highest learning rate; default 0.001 */
    uint64_t warmup;     /* number of warm-up steps; default 0 */
    uint64_t steps;      /* see above; default 0, which kinds that use it refuse */
    float factor;        /* step, multi-step: factor of each drop, default 0.1; exponential: factor of each step,
                            default 0.99; 0 to 1 */
    float start;         /* one-cycle: learning rate of the first step; default 0 */
    float end;           /* linear, cosine, one-cycle: learning rate after `steps`; warm restarts: learning rate at the
                            end of each period; default 0 */
    const uint64_t *milestones; /* multi-step: [milestone_count] steps after the warm-up at which the learning rate
                                   drops, ascending */
    size_t milestone_count;     /* multi-step: at least 1 */
    uint64_t period_factor;     /* warm restarts: ratio of each period to the previous one, at least 1; default 1 */
    float momentum_max;         /* one-cycle: momentum of the first and the last step, below 1; default 0: the momentum
                                   does not change */
    float momentum_min;         /* one-cycle: momentum at the highest learning rate; above 0, at most momentum_max */
} bp_schedule;

/** Sets the defaults of `kind` in the first struct_size bytes of a struct. Does nothing for null. */
BP_API void bp_schedule_init(bp_schedule *schedule, size_t struct_size, bp_schedule_kind kind);

/** A schedule of this kind with the defaults above. */
static inline bp_schedule bp_schedule_defaults(bp_schedule_kind bp_kind) {
    bp_schedule bp_made;
    bp_schedule_init(&bp_made, sizeof bp_made, bp_kind);
    return bp_made;
}

/**
 * *learning_rate = the learning rate of step `step`. It is computed in binary64 except as noted, and rounded to
 * binary32 at the end. Below, rate is schedule->learning_rate, and
 *
 *   between(a, b, p) = b + (a - b) * (0.5 + 0.5 * cos(pi * p))
 *
 * where pi * p is rounded to binary32, and cos is SLEEF's deterministic cosf of 1.0 ULP.
 *
 * During the warm-up, step < warmup, the learning rate rises linearly, for one-cycle by half a cosine:
 *
 * | kind      | learning rate                       |
 * |-----------|-------------------------------------|
 * | one-cycle | between(start, rate, step / warmup) |
 * | others    | rate * ((step + 1) / warmup)        |
 *
 * After the warm-up, with t = step - warmup, T = steps - warmup, and p = t / T, or 1 if t >= T:
 *
 * | kind          | learning rate                                        | name in PyTorch             |
 * |---------------|------------------------------------------------------|-----------------------------|
 * | constant      | rate                                                 |                             |
 * | step          | rate * factor^n, n = t / steps rounded down          | StepLR                      |
 * | multi-step    | rate * factor^n, n = number of milestones at most t  | MultiStepLR                 |
 * | exponential   | rate * factor^t                                      | ExponentialLR               |
 * | linear        | rate + (end - rate) * p                              |                             |
 * | cosine        | between(rate, end, p)                                | CosineAnnealingLR           |
 * | one-cycle     | between(rate, end, p)                                | OneCycleLR                  |
 * | warm restarts | between(rate, end, u / P)                            | CosineAnnealingWarmRestarts |
 *
 * Powers are computed as in optimizer.h. Warm restarts start with u = t and P = steps; while u >= P: u = u - P, then
 * P = P * period_factor, but at most 2^64 - 1. In PyTorch, T_0 = steps and T_mult = period_factor.
 *
 * One step here is one step of PyTorch's scheduler. To change the learning rate by epochs, give `steps` and milestones
 * in steps. For ReduceLROnPlateau use bp_plateau (fit.h).
 *
 * Sources: I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017 (cosine is its first
 * period); L. N. Smith, N. Topin, "Super-convergence", 2019 (one-cycle, here with cosines, as in PyTorch).
 *
 * Errors: BP_ERROR_NULL, also for milestones; those of bp_cpu_active; and BP_ERROR_VALUE for:
 *
 * - a struct_size that bp_schedule_defaults did not set
 * - a number outside its range
 * - `steps` or milestone_count of 0, if the kind uses it
 * - milestones that do not ascend; equal milestones are allowed, and each counts
 * - warmup >= steps for linear, cosine and one-cycle
 *
 * On error *learning_rate is unchanged.
 */
BP_API bp_status bp_schedule_learning_rate(const bp_schedule *schedule, uint64_t step, float *learning_rate);

/**
 * *momentum = the momentum of step `step` of a one-cycle schedule with momentum_max above 0. The momentum falls while
 * the learning rate rises, and rises while the learning rate falls, as with cycle_momentum in PyTorch:
 *
 *   step < warmup  between(momentum_max, momentum_min, step / warmup)
 *   after that     between(momentum_min, momentum_max, p)
 *
 * Pass it to bp_network_set_momentum; bp_network_fit does this itself.
 *
 * Errors: those of bp_schedule_learning_rate; BP_ERROR_VALUE also for other schedules.
 */
BP_API bp_status bp_schedule_momentum(const bp_schedule *schedule, uint64_t step, float *momentum);

/** "constant", "step", "linear", "cosine", "one-cycle", "exponential", "multi-step", "warm-restarts"; null for any
 *  other value. */
BP_API const char *bp_schedule_name(bp_schedule_kind kind);

/** The inverse of bp_schedule_name. Errors: BP_ERROR_NULL, BP_ERROR_VALUE. On error *kind is unchanged. */
BP_API bp_status bp_schedule_from_name(const char *name, bp_schedule_kind *kind);

BP_END_DECLS

#endif
