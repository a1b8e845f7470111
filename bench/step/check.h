/* Whether a network was trained as it should be. */
#ifndef BENCH_CHECK_H
#define BENCH_CHECK_H

#include <string>

#include "net.h"

struct Verdict {
    double deviation;  // the largest of any layer's weights or biases
    std::string error; // empty if all are within the tolerance
};

/**
 * Compares `found` with `expected`, both trained for `steps` steps from `initial`: for the weights and for the biases
 * of each layer, |found - expected| / |expected - initial| in Euclidean norms must not exceed `tolerance` (and what
 * the rounding of the parameters themselves can do in so many updates). So the scale is what training changed, not how
 * large the parameters are; for biases a tenth of their weights' change is added to it.
 *
 * Sums in another order deviate by some 1e-6, and a ReLU that another order switches, in one of `batch` rows, by up to
 * 1e-3; a step that is not the same one deviates by far more than a hundredth: tests in bench_step --check.
 */
Verdict check(const Shape &shape, const Parameters &initial, const Parameters &expected, const Parameters &found,
              size_t steps);

const double tolerance = 0.01;

#endif
