/* Whether a network is trained as it should be. */
#ifndef BENCH_CHECK_H
#define BENCH_CHECK_H

#include <string>

#include "net.h"

struct Verdict {
    double deviation;  // the largest of any layer's weights or biases
    std::string error; // empty if all are within the tolerance
};

/** Two steps from `initial`, by this library: what all others are compared with. */
class Check {
  public:
    Check(const Shape &shape, const Parameters &initial, const Pool &pool);

    /** The steps that the check takes; the second finds copies of weights that were not refreshed after the first. */
    static const size_t steps = 2;

    /** The shape's net, with numbers of the optimizer at which mistakes show. */
    const peer_net &net() const {
        return net_;
    }

    /** A rate at which a step changes the weights of the layer that moves most by a twentieth of their size: far above
     *  rounding, far below what would make training unstable. */
    float rate() const {
        return rate_;
    }

    /**
     * Compares `found` with this library's parameters: for the weights and for the biases of each layer,
     * |found - expected| / |expected - initial| in Euclidean norms must not exceed `tolerance` (and what the rounding
     * of the parameters themselves can do in so many updates). So the scale is what training changed, not how large
     * the parameters are; for biases a tenth of their weights' change is added to it.
     *
     * Sums in another order deviate by some 1e-6, and a ReLU that another order switches, in one of the rows, by up to
     * 1e-3; a step that is not the same one deviates by far more than a hundredth: test_check.cpp.
     */
    Verdict verdict(const Parameters &found) const;

  private:
    const Shape &shape_;
    const Parameters &initial_;
    peer_net net_;
    float rate_;
    Parameters expected_;
};

const double tolerance = 0.01;

#endif
