#include "check.h"

#include <cfloat>
#include <cmath>
#include <cstdio>

namespace {

struct Norms {
    double size = 0, update = 0, difference = 0;
};

Norms norms(const float *initial, const float *expected, const float *found, size_t count) {
    Norms n;
    for (size_t k = 0; k < count; k++) {
        const double e = expected[k], update = e - initial[k], difference = e - found[k];
        n.size += e * e;
        n.update += update * update;
        n.difference += difference * difference;
    }
    return {std::sqrt(n.size), std::sqrt(n.update), std::sqrt(n.difference)};
}

} // namespace

Verdict check(const Shape &shape, const Parameters &initial, const Parameters &expected, const Parameters &found,
              size_t steps) {
    Verdict verdict = {0, ""};
    const auto compare = [&](const char *what, size_t layer, const Norms &n, double scale) {
        // A gradient that is added to a weight row by row rounds as often, in random directions.
        const double rounding = FLT_EPSILON * std::sqrt(static_cast<double>(steps * shape.batch)) * n.size;
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
    for (size_t l = 0; l + 1 < shape.sizes.size(); l++) {
        const peer_layer from = initial.layers()[l], to = expected.layers()[l], other = found.layers()[l];
        const Norms weights = norms(from.weights, to.weights, other.weights, initial.weights(l));
        const Norms biases = norms(from.biases, to.biases, other.biases, initial.biases(l));
        compare("weights", l, weights, weights.update);
        // The deltas' rounding reaches a bias even where the deltas themselves cancel, as they may in a narrow layer.
        compare("biases", l, biases, biases.update + 0.1 * weights.update);
    }
    return verdict;
}
