#include "net.h"

#include <algorithm>
#include <cmath>

#include <backprop/random.h>

#include "../arrays.h"

namespace {

const bp_activation identity = {BP_ACTIVATION_IDENTITY, 0}, relu = {BP_ACTIVATION_RELU, 0},
                    sigmoid = {BP_ACTIVATION_SIGMOID, 0}, hyperbolic = {BP_ACTIVATION_TANH, 0};
const bp_loss_kind mse = BP_LOSS_MSE, cross_entropy = BP_LOSS_SOFTMAX_CROSS_ENTROPY;

const size_t line = 64 / sizeof(float); // floats of a cache line

size_t whole_lines(size_t count) {
    return (count + line - 1) / line * line;
}

float *on_a_line(std::vector<float> &values) {
    const auto address = reinterpret_cast<uintptr_t>(values.data());
    return values.data() + (64 - address % 64) % 64 / sizeof(float);
}

} // namespace

const std::vector<Shape> &table() {
    static const std::vector<Shape> shapes = {
        {"seed", {2, 2, 2}, identity, mse, 1},
        {"xor", {2, 8, 1}, hyperbolic, mse, 4},
        {"rl64", {17, 64, 64, 6}, hyperbolic, mse, 64},
        {"rl256", {17, 256, 256, 6}, relu, mse, 256},
        {"mnist1", {784, 128, 10}, relu, cross_entropy, 1},
        {"mnist32", {784, 128, 10}, relu, cross_entropy, 32},
        {"mnist128", {784, 512, 512, 10}, relu, cross_entropy, 128},
        {"nerf", {32, 64, 64, 64, 64, 16}, relu, mse, 16384},
        {"dlrm", {479, 1024, 1024, 512, 256, 1}, relu, mse, 2048},
        {"autoenc", {784, 1000, 500, 250, 30, 250, 500, 1000, 784}, sigmoid, mse, 128},
        {"mlp1k", {1024, 1024, 1024, 1024, 1024}, relu, mse, 1024},
        {"mlp1k-small", {1024, 1024, 1024, 1024, 1024}, relu, mse, 32},
        {"net512-2", {512, 512, 512, 8}, relu, mse, 2},
        {"net512-4", {512, 512, 512, 8}, relu, mse, 4},
        {"net512-8", {512, 512, 512, 8}, relu, mse, 8},
        {"net512-16", {512, 512, 512, 8}, relu, mse, 16},
        {"net256-1", {256, 256, 256, 4}, hyperbolic, mse, 1},
        {"net64-8", {64, 64, 64, 4}, relu, mse, 8},
        {"net1k-1", {1024, 1024, 1024, 10}, relu, cross_entropy, 1},
        {"wide", {4096, 4096, 4096}, relu, mse, 256},
        {"rl64-adam", {17, 64, 64, 6}, hyperbolic, mse, 64, BP_OPTIMIZER_ADAM},
        {"ppo-adam", {11, 64, 64, 3}, hyperbolic, mse, 2048, BP_OPTIMIZER_ADAM},
        {"critic-adam", {23, 256, 256, 1}, relu, mse, 256, BP_OPTIMIZER_ADAM},
        {"mnist64-adam", {784, 256, 128, 10}, relu, cross_entropy, 64, BP_OPTIMIZER_ADAM},
        {"covtype-adam", {54, 510, 263, 363, 7}, relu, cross_entropy, 256, BP_OPTIMIZER_ADAM},
    };
    return shapes;
}

peer_net Shape::net() const {
    return {sizes.size() - 1, sizes.data(), hidden, loss, batch, bp_optimizer_defaults(optimizer)};
}

double Shape::flop() const {
    double products = 0;
    for (size_t l = 0; l + 1 < sizes.size(); l++)
        products += static_cast<double>(sizes[l]) * static_cast<double>(sizes[l + 1]);
    const double first = static_cast<double>(sizes[0]) * static_cast<double>(sizes[1]);
    return 2 * static_cast<double>(batch) * (3 * products - first);
}

Parameters::Parameters(const Shape &shape) : sizes_(shape.sizes), layers_(shape.sizes.size() - 1) {
    size_t count = line;
    for (size_t l = 0; l < layers_.size(); l++)
        count += whole_lines(weights(l)) + whole_lines(biases(l));
    values_.resize(count);
    float *next = on_a_line(values_);
    for (size_t l = 0; l < layers_.size(); l++) {
        layers_[l].weights = next;
        layers_[l].biases = next + whole_lines(weights(l));
        next = layers_[l].biases + whole_lines(biases(l));
    }
}

size_t Parameters::weights(size_t index) const {
    return sizes_[index] * sizes_[index + 1];
}

size_t Parameters::biases(size_t index) const {
    return sizes_[index + 1];
}

void Parameters::initialize(const Shape &shape) {
    const bool rectifier = shape.hidden.kind == BP_ACTIVATION_RELU || shape.hidden.kind == BP_ACTIVATION_LEAKY_RELU;
    for (size_t l = 0; l < layers_.size(); l++) {
        const auto in = static_cast<float>(sizes_[l]), out = static_cast<float>(sizes_[l + 1]);
        const float limit =
            (shape.hidden.kind == BP_ACTIVATION_SIGMOID ? 4.0f : 1.0f) * std::sqrt(6 / (rectifier ? in : in + out));
        for (size_t k = 0; k < weights(l); k++)
            layers_[l].weights[k] = limit * bp_random_symmetric(42, static_cast<uint32_t>(l), k);
        // Not zero: a peer that forgets the biases is to be found out.
        for (size_t k = 0; k < biases(l); k++)
            layers_[l].biases[k] = 0.1f * bp_random_symmetric(43, static_cast<uint32_t>(l), k);
    }
}

Pool::Pool(const Shape &shape) {
    const size_t count_max = 64, bytes_max = size_t(256) << 20;
    const bool targets = shape.loss == BP_LOSS_MSE;
    const size_t inputs = whole_lines(shape.batch * shape.sizes.front()) + line;
    const size_t outputs = targets ? whole_lines(shape.batch * shape.sizes.back()) + line : 0;
    const size_t stride = inputs + outputs;
    const size_t count = std::clamp<size_t>(bytes_max / (stride * sizeof(float)), 1, count_max);

    values_.resize(count * stride + line);
    float *base = on_a_line(values_);
    const std::vector<float> &numbers = noise();
    for (size_t k = 0; k < count * stride; k++)
        base[k] = numbers[k % numbers.size()];
    if (!targets) {
        labels_.resize(count * shape.batch);
        for (size_t k = 0; k < labels_.size(); k++)
            labels_[k] = static_cast<uint32_t>(bp_random_u32(2, 0, k) % shape.sizes.back());
    }
    for (size_t b = 0; b < count; b++) {
        const float *batch = base + b * stride;
        batches_.push_back({batch, targets ? batch + inputs : nullptr, targets ? nullptr : &labels_[b * shape.batch]});
    }
}
