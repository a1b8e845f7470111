/* The networks that are trained: the table of shapes, initial parameters, and batches. */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <string>
#include <vector>

#include "../peers/peer.h"

struct Shape {
    std::string name;
    std::vector<size_t> sizes;
    bp_activation hidden;
    bp_loss_kind loss;
    size_t batch;
    bp_optimizer_kind optimizer = BP_OPTIMIZER_SGD; // with the defaults of its numbers

    peer_net net() const;
    double flop() const; // of the products in one step; no delta is computed for the inputs
};

/** The shapes that bench_step runs by default. */
const std::vector<Shape> &table();

/** Weights and biases of all layers, in one block that starts on a cache line. */
class Parameters {
  public:
    explicit Parameters(const Shape &shape);

    const peer_layer *layers() const {
        return layers_.data();
    }

    /** Elements of layer `index`: its weights or its biases. */
    size_t weights(size_t index) const;
    size_t biases(size_t index) const;

    /** Where training starts from: as bp_network_initialize does, with gains that keep signals alive in deep nets. */
    void initialize(const Shape &shape);

  private:
    std::vector<size_t> sizes_;
    std::vector<float> values_;
    std::vector<peer_layer> layers_;
};

/** Batches of random data that are taken in turn, so that a step's inputs are as cold as in training. */
class Pool {
  public:
    explicit Pool(const Shape &shape);

    size_t size() const {
        return batches_.size();
    }

    const peer_batch &operator[](size_t index) const {
        return batches_[index % batches_.size()];
    }

  private:
    std::vector<float> values_;
    std::vector<uint32_t> labels_;
    std::vector<peer_batch> batches_;
};

#endif
