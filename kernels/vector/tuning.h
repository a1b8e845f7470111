/*
 * Tuning constants that are the same for every instruction set, and what follows from those of one. The tuning.h of
 * each instruction set defines its own constants and then includes this file. docs/tuning.md tells what was measured.
 *
 * May know: the vector operations, whose VEC_LANES it uses. Nothing else depends on the processor.
 */
#ifndef BP_VECTOR_TUNING_H
#define BP_VECTOR_TUNING_H

/* The tests' own builds: blocks so small that small matrices cross every border between them. */
#ifdef BP_SMALL_BLOCKS
#include "vector/small_blocks.h"
#endif

/* ---- The tile --------------------------------------------------------------------------------------------------- */

/* The tallest tile of any width. */
#define TILE_ROWS_MAX 12

/* ---- Packing ---------------------------------------------------------------------------------------------------- */

/* A row-major matrix is packed if its rows lie further apart than this and enough results share the copy. */
#define PACK_STRIDE_MIN 128
#define PACK_ROWS_MIN (2 * MR)
#define PACK_COLUMNS_MIN 256

/*
 * Rows packed at a time. Rows lie pages apart and share few sets of the first-level cache, which must still hold a line
 * of each row when the next panel needs the rest of it.
 */
#define PACK_STEP 8

/* ---- Prefetching ------------------------------------------------------------------------------------------------ */

/* A matrix of fewer elements stays in the second-level cache by itself. */
#define PREFETCH_MIN ((size_t)256 * 1024)

/* An epilogue's operands are prefetched so many rows ahead. */
#define EPILOGUE_LEAD (2 * MR)

/* ---- Deltas ----------------------------------------------------------------------------------------------------- */

/* Rows of W in a block of the transposed delta: few, since the first block is not prefetched. */
#define TRANSPOSED_ROWS 48

/* Transposing an element takes as long as multiplying it by this many rows. */
#define TRANSPOSE_ROWS 6

/* ---- Gradients and updates -------------------------------------------------------------------------------------- */

/* Elements of a block of X, which every column of delta reuses: a share of the second-level cache. */
#define UPDATE_BLOCK (KC * MC)

/* Columns of gradients that stay in the first-level cache until the optimizer uses them. */
#define OPTIMIZER_COLUMNS (16 * NR)

/* Vectors of columns that are summed together: enough to hide the latency of an addition. */
#define SUM_CHAINS (64 / VEC_LANES)

/* Vectors per iteration of plain SGD on an array: with fewer, the loop itself takes longer than loads and stores. */
#define SGD_VECS 4

/* ---- A few rows ------------------------------------------------------------------------------------------------- */

/* Chains of a forward pass that run together: so many sums stay in registers. */
#define FORWARD_CHAINS (MR * TILE_VECS)

/* Panel widths of W's rows in a block of a sweep: enough sums to hide the latency of a multiply-add. */
#define SWEEP_PANEL_COUNT (64 / NR)

/* Vectors of deltas that an update keeps in registers. */
#define STRIP_VECS (MR * TILE_VECS * 2 / 3)

/* ---- Small networks --------------------------------------------------------------------------------------------- */

/* Rows whose chains run together: 4, then 2, then 1. Batches of up to this many rows update W^T too. */
#define SMALL_ROWS 4

/* Rows of gradients that stay in the first-level cache until the optimizer uses them. */
#define SMALL_OPTIMIZER_ROWS (1024 / NR)

/* ---- The memory ------------------------------------------------------------------------------------------------- */

#define FLOATS_PER_LINE 16

#endif
