/* Initial weights. */
#include "network/initialize.h"

#include <math.h>
#include <string.h>

#include "activation_kinds.h"
#include "check/arguments.h"
#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "initializer.h"
#include "network/parameters.h"

/* Of layers without one of the caller's; Xavier's for all others. */
static const bp_initializer_kind usual[ACTIVATION_COUNT] = {
    [BP_ACTIVATION_RELU] = BP_INITIALIZER_HE_UNIFORM,      [BP_ACTIVATION_LEAKY_RELU] = BP_INITIALIZER_HE_UNIFORM,
    [BP_ACTIVATION_RELU6] = BP_INITIALIZER_HE_UNIFORM,     [BP_ACTIVATION_ELU] = BP_INITIALIZER_HE_UNIFORM,
    [BP_ACTIVATION_SELU] = BP_INITIALIZER_LECUN_UNIFORM,   [BP_ACTIVATION_HARD_SWISH] = BP_INITIALIZER_HE_UNIFORM,
    [BP_ACTIVATION_SILU] = BP_INITIALIZER_HE_UNIFORM,      [BP_ACTIVATION_GELU] = BP_INITIALIZER_HE_UNIFORM,
    [BP_ACTIVATION_GELU_TANH] = BP_INITIALIZER_HE_UNIFORM, [BP_ACTIVATION_MISH] = BP_INITIALIZER_HE_UNIFORM,
    [BP_ACTIVATION_SINE] = BP_INITIALIZER_HE_UNIFORM,
};
_Static_assert(BP_INITIALIZER_XAVIER_UNIFORM == 0, "what a table leaves out");

static bp_initializer default_initializer(const dense_layer *k) {
    const bool sine = k->activation.kind == BP_ACTIVATION_SINE;
    return (bp_initializer){usual[k->activation.kind], sine ? 1.0f / fabsf(parameter_or_one(k->activation)) : 1.0f};
}

void bp_initialize_layers(bp_network *network, const bp_initializer *initializers, uint64_t seed) {
    for (size_t l = 0; l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        const bp_initializer initializer = initializers ? initializers[l] : default_initializer(k);
        bp_initialize_packed(k->weights, network->backend->panel_width, k->in, k->out, initializer, seed, l);
        memset(k->biases, 0, k->out * sizeof(float));
        for (size_t j = 0; k->normalized && j < k->out; j++) {
            k->gamma[j] = 1.0f;
            k->beta[j] = 0.0f;
        }
    }
    bp_state_reset(network);
}

bp_status bp_network_initialize(bp_network *network, uint64_t seed) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    bp_initialize_layers(network, NULL, seed);
    return BP_OK;
}

bp_status bp_network_initialize_with(bp_network *network, const bp_initializer *initializers, uint64_t seed) {
    CONTRACT_MODE(host);
    if (!network || !initializers)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "initializers" : "network");
    for (size_t l = 0; l < network->plan.layers; l++) {
        const bp_status status = check_initializer(initializers[l]);
        char number[32];
        if (status != BP_OK)
            return (unsigned)initializers[l].kind >= INITIALIZER_COUNT
                       ? bp_fail(status, "initializers[%zu].kind is %d, and must be one of bp_initializer_kind", l,
                                 (int)initializers[l].kind)
                       : bp_fail(status, "initializers[%zu].gain is %s, and must be finite, 0 or more", l,
                                 bp_number_text(number, (double)initializers[l].gain));
    }
    bp_initialize_layers(network, initializers, seed);
    return BP_OK;
}
