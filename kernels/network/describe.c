/* What a network is: its layers, settings and counts, and the hash of its parameters. */
#include <math.h>
#include <string.h>

#include <backprop/update.h>

#include "failure.h"
#include "float_environment.h"
#include "network/network.h"

bp_status bp_network_layer(const bp_network *network, size_t index, bp_layer *description) {
    if (!network || !description)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "layer" : "network");
    if (index >= network->plan.layers)
        return bp_fail(BP_ERROR_VALUE, "index is %zu, and must be below %zu, the network's layers", index,
                       network->plan.layers);
    const dense_layer *k = &network->layers[index];
    *description = (bp_layer){k->in, k->out, k->activation, k->dropout, k->normalized};
    return BP_OK;
}

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define CANONICAL_NAN 0x7fc00000u

static uint64_t hash_float(uint64_t hash, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        bits = CANONICAL_NAN;
    for (int byte = 0; byte < 4; byte++)
        hash = (hash ^ ((bits >> (8 * byte)) & 0xffu)) * FNV_PRIME;
    return hash;
}

/* w_ij: from input i to neuron j. */
static float weight_at(const bp_network *network, const dense_layer *k, size_t i, size_t j) {
    return *bp_packed_part(k->weights, network->backend->panel_width, i, j).data;
}

uint64_t bp_network_hash(const bp_network *network) {
    if (!network)
        return 0;
    uint64_t hash = FNV_OFFSET;
    for (size_t l = 0; l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        for (size_t i = 0; i < k->in; i++)
            for (size_t j = 0; j < k->out; j++)
                hash = hash_float(hash, weight_at(network, k, i, j));
        for (size_t j = 0; j < k->out; j++)
            hash = hash_float(hash, k->biases[j]);
        for (size_t j = 0; k->normalized && j < k->out; j++)
            hash = hash_float(hash, k->gamma[j]);
        for (size_t j = 0; k->normalized && j < k->out; j++)
            hash = hash_float(hash, k->beta[j]);
    }
    return hash;
}

bp_isa bp_network_isa(const bp_network *network) {
    return network ? network->backend->kernels.isa : BP_ISA_SCALAR;
}

size_t bp_network_threads(const bp_network *network) {
    return network ? network->plan.workers : 0;
}

bp_loss_kind bp_network_loss_kind(const bp_network *network) {
    return network ? network->plan.loss : BP_LOSS_MSE;
}

size_t bp_network_parameters(const bp_network *network) {
    size_t count = 0;
    for (size_t l = 0; network && l < network->plan.layers; l++)
        count += bp_layer_parameters(&network->layers[l]);
    return count;
}

double bp_network_step_flops(const bp_network *network, size_t rows) {
    CONTRACT_MODE(host);
    double products = 0;
    for (size_t l = 0; network && l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        products += (l == 0 ? 2.0 : 3.0) * (double)k->in * (double)k->out;
    }
    const volatile double flops = 2.0 * (double)rows * products;
    return flops;
}

uint64_t bp_network_seed(const bp_network *network) {
    return network ? network->seed : 0;
}

uint64_t bp_network_steps(const bp_network *network) {
    return network ? network->optimizer.steps : 0;
}
