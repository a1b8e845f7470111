/*
 * Initial weights.
 *
 * W is [in x out], row-major; w_ij leads from input i to neuron j. Each random weight is number i * out + j of a stream
 * of the generator in random.h. So a weight depends only on seed, stream, its row and column, and the layer's sizes.
 * All operations are binary32:
 *
 *   kind            w_ij
 *   xavier-uniform  (gain * sqrt(6 / (in + out))) * bp_random_symmetric
 *   xavier-normal   (gain * sqrt(2 / (in + out))) * bp_random_normal
 *   he-uniform      (gain * sqrt(6 / in)) * bp_random_symmetric
 *   he-normal       (gain * sqrt(2 / in)) * bp_random_normal
 *   lecun-uniform   (gain * sqrt(3 / in)) * bp_random_symmetric
 *   lecun-normal    (gain * sqrt(1 / in)) * bp_random_normal
 *   orthogonal      gain * q_ij; Q has orthonormal columns, or orthonormal rows if in < out
 *
 * | kind   | preserves                                  | source                     |
 * |--------|--------------------------------------------|----------------------------|
 * | xavier | variance of values and deltas, around tanh | X. Glorot, Y. Bengio, 2010 |
 * | he     | variance of values through ReLUs           | K. He et al., 2015         |
 * | lecun  | variance of values, as SELU requires       | Y. LeCun et al., 1998      |
 *
 * Orthogonal: Q comes from the Householder QR factorization of a matrix of bp_random_normal. Each column has the sign
 * of R's diagonal, so that Q is uniform over all orthogonal matrices (Mezzadri). Sums run in ascending order in
 * binary64; matrices are binary32. The product of two columns of Q differs from 0 or 1 by less than 2e-6 up to sizes of
 * 1024 (measured: 6e-7). The time is about 3 * in * out * min(in, out) operations.
 *
 * Sources: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010;
 * K. He et al., "Delving deep into rectifiers", 2015; Y. LeCun et al., "Efficient BackProp", 1998; A. Saxe,
 * J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
 * 2014 (orthogonal); F. Mezzadri, "How to generate random matrices from the classical compact groups", 2007.
 */
#ifndef BACKPROP_INITIALIZER_H
#define BACKPROP_INITIALIZER_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_initializer_kind {
    BP_INITIALIZER_XAVIER_UNIFORM = 0,
    BP_INITIALIZER_XAVIER_NORMAL,
    BP_INITIALIZER_HE_UNIFORM,
    BP_INITIALIZER_HE_NORMAL,
    BP_INITIALIZER_LECUN_UNIFORM,
    BP_INITIALIZER_LECUN_NORMAL,
    BP_INITIALIZER_ORTHOGONAL,
} bp_initializer_kind;

/** An initializer with its parameter. A zeroed struct is xavier-uniform. */
typedef struct bp_initializer {
    bp_initializer_kind kind;
    float gain; /* finite, not negative; 0 means 1 */
} bp_initializer;

/** Name of a kind: "xavier-uniform", "xavier-normal", "he-uniform", "he-normal", "lecun-uniform", "lecun-normal" or
 *  "orthogonal". Null for any other value. */
BP_API const char *bp_initializer_name(bp_initializer_kind kind);

/** The inverse of bp_initializer_name. Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an unknown name. On error *kind is
 *  unchanged. */
BP_API bp_status bp_initializer_from_name(const char *name, bp_initializer_kind *kind);

/**
 * Fills W with initial weights.
 *
 * ldw: distance between rows in elements, at least `out`; 0: packed. Elements between the rows are not written.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT; BP_ERROR_VALUE for the kind and the
 * gain. On error nothing is written.
 */
BP_API bp_status bp_initialize(float *w, size_t ldw, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                               uint64_t stream);

BP_END_DECLS

#endif
