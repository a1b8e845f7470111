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
typedef struct bp_schedule {
    size_t struct_size;
    bp_schedule_kind kind;
    float learning_rate;
    uint64_t warmup;
    uint64_t steps;
    float factor;
    float start;
    float end;
    const uint64_t *milestones;
    size_t milestone_count;
    uint64_t period_factor;
    float momentum_max;
    float momentum_min;
} bp_schedule;
BP_API void bp_schedule_init(bp_schedule *schedule, size_t struct_size, bp_schedule_kind kind);
static inline bp_schedule bp_schedule_defaults(bp_schedule_kind bp_kind) {
    bp_schedule bp_made;
    bp_schedule_init(&bp_made, sizeof bp_made, bp_kind);
    return bp_made;
}
BP_API bp_status bp_schedule_learning_rate(const bp_schedule *schedule, uint64_t step, float *learning_rate);
BP_API bp_status bp_schedule_momentum(const bp_schedule *schedule, uint64_t step, float *momentum);
BP_API const char *bp_schedule_name(bp_schedule_kind kind);
BP_API bp_status bp_schedule_from_name(const char *name, bp_schedule_kind *kind);
BP_END_DECLS
#endif
