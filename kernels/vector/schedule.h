/* Learning rate schedules; include/backprop/schedule.h defines them. The cosine alone is of this instruction set. */
#ifndef BP_VECTOR_SCHEDULE_H
#define BP_VECTOR_SCHEDULE_H

#include "learning_rate.h"

static float cosine_of(float x) {
    return vec_get0(vec_cos(vec_set1(x)));
}

static float schedule_learning_rate(const bp_schedule *schedule, uint64_t step) {
    return learning_rate_of_step(schedule, step, cosine_of);
}

#endif
