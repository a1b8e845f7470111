/*
 * Every kernel x shape x instruction set of this machine. README.md tells how to run it and how to read it.
 *
 * Three families, each with its arrays, a table of kernels and a table of shapes; main registers their products.
 */
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <backprop/backprop.h>
#include <benchmark/benchmark.h>

#include "arrays.h"
#include "measure.h"

namespace {

const bp_activation relu = {BP_RELU, 0};
const bp_activation leaky_relu = {BP_LEAKY_RELU, 0.01f};
const float still_rate = 1e-12f; // an update a million times over leaves the weights where they are

// ---- Products of dense layers -----------------------------------------------------------------------------------

struct DenseShape {
    size_t batch, in, out;

    double flop() const {
        return 2.0 * static_cast<double>(batch) * static_cast<double>(in) * static_cast<double>(out);
    }
};

const DenseShape dense_shapes[] = {
    {1024, 1024, 1024}, {128, 512, 512}, {256, 256, 256}, {64, 64, 64},    {128, 784, 512}, {32, 1024, 1024},
    {1, 784, 128},      {64, 784, 256},  {63, 65, 67},    {2048, 13, 512}, {16384, 64, 64},
};

const double scalar_flop_max = 2.0 * 256 * 256 * 256; // plain loops would take minutes on more

struct DenseArrays {
    DenseShape shape;
    Array<float> x, w, bias, a, delta, below, gradient, gradient_bias;
    Array<char> scratch;

    explicit DenseArrays(DenseShape s)
        : shape(s), x(0, s.batch * s.in), w(1, s.in * s.out, 1 / std::sqrt(static_cast<float>(s.in))), bias(2, s.out),
          a(3, s.batch * s.out), delta(4, s.batch * s.out), below(5, s.batch * s.in), gradient(6, s.in * s.out),
          gradient_bias(7, s.out), scratch(8, bp_scratch_bytes()) {
    }
};

struct DenseKernel {
    const char *name;
    void (*call)(const bp_kernels &kernels, DenseArrays &m);
};

const DenseKernel dense_kernels[] = {
    {"dense_forward",
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         kernels.dense_forward(m.a, out, m.x, in, m.w, out, m.bias, batch, in, out, relu, m.scratch);
     }},
    {"dense_delta",
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         kernels.dense_delta(m.below, in, m.delta, out, m.w, out, m.x, in, batch, in, out, relu, m.scratch);
     }},
    {"dense_gradient",
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         kernels.dense_gradient(m.gradient, out, m.gradient_bias, m.x, in, m.delta, out, batch, in, out, m.scratch);
     }},
    {"dense_gradient_sgd",
     [](const bp_kernels &kernels, DenseArrays &m) {
         const auto [batch, in, out] = m.shape;
         kernels.dense_gradient_sgd(m.w, out, m.bias, m.x, in, m.delta, out, batch, in, out, still_rate, m.scratch);
     }},
};

// ---- Kernels that pass over the elements of a matrix ------------------------------------------------------------

struct RowShape {
    size_t rows, columns;
};

const RowShape row_shapes[] = {{1024, 1024}, {128, 512}, {128, 10}, {63, 65}};

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

const bp_activation activations[] = {{BP_IDENTITY, 0}, relu, leaky_relu, {BP_SIGMOID, 0}, {BP_TANH, 0}};

// ---- Registration -----------------------------------------------------------------------------------------------

std::string text(const RowShape &shape) {
    return std::to_string(shape.rows) + "x" + std::to_string(shape.columns);
}

std::string text(const DenseShape &shape) {
    return std::to_string(shape.batch) + "x" + text(RowShape{shape.in, shape.out});
}

void add_dense(const bp_kernels &kernels, const std::string &isa) {
    for (const DenseKernel &kernel : dense_kernels)
        for (const DenseShape &shape : dense_shapes) {
            if (kernels.isa == BP_ISA_SCALAR && shape.flop() > scalar_flop_max)
                continue;
            const std::string name = std::string(kernel.name) + "/" + isa + "/" + text(shape);
            benchmark::RegisterBenchmark(name.c_str(), [&kernels, &kernel, shape](benchmark::State &state) {
                DenseArrays m(shape);
                measure(state, kernels.isa, Work{shape.flop(), 0, 0}, [&] { kernel.call(kernels, m); });
            });
        }
}

void add_pass(const bp_kernels &kernels, const std::string &name, RowShape shape, double bytes,
              const std::function<void(const bp_kernels &, RowArrays &)> &call) {
    benchmark::RegisterBenchmark((name + "/" + text(shape)).c_str(), [=, &kernels](benchmark::State &state) {
        RowArrays m(shape);
        const auto count = static_cast<double>(m.count);
        measure(state, kernels.isa, Work{0, bytes * count, count}, [&] { call(kernels, m); });
    });
}

void add_passes(const bp_kernels &kernels, const std::string &isa) {
    for (const RowKernel &kernel : row_kernels)
        for (const RowShape &shape : row_shapes)
            add_pass(kernels, std::string(kernel.name) + "/" + isa, shape, kernel.bytes, kernel.call);
    for (const ActivationKernel &kernel : activation_kernels)
        for (const bp_activation &activation : activations)
            for (const RowShape &shape : row_shapes)
                add_pass(kernels, std::string(kernel.name) + "/" + isa + "/" + bp_activation_name(activation.kind),
                         shape, kernel.bytes,
                         [&kernel, activation](const bp_kernels &k, RowArrays &m) { kernel.call(k, m, activation); });
}

} // namespace

int main(int argc, char **argv) {
    // A default that comes first, so that the user's own --benchmark_min_time overrides it.
    std::string min_time = "--benchmark_min_time=0.2";
    std::vector<char *> arguments(argv, argv + argc);
    arguments.insert(arguments.begin() + 1, min_time.data());
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
        return 2;

    for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
        const bp_kernels *kernels;
        if (bp_kernels_for(static_cast<bp_isa>(isa), &kernels) != BP_OK)
            continue; // not on this machine
        const std::string name = bp_isa_name(kernels->isa);
        add_dense(*kernels, name);
        add_passes(*kernels, name);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
