/*
 * Every kernel x shape x instruction set of this machine. README.md tells how to run it and how to read it.
 *
 * Three families, each with its arrays, a table of kernels and a table of shapes; main registers their products.
 */
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <backprop/backprop.h>
#include <benchmark/benchmark.h>

#include "arrays.h"
#include "measure.h"
#include "peak/peak.h"
#include "shapes.h"

namespace {

const bp_activation relu = {BP_ACTIVATION_RELU, 0};
const bp_activation leaky_relu = {BP_ACTIVATION_LEAKY_RELU, 0.01f};
const float still_rate = 1e-12f; // an update a million times over leaves the weights where they are

// Several times what the largest cache holds; where that is not known, as if it held 32 MiB.
size_t cold_bytes() {
    int largest = 32 << 20;
    for (const benchmark::CPUInfo::CacheInfo &cache : benchmark::CPUInfo::Get().caches)
        largest = std::max(largest, cache.size);
    return 4 * static_cast<size_t>(largest);
}

// ---- Products of dense layers -----------------------------------------------------------------------------------

/**
 * What a call on a dense layer works on. A cold layer has as many copies of its weights as take several times the room
 * of the last cache, and each call takes the next one, so that it finds them in memory. The rows of a larger batch stay
 * warm, as what the layer before has just computed; those of a batch of one rotate with the weights.
 */
class DenseArrays {
  public:
    struct Weights {
        Array<float> w, bias;
    };
    struct Rows {
        Array<float> x, a, delta, below;
    };

    const DenseShape shape;
    Array<char> scratch;

    DenseArrays(DenseShape s, bool cold) : shape(s), scratch(6, bp_dense_scratch_bytes(s.batch, s.in, s.out)) {
        const float scale = 1 / std::sqrt(static_cast<float>(s.in));
        const size_t copies = cold ? 1 + cold_bytes() / (s.in * s.out * sizeof(float)) : 1;
        for (size_t k = 0; k < copies; k++)
            weights_.push_back({{0, s.in * s.out, scale}, {1, s.out}});
        for (size_t k = 0; k < (s.batch == 1 ? copies : 1); k++)
            rows_.push_back({{2, s.batch * s.in}, {3, s.batch * s.out}, {4, s.batch * s.out}, {5, s.batch * s.in}});
    }

    void next() {
        weights_at_ = weights_at_ + 1 < weights_.size() ? weights_at_ + 1 : 0;
        rows_at_ = rows_at_ + 1 < rows_.size() ? rows_at_ + 1 : 0;
    }
    Weights &weights() {
        return weights_[weights_at_];
    }
    Rows &rows() {
        return rows_[rows_at_];
    }

  private:
    std::vector<Weights> weights_;
    std::vector<Rows> rows_;
    size_t weights_at_ = 0, rows_at_ = 0;
};

struct DenseKernel {
    const char *name;
    Traffic weights; // what it does with them
    size_t x_arrays; // how many arrays of the shape of x it reads and writes; of the shape of delta it is one
    void (*call)(const bp_kernels &kernels, DenseArrays &m);

    // Read and written, biases left out.
    double bytes(const DenseShape &s) const {
        return sizeof(float) * ((weights == Traffic::update ? 2 : 1) * s.weights() +
                                static_cast<double>(s.batch * (x_arrays * s.in + s.out)));
    }
};

const DenseKernel dense_kernels[] = {
    {"dense_forward", Traffic::read, 1,
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         auto &[w, bias] = m.weights();
         auto &[x, a, delta, below] = m.rows();
         kernels.dense_forward(a, out, x, in, w, out, bias, batch, in, out, relu, m.scratch);
     }},
    {"dense_delta", Traffic::read, 2,
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         auto &[w, bias] = m.weights();
         auto &[x, a, delta, below] = m.rows();
         kernels.dense_delta(below, in, delta, out, w, out, x, in, batch, in, out, relu, m.scratch);
     }},
    {"dense_gradient", Traffic::write, 1, // the gradient takes the weights' place
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         auto &[w, bias] = m.weights();
         auto &[x, a, delta, below] = m.rows();
         kernels.dense_gradient(w, out, bias, x, in, delta, out, batch, in, out, m.scratch);
     }},
    {"dense_gradient_sgd", Traffic::update, 1,
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         auto &[w, bias] = m.weights();
         auto &[x, a, delta, below] = m.rows();
         kernels.dense_gradient_sgd(w, out, bias, x, in, delta, out, batch, in, out, still_rate, m.scratch);
     }},
};

// ---- Kernels that pass over the elements of a matrix ------------------------------------------------------------

struct RowArrays {
    RowShape shape;
    size_t count;
    Array<float> in, target, out, row_loss;
    std::vector<uint32_t> labels;
    float scale;

    explicit RowArrays(RowShape s)
        : shape(s), count(s.rows * s.columns), in(0, count), target(1, count), out(2, count), row_loss(3, s.rows),
          labels(s.rows), scale(1 / static_cast<float>(s.rows)) {
        for (size_t n = 0; n < s.rows; n++)
            labels[n] = static_cast<uint32_t>(bp_random_u32(2, 0, n) % s.columns);
    }
};

struct RowKernel {
    const char *name;
    double bytes; // read and written for each element
    void (*call)(const bp_kernels &kernels, RowArrays &m);
};

const RowKernel row_kernels[] = {
    {"loss_mse", 12,
     [](const bp_kernels &kernels, RowArrays &m) {
         const auto [rows, columns] = m.shape;
         kernels.loss_mse(m.out, columns, m.row_loss, m.in, columns, m.target, columns, rows, columns, relu, m.scale);
     }},
    {"loss_softmax_cross_entropy", 8,
     [](const bp_kernels &kernels, RowArrays &m) {
         const auto [rows, columns] = m.shape;
         kernels.loss_softmax_cross_entropy(m.out, columns, m.row_loss, m.in, columns, m.labels.data(), rows, columns,
                                            m.scale);
     }},
    {"softmax", 8,
     [](const bp_kernels &kernels, RowArrays &m) {
         const auto [rows, columns] = m.shape;
         kernels.softmax(m.out, columns, m.in, columns, rows, columns);
     }},
    {"dropout", 8,
     [](const bp_kernels &kernels, RowArrays &m) {
         const auto [rows, columns] = m.shape;
         const bp_dropout_mask mask{0.5f, 1, 2, 0, 0};
         kernels.dropout(m.out, columns, m.in, columns, rows, columns, &mask);
     }},
    {"layer_norm_forward", 12,
     [](const bp_kernels &kernels, RowArrays &m) {
         const auto [rows, columns] = m.shape;
         kernels.layer_norm_forward(m.out, columns, m.target, columns, m.row_loss, m.in, columns, m.in, m.in, rows,
                                    columns, 1e-5f);
     }},
    {"layer_norm_backward", 12,
     [](const bp_kernels &kernels, RowArrays &m) {
         const auto [rows, columns] = m.shape;
         kernels.layer_norm_backward(m.out, columns, m.in, columns, m.target, columns, m.row_loss, m.in, rows, columns);
     }},
    {"layer_norm_gradient", 8,
     [](const bp_kernels &kernels, RowArrays &m) {
         const auto [rows, columns] = m.shape;
         kernels.layer_norm_gradient(m.out, m.out + columns, m.in, columns, m.target, columns, rows, columns);
     }},
    {"sum", 4, [](const bp_kernels &kernels, RowArrays &m) { benchmark::DoNotOptimize(kernels.sum(m.in, m.count)); }},
    {"sgd", 12, [](const bp_kernels &kernels, RowArrays &m) { kernels.sgd(m.out, m.in, m.count, still_rate); }},
};

// ---- Activations: the same, for each kind -----------------------------------------------------------------------

struct ActivationKernel {
    const char *name;
    double bytes;
    void (*call)(const bp_kernels &kernels, RowArrays &m, bp_activation activation);
};

const ActivationKernel activation_kernels[] = {
    {"activate", 8,
     [](const bp_kernels &kernels, RowArrays &m, bp_activation activation) {
         const auto [rows, columns] = m.shape;
         kernels.activate(m.out, columns, m.in, columns, rows, columns, activation);
     }},
    {"activation_derivative", 8,
     [](const bp_kernels &kernels, RowArrays &m, bp_activation activation) {
         const auto [rows, columns] = m.shape;
         kernels.activation_derivative(m.out, columns, m.in, columns, rows, columns, activation);
     }},
};

bp_activation activation_of(int kind) {
    return {static_cast<bp_activation_kind>(kind), kind == BP_ACTIVATION_LEAKY_RELU ? leaky_relu.parameter : 0};
}

// ---- Losses by their kind, weighted -----------------------------------------------------------------------------

bool takes_labels(bp_loss_kind loss) {
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_MULTICLASS_HINGE;
}

// Smoothed, or with a threshold; others do without.
void call_loss(const bp_kernels &kernels, RowArrays &m, bp_loss_kind loss) {
    const auto [rows, columns] = m.shape;
    const float parameter = 0.1F;
    if (takes_labels(loss))
        kernels.loss_labels(m.out, columns, m.row_loss, m.in, columns, m.labels.data(), m.target, rows, columns, loss,
                            parameter, m.scale);
    else
        kernels.loss_targets(m.out, columns, m.row_loss, m.in, columns, m.target, columns, m.target, rows, columns,
                             loss, parameter, m.scale);
}

// ---- Registration -----------------------------------------------------------------------------------------------

template <typename T, size_t N> std::vector<T> list(const T (&shapes)[N]) {
    return {std::begin(shapes), std::end(shapes)};
}

std::string text(const RowShape &shape) {
    return std::to_string(shape.rows) + "x" + std::to_string(shape.columns);
}

std::string text(const DenseShape &shape) {
    return std::to_string(shape.batch) + "x" + text(RowShape{shape.in, shape.out});
}

void add_dense(const bp_kernels &kernels, const DenseKernel &kernel, DenseShape shape, bool cold) {
    const std::string name =
        std::string(kernel.name) + "/" + bp_isa_name(kernels.isa) + "/" + text(shape) + (cold ? "/cold" : "");
    benchmark::RegisterBenchmark(name.c_str(), [=, &kernels](benchmark::State &state) {
        DenseArrays m(shape, cold);
        const bool by_weights = shape.batch == 1; // which take longer to move than to compute with
        const Work work = {shape.flop(), by_weights || cold ? kernel.bytes(shape) : 0, 0, shape.weights()};
        const auto call = [&] {
            m.next();
            kernel.call(kernels, m);
        };
        const auto pass = [&] {
            m.next();
            return memory_pass(kernels.isa, kernel.weights, m.weights().w, shape.in * shape.out);
        };
        by_weights ? measure(state, kernels.isa, work, call, pass) : measure(state, kernels.isa, work, call);
    });
}

void add_pass(const bp_kernels &kernels, const std::string &name, RowShape shape, double bytes,
              const std::function<void(const bp_kernels &, RowArrays &)> &call) {
    benchmark::RegisterBenchmark((name + "/" + text(shape)).c_str(), [=, &kernels](benchmark::State &state) {
        RowArrays m(shape);
        const auto count = static_cast<double>(m.count);
        measure(state, kernels.isa, Work{0, bytes * count, count, 0}, [&] { call(kernels, m); });
    });
}

void add_passes(const bp_kernels &kernels, RowShape shape) {
    const std::string isa = bp_isa_name(kernels.isa);
    for (const RowKernel &kernel : row_kernels)
        add_pass(kernels, std::string(kernel.name) + "/" + isa, shape, kernel.bytes, kernel.call);
    for (const ActivationKernel &kernel : activation_kernels)
        for (int kind = 0; bp_activation_name(static_cast<bp_activation_kind>(kind)) != nullptr; kind++) {
            const bp_activation activation = activation_of(kind);
            add_pass(kernels, std::string(kernel.name) + "/" + isa + "/" + bp_activation_name(activation.kind), shape,
                     kernel.bytes,
                     [&kernel, activation](const bp_kernels &k, RowArrays &m) { kernel.call(k, m, activation); });
        }
    for (int kind = 0; bp_loss_name(static_cast<bp_loss_kind>(kind)) != nullptr; kind++) {
        const auto loss = static_cast<bp_loss_kind>(kind);
        add_pass(kernels,
                 std::string(takes_labels(loss) ? "loss_labels/" : "loss_targets/") + isa + "/" + bp_loss_name(loss),
                 shape, takes_labels(loss) ? 8 : 12,
                 [loss](const bp_kernels &k, RowArrays &m) { call_loss(k, m, loss); });
    }
}

void add_all(const bp_kernels &kernels) {
    const bool scalar = kernels.isa == BP_ISA_SCALAR;
    for (const DenseKernel &kernel : dense_kernels) {
        for (const DenseShape &shape : scalar ? list(scalar_shapes) : list(dense_shapes))
            add_dense(kernels, kernel, shape, false);
        for (const DenseShape &shape : scalar ? std::vector<DenseShape>() : list(cold_shapes))
            add_dense(kernels, kernel, shape, true);
    }
    for (const RowShape &shape : scalar ? list(scalar_row_shapes) : list(row_shapes))
        add_passes(kernels, shape);
}

} // namespace

int main(int argc, char **argv) {
    // A default that comes first, so that the user's own --benchmark_min_time overrides it.
    std::string min_time = "--benchmark_min_time=0.1";
    std::vector<char *> arguments(argv, argv + argc);
    arguments.insert(arguments.begin() + 1, min_time.data());
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
        return 2;

    for (int isa = 0; bp_isa_name(static_cast<bp_isa>(isa)) != nullptr; isa++) {
        const bp_kernels *kernels;
        if (bp_kernels_for(static_cast<bp_isa>(isa), &kernels) == BP_OK) // else it is not on this machine
            add_all(*kernels);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
