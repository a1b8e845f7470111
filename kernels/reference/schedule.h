/* Learning rate schedules: include/backprop/schedule.h in C. */
#ifndef BP_REFERENCE_SCHEDULE_H
#define BP_REFERENCE_SCHEDULE_H

#include "learning_rate.h"
#include "reference/math.h"

/* A function of the plain type: SLEEF declares its own as const. */
static float cosine_of(float x) {
    return math_cos(x);
}

static float schedule_learning_rate(const bp_schedule *schedule, uint64_t step) {
    return learning_rate_of_step(schedule, step, cosine_of);
}

#endif
