/*
 * What denormal numbers cost a training step, on each instruction set of this machine: `denormals/<isa>/<case>`, of
 * which the first case has none. The rate is 0, so that every step finds what the one before found.
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <backprop/backprop.h>
#include <benchmark/benchmark.h>

#include "measure.h"

namespace {

constexpr size_t rows = 64, inputs = 256, hidden = 256, outputs = 10;

struct Case {
    const char *name;
    bp_optimizer_kind optimizer;
    bool dead_inputs;     // half of the inputs are 0, and what belongs to them has decayed
    bool denormal_layer;  // all weights of the second layer have
    bool denormal_inputs; // all inputs are tiny
    bool swept;           // what has decayed was then set to 0
};

const Case cases[] = {
    {"none", BP_OPTIMIZER_SGD, false, false, false, false},
    {"decayed_weights_of_dead_inputs", BP_OPTIMIZER_SGD, true, false, false, false},
    {"all_weights_of_a_layer", BP_OPTIMIZER_SGD, false, true, false, false},
    {"inputs_and_activations", BP_OPTIMIZER_SGD, false, false, true, false},
    {"adam/none", BP_OPTIMIZER_ADAM, false, false, false, false},
    {"adam/moments_of_dead_inputs", BP_OPTIMIZER_ADAM, true, false, false, false},
    {"adam/moments_of_dead_inputs_swept", BP_OPTIMIZER_ADAM, true, false, false, true},
};

void expect(bp_status status, const char *what) {
    if (status == BP_OK)
        return;
    std::fprintf(stderr, "bench_denormals: %s: %s\n", what, bp_status_string(status));
    std::exit(1);
}

// Number k of those below 2^-126, of either sign.
float denormal(size_t k) {
    return bp_random_symmetric(7, 0, k) * 0x1p-127F;
}

// Sets the weights of inputs without a gradient, and their moments, to what they come to after long.
void decay(bp_network *network, size_t layer, size_t dead_rows, bool states) {
    bp_tensor_info info;
    for (size_t index = 0; bp_network_tensor_info(network, index, &info) == BP_OK; index++) {
        const bool state = info.role == BP_TENSOR_ROLE_STATE;
        if (info.layer != layer || info.part != BP_TENSOR_PART_WEIGHT || (state && !states))
            continue;
        std::vector<float> values(info.shape[0] * info.shape[1]);
        expect(bp_network_tensor_read(network, index, values.data(), nullptr), info.name);
        for (size_t k = 0; k < dead_rows * info.shape[1]; k++)
            values[k] = state && info.state > 0 ? std::fabs(denormal(k)) : denormal(k);
        expect(bp_network_tensor_write(network, index, values.data(), nullptr), info.name);
    }
}

// Sets weights and moments below 2^-100 to 0: what update.h recommends.
void sweep(bp_network *network) {
    bp_tensor_info info;
    for (size_t index = 0; bp_network_tensor_info(network, index, &info) == BP_OK; index++) {
        std::vector<float> values(info.shape[0] * info.shape[1]);
        expect(bp_network_tensor_read(network, index, values.data(), nullptr), info.name);
        for (float &value : values)
            value = std::fabs(value) < 0x1p-100F ? 0 : value;
        expect(bp_network_tensor_write(network, index, values.data(), nullptr), info.name);
    }
}

void run(benchmark::State &state, bp_isa isa, const Case &c) {
    const size_t sizes[] = {inputs, hidden, hidden, outputs};
    const bp_activation activations[] = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}};
    const bp_optimizer optimizer = bp_optimizer_defaults(c.optimizer);
    bp_network_config config = bp_network_config_defaults();
    config.layers = 3;
    config.sizes = sizes;
    config.activations = activations;
    config.loss = BP_LOSS_MSE;
    config.max_batch_size = rows;
    config.threads = 1;
    config.optimizer = &optimizer;
    config.seed = 1;
    bp_network *network;
    expect(bp_cpu_set(isa), "the instruction set");
    expect(bp_network_create(&config, &network), "the network");
    if (c.dead_inputs)
        decay(network, 0, inputs / 2, c.optimizer != BP_OPTIMIZER_SGD);
    if (c.denormal_layer)
        decay(network, 1, hidden, false);
    if (c.swept)
        sweep(network);

    std::vector<float> x(rows * inputs), y(rows * outputs);
    for (size_t k = 0; k < x.size(); k++)
        x[k] = c.dead_inputs && k % inputs < inputs / 2 ? 0
               : c.denormal_inputs                      ? denormal(k)
                                                        : bp_random_symmetric(2, 0, k);
    for (size_t k = 0; k < y.size(); k++)
        y[k] = bp_random_symmetric(3, 0, k);
    bp_batch batch = {};
    batch.rows = rows;
    batch.inputs = x.data();
    batch.targets = y.data();
    const Work work = {bp_network_step_flops(network, rows), 0, 0, 0};
    measure(state, isa, work, [&] { expect(bp_network_train_step(network, &batch, 0, nullptr), "a step"); });
    bp_network_destroy(network);
}

} // namespace

int main(int argc, char **argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (int k = 0; bp_isa_name(static_cast<bp_isa>(k)) != nullptr; k++) {
        const auto isa = static_cast<bp_isa>(k);
        for (const Case &c : cases)
            if (bp_cpu_supports(isa))
                benchmark::RegisterBenchmark((std::string("denormals/") + bp_isa_name(isa) + "/" + c.name).c_str(),
                                             [=, &c](benchmark::State &state) { run(state, isa, c); })
                    ->Unit(benchmark::kMicrosecond);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
