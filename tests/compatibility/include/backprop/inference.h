/*
 * Inference on a constant network: many threads may evaluate one network at the same time, each with a workspace.
 *
 *   const size_t bytes = bp_network_workspace_bytes(network, rows);
 *   void *workspace = aligned_alloc(BP_ALIGNMENT, bytes);        // one for each thread
 *   bp_network_infer(network, &batch, outputs, 0, workspace, bytes);
 *
 * While any thread evaluates a network so, no thread may change it: train it, set its parameters, or call a function
 * that takes it without const, bp_network_forward included.
 */
#ifndef BACKPROP_INFERENCE_H
#define BACKPROP_INFERENCE_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** More rows than these are evaluated in pieces of so many, and need no larger workspace. */
#define BP_WORKSPACE_ROWS 256

/**
 * Bytes of workspace for bp_network_infer with batches of up to `rows` rows, a multiple of BP_ALIGNMENT. It grows with
 * `rows` up to BP_WORKSPACE_ROWS and stays the same from there. 0 for null or no rows; SIZE_MAX if it exceeds the
 * address range.
 */
BP_API size_t bp_network_workspace_bytes(const bp_network *network, size_t rows);

/**
 * Forward pass with the bits of bp_network_forward: outputs [rows x sizes[layers]] with `output_stride` elements
 * between rows (0: packed). Only rows and inputs of `batch` are used. Any number of rows is allowed, more than
 * max_batch_size too. While the moving average is swapped in (update.h), outputs are those of the average.
 *
 * The network is only read. The call runs on the calling thread, allocates nothing and takes no lock.
 *
 * `workspace` is aligned to BP_ALIGNMENT and has `workspace_bytes` bytes, at least bp_network_workspace_bytes(network,
 * batch->rows). What it holds before and after the call has no meaning: one workspace serves any networks in any
 * order, one call at a time. Arrays must not overlap each other, the workspace, or the network's memory.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE (no rows, a stride below its row, a workspace that is too small), BP_ERROR_OVERFLOW,
 * BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT: then nothing is written.
 */
BP_API bp_status bp_network_infer(const bp_network *network, const bp_batch *batch, float *outputs,
                                  size_t output_stride, void *workspace, size_t workspace_bytes);

BP_END_DECLS

#endif
