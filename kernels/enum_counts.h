/*
 * The number of enumerators of each public enum. The enums do not contain them: a program that was built before a kind
 * was added would have the old number compiled in.
 */
#ifndef BP_ENUM_COUNTS_H
#define BP_ENUM_COUNTS_H

#include <backprop/backprop.h>

#define ACTIVATION_COUNT (BP_ACTIVATION_SINE + 1)
#define OPTIMIZER_COUNT (BP_OPTIMIZER_RPROP + 1)
#define INITIALIZER_COUNT (BP_INITIALIZER_ORTHOGONAL + 1)
#define LOSS_COUNT (BP_LOSS_MULTICLASS_HINGE + 1)
#define REDUCTION_COUNT (BP_REDUCTION_WEIGHTED_MEAN + 1)
#define SCHEDULE_COUNT (BP_SCHEDULE_WARM_RESTARTS + 1)
#define ISA_COUNT (BP_ISA_NEON + 1)
#define SCALING_COUNT (BP_SCALING_MINMAX + 1)
#define IMPUTE_COUNT (BP_IMPUTE_CONSTANT + 1)
#define DTYPE_COUNT (BP_DTYPE_F64 + 1)
#define DECAY_SCOPE_COUNT (BP_DECAY_SCOPE_WEIGHTS + 1)
#define NONFINITE_POLICY_COUNT (BP_NONFINITE_POLICY_CONTINUE + 1)
#define QUANTITY_COUNT (BP_QUANTITY_GRADIENT_NORM + 1)
#define GRADIENT_MODE_COUNT (BP_GRADIENT_MODE_SKIP + 1)
#endif
