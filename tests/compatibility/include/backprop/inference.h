#ifndef BACKPROP_INFERENCE_H
#define BACKPROP_INFERENCE_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
#define BP_WORKSPACE_ROWS 256
BP_API size_t bp_network_workspace_bytes(const bp_network *network, size_t rows);
BP_API bp_status bp_network_infer(const bp_network *network, const bp_batch *batch, float *outputs,
                                  size_t output_stride, void *workspace, size_t workspace_bytes);
BP_END_DECLS
#endif
