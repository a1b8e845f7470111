/* Backends: a table of kernels for each instruction set, the packed matrices that they share, and their scratch. */
#ifndef BP_BACKEND_H
#define BP_BACKEND_H

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
#error "the numerics contract needs binary32 arithmetic as written: no -ffast-math, no part of it, no x87"
#endif
_Static_assert(sizeof 1.0 == sizeof(double), "the numerics contract needs binary64 constants as written");

/* Bytes of scratch that suffice for any kernel on any backend, which gemm.h checks at compile time. */
#define BP_SCRATCH_BYTES (2560 * 1024)

/* The widest panel of any backend: packed matrices are padded to it. */
#define SCRATCH_SLACK 64

/* Bytes of scratch that suffice for a product of these sizes on any backend: A, B and C, padded, or A^T C. */
static inline size_t product_scratch_bytes(size_t rows, size_t columns, size_t depth) {
    const size_t large = BP_SCRATCH_BYTES / sizeof(float);
    if (rows >= large || columns >= large || depth >= large)
        return BP_SCRATCH_BYTES;
    const uint64_t padded = (uint64_t)columns + SCRATCH_SLACK;
    const uint64_t floats =
        (depth + SCRATCH_SLACK) * padded + rows * ((uint64_t)depth + SCRATCH_SLACK) + rows * padded + 2 * SCRATCH_SLACK;
    return floats < large ? (size_t)floats * sizeof(float) : BP_SCRATCH_BYTES;
}

/* Rows of a matrix that lie whole pages apart share few sets of the cache. */
#define FLOATS_PER_PAGE 1024

/* Results of a product whose left operand is never packed, since too few columns would share the copy. */
#define UNPACKED_COLUMNS 8

/*
 * Bytes of scratch that suffice for any dense function on row-major matrices of these sizes, on any backend: a block of
 * one operand, one of the other, and sums, whichever of the three products they belong to. Sizes of zero are allowed.
 */
static inline size_t dense_scratch_bytes(size_t batch, size_t in, size_t out) {
    const size_t large = BP_SCRATCH_BYTES / sizeof(float), all = batch | in | out;
    if (batch >= large || in >= large || out >= large)
        return BP_SCRATCH_BYTES;
    const uint64_t b = (uint64_t)batch + SCRATCH_SLACK, i = (uint64_t)in + SCRATCH_SLACK,
                   o = (uint64_t)out + SCRATCH_SLACK;
    const uint64_t forward = (in + (uint64_t)batch) * o, delta = (out + (uint64_t)batch) * i,
                   transposed = (out + (uint64_t)in) * b;
    uint64_t floats = forward > delta ? forward : delta;
    floats = floats > transposed ? floats : transposed;
    if (all > UNPACKED_COLUMNS)
        floats += b > i ? (o > i ? b * o : b * i) : (b > o ? b * i : i * o);
    floats = (floats / SCRATCH_SLACK + 3) * SCRATCH_SLACK; /* whole units of BP_ALIGNMENT */
    return floats < large ? (size_t)floats * sizeof(float) : BP_SCRATCH_BYTES;
}

/* The panel width of a backend that has one panel for any number of columns. */
#define WHOLE_ROWS (SIZE_MAX / 4 + 1)

/*
 * A packed matrix: element (r, c) = data[c / width * panel_stride + r * row_stride + c % width], where width is the
 * backend's panel width. Tiles read and write a panel contiguously, so a network stores its weights, activations and
 * deltas packed. A row-major matrix has panel_stride = width.
 */
typedef struct bp_packed {
    float *data;
    size_t row_stride, panel_stride;
} bp_packed;

/* The strides of a packed matrix, and its panel count. */
typedef struct packed_shape {
    size_t row_stride, panel_stride, panel_count;
} packed_shape;

/* A packed matrix of rows x columns. If one panel holds whole rows, each begins on a cache line. */
static inline packed_shape packed_shape_of(size_t width, size_t rows, size_t columns) {
    if (width == WHOLE_ROWS)
        return (packed_shape){(columns + 15) / 16 * 16, 0, 1};
    return (packed_shape){width, rows * width, (columns + width - 1) / width};
}

/* Elements of a single row, padded. */
static inline size_t packed_row_floats(size_t width, size_t columns) {
    const packed_shape shape = packed_shape_of(width, 1, columns);
    return shape.panel_count * shape.row_stride;
}

/* The part of a matrix that begins at row r and column c. c begins a panel where the part is read by vectors. */
static inline bp_packed bp_packed_part(bp_packed m, size_t width, size_t r, size_t c) {
    if (c > 0) /* a division */
        m.data += c / width * m.panel_stride + c % width;
    m.data += r * m.row_stride;
    return m;
}

/*
 * What becomes of a slice's gradient. Sums are those over the slices of a batch; without earlier slices and with an
 * update they are unused, and may be null.
 */
typedef struct gradient_use {
    bool continues;                /* it is added to the sums of earlier slices */
    const bp_coefficients *update; /* the parameters are updated by it; null: it is stored in the sums */
} gradient_use;

/* A layer backward: the deltas of the layer before it, and the gradient of its weights. */
typedef struct bp_backward {
    size_t batch, in, out;
    const bp_packed *previous, *delta, *w, *saved; /* saved: the previous layer's, for `derivative` */
    bp_derivative derivative;
    const bp_packed *sums, *x;
} bp_backward;

/* A layer of a small network: outputs, and the previous layer's unless it is the first, fit one panel. */
typedef struct bp_small_layer {
    size_t in, out;
    float *weights;   /* [in x out] in one panel */
    float *weights_t; /* W^T [out x in] in one panel; null in the first layer */
    float *biases;    /* [out] */
    float *outputs;   /* [rows x out] in one panel */
    float *deltas;    /* the same */
    float *saved;     /* for `derivative`; may be outputs */
    bp_activation activation;
    bp_derivative derivative;
} bp_small_layer;

/* A step of a small network. */
typedef struct bp_small_step {
    const bp_small_layer *layers;
    size_t count;
    const bp_batch *batch; /* strides filled in; at most BP_ROW_BLOCK rows */
    bp_loss_kind loss;     /* squared error or softmax cross-entropy, without weights or smoothing; else LOSS_COUNT */
    /* For LOSS_COUNT: writes the last layer's deltas if the step trains, and row_loss if it is not null. */
    void (*other_loss)(void *context);
    void *context;
    float *row_loss; /* null if not wanted */
    float scale;
    const bp_coefficients *update; /* null: forward and loss only */
    bool *weights_t_current;       /* whether every weights_t equals its weights */
} bp_small_step;

/*
 * A backend: the public kernels, and the same products on packed matrices for the network. Packed matrices are padded
 * to the panel width: kernels may read and write the padding up to the next whole vector. Sizes are not zero. Every
 * slice but the last is a whole number of row blocks.
 */
typedef struct bp_backend {
    bp_kernels kernels;
    size_t panel_width; /* columns of a panel */
    size_t column_unit; /* workers share the columns of a single panel in multiples of it */
    bool in_place;      /* products read row-major matrices of many rows as fast as packed ones */
    void (*pack)(bp_packed to, const float *from, size_t ld, size_t rows, size_t columns);
    void (*unpack)(float *to, size_t ld, bp_packed from, size_t rows, size_t columns);
    /* `derivatives` receives f' if derivative_of(activation) is DERIVATIVE_SAVED; data may be null. */
    void (*forward)(const bp_packed *a, const bp_packed *derivatives, const bp_packed *x, const bp_packed *w,
                    const float *bias, size_t batch, size_t in, size_t out, bp_activation activation, void *scratch);
    void (*delta)(const bp_packed *previous, const bp_packed *delta, const bp_packed *w,
                  const bp_packed *previous_saved, size_t batch, size_t in, size_t out, bp_derivative derivative,
                  void *scratch);
    /* delta *= derivatives */
    void (*multiply)(bp_packed delta, bp_packed derivatives, size_t rows, size_t columns);
    /* The gradient of weights w, X^T delta. */
    void (*gradient)(const gradient_use *use, const bp_packed *w, const bp_packed *sums, const bp_packed *x,
                     const bp_packed *delta, size_t batch, size_t in, size_t out, void *scratch);
    /* `delta`, then `gradient`. An update changes w after the deltas have used it. */
    void (*backward)(const gradient_use *use, const bp_backward *b, void *scratch);
    /* The gradient of biases, the sums of delta's columns. */
    void (*bias_gradient)(const gradient_use *use, float *biases, float *sums, const bp_packed *delta, size_t batch,
                          size_t out);
    /*
     * The sum of the gradients of `count` row blocks, `stride` elements apart, in ascending order. All arrays are
     * contiguous, parameters_count elements, in whole vectors.
     */
    void (*add_blocks)(const gradient_use *use, parameter_role role, float *parameters, float *sums,
                       const float *blocks, size_t stride, size_t count, size_t parameters_count);
    /* Forward, loss and update of a small network in one call; may be null. */
    void (*small_step)(const bp_small_step *step);
    /* The optimizer's step on contiguous parameters of one role, a part of coefficients->arrays. */
    void (*apply)(const bp_coefficients *coefficients, parameter_role role, float *parameters, const float *gradient,
                  size_t count);
    /* to[k] = fma(weight, from[k], rest * to[k]) */
    void (*interpolate)(float *to, const float *from, float weight, float rest, size_t count);
    /* squares[j] = the sum of squares of column j: c = +0; for i ascending: c = fma(g, g, c); then the bias's g. */
    void (*squares)(float *squares, bp_packed gradient, const float *bias_gradient, size_t in, size_t out);
    /* small_step on narrower vectors, for networks whose layers have at most `narrow` outputs; 0: there is none. */
    size_t narrow;
    void (*narrow_small_step)(const bp_small_step *step);
    /* a = f(a), for layers with layer normalization; `derivatives` as in forward. */
    void (*activate)(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation);
    /*
     * bp_dropout_derivative into `derivatives`, which hold f' already if derivative_of(activation) is DERIVATIVE_SAVED,
     * and bp_dropout in place.
     */
    void (*dropout)(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation,
                    const bp_dropout_mask *mask);
    /* bp_layer_norm_forward in place; normalized.data and `rstd` may be null. */
    void (*normalize)(bp_packed a, bp_packed normalized, float *rstd, const float *gamma, const float *beta,
                      size_t rows, size_t columns);
    /* bp_layer_norm_backward */
    void (*normalize_delta)(bp_packed previous, bp_packed delta, bp_packed normalized, const float *rstd,
                            const float *gamma, size_t rows, size_t columns);
    /* bp_layer_norm_gradient. An update must be plain. */
    void (*norm_gradient)(const gradient_use *use, float *gamma, float *beta, float *gamma_sums, float *beta_sums,
                          bp_packed delta, bp_packed normalized, size_t rows, size_t columns);
} bp_backend;

extern const bp_backend bp_backend_scalar;     /* baseline instructions; on x86-64 without fma */
extern const bp_backend bp_backend_scalar_fma; /* x86-64 with FMA */
extern const bp_backend bp_backend_avx2;
extern const bp_backend bp_backend_avx512;
extern const bp_backend bp_backend_neon;

#endif
