/* The shapes that kernels are timed on: those of networks that people train, and the neighbors of round numbers. */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include <cstddef>

struct DenseShape {
    size_t batch, in, out;

    double weights() const {
        return static_cast<double>(in) * static_cast<double>(out);
    }
    double flop() const {
        return 2.0 * static_cast<double>(batch) * weights();
    }
};

// clang-format off
const DenseShape dense_shapes[] = {
    // Round numbers, one less, one more: there should be no cliff between them.
    {1023, 1023, 1023}, {1024, 1024, 1024}, {1025, 1025, 1025},
    {127, 511, 511},    {128, 512, 512},    {129, 513, 513},
    {255, 255, 255},    {256, 256, 256},    {257, 257, 257},
    {63, 63, 63},       {64, 64, 64},       {65, 65, 65},
    {31, 1024, 1024},   {32, 1024, 1024},   {33, 1024, 1024},
    // Online learning and the last layer tuned on a device
    {1, 128, 10},       {1, 64, 64},        {1, 256, 256},      {1, 255, 257},      {1, 784, 128},      {1, 1024, 1024},
    // Reinforcement learning: PPO, SAC, TD3, DQN, and the narrow heads of their networks
    {64, 17, 64},       {64, 64, 6},        {32, 256, 256},     {256, 23, 256},     {256, 256, 1},      {256, 400, 300},
    {128, 120, 84},
    // Images: MNIST, an autoencoder's bottleneck
    {32, 784, 128},     {128, 784, 512},    {128, 1000, 500},   {128, 250, 30},     {128, 512, 10},
    // Tables and particle physics, with the widths that a search came up with
    {256, 510, 263},    {256, 42, 503},     {1024, 64, 32},     {1024, 32, 5},
    // Recommendation
    {2048, 13, 512},    {2048, 479, 1024},  {2048, 256, 1},
    // Fields of radiance and of physics, chess: long and thin
    {2540, 20, 20},     {10000, 50, 50},    {16384, 32, 64},    {16384, 64, 64},    {16384, 64, 16},
    {16384, 1024, 32},
    // More than the caches hold
    {256, 4096, 4096},
};

// Weights that were not used since they left the caches: the first step after something else ran.
const DenseShape cold_shapes[] = {
    {1, 256, 256}, {1, 784, 128}, {1, 1024, 1024}, {32, 256, 256}, {32, 784, 128}, {32, 1024, 1024}, {128, 512, 512},
};

// The oracle is plain loops; a glance at it is enough.
const DenseShape scalar_shapes[] = {{1, 784, 128}, {64, 64, 64}, {32, 784, 128}};
// clang-format on

struct RowShape {
    size_t rows, columns;
};

const RowShape row_shapes[] = {{1024, 1024}, {128, 512}, {128, 10}, {63, 65}};

const RowShape scalar_row_shapes[] = {{128, 512}};

#endif
