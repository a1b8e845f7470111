/*
 * Inference with a constant network. Many threads may evaluate one network at the same time, each with its own
 * workspace.
 *
 *   const size_t bytes = bp_network_workspace_bytes(network, rows);
 *   void *workspace = aligned_alloc(BP_ALIGNMENT, bytes);        // one for each thread
 *   bp_network_infer(network, &batch, outputs, 0, workspace, bytes);
 *
 * During these calls no thread may change the network. Changes are training, writing its tensors, and every function
 * that takes the network without const, including bp_network_forward.
 */
#ifndef BACKPROP_INFERENCE_H
#define BACKPROP_INFERENCE_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Largest number of rows that are evaluated at once. Larger batches are split and need no larger workspace. */
#define BP_WORKSPACE_ROWS 256

/**
 * Bytes of workspace that bp_network_infer needs for batches of up to `rows` rows, a multiple of BP_ALIGNMENT. The size
 * grows with `rows` up to BP_WORKSPACE_ROWS and is constant from there. It is 0 for null or no rows, and SIZE_MAX if it
 * exceeds the address range.
 */
BP_API size_t bp_network_workspace_bytes(const bp_network *network, size_t rows);

/**
 * Forward pass, with the same bits as bp_network_forward: outputs [rows x sizes[layers]], with `output_stride` elements
 * between rows (0: packed). The call uses batch->rows and batch->inputs only. The number of rows may exceed
 * max_batch_size. While the EMA is swapped in (update.h), the outputs are those of the EMA.
 *
 * The network is only read. The call runs on the calling thread, allocates nothing and takes no lock.
 *
 * `workspace` is aligned to BP_ALIGNMENT. It has `workspace_bytes` bytes, at least bp_network_workspace_bytes(network,
 * batch->rows). Its content has no meaning before and after the call. One workspace serves any networks in any order,
 * one call at a time. Arrays must not overlap each other, the workspace, or the network's memory.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_SIZE for zero rows, a stride below its columns, and a workspace that is too small;
 * BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT. On error nothing is written.
 */
BP_API bp_status bp_network_infer(const bp_network *network, const bp_batch *batch, float *outputs,
                                  size_t output_stride, void *workspace, size_t workspace_bytes);

BP_END_DECLS

#endif
