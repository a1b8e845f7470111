#ifndef BACKPROP_DENSE_H
#define BACKPROP_DENSE_H
#include <stddef.h>
#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/optimizer.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
#define BP_ROW_BLOCK 256
#define BP_ALIGNMENT 64
BP_API size_t bp_dense_scratch_bytes(size_t batch, size_t in, size_t out);
BP_API bp_status bp_dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                                  const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                                  void *scratch);
BP_API bp_status bp_dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                                const float *saved, size_t lds, size_t batch, size_t in, size_t out,
                                bp_activation activation, void *scratch);
BP_API bp_status bp_dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                                   const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch);
BP_API bp_status bp_dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx,
                                       const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                       float learning_rate, void *scratch);
BP_API bp_status bp_dense_gradient_update(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                          size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in,
                                          size_t out, const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                                          void *scratch);
BP_END_DECLS
#endif
