#include "backprop.h"

#include <string>
#include <vector>

#include <backprop/backprop.h>

namespace {

struct Trainer {
    bp_network *network = nullptr;
    size_t batch = 0, layers = 0;
};

void *create(const peer_net *net, const peer_layer *initial, size_t threads) {
    std::vector<bp_activation> activations(net->layers, net->hidden);
    activations.back() = {BP_ACTIVATION_IDENTITY, 0};
    bp_network_config config = bp_network_config_defaults();
    config.layers = net->layers;
    config.sizes = net->sizes;
    config.activations = activations.data();
    config.loss = net->loss;
    config.optimizer = &net->optimizer;
    config.max_batch_size = net->batch;
    config.threads = threads;
    auto *trainer = new Trainer;
    trainer->batch = net->batch;
    trainer->layers = net->layers;
    if (bp_network_create(&config, &trainer->network) != BP_OK)
        return nullptr;
    for (size_t l = 0; l < net->layers; l++) {
        bp_network_tensor_write(trainer->network, 2 * l, initial[l].weights, nullptr);
        bp_network_tensor_write(trainer->network, 2 * l + 1, initial[l].biases, nullptr);
    }
    return trainer;
}

void step(void *handle, const peer_batch *batch, float learning_rate) {
    const auto *trainer = static_cast<Trainer *>(handle);
    bp_batch rows = {};
    rows.rows = trainer->batch;
    rows.inputs = batch->inputs;
    rows.targets = batch->targets;
    rows.labels = batch->labels;
    bp_network_train_step(trainer->network, &rows, learning_rate, nullptr);
}

void parameters(void *handle, const peer_layer *layers) {
    const auto *trainer = static_cast<Trainer *>(handle);
    for (size_t l = 0; l < trainer->layers; l++) {
        bp_network_tensor_read(trainer->network, 2 * l, layers[l].weights, nullptr);
        bp_network_tensor_read(trainer->network, 2 * l + 1, layers[l].biases, nullptr);
    }
}

void destroy(void *handle) {
    auto *trainer = static_cast<Trainer *>(handle);
    bp_network_destroy(trainer->network);
    delete trainer;
}

const char *version() {
    static const std::string text = std::to_string(BP_VERSION_MAJOR) + "." + std::to_string(BP_VERSION_MINOR) + "." +
                                    std::to_string(BP_VERSION_PATCH);
    return text.c_str();
}

const char *refusal(const peer_net *, size_t) {
    return nullptr;
}

} // namespace

const peer backprop_peer = {"backprop", PEER_AS_USED, version, refusal, create, step, parameters, destroy};
