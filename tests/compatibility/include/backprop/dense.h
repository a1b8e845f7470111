/*
 * The three products of a dense layer, on the caller's row-major arrays.
 *
 *   X      [batch x in]   inputs of the layer            ldx >= in
 *   W      [in x out]     w_ij: from input i to neuron j  ldw >= out
 *   b      [out]          biases
 *   A      [batch x out]  a = f(z), outputs of the layer lda >= out
 *   delta  [batch x out]  dL/dz                          ldd >= out
 *
 * Leading dimensions (`ld`) are the distance between rows, in elements. Pointers need the alignment of float only.
 * Elements between the rows are neither read nor written.
 *
 * Each result is one exact sequence of binary32 operations, rounded to nearest even, given below for every function:
 * the same bits on every instruction set, for every alignment, and when the caller cuts the work into ranges of rows
 * or columns. `fma` rounds once.
 *
 * `scratch` is room for packed panels: bp_scratch_bytes() bytes, aligned to BP_ALIGNMENT, contents of no meaning
 * before or after, one for each thread that calls at the same time. It must not overlap the other arrays.
 *
 * Any output may overlap no other array unless said so. Errors of all: BP_ERROR_NULL, BP_ERROR_SIZE,
 * BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT, BP_ERROR_VALUE, and those of bp_cpu_active. On error
 * nothing is written.
 *
 * NaN: a NaN operand makes the results that depend on it NaN; payload and sign of a NaN are not promised.
 */
#ifndef BACKPROP_DENSE_H
#define BACKPROP_DENSE_H

#include <stddef.h>

#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/optimizer.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Rows whose products make one chain of the gradient: a constant of the contract, see bp_dense_gradient. */
#define BP_ROW_BLOCK 256

/** Alignment, in bytes, of scratch and of everything that the library allocates. */
#define BP_ALIGNMENT 64

/** Bytes of scratch that any kernel may use. */
BP_API size_t bp_scratch_bytes(void);

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
 * Delta of the layer below: previous = (delta W^T) * f'(.), `activation` and `previous_saved` being that layer's.
 *
 *   s = +0;  for j = 0 .. out-1 ascending: s = fma(delta[n][j], w[i][j], s);  previous[n][i] = s * f'(z_previous[n][i])
 *
 * f' is computed from what that layer kept, saved[n][i]: its outputs a or its z, as bp_activation_saves_input says.
 * previous is [batch x in] with ldp >= in, kept likewise with ldk >= in; kept may be null when the activation is
 * the identity, and previous may be kept itself with ldp == ldk. For the identity, previous[n][i] = s.
 */
BP_API bp_status bp_dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                                const float *saved, size_t lds, size_t batch, size_t in, size_t out,
                                bp_activation activation, void *scratch);

/**
 * Gradient of weights and biases: G = X^T delta, and the column sums of delta.
 *
 * Rows are taken in blocks of BP_ROW_BLOCK, counted from row 0. In a block:
 *   g = +0;  for n ascending: g = fma(x[n][i], delta[n][j], g)
 *   c = +0;  for n ascending: c = c + delta[n][j]
 * and the blocks are added in ascending order: G = g_0, then G = G + g_1, ...; gradient_bias likewise from the c.
 *
 * gradient is [in x out] with ldg >= out, gradient_bias [out]. Either may be null (then that part is left out), not
 * both. Both are overwritten, never read first.
 */
BP_API bp_status bp_dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                                   const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch);

/**
 * Gradient fused with the update of plain stochastic gradient descent; the gradient itself is never stored.
 *
 *   w[i][j] = fma(-learning_rate, G[i][j], w[i][j]),  bias[j] = fma(-learning_rate, G_bias[j], bias[j])
 *
 * with G of bp_dense_gradient. `w` or `bias` may be null, not both.
 */
BP_API bp_status bp_dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx,
                                       const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                       float learning_rate, void *scratch);

/**
 * Gradient fused with a step of any optimizer: bp_optimizer_step on weights and biases with G of bp_dense_gradient,
 * which is never stored, in one pass over the weights and their state.
 *
 * `w` holds arrays [in x out], all with ldw >= out elements between rows, `bias` arrays [out]; either may be null, not
 * both. Plain stochastic gradient descent gives the bits of bp_dense_gradient_sgd. Errors are those of both functions.
 */
BP_API bp_status bp_dense_gradient_update(const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                                          const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                          size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in,
                                          size_t out, void *scratch);

BP_END_DECLS

#endif
