#ifndef BACKPROP_LAYER_NORM_H
#define BACKPROP_LAYER_NORM_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
#define BP_LAYER_NORM_EPSILON 1e-5f
BP_API bp_status bp_layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                                       size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                                       float epsilon);
BP_API bp_status bp_layer_norm_backward(float *previous, size_t ldp, const float *delta, size_t ldd,
                                        const float *normalized, size_t ldn, const float *rstd, const float *gamma,
                                        size_t rows, size_t columns);
BP_API bp_status bp_layer_norm_gradient(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                        const float *normalized, size_t ldn, size_t rows, size_t columns);
BP_END_DECLS
#endif
