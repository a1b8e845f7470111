/*
 * Data for training: views of the caller's arrays, splits, shuffled mini-batches, scaled columns.
 *
 * No function copies a data set. A split is a list of row numbers. A mini-batch is gathered into one buffer of its own
 * size, which is allocated once.
 *
 * Epoch e of a training visits the rows in the order of bp_random_permutation(order, rows, seed, 2^32 + e). The order
 * depends only on the seed and the epoch, so a training can resume at any epoch as if it had not been interrupted.
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
 * A view of the caller's arrays. They must stay valid as long as the view is used. Optional arrays may be null. The
 * entries of `index` must be row numbers of the arrays; this is not checked, because a view does not have the arrays'
 * length.
 */
typedef struct bp_dataset {
    size_t rows;
    const float *inputs;    /* [rows x input_columns] */
    size_t input_columns;   /* at least 1 */
    size_t input_stride;    /* elements from one row to the next; 0: packed */
    const float *targets;   /* [rows x target_columns], or null */
    size_t target_columns;  /* at least 1 if there are targets */
    size_t target_stride;   /* elements from one row to the next; 0: packed */
    const uint32_t *labels; /* [rows], or null */
    const float *weights;   /* weights of the rows in the loss: [rows], or null */
    const uint32_t *index;  /* [rows], or null; row n of the data set is row index[n] of the arrays */
} bp_dataset;

/**
 * Splits a data set at random. `index` [rows] becomes bp_random_permutation(index, rows, seed, 2^33), mapped through
 * the data set's own index if it has one. `first` is a view of the first first_rows of these rows, `second` of the
 * others. `index` must stay valid as long as the views are used. `first` or `second` may be `dataset` itself.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_SIZE if first_rows is 0 or leaves no row for `second`, and for more than 2^32 rows;
 * BP_ERROR_OVERFLOW; BP_ERROR_ALIGNMENT; BP_ERROR_OVERLAP if `index` overlaps the data set's arrays. On error nothing
 * is written.
 */
BP_API bp_status bp_dataset_split(const bp_dataset *dataset, size_t first_rows, uint64_t seed, uint32_t *index,
                                  bp_dataset *first, bp_dataset *second);

/* ---- Mini-batches --------------------------------------------------------------------------------------------- */

/** An iterator over the batches of a data set. */
typedef struct bp_batches bp_batches;

/**
 * Makes an iterator over batches of `batch` rows; the last batch has the rows that remain. It starts at row 0, in the
 * rows' own order. The call allocates all memory in one block: a row number for each row, and room for one batch. A
 * null `allocator` is malloc and free.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_SIZE for a zero, a stride below its columns, and more than 2^32 rows;
 * BP_ERROR_OVERFLOW; BP_ERROR_ALIGNMENT; BP_ERROR_VALUE for an allocator without one of its functions; BP_ERROR_MEMORY.
 * On error *batches is set to null.
 */
BP_API bp_status bp_batches_create(const bp_dataset *dataset, size_t batch, const bp_allocator *allocator,
                                   bp_batches **batches);

/** Destroys an iterator and frees its memory. Null is allowed. */
BP_API void bp_batches_destroy(bp_batches *batches);

/** Starts again, in the rows' own order. Errors: BP_ERROR_NULL. */
BP_API bp_status bp_batches_restart(bp_batches *batches);

/** Starts again, in the shuffled order of an epoch, counted from 0. Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an epoch
 *  of 2^32 or more. */
BP_API bp_status bp_batches_shuffle(bp_batches *batches, uint64_t seed, uint64_t epoch);

/**
 * Gets the next batch. It is valid until the next call. In the rows' own order and without an index, it points into the
 * data set's arrays; otherwise it is a copy of the rows.
 *
 * Returns false after the last batch, and if `batches` or `batch` is null. *batch is then unchanged.
 */
BP_API bool bp_batches_next(bp_batches *batches, bp_batch *batch);

/**
 * Row numbers of the last batch in the data set's arrays, for other data that belong to the same rows. Null before the
 * first batch, and for null. They are valid until the iterator starts again.
 */
BP_API const uint32_t *bp_batches_rows(const bp_batches *batches);

/** Number of batches of an epoch; 0 for null. */
BP_API size_t bp_batches_count(const bp_batches *batches);

/* ---- Scaled columns ------------------------------------------------------------------------------------------- */

typedef enum bp_scaling_kind {
    BP_SCALING_STANDARD = 0, /* to mean 0 and standard deviation 1 */
    BP_SCALING_MINMAX,       /* to the range from 0 to 1 */
} bp_scaling_kind;

/**
 * Computes shift[j] and scale[j] for each column of x [rows x columns]. If `index` is not null, only the rows
 * index[0] .. index[rows - 1] count. `stride` is in elements from one row to the next; 0: packed. Arithmetic is in
 * binary64; only the results are rounded to binary32. For n ascending:
 *
 *   standard   s = +0; s = s + x[n][j];  mean = s / rows;  v = +0; d = x[n][j] - mean; v = v + d * d
 *              shift = (float)mean;  scale = (float)sqrt(v / rows)
 *   min-max    shift = the smallest x[n][j];  scale = (float)(the largest - the smallest)
 *
 * A scale of 0, as for a column of equal values, becomes 1.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP; BP_ERROR_VALUE for
 * `kind`, for a value that is not finite (bp_error_message names its row and column), and for a scale that is not
 * finite. On error nothing is written.
 */
BP_API bp_status bp_scaling_fit(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index,
                                size_t rows, size_t columns, bp_scaling_kind kind);

/** Treatment of NaN, which stands for a missing number. Infinities are always errors. */
typedef enum bp_scaling_nan {
    BP_SCALING_NAN_ERROR = 0, /* a NaN is BP_ERROR_VALUE */
    BP_SCALING_NAN_IGNORE /* NaNs are ignored, and `rows` in the formulas is the number of the other values. A column
                             of NaNs gets shift 0 and scale 1 */
} bp_scaling_nan;

/** bp_scaling_fit for columns with missing numbers. impute.h can replace them. */
BP_API bp_status bp_scaling_fit_nan(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index,
                                    size_t rows, size_t columns, bp_scaling_kind kind, bp_scaling_nan nan);

/**
 * bp_scaling_fit_nan for doubles. The results are not rounded to binary32. This is for numbers that have the same
 * nearest binary32, such as times near 1700000060. For `standard`, the sum is of differences from r, the column's first
 * number that is not NaN:
 *
 *   standard   s = +0; s = s + (x[n][j] - r);  mean = r + s / rows;  shift = mean;  scale = sqrt(v / rows), v as above
 *
 * bp_csv_doubles (csv.h) reads such columns. To read a file to binary32 directly, use shift as the offset of a
 * bp_shift_scale and 1 / scale as its factor. The results differ from those of bp_scaling_apply_double in the last
 * bits.
 */
BP_API bp_status bp_scaling_fit_double(double *shift, double *scale, const double *x, size_t stride,
                                       const uint32_t *index, size_t rows, size_t columns, bp_scaling_kind kind,
                                       bp_scaling_nan nan);

/**
 * y[n][j] = (x[n][j] - shift[j]) / scale[j], in binary32. A NaN gives a NaN. Strides are in elements from one row to
 * the next; 0: packed. `y` may be `x` itself, with the same stride.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP. On error nothing is
 * written.
 */
BP_API bp_status bp_scaling_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *shift,
                                  const float *scale, size_t rows, size_t columns);

/** The inverse: x[n][j] = fma(y[n][j], scale[j], shift[j]), in binary32. Otherwise as bp_scaling_apply. */
BP_API bp_status bp_scaling_invert(float *x, size_t x_stride, const float *y, size_t y_stride, const float *shift,
                                   const float *scale, size_t rows, size_t columns);

/**
 * y[n][j] = (float)((x[n][j] - shift[j]) / scale[j]), in binary64 before the cast. `y` must not be `x`. Otherwise as
 * bp_scaling_apply.
 */
BP_API bp_status bp_scaling_apply_double(float *y, size_t y_stride, const double *x, size_t x_stride,
                                         const double *shift, const double *scale, size_t rows, size_t columns);

/** The inverse: x[n][j] = fma(y[n][j], scale[j], shift[j]), in binary64. Otherwise as bp_scaling_apply_double. */
BP_API bp_status bp_scaling_invert_double(double *x, size_t x_stride, const float *y, size_t y_stride,
                                          const double *shift, const double *scale, size_t rows, size_t columns);

BP_END_DECLS

#endif
