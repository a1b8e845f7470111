/*
 * The three products of a dense layer, on the caller's row-major arrays.
 *
 * | array | shape         | contents                       | leading dimension |
 * |-------|---------------|--------------------------------|-------------------|
 * | X     | [batch x in]  | inputs of the layer            | ldx >= in         |
 * | W     | [in x out]    | w_ij: from input i to neuron j | ldw >= out        |
 * | b     | [out]         | biases                         | -                 |
 * | A     | [batch x out] | a = f(z), outputs of the layer | lda >= out        |
 * | delta | [batch x out] | dL/dz                          | ldd >= out        |
 *
 * A leading dimension (`ld`) is the distance between rows in elements; 0 means packed rows. Pointers need the alignment
 * of float only. Elements between the rows are neither read nor written.
 *
 * Each result is one exact sequence of binary32 operations, rounded to nearest even, as given below. So it has the same
 * bits on every instruction set and for every alignment, and also if the caller divides the work into ranges of rows or
 * columns. `fma` rounds once.
 *
 * `scratch` is working memory: bp_dense_scratch_bytes() bytes, aligned to BP_ALIGNMENT. Its contents have no meaning
 * before and after a call. It must not overlap the other arrays. Calls that run at the same time need one scratch each.
 *
 * An output must not overlap another array, except where stated.
 *
 * A NaN operand makes the results that depend on it NaN. Payload and sign of a NaN are not promised.
 *
 * Errors of all functions (bp_error_message() names the argument):
 *
 * | error              | cause                                                                  |
 * |--------------------|------------------------------------------------------------------------|
 * | BP_ERROR_NULL      | a required array is null                                               |
 * | BP_ERROR_SIZE      | a size is 0, or a leading dimension is less than the columns and not 0 |
 * | BP_ERROR_OVERFLOW  | an array does not fit into the address range                           |
 * | BP_ERROR_OVERLAP   | an output or scratch overlaps another array                            |
 * | BP_ERROR_ALIGNMENT | an array is not aligned to float, or scratch not to BP_ALIGNMENT       |
 * | BP_ERROR_VALUE     | an activation or optimizer is out of its range                         |
 *
 * Other errors: those of bp_cpu_active. On error nothing is written.
 */
#ifndef BACKPROP_DENSE_H
#define BACKPROP_DENSE_H

#include <stddef.h>

#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/optimizer.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Rows in one accumulation chain of the gradient: a constant of the contract, see bp_dense_gradient. */
#define BP_ROW_BLOCK 256

/** Alignment in bytes of scratch and of all memory that the library allocates. */
#define BP_ALIGNMENT 64

/**
 * Bytes of scratch that every function of this header needs at most for these sizes, on any instruction set. The number
 * is a multiple of BP_ALIGNMENT and at most about 2.5 MiB. It is 0 for sizes that the functions refuse: a 0, or arrays
 * that do not fit into the address range.
 */
BP_API size_t bp_dense_scratch_bytes(size_t batch, size_t in, size_t out);

/**
 * Forward pass: A = f(X W + b).
 *
 *   z = bias ? bias[j] : +0;  for i = 0 .. in-1 ascending: z = fma(x[n][i], w[i][j], z);  a[n][j] = f(z)
 *
 * `bias` may be null.
 */
BP_API bp_status bp_dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                                  const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                                  void *scratch);

/**
 * Delta of the previous layer: previous = (delta W^T) * f'(z_previous).
 *
 *   s = +0;  for j = 0 .. out-1 ascending: s = fma(delta[n][j], w[i][j], s);  previous[n][i] = s * f'(z_previous[n][i])
 *
 * `activation` and `saved` belong to the previous layer. f' is computed from `saved`: that layer's outputs a, or its z
 * where bp_activation_saves_input is true. For the identity, previous[n][i] = s, and `saved` may be null.
 *
 * `previous` is [batch x in] with ldp >= in; `saved` is [batch x in] with lds >= in. `previous` may be `saved` itself
 * if ldp == lds.
 */
BP_API bp_status bp_dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                                const float *saved, size_t lds, size_t batch, size_t in, size_t out,
                                bp_activation activation, void *scratch);

/**
 * Gradients of weights and biases: G = X^T delta, and the column sums of delta.
 *
 * Rows are processed in blocks of BP_ROW_BLOCK, counted from row 0. Within a block:
 *
 *   g = +0;  for n ascending: g = fma(x[n][i], delta[n][j], g)
 *   c = +0;  for n ascending: c = c + delta[n][j]
 *
 * The blocks are added in ascending order: G = g_0, then G = G + g_1, and so on. gradient_bias is the sum of the c in
 * the same order.
 *
 * `gradient` is [in x out] with ldg >= out; `gradient_bias` is [out]. Either, but not both, may be null; it is not
 * computed then. Both are overwritten, and not read before.
 */
BP_API bp_status bp_dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                                   const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch);

/**
 * Gradient and update of plain stochastic gradient descent in one pass. The gradient is never stored.
 *
 *   w[i][j] = fma(-learning_rate, G[i][j], w[i][j]),  bias[j] = fma(-learning_rate, G_bias[j], bias[j])
 *
 * G is that of bp_dense_gradient. Either `w` or `bias`, but not both, may be null.
 */
BP_API bp_status bp_dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx,
                                       const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                       float learning_rate, void *scratch);

/**
 * Gradient and step of any optimizer in one pass over the weights and their state. It is bp_optimizer_step on weights
 * and biases with the G of bp_dense_gradient, which is never stored.
 *
 * `w` holds arrays [in x out], all with ldw >= out elements from one row to the next; `bias` holds arrays [out].
 * Either, but not both, may be null. Plain stochastic gradient descent gives the same bits as bp_dense_gradient_sgd.
 *
 * Errors: those of this header and of bp_optimizer_step.
 */
BP_API bp_status bp_dense_gradient_update(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                          size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in,
                                          size_t out, const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                                          void *scratch);

BP_END_DECLS

#endif
