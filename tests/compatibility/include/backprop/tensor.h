/*
 * The tensors of a network: one list of all its numbers that training reads and writes, with names, shapes, one
 * function to read and one to write.
 *
 *   role       listed                                                    name of a Linear's weight
 *   parameter  always                                                    0.weight
 *   gradient   if the network was made with `gradients`                  gradient.0.weight
 *   state      one array for each bp_optimizer_state_name                momentum.0.weight, squares.0.weight
 *   EMA        if the optimizer keeps a moving average (ema_decay)       ema.0.weight
 *
 * All tensors of one role (of state: of one array) follow each other, in the order of this table; in a role layer by
 * layer; in a layer weight, bias, and where it is normalized gamma, beta. No two have the same name. Names number the
 * modules as PyTorch's nn.Sequential does, from 0: for each layer a Linear; then, each only where the layer has it, a
 * LayerNorm, the activation (none for the identity), a Dropout. The list depends on the configuration alone: an index
 * stays valid for the life of a network, and holds for each network of the same configuration.
 *
 * With m the module's number, and before it the role's prefix as above:
 *
 *   part    name      shape
 *   weight  m.weight  [in, out]: element (i, j) is w_ij, from input i to neuron j
 *   bias    m.bias    [out]
 *   gamma   m.weight  [out], of a LayerNorm
 *   beta    m.bias    [out], of a LayerNorm
 *
 * PyTorch's nn.Linear has the transpose, [out, in]: strides {1, in} read and write it so. A network holds its weights
 * in an order of its own, so there are no pointers to them.
 */
#ifndef BACKPROP_TENSOR_H
#define BACKPROP_TENSOR_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** What a tensor is to the training. */
typedef enum bp_tensor_role {
    BP_TENSOR_ROLE_PARAMETER = 0,
    BP_TENSOR_ROLE_GRADIENT, /* of the loss, for the parameter: stored (backward.h) or accumulated (update.h) */
    BP_TENSOR_ROLE_STATE,    /* of the optimizer, for the parameter */
    BP_TENSOR_ROLE_EMA,      /* exponential moving average of the parameter */
} bp_tensor_role;

/** Which of a layer's parameters it is, or belongs to. */
typedef enum bp_tensor_part {
    BP_TENSOR_PART_WEIGHT = 0,
    BP_TENSOR_PART_BIAS,
    BP_TENSOR_PART_GAMMA, /* of layer normalization */
    BP_TENSOR_PART_BETA,
} bp_tensor_part;

/** What a tensor is. */
typedef struct bp_tensor_info {
    char name[64];
    bp_tensor_role role;
    bp_tensor_part part;
    size_t layer;      /* counted from 0 at the inputs */
    size_t state;      /* of BP_TENSOR_ROLE_STATE: which array, as bp_optimizer_state_name counts them; else 0 */
    size_t dimensions; /* 2 of a weight, else 1 */
    size_t shape[2];   /* elements in each dimension; shape[1] is 1 if there is one */
} bp_tensor_info;

/** Number of tensors; 0 for null. */
BP_API size_t bp_network_tensor_count(const bp_network *network);

/** Describes tensor `index`. BP_ERROR_NULL, BP_ERROR_VALUE (no such tensor): then *info is as it was. */
BP_API bp_status bp_network_tensor_info(const bp_network *network, size_t index, bp_tensor_info *info);

/** The index of the tensor of this name. BP_ERROR_NULL, BP_ERROR_VALUE (no such tensor): then *index is as it was. */
BP_API bp_status bp_network_tensor_find(const bp_network *network, const char *name, size_t *index);

/**
 * Copies a tensor out: element (i, j) to values[i * strides[0] + j * strides[1]], element i of one with one dimension
 * to values[i * strides[0]]. Null strides: packed, row-major. Strides are in elements, of each dimension, and in any
 * order, as long as no two elements meet: {1, in} gives the transpose of a weight, [out, in] packed. The stride of a
 * dimension with one element is not used. Nothing is written between the elements.
 *
 * While the moving average is swapped in (bp_network_swap_ema), parameters are those of the average, and the EMA's
 * tensors are the parameters.
 *
 * The gradient is there after bp_network_backward with BP_GRADIENT_MODE_STORE and after bp_network_accumulate, until
 * it is used (bp_network_update) or forgotten (by bp_network_discard, a training step, and what the table in update.h
 * says). Of a layer that was frozen it is +0. Several threads may read one network at the same time.
 *
 * BP_ERROR_NULL; BP_ERROR_VALUE (no such tensor; a gradient where there is none); BP_ERROR_SIZE (strides by which
 * elements meet, such as 0); BP_ERROR_OVERFLOW; BP_ERROR_ALIGNMENT (`values` is not aligned to 4 bytes);
 * BP_ERROR_OVERLAP (`values` lies in the network's own memory). On error nothing is copied.
 */
BP_API bp_status bp_network_tensor_read(const bp_network *network, size_t index, float *values, const size_t *strides);

/**
 * Copies values into a tensor, any bits, with the same strides, between other calls on the network. Errors as for
 * reading; on error nothing is changed.
 *
 *   parameter   is set, and its moving average to the same; a stored gradient is forgotten, and an average that is
 *               swapped in is put back first
 *   state, EMA  is set alone; the gradient and an average that is swapped in as above
 *   gradient    is set alone, and nothing is forgotten: for a program that clips it or sums it over processes between
 *               bp_network_backward or bp_network_accumulate and bp_network_update. There must be one already
 *
 * So of a whole state the averages are written after the parameters, as the order of the list has it.
 */
BP_API bp_status bp_network_tensor_write(bp_network *network, size_t index, const float *values, const size_t *strides);

BP_END_DECLS

#endif
