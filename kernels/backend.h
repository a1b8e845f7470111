/* The tables that this build may hold, one for each backend, and the scratch that their kernels may use. */
#ifndef BP_TABLES_H
#define BP_TABLES_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/kernels.h>
#include <backprop/network.h>

#include "activation_kinds.h"
#include "coefficients.h"
#include "enum_counts.h"

#if defined(__FAST_MATH__) || __FINITE_MATH_ONLY__ + 0 != 0 || defined(__ASSOCIATIVE_MATH__) ||                        \
    defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__) || FLT_EVAL_METHOD != 0
#error "the numerics contract needs binary32 arithmetic as written: no -ffast-math nor a part of it, no x87"
#endif
_Static_assert(sizeof 1.0 == sizeof(double), "the numerics contract needs binary64 constants as written");

/* Bytes of scratch of any kernel on any backend; the vector body checks at compile time that it fits. */
#define BP_SCRATCH_BYTES (2560 * 1024)

/* The widest panel of any backend, to which packed matrices are padded. */
#define SCRATCH_SLACK 32

/* Bytes of scratch that suffice for a product of these sizes on any backend: all of A, B and C, padded. */
static inline size_t product_scratch_bytes(size_t rows, size_t columns, size_t depth) {
    const size_t large = BP_SCRATCH_BYTES / sizeof(float);
    if (rows >= large || columns >= large || depth >= large)
        return BP_SCRATCH_BYTES;
    const uint64_t padded = (uint64_t)columns + SCRATCH_SLACK;
    const uint64_t floats =
        depth * padded + rows * ((uint64_t)depth + SCRATCH_SLACK) + rows * padded + 2 * SCRATCH_SLACK;
    return floats < large ? (size_t)floats * sizeof(float) : BP_SCRATCH_BYTES;
}

/*
 * A matrix in panels: element (r, c) is at[c / width * panel + r * row + c % width], with the backend's panel width.
 * The tile reads and writes a panel in one straight line, so a network keeps its weights, activations and deltas so.
 * Row-major is the case panel = width.
 */
typedef struct bp_packed {
    float *data;
    size_t row_stride, panel_stride;
} bp_packed;

/* Layer normalization between a layer's product and its activation. Null where a layer has none. */
typedef struct bp_layer_norm {
    float *gamma, *beta;                   /* [out] */
    float *gamma_gradient, *beta_gradient; /* [out], of the gradients of earlier slices */
    bp_packed normalized;                  /* [rows of a slice x out] */
    float *rstd;                           /* [rows of a slice] */
    bp_packed deltas; /* [rows of a slice x out], dL/dy of what normalization gives; dL/dz is the layer's */
} bp_layer_norm;

/* A layer as the network keeps it. */
typedef struct bp_dense_layer {
    size_t in, out;
    bp_packed weights;    /* [in x out] */
    float *biases;        /* [out] */
    bp_packed gradient;   /* [in x out], of the gradients of earlier slices */
    float *bias_gradient; /* [out] */
    bp_packed outputs;    /* [rows of a slice x out] */
    bp_packed deltas;     /* [rows of a slice x out] */
    bp_activation activation;
    /*
     * What the backward pass reads for the derivative: outputs; or the derivatives, as SAVED_DERIVATIVES, with dropout
     * and for the activations of which activation_saves_derivative is true.
     */
    bp_packed saved;
    bp_activation saved_as;
    float dropout; /* probability */
    bp_layer_norm norm;
    bool frozen;      /* steps leave its parameters alone */
    float *weights_t; /* weights, [out x in] in one panel: of a small network's layers but the first, else null */
} bp_dense_layer;

/* Where the derivatives of a layer's activation go if it keeps them, else null; of layers without dropout. */
static inline bp_packed saved_derivatives(const bp_dense_layer *k) {
    return k->saved_as.kind == SAVED_DERIVATIVES ? k->saved : (bp_packed){0};
}

/* A gradient in stages: sums over slices of a batch, the last of which updates the parameters. */
typedef struct bp_update {
    bp_packed weights;
    float *biases;
    bp_packed gradient; /* over the slices so far; not touched by a slice that is both first and last */
    float *bias_gradient;
    float learning_rate;
    const bp_coefficients *coefficients; /* null: plain SGD by rate */
    parameter_role role;                 /* of what add_blocks updates */
    bool first, last;
    bool with_biases;
} bp_update;

/* A step of a small network: one whose layers' outputs fit one panel each. */
typedef struct bp_small_step {
    const bp_dense_layer *layers;
    size_t count;
    const bp_batch *batch; /* strides filled in; at most BP_ROW_BLOCK rows */
    bp_loss_kind loss;     /* squared error or softmax cross-entropy, without weights or smoothing; else LOSS_COUNT: */
    void (*other_loss)(void *context); /* writes the last layer's deltas if it trains, and the rows' losses if wanted */
    void *context;
    float *row_loss; /* null if not wanted */
    float scale, learning_rate;
    const bp_coefficients *coefficients; /* null: plain SGD by rate */
    bool train;
    bool *weights_t_current; /* whether the transposed weights are up to date */
} bp_small_step;

/*
 * A backend: the public kernels, and the same products on matrices in panels for the network. The arrays of these lie
 * on whole panels: kernels may read and write the lanes between a row's end and its next whole vector. Sizes are not
 * zero, and a slice but the last has a whole number of row blocks.
 */
typedef struct bp_backend {
    bp_kernels kernels;
    size_t panel_width; /* columns of a panel; 0: one panel holds any number */
    bool in_place;      /* products read many row-major rows as fast as panels */
    void (*pack)(bp_packed to, const float *from, size_t ld, size_t rows, size_t columns);
    void (*unpack)(float *to, size_t ld, bp_packed from, size_t rows, size_t columns);
    /* `slopes`: where the activation's derivatives go, or null; of those of which activation_saves_derivative is true.
     */
    void (*forward)(bp_packed a, bp_packed derivatives, bp_packed x, bp_packed w, const float *bias, size_t batch,
                    size_t in, size_t out, bp_activation activation, void *scratch);
    void (*delta)(bp_packed previous, bp_packed delta, bp_packed w, bp_packed previous_saved, size_t batch, size_t in,
                  size_t out, bp_activation activation, void *scratch);
    void (*update)(const bp_update *u, bp_packed x, bp_packed delta, size_t batch, size_t in, size_t out,
                   void *scratch);
    /*
     * Adds `count` sums of row blocks, `stride` elements apart, to u's sums in their order; with the last it updates
     * the weights. Sums and weights are `parameters` elements in one line, whole vectors.
     */
    void (*add_blocks)(const bp_update *u, const float *blocks, size_t stride, size_t count, size_t parameters);
    /* All layers of a batch of one row, in one call: forward, and from the last layer's delta back to all updates. */
    void (*forward_row)(const bp_dense_layer *layers, size_t count, bp_packed x);
    void (*backward_row)(const bp_dense_layer *layers, size_t count, bp_packed x, float learning_rate,
                         const bp_coefficients *coefficients);
    /* Forward, loss and update of a small network, in one call. Null where panel is 0. */
    void (*small_step)(const bp_small_step *step);
    /* Steps parameters of one role, some of the rule's, that lie in one line, by their gradients. */
    void (*apply)(const bp_coefficients *coefficients, parameter_role role, float *parameters, const float *gradient,
                  size_t count);
    /* to[k] = fma(weight, from[k], rest * to[k]) */
    void (*interpolate)(float *to, const float *from, float weight, float rest, size_t count);
    /* squares[j] = the sum of squares of column j: c = +0; for i ascending: c = fma(g, g, c); then the bias' g. */
    void (*squares)(float *squares, bp_packed gradient, const float *bias_gradient, size_t in, size_t out);
    /* small_step on narrower vectors, for networks whose layers have at most `narrow` outputs; 0: there is none. */
    size_t narrow;
    void (*narrow_small_step)(const bp_small_step *step);
    /* a = f(a), for layers whose product is normalized first; `slopes` as in forward. */
    void (*activate)(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation);
    /* bp_dropout_derivative into `slopes`, where SAVED_DERIVATIVES are already, and bp_dropout in place. */
    void (*dropout)(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation,
                    const bp_dropout_mask *mask);
    /* bp_layer_norm_forward in place; normalized.data and `inverse` may be null. */
    void (*normalize)(bp_packed a, bp_packed normalized, float *rstd, const float *gamma, const float *beta,
                      size_t rows, size_t columns);
    /* bp_layer_norm_backward */
    void (*normalize_delta)(bp_packed previous, bp_packed delta, bp_packed normalized, const float *rstd,
                            const float *gamma, size_t rows, size_t columns);
    /* bp_layer_norm_gradient in stages; u's weights are the gains, its biases the shifts. */
    void (*normalize_update)(const bp_update *u, bp_packed delta, bp_packed normalized, size_t rows, size_t columns);
} bp_backend;

extern const bp_backend bp_backend_scalar;     /* baseline instructions; on x86-64 without fma */
extern const bp_backend bp_backend_scalar_fma; /* x86-64 with FMA */
extern const bp_backend bp_backend_avx2;
extern const bp_backend bp_backend_avx512;
extern const bp_backend bp_backend_neon;

#endif
