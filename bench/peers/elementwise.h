/*
 * What a step does besides its matrix products, for peers that are libraries of matrix products: each is one pass,
 * with as much of the work in it as belongs to the same elements. Written for the vectorizer, under -ffast-math.
 */
#ifndef BENCH_PEERS_ELEMENTWISE_H
#define BENCH_PEERS_ELEMENTWISE_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "peer.h"

namespace peers {

/** exp within some units in the last place: 2^n, set in the exponent, times 2^f by its series, f in [-0.5, 0.5]. */
inline float exponential(float x) {
    const float t = std::min(std::max(x * 1.44269504f, -126.0f), 126.0f);
    const float n = std::nearbyint(t), f = t - n;
    float p = 1.52527338e-5f;
    p = p * f + 1.54035304e-4f;
    p = p * f + 1.33335581e-3f;
    p = p * f + 9.61812911e-3f;
    p = p * f + 5.55041087e-2f;
    p = p * f + 2.40226507e-1f;
    p = p * f + 6.93147181e-1f;
    p = p * f + 1.0f;
    int32_t bits;
    std::memcpy(&bits, &p, sizeof bits);
    bits += static_cast<int32_t>(n) * (1 << 23);
    std::memcpy(&p, &bits, sizeof bits);
    return p;
}

/* Activations: value(z) = f(z), and slope(a) = f'(z) for a = f(z). */
struct Identity {
    float value(float z) const {
        return z;
    }
    float slope(float) const {
        return 1;
    }
};

struct LeakyRelu { // and the ReLU, with below == 0
    float below;
    float value(float z) const {
        return z > 0 ? z : below * z;
    }
    float slope(float a) const {
        return a > 0 ? 1 : below;
    }
};

struct Sigmoid {
    float value(float z) const {
        return 1 / (1 + exponential(-z));
    }
    float slope(float a) const {
        return a - a * a;
    }
};

struct Tanh {
    float value(float z) const {
        return 1 - 2 / (exponential(2 * z) + 1);
    }
    float slope(float a) const {
        return 1 - a * a;
    }
};

/** Calls `pass` with the activation, so that its loops are compiled for each. */
template <class Pass> void with(bp_activation activation, Pass pass) {
    switch (activation.kind) {
    case BP_ACTIVATION_RELU:
        return pass(LeakyRelu{0});
    case BP_ACTIVATION_LEAKY_RELU:
        return pass(LeakyRelu{activation.parameter});
    case BP_ACTIVATION_SIGMOID:
        return pass(Sigmoid{});
    case BP_ACTIVATION_TANH:
        return pass(Tanh{});
    default:
        return pass(Identity{});
    }
}

/* Matrices have `ld` elements from row to row, those of the batch are packed. */

/** a = f(a + bias). */
template <class Activation>
void add_bias_and_activate(Activation f, float *__restrict a, size_t ld, const float *__restrict bias, size_t rows,
                           size_t columns) {
    for (size_t n = 0; n < rows; n++, a += ld)
        for (size_t j = 0; j < columns; j++)
            a[j] = f.value(a[j] + bias[j]);
}

/** delta = delta * f'(a), and its sums over the rows are added to `sums`. */
template <class Activation>
void times_slope(Activation f, float *__restrict delta, const float *__restrict a, size_t ld, float *__restrict sums,
                 size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++, delta += ld, a += ld)
        for (size_t j = 0; j < columns; j++) {
            const float d = delta[j] * f.slope(a[j]);
            delta[j] = d;
            sums[j] += d;
        }
}

/** delta = (z + bias - target) * scale, in place of z, and its sums over the rows are added to `sums`. */
inline void mse_delta(float *__restrict z, size_t ld, const float *__restrict bias, const float *__restrict target,
                      float *__restrict sums, float scale, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++, z += ld, target += columns)
        for (size_t j = 0; j < columns; j++) {
            const float d = (z[j] + bias[j] - target[j]) * scale;
            z[j] = d;
            sums[j] += d;
        }
}

/** delta = (softmax(z + bias) - onehot(label)) * scale, in place of z, and its sums are added to `sums`. */
inline void softmax_delta(float *__restrict z, size_t ld, const float *__restrict bias,
                          const uint32_t *__restrict labels, float *__restrict sums, float scale, size_t rows,
                          size_t columns) {
    for (size_t n = 0; n < rows; n++, z += ld) {
        float largest = z[0] + bias[0], sum = 0;
        for (size_t j = 0; j < columns; j++) {
            z[j] += bias[j];
            largest = std::max(largest, z[j]);
        }
        for (size_t j = 0; j < columns; j++) {
            z[j] = exponential(z[j] - largest);
            sum += z[j];
        }
        const float factor = scale / sum;
        for (size_t j = 0; j < columns; j++) {
            z[j] *= factor;
            sums[j] += z[j];
        }
        z[labels[n]] -= scale;
        sums[labels[n]] -= scale;
    }
}

/** The delta of the output layer for `rows` rows of the batch from `row`, in place of its products z. */
inline void output_delta(const peer_net &net, const peer_batch &batch, size_t row, size_t rows, float *z, size_t ld,
                         const float *bias, float *sums, float scale) {
    const size_t columns = net.sizes[net.layers];
    if (net.loss == BP_LOSS_MSE)
        mse_delta(z, ld, bias, batch.targets + row * columns, sums, scale, rows, columns);
    else
        softmax_delta(z, ld, bias, batch.labels + row, sums, scale, rows, columns);
}

/** values = values - rate * gradient. */
inline void descend(float *__restrict values, const float *__restrict gradient, float rate, size_t count) {
    for (size_t k = 0; k < count; k++)
        values[k] -= rate * gradient[k];
}

/** What a thread does of `count` elements: from the first to below the second. */
inline std::pair<size_t, size_t> share(size_t count, size_t thread, size_t threads) {
    const size_t size = (count / threads + 15) / 16 * 16, from = std::min(count, thread * size);
    return {from, thread + 1 < threads ? std::min(count, from + size) : count};
}

/** Adam in one of its steps, counted from 1. */
struct Adam {
    float beta1 = 0, beta2 = 0, epsilon = 0, rate = 0, correction = 0;

    Adam() = default;
    Adam(const bp_optimizer &numbers, float learning_rate, size_t step)
        : beta1(numbers.beta1), beta2(numbers.beta2), epsilon(numbers.epsilon) {
        const auto t = static_cast<double>(step);
        rate = static_cast<float>(learning_rate / (1 - std::pow(double(beta1), t)));
        correction = static_cast<float>(1 / std::sqrt(1 - std::pow(double(beta2), t)));
    }

    /** Updates values by their gradient, and its moments m and v. */
    void update(float *__restrict values, const float *__restrict gradient, float *__restrict m, float *__restrict v,
                size_t count) const {
        for (size_t k = 0; k < count; k++) {
            const float g = gradient[k];
            m[k] = beta1 * m[k] + (1 - beta1) * g;
            v[k] = beta2 * v[k] + (1 - beta2) * g * g;
            values[k] -= rate * m[k] / (std::sqrt(v[k]) * correction + epsilon);
        }
    }
};

} // namespace peers

#endif
