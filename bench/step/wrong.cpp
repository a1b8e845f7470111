/* A module of peers with the mistakes that are easily made: test_check.cpp asks that each is refused. */
#include <cmath>
#include <cstdlib>
#include <vector>

#include "backprop.h"

namespace {

/** This library's trainer, and what the mistakes need. */
struct Mistaken {
    void *right;
    size_t layers, batch, steps;
    const peer_layer *initial;
    std::vector<size_t> sizes;
};

void *create_as(const peer_net &net, const peer_layer *initial) {
    void *right = backprop_peer.create(&net, initial, 1);
    return right ? new Mistaken{right, net.layers, net.batch, 0, initial, {net.sizes, net.sizes + net.layers + 1}}
                 : nullptr;
}

void *create(const peer_net *net, const peer_layer *initial, size_t) {
    return create_as(*net, initial);
}

void *create_without_last_row(const peer_net *net, const peer_layer *initial, size_t) {
    peer_net fewer = *net;
    fewer.batch--;
    return create_as(fewer, initial);
}

void *create_linear(const peer_net *net, const peer_layer *initial, size_t) {
    peer_net linear = *net;
    linear.hidden.kind = BP_ACTIVATION_IDENTITY;
    return create_as(linear, initial);
}

void step(void *trainer, const peer_batch *batch, float learning_rate) {
    backprop_peer.step(static_cast<Mistaken *>(trainer)->right, batch, learning_rate);
}

void no_step(void *, const peer_batch *, float) {
}

void first_step_only(void *trainer, const peer_batch *batch, float learning_rate) {
    auto *mistaken = static_cast<Mistaken *>(trainer);
    if (mistaken->steps++ == 0)
        step(trainer, batch, learning_rate);
}

void sum_for_mean(void *trainer, const peer_batch *batch, float learning_rate) {
    step(trainer, batch, learning_rate * static_cast<float>(static_cast<Mistaken *>(trainer)->batch));
}

void crash(void *, const peer_batch *, float) {
    std::abort();
}

void parameters(void *trainer, const peer_layer *layers) {
    backprop_peer.parameters(static_cast<Mistaken *>(trainer)->right, layers);
}

void parameters_with_old_biases(void *trainer, const peer_layer *layers) {
    const auto *mistaken = static_cast<Mistaken *>(trainer);
    parameters(trainer, layers);
    for (size_t l = 0; l < mistaken->layers; l++)
        for (size_t j = 0; j < mistaken->sizes[l + 1]; j++)
            layers[l].biases[j] = mistaken->initial[l].biases[j];
}

void parameters_with_nan(void *trainer, const peer_layer *layers) {
    parameters(trainer, layers);
    layers[0].weights[0] = NAN;
}

void destroy(void *trainer) {
    auto *mistaken = static_cast<Mistaken *>(trainer);
    backprop_peer.destroy(mistaken->right);
    delete mistaken;
}

const char *version() {
    return "wrong";
}

const char *refusal(const peer_net *, size_t) {
    return nullptr;
}

const peer mistakes[] = {
    {"no-update", version, refusal, create, no_step, parameters, destroy},
    {"no-second-update", version, refusal, create, first_step_only, parameters, destroy},
    {"no-bias-update", version, refusal, create, step, parameters_with_old_biases, destroy},
    {"sum-for-mean", version, refusal, create, sum_for_mean, parameters, destroy},
    {"last-row-left-out", version, refusal, create_without_last_row, step, parameters, destroy},
    {"no-activation", version, refusal, create_linear, step, parameters, destroy},
    {"nan", version, refusal, create, step, parameters_with_nan, destroy},
    {"crash", version, refusal, create, crash, parameters, destroy},
    // And one that is right, so that the test can't pass by refusing everything.
    {"right", version, refusal, create, step, parameters, destroy},
};

} // namespace

extern "C" const peer *const peer_list[] = {&mistakes[0], &mistakes[1], &mistakes[2], &mistakes[3], &mistakes[4],
                                            &mistakes[5], &mistakes[6], &mistakes[7], &mistakes[8], nullptr};
