/* A module of peers with the mistakes that are easily made: test_check.cpp asks that each is refused. */
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include <backprop/optimizer.h>

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

// What Adam usually has, in place of the net's own number.
void *create_with_usual_beta1(const peer_net *net, const peer_layer *initial, size_t) {
    peer_net usual = *net;
    usual.optimizer.beta1 = 0.9f;
    return create_as(usual, initial);
}

void *create_with_usual_beta2(const peer_net *net, const peer_layer *initial, size_t) {
    peer_net usual = *net;
    usual.optimizer.beta2 = 0.999f;
    return create_as(usual, initial);
}

void *create_with_usual_epsilon(const peer_net *net, const peer_layer *initial, size_t) {
    peer_net usual = *net;
    usual.optimizer.epsilon = 1e-8f;
    return create_as(usual, initial);
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

const char *adam_refusal(const peer_net *net, size_t) {
    return net->optimizer.kind == BP_OPTIMIZER_ADAM ? nullptr : "its mistake is in Adam";
}

// ---- Adam written out, and with the mistakes that are easily made in that

/** A parameter's moments, and the numbers of the step. */
struct Element {
    double m, v, beta1, beta2, epsilon, t, batch;

    double first() const {
        return m / (1 - std::pow(beta1, t));
    }

    double second() const {
        return v / (1 - std::pow(beta2, t));
    }
};

double as_in_the_paper(const Element &e) {
    return e.first() / (std::sqrt(e.second()) + e.epsilon);
}

double without_correction(const Element &e) {
    return e.m / (std::sqrt(e.v) + e.epsilon);
}

double without_correction_of_m(const Element &e) {
    return e.m / (std::sqrt(e.second()) + e.epsilon);
}

double without_correction_of_v(const Element &e) {
    return e.first() / (std::sqrt(e.v) + e.epsilon);
}

double with_correction_of_step_1(const Element &e) {
    return as_in_the_paper({e.m, e.v, e.beta1, e.beta2, e.epsilon, 1, e.batch});
}

double with_epsilon_in_root(const Element &e) {
    return e.first() / std::sqrt(e.second() + e.epsilon * e.epsilon);
}

double with_epsilon_corrected(const Element &e) {
    return e.first() / (std::sqrt(e.v) + e.epsilon) * std::sqrt(1 - std::pow(e.beta2, e.t));
}

double with_sum_for_mean(const Element &e) {
    return as_in_the_paper({e.batch * e.m, e.batch * e.batch * e.v, e.beta1, e.beta2, e.epsilon, e.t, e.batch});
}

/** All tensors of a net one after the other, and Adam's moments. Gradients are this library's. */
struct Adam {
    peer_net net;
    size_t steps;
    std::vector<float> values;
    std::vector<double> m, v;
};

/** The layers of a net whose tensors lie one after the other. */
std::vector<peer_layer> layers_in(const peer_net &net, float *values) {
    std::vector<peer_layer> layers;
    for (size_t l = 0; l < net.layers; l++) {
        layers.push_back({values, values + net.sizes[l] * net.sizes[l + 1]});
        values = layers[l].biases + net.sizes[l + 1];
    }
    return layers;
}

void copy(const peer_net &net, const peer_layer *from, const peer_layer *to) {
    for (size_t l = 0; l < net.layers; l++) {
        std::copy_n(from[l].weights, net.sizes[l] * net.sizes[l + 1], to[l].weights);
        std::copy_n(from[l].biases, net.sizes[l + 1], to[l].biases);
    }
}

void *adam_create(const peer_net *net, const peer_layer *initial, size_t) {
    size_t count = 0;
    for (size_t l = 0; l < net->layers; l++)
        count += (net->sizes[l] + 1) * net->sizes[l + 1];
    auto *adam = new Adam{*net, 0, std::vector<float>(count), std::vector<double>(count), std::vector<double>(count)};
    copy(*net, initial, layers_in(*net, adam->values.data()).data());
    return adam;
}

/** The gradient by one step of plain SGD, at a rate that makes it large beside the rounding of the parameters. */
std::vector<double> gradient(Adam &adam, const peer_batch *batch) {
    const float rate = 1024;
    peer_net plain = adam.net;
    plain.optimizer = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    std::vector<float> after(adam.values.size());
    void *trainer = backprop_peer.create(&plain, layers_in(plain, adam.values.data()).data(), 1);
    backprop_peer.step(trainer, batch, rate);
    backprop_peer.parameters(trainer, layers_in(plain, after.data()).data());
    backprop_peer.destroy(trainer);
    std::vector<double> result;
    for (size_t k = 0; k < after.size(); k++)
        result.push_back((double(adam.values[k]) - double(after[k])) / rate);
    return result;
}

template <double (*quotient)(const Element &)> void adam_step(void *trainer, const peer_batch *batch, float rate) {
    auto &adam = *static_cast<Adam *>(trainer);
    const bp_optimizer &o = adam.net.optimizer;
    const std::vector<double> g = gradient(adam, batch);
    adam.steps++;
    for (size_t k = 0; k < g.size(); k++) {
        adam.m[k] = o.beta1 * adam.m[k] + (1 - double(o.beta1)) * g[k];
        adam.v[k] = o.beta2 * adam.v[k] + (1 - double(o.beta2)) * g[k] * g[k];
        adam.values[k] -= static_cast<float>(rate * quotient({adam.m[k], adam.v[k], o.beta1, o.beta2, o.epsilon,
                                                              double(adam.steps), double(adam.net.batch)}));
    }
}

void adam_parameters(void *trainer, const peer_layer *layers) {
    auto &adam = *static_cast<Adam *>(trainer);
    copy(adam.net, layers_in(adam.net, adam.values.data()).data(), layers);
}

void adam_destroy(void *trainer) {
    delete static_cast<Adam *>(trainer);
}

template <double (*quotient)(const Element &)> constexpr peer adam(const char *name) {
    return {name, PEER_BY_HAND, version, adam_refusal, adam_create, adam_step<quotient>, adam_parameters, adam_destroy};
}

const peer peers[] = {
    {"no-update", PEER_BY_HAND, version, refusal, create, no_step, parameters, destroy},
    {"no-second-update", PEER_BY_HAND, version, refusal, create, first_step_only, parameters, destroy},
    {"no-bias-update", PEER_BY_HAND, version, refusal, create, step, parameters_with_old_biases, destroy},
    {"sum-for-mean", PEER_BY_HAND, version, refusal, create, sum_for_mean, parameters, destroy},
    {"last-row-left-out", PEER_BY_HAND, version, refusal, create_without_last_row, step, parameters, destroy},
    {"no-activation", PEER_BY_HAND, version, refusal, create_linear, step, parameters, destroy},
    {"nan", PEER_BY_HAND, version, refusal, create, step, parameters_with_nan, destroy},
    {"crash", PEER_BY_HAND, version, refusal, create, crash, parameters, destroy},
    {"usual-beta1", PEER_BY_HAND, version, adam_refusal, create_with_usual_beta1, step, parameters, destroy},
    {"usual-beta2", PEER_BY_HAND, version, adam_refusal, create_with_usual_beta2, step, parameters, destroy},
    {"usual-epsilon", PEER_BY_HAND, version, adam_refusal, create_with_usual_epsilon, step, parameters, destroy},
    adam<without_correction>("adam-without-correction"),
    adam<without_correction_of_m>("adam-without-correction-of-m"),
    adam<without_correction_of_v>("adam-without-correction-of-v"),
    adam<with_correction_of_step_1>("adam-with-correction-of-step-1"),
    adam<with_epsilon_in_root>("adam-with-epsilon-in-root"),
    adam<with_epsilon_corrected>("adam-with-epsilon-corrected"),
    adam<with_sum_for_mean>("adam-with-sum-for-mean"),
    // And those that are right, so that the test can't pass by refusing everything.
    {"right", PEER_BY_HAND, version, refusal, create, step, parameters, destroy},
    adam<as_in_the_paper>("right-adam"),
};

} // namespace

extern "C" const peer *const peer_list[] = {&peers[0],  &peers[1],  &peers[2],  &peers[3],  &peers[4],  &peers[5],
                                            &peers[6],  &peers[7],  &peers[8],  &peers[9],  &peers[10], &peers[11],
                                            &peers[12], &peers[13], &peers[14], &peers[15], &peers[16], &peers[17],
                                            &peers[18], &peers[19], nullptr};
