/*
 * The tensors of a network: one list of all numbers that training reads and writes, with names and shapes. One function
 * reads a tensor, another one writes it.
 *
 * | role      | listed                                        | name of a Linear's weight           |
 * |-----------|-----------------------------------------------|-------------------------------------|
 * | parameter | always                                        | 0.weight                            |
 * | gradient  | if the network was made with config.gradients | gradient.0.weight                   |
 * | state     | one array for each bp_optimizer_state_name    | momentum.0.weight, squares.0.weight |
 * | EMA       | if the optimizer has an EMA (ema_decay)       | ema.0.weight                        |
 *
 * Order of the list: by role, in the order of this table (state: array by array); within a role, by layer; within a
 * layer, weight and bias, then gamma and beta if the layer is normalized. The list depends on the configuration only.
 * An index stays valid for the life of a network, and is the same in every network of the same configuration.
 *
 * Names are unique. They number the modules from 0, as PyTorch's nn.Sequential does: for each layer a Linear, then a
 * LayerNorm, an activation (none for the identity) and a Dropout, if the layer has them. m is the module's number; the
 * prefix of the role, as above, precedes it:
 *
 * | part   | name     | shape                                                       |
 * |--------|----------|-------------------------------------------------------------|
 * | weight | m.weight | [in, out]: element (i, j) is w_ij, from input i to neuron j |
 * | bias   | m.bias   | [out]                                                       |
 * | gamma  | m.weight | [out], of a LayerNorm                                       |
 * | beta   | m.bias   | [out], of a LayerNorm                                       |
 *
 * The weight of PyTorch's nn.Linear is the transpose, [out, in]. The strides {1, in} read and write it. A network
 * stores weights in a private layout, so there are no pointers to them.
 */
#ifndef BACKPROP_TENSOR_H
#define BACKPROP_TENSOR_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Role of a tensor in training. */
typedef enum bp_tensor_role {
    BP_TENSOR_ROLE_PARAMETER = 0,
    BP_TENSOR_ROLE_GRADIENT, /* gradient of the loss: stored (backward.h) or accumulated (update.h) */
    BP_TENSOR_ROLE_STATE,    /* state of the optimizer */
    BP_TENSOR_ROLE_EMA,      /* exponential moving average of the parameter */
} bp_tensor_role;

/** The layer's parameter that a tensor is, or to which it belongs. */
typedef enum bp_tensor_part {
    BP_TENSOR_PART_WEIGHT = 0,
    BP_TENSOR_PART_BIAS,
    BP_TENSOR_PART_GAMMA, /* of layer normalization */
    BP_TENSOR_PART_BETA,
} bp_tensor_part;

/** Description of a tensor. */
typedef struct bp_tensor_info {
    char name[64];
    bp_tensor_role role;
    bp_tensor_part part;
    size_t layer;      /* counted from 0 at the inputs */
    size_t state;      /* for BP_TENSOR_ROLE_STATE the array's index, as in bp_optimizer_state_name; otherwise 0 */
    size_t dimensions; /* 2 for a weight, otherwise 1 */
    size_t shape[2];   /* elements in each dimension; shape[1] is 1 if there is one dimension */
} bp_tensor_info;

/** Number of tensors; 0 for null. */
BP_API size_t bp_network_tensor_count(const bp_network *network);

/**
 * Describes tensor `index`. Errors: BP_ERROR_NULL; BP_ERROR_VALUE if there is no such tensor. On error *info is
 * unchanged.
 */
BP_API bp_status bp_network_tensor_info(const bp_network *network, size_t index, bp_tensor_info *info);

/**
 * Finds the index of the tensor of this name. Errors: BP_ERROR_NULL; BP_ERROR_VALUE if there is no such tensor. On
 * error *index is unchanged.
 */
BP_API bp_status bp_network_tensor_find(const bp_network *network, const char *name, size_t *index);

/**
 * Copies a tensor to the caller's array:
 *
 *   2 dimensions: element (i, j) to values[i * strides[0] + j * strides[1]]
 *   1 dimension:  element i to values[i * strides[0]]
 *
 * Strides are in elements, one for each dimension. Null strides mean packed, row-major. Strides may have any order if
 * no two elements coincide: {1, in} gives the transpose of a weight, packed [out, in]. The stride of a dimension with
 * one element is ignored. Nothing is written between the elements.
 *
 * While the EMA is swapped in (bp_network_swap_ema), the parameter tensors hold the EMA, and the EMA tensors hold the
 * parameters.
 *
 * A gradient exists after bp_network_backward with BP_GRADIENT_MODE_STORE and after bp_network_accumulate. It exists
 * until bp_network_update uses it or a call discards it: bp_network_discard, a training step, and those in the table of
 * update.h. The gradient of a layer that was frozen is +0.
 *
 * Several threads may read one network at the same time.
 *
 * | error              | cause                                             |
 * |--------------------|---------------------------------------------------|
 * | BP_ERROR_NULL      | network or values                                 |
 * | BP_ERROR_VALUE     | no such tensor, or a gradient that does not exist |
 * | BP_ERROR_SIZE      | strides with which elements coincide, such as 0   |
 * | BP_ERROR_OVERFLOW  | the array does not fit into the address range     |
 * | BP_ERROR_ALIGNMENT | `values` is not aligned to 4 bytes                |
 * | BP_ERROR_OVERLAP   | `values` overlaps the network's memory            |
 *
 * On error nothing is copied.
 */
BP_API bp_status bp_network_tensor_read(const bp_network *network, size_t index, float *values, const size_t *strides);

/**
 * Copies the caller's values, of any bits, into a tensor, with strides as in bp_network_tensor_read. Call it between
 * other calls on the network.
 *
 * - A parameter: sets it, and its EMA to the same values. Stored and accumulated gradients are discarded. If the EMA is
 *   swapped in, it is swapped back first.
 * - A state array or an EMA: sets this tensor only. Gradients, and an EMA that is swapped in, as above.
 * - A gradient: sets this tensor only, and discards nothing. The gradient must exist.
 *
 * To restore a whole state, write the EMAs after the parameters, in the order of the list. To clip a gradient, or to
 * sum it over processes, write it after bp_network_backward or bp_network_accumulate and before bp_network_update.
 *
 * Errors: those of bp_network_tensor_read. On error nothing is changed.
 */
BP_API bp_status bp_network_tensor_write(bp_network *network, size_t index, const float *values, const size_t *strides);

BP_END_DECLS

#endif
