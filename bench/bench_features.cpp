/*
 * What each feature of a network costs: a training step with it, next to the plain step, on one thread and on every
 * instruction set of this machine. README.md tells how to run it and how to read it.
 *
 * The networks of a family take turns, so that a neighbor on the machine slows all of them down; a family runs when
 * the first of its benchmarks is due.
 */
#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <backprop/backprop.h>
#include <benchmark/benchmark.h>

#include "arrays.h"
#include "thread_seconds.h"

namespace {

const size_t rounds = 40;
const double turn_seconds = 5e-3;

/** A network by its features. The first of a family is the plain one. */
struct Feature {
    std::string name;
    bp_activation hidden = {BP_ACTIVATION_RELU, 0};
    bp_loss_kind loss = BP_LOSS_MSE;
    bp_optimizer optimizer = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    float dropout = 0;
    bool normalize = false, weighted = false;
};

struct Family {
    std::string name;
    std::vector<size_t> sizes;
    size_t batch;
    std::vector<Feature> features;
};

/** One network with its batch. */
class Trainee {
  public:
    Trainee(const Family &family, const Feature &feature)
        : inputs_(0, family.batch * family.sizes.front()), targets_(1, family.batch * family.sizes.back(), 0.25F),
          weights_(2, family.batch), labels_(family.batch) {
        const size_t layers = family.sizes.size() - 1, classes = family.sizes.back();
        std::vector<bp_activation> activations(layers - 1, feature.hidden);
        activations.push_back({BP_ACTIVATION_IDENTITY, 0});
        std::vector<float> dropout(layers - 1, feature.dropout);
        dropout.push_back(0);
        const auto normalize = std::make_unique<bool[]>(layers);
        std::fill_n(normalize.get(), layers - 1, feature.normalize);
        bp_network_config config = bp_network_config_defaults();
        config.layers = layers;
        config.sizes = family.sizes.data();
        config.activations = activations.data();
        config.loss = feature.loss;
        config.max_batch_size = family.batch;
        config.dropout = dropout.data();
        config.normalize = normalize.get();
        config.threads = 1;
        config.optimizer = &feature.optimizer;
        config.seed = 1;
        bp_network *network = nullptr;
        check(bp_network_create(&config, &network));
        network_.reset(network);
        if (feature.loss == BP_LOSS_KULLBACK_LEIBLER || feature.loss == BP_LOSS_BINARY_CROSS_ENTROPY ||
            feature.loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS)
            std::fill_n(static_cast<float *>(targets_), family.batch * classes, 1 / static_cast<float>(classes));
        if (feature.loss == BP_LOSS_HINGE)
            for (size_t k = 0; k < family.batch * classes; k++)
                targets_[k] = k % 3 ? 1.0F : -1.0F;
        for (size_t n = 0; n < family.batch; n++) {
            labels_[n] = bp_random_u32(2, 0, n) % static_cast<uint32_t>(classes);
            weights_[n] = 1 + 0.5F * bp_random_symmetric(3, 0, n);
        }
        batch_ = {family.batch, inputs_, 0, targets_, 0, labels_.data(), nullptr};
        if (feature.weighted)
            batch_.weights = weights_;
        step();
    }

    void step() {
        check(bp_network_train_step(network_.get(), &batch_, 1e-6F, nullptr)); // so slow that the numbers stay ordinary
    }

    /** Seconds of a step, over a turn. */
    double turn() {
        step(); // after the others: caches
        const double start = thread_seconds();
        size_t steps = 0;
        double seconds;
        do {
            step();
            steps++;
            seconds = thread_seconds() - start;
        } while (seconds < turn_seconds);
        return seconds / static_cast<double>(steps);
    }

  private:
    struct Destroy {
        void operator()(bp_network *network) const {
            bp_network_destroy(network);
        }
    };

    static void check(bp_status status) {
        if (status != BP_OK)
            throw std::runtime_error(bp_status_string(status));
    }

    Array<float> inputs_, targets_, weights_;
    std::vector<uint32_t> labels_;
    std::unique_ptr<bp_network, Destroy> network_;
    bp_batch batch_;
};

double percentile(std::vector<double> samples, double fraction) {
    const auto rank = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(samples.size() - 1));
    std::nth_element(samples.begin(), samples.begin() + rank, samples.end());
    return samples[static_cast<size_t>(rank)];
}

/** A family on one instruction set, and what was measured: seconds of a step, for each feature and round. */
class Contest {
  public:
    Contest(const Family &family, bp_isa isa) : family_(family), isa_(isa) {
    }

    void report(benchmark::State &state, size_t feature) {
        if (seconds_.empty())
            run();
        const std::vector<double> &mine = seconds_[feature], &plain = seconds_[0];
        std::vector<double> ratios;
        for (size_t k = 0; k < rounds; k++)
            ratios.push_back(mine[k] / plain[k]);
        for (auto _ : state)
            state.SetIterationTime(percentile(mine, 0.5));
        state.counters["ratio"] = percentile(mine, 0.1) / percentile(plain, 0.1);
        state.counters["ratio_paired"] = percentile(ratios, 0.5);
    }

  private:
    void run() {
        if (bp_cpu_set(isa_) != BP_OK)
            throw std::runtime_error("the instruction set cannot be chosen");
        std::vector<std::unique_ptr<Trainee>> trainees;
        for (const Feature &feature : family_.features)
            trainees.push_back(std::make_unique<Trainee>(family_, feature));
        seconds_.resize(trainees.size());
        for (size_t round = 0; round < rounds; round++)
            for (size_t k = 0; k < trainees.size(); k++)
                seconds_[k].push_back(trainees[k]->turn());
    }

    const Family &family_;
    bp_isa isa_;
    std::vector<std::vector<double>> seconds_;
};

// ---- The families -----------------------------------------------------------------------------------------------

Feature plain(const char *name) {
    Feature feature;
    feature.name = name;
    return feature;
}

Family activations() {
    Family family = {"activation", {256, 256, 256}, 256, {plain("relu")}};
    for (int kind = 0; bp_activation_name(static_cast<bp_activation_kind>(kind)) != nullptr; kind++) {
        const auto activation = static_cast<bp_activation_kind>(kind);
        if (activation == BP_ACTIVATION_RELU)
            continue;
        Feature feature = plain(bp_activation_name(activation));
        const float parameter = activation == BP_ACTIVATION_LEAKY_RELU
                                    ? 0.01F
                                    : activation == BP_ACTIVATION_ELU || activation == BP_ACTIVATION_SINE;
        feature.hidden = {activation, parameter};
        family.features.push_back(feature);
    }
    return family;
}

Family losses() {
    Family family = {"loss", {256, 256, 256}, 256, {plain("mse")}};
    for (int kind = 0; bp_loss_name(static_cast<bp_loss_kind>(kind)) != nullptr; kind++)
        for (const bool weighted : {false, true}) {
            const auto loss = static_cast<bp_loss_kind>(kind);
            if (loss == BP_LOSS_MSE && !weighted)
                continue;
            Feature feature = plain(bp_loss_name(loss));
            feature.name += weighted ? ",weighted" : "";
            feature.loss = loss;
            feature.weighted = weighted;
            family.features.push_back(feature);
        }
    return family;
}

Family optimizers() {
    Family family = {"optimizer", {1024, 1024, 1024}, 256, {plain("sgd")}};
    const auto add = [&family](const std::string &name, const bp_optimizer &optimizer) {
        family.features.push_back(plain(name.c_str()));
        family.features.back().optimizer = optimizer;
    };
    for (int kind = 0; bp_optimizer_name(static_cast<bp_optimizer_kind>(kind)) != nullptr; kind++)
        if (kind != BP_OPTIMIZER_SGD) {
            bp_optimizer optimizer = bp_optimizer_defaults(static_cast<bp_optimizer_kind>(kind));
            optimizer.weight_decay = optimizer.kind == BP_OPTIMIZER_ADAMW ? 0.01F : 0.0F;
            add(bp_optimizer_name(optimizer.kind), optimizer);
        }
    const bp_optimizer sgd = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    bp_optimizer decay = sgd, clip = sgd, norm = sgd, average = sgd;
    decay.weight_decay = 0.01F;
    clip.clip = 1;
    norm.clip_norm = 1;
    average.ema_decay = 0.999F;
    add("sgd,weight_decay", decay);
    add("sgd,clip", clip);
    add("sgd,clip_norm", norm);
    add("sgd,average", average);
    return family;
}

Family regularization(const std::string &name, const std::vector<size_t> &sizes, size_t batch) {
    Family family = {"regularization/" + name, sizes, batch, {plain("none")}};
    Feature dropout = plain("dropout"), norm = plain("layer_norm"), both = plain("dropout,layer_norm");
    dropout.dropout = both.dropout = 0.5F;
    norm.normalize = both.normalize = true;
    family.features.insert(family.features.end(), {dropout, norm, both});
    return family;
}

} // namespace

int main(int argc, char **argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    const Family families[] = {
        activations(),
        losses(),
        optimizers(),
        regularization("1024-1024-1024", {1024, 1024, 1024}, 256),
        regularization("784-256-128-10", {784, 256, 128, 10}, 128),
        regularization("64-64-64", {64, 64, 64}, 256),
    };
    std::vector<std::unique_ptr<Contest>> contests;
    for (const Family &family : families)
        for (int k = BP_ISA_SCALAR + 1; bp_isa_name(static_cast<bp_isa>(k)) != nullptr; k++) {
            const auto isa = static_cast<bp_isa>(k);
            if (!bp_cpu_supports(isa))
                continue;
            contests.push_back(std::make_unique<Contest>(family, isa));
            for (size_t feature = 0; feature < family.features.size(); feature++) {
                const std::string name = family.name + "/" + bp_isa_name(isa) + "/" + family.features[feature].name;
                Contest *contest = contests.back().get();
                benchmark::RegisterBenchmark(
                    name.c_str(), [contest, feature](benchmark::State &state) { contest->report(state, feature); })
                    ->UseManualTime()
                    ->Iterations(1)
                    ->Unit(benchmark::kMicrosecond);
            }
        }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
