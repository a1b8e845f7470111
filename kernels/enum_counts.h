/* The number of enumerators of each public enum. They are no part of the enums: a program that was built before a kind
 * was added must not have the old number compiled in. */
#ifndef BP_ENUM_COUNTS_H
#define BP_ENUM_COUNTS_H

#include <backprop/backprop.h>

#define ACTIVATION_COUNT ((bp_activation_kind)(BP_ACTIVATION_SINE + 1))
#define OPTIMIZER_COUNT ((bp_optimizer_kind)(BP_OPTIMIZER_RPROP + 1))
#define INITIALIZER_COUNT ((bp_initializer_kind)(BP_INITIALIZER_ORTHOGONAL + 1))
#define LOSS_COUNT ((bp_loss_kind)(BP_LOSS_MULTICLASS_HINGE + 1))
#define REDUCTION_COUNT ((bp_reduction)(BP_REDUCTION_WEIGHTED_MEAN + 1))
#define SCHEDULE_COUNT ((bp_schedule_kind)(BP_SCHEDULE_WARM_RESTARTS + 1))
#define ISA_COUNT ((bp_isa)(BP_ISA_NEON + 1))
#define SCALING_COUNT ((bp_scaling_kind)(BP_SCALING_MINMAX + 1))
#define IMPUTE_COUNT ((bp_impute_strategy)(BP_IMPUTE_CONSTANT + 1))
#define DTYPE_COUNT ((bp_dtype)(BP_DTYPE_F64 + 1))
#define DECAY_SCOPE_COUNT ((bp_decay_scope)(BP_DECAY_SCOPE_WEIGHTS + 1))
#define NONFINITE_POLICY_COUNT ((bp_nonfinite_policy)(BP_NONFINITE_POLICY_CONTINUE + 1))
#define QUANTITY_COUNT ((bp_quantity)(BP_QUANTITY_GRADIENT_NORM + 1))
#define GRADIENT_MODE_COUNT ((bp_gradient_mode)(BP_GRADIENT_MODE_SKIP + 1))


#endif
