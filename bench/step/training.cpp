#include "training.h"

#include <chrono>

Training::Training(const peer &implementation, const peer_net &net, const Parameters &initial, size_t threads,
                   const Pool &pool)
    : implementation_(&implementation), trainer_(implementation.create(&net, initial.layers(), threads)), pool_(&pool) {
}

void Training::run(size_t steps, float learning_rate) {
    for (size_t k = 0; k < steps; k++) {
        implementation_->step(trainer_, &(*pool_)[next_], learning_rate);
        next_ = next_ + 1 < pool_->size() ? next_ + 1 : 0;
    }
}

double Training::time(size_t steps, float learning_rate) {
    using clock = std::chrono::steady_clock;
    const auto start = clock::now();
    run(steps, learning_rate);
    return std::chrono::duration<double>(clock::now() - start).count();
}

size_t Training::group(float learning_rate) {
    const double group_seconds = 20e-6;
    size_t steps = 1;
    while (time(steps, learning_rate) < group_seconds)
        steps *= 2;
    return steps;
}

void Training::parameters(const Parameters &into) const {
    implementation_->parameters(trainer_, into.layers());
}

void Training::end() {
    implementation_->destroy(trainer_);
    trainer_ = nullptr;
}
