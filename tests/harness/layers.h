/*
 * A layer's tensors in one call: weights and biases, or gamma and beta, of the parameters or of what belongs to them.
 * An array that is null is left out; the first refusal is returned, and what came before it is done.
 */
#ifndef BACKPROP_TESTS_LAYERS_H
#define BACKPROP_TESTS_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/network.h>
#include <backprop/tensor.h>

/** Of which tensors: OF_STATE + k is array k of the optimizer's state, and after those the average. */
enum { OF_PARAMETERS = 0, OF_STATE = 1, OF_GRADIENT = 99 };

/** Arrays of state, the average included. */
static inline size_t layer_states(const bp_network *network) {
    size_t count = 0;
    bp_tensor_info info;
    for (size_t k = 0; bp_network_tensor_info(network, k, &info) == BP_OK; k++)
        if (info.layer == 0 && info.part == BP_TENSOR_PART_BIAS)
            count += info.role == BP_TENSOR_ROLE_STATE || info.role == BP_TENSOR_ROLE_EMA;
    return count;
}

/** The index of a layer's tensor; SIZE_MAX if there is none. */
static inline size_t layer_tensor(const bp_network *network, size_t of, size_t layer, bp_tensor_part part) {
    size_t state = 0;
    bp_tensor_info info;
    for (size_t k = 0; bp_network_tensor_info(network, k, &info) == BP_OK; k++) {
        if (info.layer != layer || info.part != part)
            continue;
        const int is_state = info.role == BP_TENSOR_ROLE_STATE || info.role == BP_TENSOR_ROLE_EMA;
        const size_t is = info.role == BP_TENSOR_ROLE_PARAMETER ? (size_t)OF_PARAMETERS
                          : is_state                            ? (size_t)OF_STATE + state
                                                                : (size_t)OF_GRADIENT;
        if (is == of)
            return k;
        state += is_state != 0;
    }
    return SIZE_MAX;
}

/** Element (i, j) of the weights at weights[i * stride + j]; stride 0: packed. */
static inline bp_status layer_read(const bp_network *network, size_t of, size_t layer, float *weights, size_t stride,
                                   float *biases) {
    const size_t strides[] = {stride, 1};
    bp_status status = BP_OK;
    if (weights)
        status = bp_network_tensor_read(network, layer_tensor(network, of, layer, BP_TENSOR_PART_WEIGHT), weights,
                                        stride ? strides : NULL);
    if (biases && status == BP_OK)
        status = bp_network_tensor_read(network, layer_tensor(network, of, layer, BP_TENSOR_PART_BIAS), biases, NULL);
    return status;
}

static inline bp_status layer_write(bp_network *network, size_t of, size_t layer, const float *weights, size_t stride,
                                    const float *biases) {
    const size_t strides[] = {stride, 1};
    bp_status status = BP_OK;
    if (weights)
        status = bp_network_tensor_write(network, layer_tensor(network, of, layer, BP_TENSOR_PART_WEIGHT), weights,
                                         stride ? strides : NULL);
    if (biases && status == BP_OK)
        status = bp_network_tensor_write(network, layer_tensor(network, of, layer, BP_TENSOR_PART_BIAS), biases, NULL);
    return status;
}

/** The same for gamma and beta of a layer's normalization. */
static inline bp_status norm_read(const bp_network *network, size_t of, size_t layer, float *gamma, float *beta) {
    bp_status status = BP_OK;
    if (gamma)
        status = bp_network_tensor_read(network, layer_tensor(network, of, layer, BP_TENSOR_PART_GAMMA), gamma, NULL);
    if (beta && status == BP_OK)
        status = bp_network_tensor_read(network, layer_tensor(network, of, layer, BP_TENSOR_PART_BETA), beta, NULL);
    return status;
}

static inline bp_status norm_write(bp_network *network, size_t of, size_t layer, const float *gamma,
                                   const float *beta) {
    bp_status status = BP_OK;
    if (gamma)
        status = bp_network_tensor_write(network, layer_tensor(network, of, layer, BP_TENSOR_PART_GAMMA), gamma, NULL);
    if (beta && status == BP_OK)
        status = bp_network_tensor_write(network, layer_tensor(network, of, layer, BP_TENSOR_PART_BETA), beta, NULL);
    return status;
}

#endif
