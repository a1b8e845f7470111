#ifndef BACKPROP_OPTIMIZER_H
#define BACKPROP_OPTIMIZER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_optimizer_kind {
    BP_OPTIMIZER_SGD = 0,
    BP_OPTIMIZER_MOMENTUM,
    BP_OPTIMIZER_NESTEROV,
    BP_OPTIMIZER_ADAGRAD,
    BP_OPTIMIZER_RMSPROP,
    BP_OPTIMIZER_ADAM,
    BP_OPTIMIZER_ADAMW,
    BP_OPTIMIZER_LION,
    BP_OPTIMIZER_RPROP,
} bp_optimizer_kind;
typedef enum bp_decay_scope {
    BP_DECAY_SCOPE_ALL = 0,
    BP_DECAY_SCOPE_WEIGHTS,
} bp_decay_scope;
#define BP_OPTIMIZER_STATES 2
typedef struct bp_optimizer {
    size_t struct_size;
    bp_optimizer_kind kind;
    float momentum;
    float beta1, beta2;
    float epsilon;
    float shrink, grow;
    float step_min, step_max;
    float weight_decay;
    bool decoupled;
    bp_decay_scope decay_scope;
    float clip;
    float clip_norm;
    float ema_decay;
} bp_optimizer;
BP_API void bp_optimizer_init(bp_optimizer *optimizer, size_t struct_size, bp_optimizer_kind kind);
static inline bp_optimizer bp_optimizer_defaults(bp_optimizer_kind kind) {
    bp_optimizer bp_made;
    bp_optimizer_init(&bp_made, sizeof bp_made, kind);
    return bp_made;
}
BP_API const char *bp_optimizer_name(bp_optimizer_kind kind);
BP_API bp_status bp_optimizer_from_name(const char *name, bp_optimizer_kind *kind);
BP_API size_t bp_optimizer_states(bp_optimizer_kind kind);
BP_API const char *bp_optimizer_state_name(bp_optimizer_kind kind, size_t index);
typedef struct bp_parameters {
    float *values;
    float *state[BP_OPTIMIZER_STATES];
    float *ema;
} bp_parameters;
BP_API bp_status bp_optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                                   const bp_optimizer *optimizer, uint64_t step, float learning_rate);
BP_API bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float learning_rate);
BP_END_DECLS
#endif
