/*
 * Data for training: views of the caller's arrays, splits, mini-batches in a shuffled order, normalized columns.
 *
 * Nothing here copies a data set. A split is a list of row numbers, and what a mini-batch gathers goes into one buffer
 * of its own size, taken once.
 *
 * Epoch e of a training with some seed visits the rows in the order bp_random_permutation(order, rows, seed, 2^32 + e):
 * a pure function of seed and epoch, so that a training can go on at any epoch as if it had never stopped.
 */
#ifndef BACKPROP_DATA_H
#define BACKPROP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * A view of the caller's arrays, which must stay as long as it is used. Zeroed optional fields are left out.
 * Each entry of `index` must be a row that the arrays have; their length is the caller's to know.
 */
typedef struct bp_dataset {
    size_t rows;
    const float *inputs;    /* [rows x input_columns] */
    size_t input_columns;   /* at least 1 */
    size_t input_stride;    /* elements between rows; 0: packed */
    const float *targets;   /* [rows x target_columns], or null */
    size_t target_columns;  /* at least 1 if there are targets */
    size_t target_stride;   /* elements between rows; 0: packed */
    const uint32_t *labels; /* [rows], or null */
    const float *weights;   /* of the rows in the loss: [rows], or null */
    const uint32_t *index;  /* [rows], or null: row n of the data set is row index[n] of the arrays */
} bp_dataset;

/**
 * Splits a data set at random: `index` [rows] becomes bp_random_permutation(index, rows, seed, 2^33), through the data
 * set's own index if it has one; `first` views its first `first_rows` rows and `second` the rest. `index` must stay as
 * long as they are used. `first` or `second` may be `dataset` itself.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE (first_rows is 0 or leaves nothing to `second`; more than 2^32 rows), BP_ERROR_OVERFLOW,
 * BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP (`index` overlaps the data set's): on error nothing is written.
 */
BP_API bp_status bp_dataset_split(const bp_dataset *dataset, size_t first_rows, uint64_t seed, uint32_t *index,
                                  bp_dataset *first, bp_dataset *second);

/* ---- Mini-batches --------------------------------------------------------------------------------------------- */

/** Walks through a data set in batches. */
typedef struct bp_batches bp_batches;

/**
 * Makes batches of `batch` rows; the last one of a walk has what is left. They begin at row 0, in order.
 * All memory is taken here, in one piece: a row number for each row and room for one batch. `allocator` may be null:
 * malloc and free.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE (a zero, a stride below its columns, more than 2^32 rows), BP_ERROR_OVERFLOW,
 * BP_ERROR_ALIGNMENT, BP_ERROR_VALUE (an allocator that lacks a function), BP_ERROR_MEMORY. On error *batches is null.
 */
BP_API bp_status bp_batches_create(const bp_dataset *dataset, size_t batch, const bp_allocator *allocator,
                                   bp_batches **batches);

/** Frees them; null is allowed. */
BP_API void bp_batches_destroy(bp_batches *batches);

/** Starts over, in the rows' own order. BP_ERROR_NULL. */
BP_API bp_status bp_batches_restart(bp_batches *batches);

/** Starts over, in the shuffled order of an epoch, counted from 0. BP_ERROR_NULL, BP_ERROR_VALUE (epoch >= 2^32). */
BP_API bp_status bp_batches_shuffle(bp_batches *batches, uint64_t seed, uint64_t epoch);

/**
 * The next batch, valid until the next call: in order and without an index it is the arrays themselves, else a copy of
 * the rows. False at the end, for null, and with a null `batch`; *batch is then unchanged.
 */
BP_API bool bp_batches_next(bp_batches *batches, bp_batch *batch);

/** Numbers in the arrays of the rows of the last batch, for data of the caller's own that go with it; null before the
 *  first batch and for null. Valid until the batches start over. */
BP_API const uint32_t *bp_batches_rows(const bp_batches *batches);

/** Batches in one walk; 0 for null. */
BP_API size_t bp_batches_count(const bp_batches *batches);

/* ---- Normalized columns --------------------------------------------------------------------------------------- */

typedef enum bp_scaling_kind {
    BP_SCALING_STANDARD = 0, /* mean 0 and standard deviation 1 */
    BP_SCALING_MINMAX,       /* from 0 to 1 */
} bp_scaling_kind;

/**
 * Finds shift[j] and scale[j] for each column of x [rows x columns]. With an `index` (else null), only the rows
 * index[0] .. index[rows - 1] count. All but the last roundings is binary64, n ascending:
 *
 *   standard   s = +0; s = s + x[n][j];  mean = s / rows;  v = +0; d = x[n][j] - mean; v = v + d * d
 *              shift = (float)mean;  scale = (float)sqrt(v / rows)
 *   min-max    shift = the least x[n][j], scale = (float)(the largest - the least)
 *
 * A scale of 0, which is that of a column of equal values, becomes 1. stride: elements between rows; 0: packed.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP; BP_ERROR_VALUE for `kind`, for
 * a value that is not finite (bp_error_message() names its row and column), and for a scale that is not. On error
 * nothing is written.
 */
BP_API bp_status bp_scaling_fit(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index,
                                size_t rows, size_t columns, bp_scaling_kind kind);

/** What NaN, a missing number, is to a fit. Infinities are errors always. */
typedef enum bp_scaling_nan {
    BP_SCALING_NAN_ERROR = 0, /* BP_ERROR_VALUE */
    BP_SCALING_NAN_IGNORE     /* left out; `rows` above is then the count of the others. A column of NaN alone gets
                                 shift 0 and scale 1 */
} bp_scaling_nan;

/** bp_scaling_fit for columns in which numbers may be missing. See impute.h for what may replace them. */
BP_API bp_status bp_scaling_fit_nan(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index,
                                    size_t rows, size_t columns, bp_scaling_kind kind, bp_scaling_nan nan);

/**
 * bp_scaling_fit_nan for doubles, with results that are not rounded to binary32: for numbers that floats do not tell
 * apart, such as times like 1700000060. Sums run over differences from the column's first number r that is not NaN:
 *
 *   standard   s = +0; s = s + (x[n][j] - r);  mean = r + s / rows;  shift = mean;  scale = sqrt(v / rows), v as above
 *
 * bp_csv_doubles of csv.h reads such columns. To read a file straight to binary32, let shift be the offset of a
 * bp_shift_scale and 1 / scale its factor; the results differ from bp_scaling_apply_double's in the last bits.
 */
BP_API bp_status bp_scaling_fit_double(double *shift, double *scale, const double *x, size_t stride,
                                       const uint32_t *index, size_t rows, size_t columns, bp_scaling_kind kind,
                                       bp_scaling_nan nan);

/**
 * y[n][j] = (x[n][j] - shift[j]) / scale[j], binary32. A NaN gives a NaN.
 *
 * `y` may be `x` itself with the same stride. Strides: elements between rows; 0: packed. BP_ERROR_NULL, BP_ERROR_SIZE,
 * BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP. On error nothing is written.
 */
BP_API bp_status bp_scaling_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *shift,
                                  const float *scale, size_t rows, size_t columns);

/** The inverse: x[n][j] = fma(y[n][j], scale[j], shift[j]), binary32. All else is as for bp_scaling_apply. */
BP_API bp_status bp_scaling_invert(float *x, size_t x_stride, const float *y, size_t y_stride, const float *shift,
                                   const float *scale, size_t rows, size_t columns);

/**
 * y[n][j] = (float)((x[n][j] - shift[j]) / scale[j]), in binary64 up to the cast. `y` must not be `x`; all else is as
 * for bp_scaling_apply.
 */
BP_API bp_status bp_scaling_apply_double(float *y, size_t y_stride, const double *x, size_t x_stride,
                                         const double *shift, const double *scale, size_t rows, size_t columns);

/** The inverse: x[n][j] = fma(y[n][j], scale[j], shift[j]), binary64. All else is as for bp_scaling_apply_double. */
BP_API bp_status bp_scaling_invert_double(double *x, size_t x_stride, const float *y, size_t y_stride,
                                          const double *shift, const double *scale, size_t rows, size_t columns);

BP_END_DECLS

#endif
