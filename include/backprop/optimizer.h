/* Optimizer steps on arrays of parameters, for callers who keep their own gradients. */
#ifndef BACKPROP_OPTIMIZER_H
#define BACKPROP_OPTIMIZER_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Stochastic gradient descent: parameters[k] = fma(-rate, gradient[k], parameters[k]) for k < count.
 *
 * The arrays may not overlap. BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP,
 * BP_ERROR_ALIGNMENT; on error nothing is written. Fused form: bp_dense_gradient_sgd.
 */
BP_API bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float rate);

BP_END_DECLS

#endif
