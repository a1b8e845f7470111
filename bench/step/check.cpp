#include "check.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "backprop.h"

namespace {

/** Parameters after steps of this library. */
Parameters trained(const Shape &shape, const peer_net &net, const Parameters &initial, const Pool &pool, size_t steps,
                   float rate) {
    Parameters result(shape);
    void *trainer = backprop_peer.create(&net, initial.layers(), 1);
    if (!trainer)
        throw std::runtime_error("backprop could not create the network");
    for (size_t k = 0; k < steps; k++)
        backprop_peer.step(trainer, &pool[k], rate);
    backprop_peer.parameters(trainer, result.layers());
    backprop_peer.destroy(trainer);
    return result;
}

double norm(const float *values, size_t count, const float *minus = nullptr) {
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        const double value = minus ? double(values[k]) - double(minus[k]) : double(values[k]);
        sum += value * value;
    }
    return std::sqrt(sum);
}

/** For the weights of each layer, the norm of what one step changes. */
std::vector<double> changes(const Shape &shape, const peer_net &net, const Parameters &initial, const Pool &pool,
                            float rate) {
    const Parameters after = trained(shape, net, initial, pool, 1, rate);
    std::vector<double> result;
    for (size_t l = 0; l < net.layers; l++)
        result.push_back(norm(after.layers()[l].weights, initial.weights(l), initial.layers()[l].weights));
    return result;
}

/**
 * Numbers at which Adam's step depends on all of them. With the usual ones its first two steps are the signs of the
 * gradients, but for few elements: no other beta and no other place of epsilon would show, and an element whose
 * gradient is nearly 0 would move by what the order of sums makes of its sign. So epsilon is as large as the gradients
 * of the layer that has the smallest.
 */
bp_optimizer numbers(const Shape &shape, const Parameters &initial, const Pool &pool) {
    peer_net net = shape.net();
    bp_optimizer optimizer = net.optimizer;
    if (optimizer.kind != BP_OPTIMIZER_ADAM)
        return optimizer;
    net.optimizer = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    const std::vector<double> gradients = changes(shape, net, initial, pool, 1);
    double smallest = INFINITY;
    for (size_t l = 0; l < net.layers; l++)
        if (gradients[l] > 0)
            smallest = std::min(smallest, gradients[l] / std::sqrt(static_cast<double>(initial.weights(l))));
    optimizer.beta1 = 0.6f;
    optimizer.beta2 = 0.3f;
    optimizer.epsilon = static_cast<float>(smallest);
    return optimizer;
}

float visible_rate(const Shape &shape, const peer_net &net, const Parameters &initial, const Pool &pool) {
    const float probe = 1e-3f;
    const std::vector<double> moved = changes(shape, net, initial, pool, probe);
    double largest = 0;
    for (size_t l = 0; l < net.layers; l++)
        largest = std::max(largest, moved[l] / norm(initial.layers()[l].weights, initial.weights(l)));
    return largest > 0 ? static_cast<float>(0.05 * probe / largest) : probe;
}

struct Norms {
    double size = 0, update = 0, difference = 0;
};

Norms norms(const float *initial, const float *expected, const float *found, size_t count) {
    return {norm(expected, count), norm(expected, count, initial), norm(expected, count, found)};
}

} // namespace

Check::Check(const Shape &shape, const Parameters &initial, const Pool &pool)
    : shape_(shape), initial_(initial), net_(shape.net()), expected_(shape) {
    net_.optimizer = numbers(shape, initial, pool);
    rate_ = visible_rate(shape, net_, initial, pool);
    expected_ = trained(shape, net_, initial, pool, steps, rate_);
}

Verdict Check::verdict(const Parameters &found) const {
    Verdict verdict = {0, ""};
    const auto compare = [&](const char *what, size_t layer, const Norms &n, double scale) {
        // A gradient that is added to a weight row by row rounds as often, in random directions.
        const double rounding = FLT_EPSILON * std::sqrt(static_cast<double>(steps * shape_.batch)) * n.size;
        const double deviation = n.difference / scale;
        if (!(deviation <= verdict.deviation))
            verdict.deviation = deviation; // a NaN too
        char text[160] = "";
        if (!(rounding < 0.1 * scale))
            snprintf(text, sizeof text, "the %s of layer %zu change too little to be checked", what, layer);
        else if (!(n.difference <= tolerance * scale + rounding))
            snprintf(text, sizeof text, "trains otherwise: the %s of layer %zu deviate by %.3g of their change", what,
                     layer, deviation);
        if (verdict.error.empty())
            verdict.error = text;
    };
    for (size_t l = 0; l < net_.layers; l++) {
        const peer_layer from = initial_.layers()[l], to = expected_.layers()[l], other = found.layers()[l];
        const Norms weights = norms(from.weights, to.weights, other.weights, initial_.weights(l));
        const Norms biases = norms(from.biases, to.biases, other.biases, initial_.biases(l));
        compare("weights", l, weights, weights.update);
        // The deltas' rounding reaches a bias even where the deltas themselves cancel, as they may in a narrow layer.
        compare("biases", l, biases, biases.update + 0.1 * weights.update);
    }
    return verdict;
}
