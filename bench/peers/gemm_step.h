/*
 * A training step on a library's matrix product, the way one writes it who cares: the update goes straight into the
 * weights (alpha = -rate, beta = 1), there is no delta for the inputs, nothing is allocated, and what is not a product
 * is done in single passes. In three ways, of which none is the best for all shapes:
 *
 *   whole   the whole batch through one layer after the other; the library shares out its products to threads
 *   tile    256 rows at a time go through all layers forward and backward, so that their activations stay in the
 *           cache; the gradients are summed up beside the weights (all tiles must see the same weights)
 *   slice   each thread takes tiles of its own, with the library on one thread, and sums up gradients of its own
 *
 * Adam needs the gradient itself: it is one pass over gradient, moments and weights after the products.
 *
 * `Gemm` has, for row-major matrices and op(X) = X or its transpose,
 *   static void gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
 *                    const float *b, size_t ldb, float beta, float *c, size_t ldc);  C = alpha op(A) op(B) + beta C
 *   static void set_threads(size_t threads);
 *   static const char *version();
 *   static constexpr bool openmp: whether its threads are those of OpenMP, so that the update can have them too
 */
#ifndef BENCH_PEERS_GEMM_STEP_H
#define BENCH_PEERS_GEMM_STEP_H

#include <exception>
#include <utility>
#include <vector>

#include <omp.h>

#include "buffer.h"
#include "elementwise.h"

namespace peers {

enum class Way { whole, tile, slice };

const size_t tile_rows = 256;

template <class Gemm> class GemmTrainer {
  public:
    GemmTrainer(const peer_net &net, const peer_layer *initial, Way way, size_t threads)
        : net_(net), teams_(way == Way::slice ? threads : 1),
          direct_(way == Way::whole && net.optimizer.kind == BP_OPTIMIZER_SGD),
          workers_(way == Way::slice || (!direct_ && Gemm::openmp) ? threads : 1), tile_(net.batch),
          adam_(net.optimizer.kind == BP_OPTIMIZER_ADAM) {
        if (way != Way::whole)
            tile_ = std::min(tile_rows, (net.batch + teams_ - 1) / teams_);
        for (size_t l = 0; l < net.layers; l++) {
            const size_t in = net.sizes[l], out = net.sizes[l + 1];
            layers_.push_back({in, out, Buffer(in * out, initial[l].weights), Buffer(out, initial[l].biases),
                               Moments(adam_ ? in * out : 0), Moments(adam_ ? out : 0)});
        }
        for (size_t t = 0; t < teams_; t++)
            add_slice();
    }

    void step(const peer_batch &batch, float rate) {
        if (adam_)
            now_ = Adam(net_.optimizer, rate, ++steps_);
        if (teams_ == 1)
            rows_of(0, batch, rate);
        if (workers_ == 1) {
            weights_of(0, rate);
            return;
        }
#pragma omp parallel num_threads(static_cast <int>(workers_))
        {
            const auto thread = static_cast<size_t>(omp_get_thread_num());
            if (teams_ > 1) {
                rows_of(thread, batch, rate);
#pragma omp barrier
            }
            weights_of(thread, rate);
        }
    }

    void parameters(const peer_layer *layers) const {
        for (size_t l = 0; l < net_.layers; l++) {
            std::copy_n(layers_[l].w.get(), layers_[l].in * layers_[l].out, layers[l].weights);
            std::copy_n(layers_[l].b.get(), layers_[l].out, layers[l].biases);
        }
    }

  private:
    struct Layer {
        size_t in, out;
        Buffer w, b;
        Moments w_moments, b_moments;
    };

    /** What one thread has of its rows: for each layer its outputs and sums, and the deltas of two neighbors. */
    struct Slice {
        std::vector<Buffer> a, sums, gradient;
        Buffer delta, below;
        bool started;
    };

    void add_slice() {
        const size_t widest = *std::max_element(net_.sizes + 1, net_.sizes + net_.layers + 1);
        slices_.push_back({{}, {}, {}, Buffer(widest * tile_), Buffer(widest * tile_), false});
        for (const Layer &layer : layers_) {
            slices_.back().a.emplace_back(tile_ * layer.out);
            slices_.back().sums.emplace_back(layer.out);
            slices_.back().gradient.emplace_back(direct_ ? 0 : layer.in * layer.out);
        }
    }

    void rows_of(size_t thread, const peer_batch &batch, float rate) {
        Slice &slice = slices_[thread];
        for (size_t l = 0; l < net_.layers; l++)
            std::fill_n(slice.sums[l].get(), layers_[l].out, 0.0f);
        slice.started = false;
        for (size_t row = thread * tile_; row < net_.batch; row += teams_ * tile_) {
            const size_t rows = std::min(tile_, net_.batch - row), last = net_.layers - 1;
            const float *inputs = batch.inputs + row * net_.sizes[0];
            forward(slice, inputs, rows);
            output_delta(net_, batch, row, rows, slice.delta, layers_[last].out, layers_[last].b, slice.sums[last],
                         1 / static_cast<float>(net_.batch));
            backward(slice, inputs, rows, rate);
            slice.started = true;
        }
    }

    void forward(Slice &slice, const float *x, size_t rows) {
        for (size_t l = 0; l < net_.layers; l++) {
            const Layer &layer = layers_[l];
            const bool last = l + 1 == net_.layers; // the loss turns outputs into their delta, in place
            float *a = last ? slice.delta : slice.a[l];
            Gemm::gemm(false, false, rows, layer.out, layer.in, 1, x, layer.in, layer.w, layer.out, 0, a, layer.out);
            if (!last)
                with(net_.hidden, [&](auto f) { add_bias_and_activate(f, a, layer.out, layer.b, rows, layer.out); });
            x = a;
        }
    }

    void backward(Slice &slice, const float *inputs, size_t rows, float rate) {
        for (size_t l = net_.layers; l-- > 0;) {
            Layer &layer = layers_[l];
            const float *x = l > 0 ? slice.a[l - 1] : inputs;
            if (l > 0)
                Gemm::gemm(false, true, rows, layer.in, layer.out, 1, slice.delta, layer.out, layer.w, layer.out, 0,
                           slice.below, layer.in);
            if (direct_)
                Gemm::gemm(true, false, layer.in, layer.out, rows, -rate, x, layer.in, slice.delta, layer.out, 1,
                           layer.w, layer.out);
            else
                Gemm::gemm(true, false, layer.in, layer.out, rows, 1, x, layer.in, slice.delta, layer.out,
                           slice.started ? 1 : 0, slice.gradient[l], layer.out);
            if (l > 0) {
                with(net_.hidden,
                     [&](auto f) { times_slope(f, slice.below, x, layer.in, slice.sums[l - 1], rows, layer.in); });
                std::swap(slice.delta, slice.below);
            }
        }
    }

    /** The thread's share of every layer's update, from the gradients of all slices. */
    void weights_of(size_t thread, float rate) {
        for (size_t l = 0; l < net_.layers; l++) {
            Layer &layer = layers_[l];
            const auto [from, to] = share(layer.in * layer.out, thread, workers_);
            if (!direct_)
                update(&Slice::gradient, l, layer.w, layer.w_moments, rate, from, to);
            if (thread == 0)
                update(&Slice::sums, l, layer.b, layer.b_moments, rate, 0, layer.out);
        }
    }

    /** Updates values [from, to) by the sum of what the slices have for layer l. */
    void update(std::vector<Buffer> Slice::*gradient, size_t l, float *values, const Moments &moments, float rate,
                size_t from, size_t to) {
        const size_t block = 4096; // stays in the first cache
        for (size_t size; from < to; from += size) {
            size = std::min(block, to - from);
            float *sum = (slices_[0].*gradient)[l] + from;
            for (size_t t = adam_ ? 1 : 0; t < teams_; t++)
                if (slices_[t].started) // there may be more threads than tiles
                    descend(adam_ ? sum : values + from, (slices_[t].*gradient)[l] + from, adam_ ? -1 : rate, size);
            if (adam_)
                now_.update(values + from, sum, moments.m + from, moments.v + from, size);
        }
    }

    peer_net net_;
    size_t teams_;   // threads that have rows of their own
    bool direct_;    // the update goes straight into the weights
    size_t workers_; // threads that share the update, if it does not
    size_t tile_;
    bool adam_;
    size_t steps_ = 0;
    Adam now_; // of this step
    std::vector<Layer> layers_;
    std::vector<Slice> slices_;
};

/** The peer of a library's product in one of the ways. */
template <class Gemm, Way way> struct GemmPeer {
    static const char *refusal(const peer_net *net, size_t threads) {
        if (way == Way::tile && net->batch <= tile_rows)
            return "its batch is a single tile";
        if (way == Way::slice && threads == 1)
            return "one thread shares with none";
        return way == Way::slice && net->batch < threads ? "it has more threads than rows" : nullptr;
    }

    static void *create(const peer_net *net, const peer_layer *initial, size_t threads) try {
        Gemm::set_threads(way == Way::slice ? 1 : threads);
        return new GemmTrainer<Gemm>(*net, initial, way, threads);
    } catch (const std::exception &) {
        return nullptr;
    }

    static void step(void *trainer, const peer_batch *batch, float rate) {
        static_cast<GemmTrainer<Gemm> *>(trainer)->step(*batch, rate);
    }

    static void parameters(void *trainer, const peer_layer *layers) {
        static_cast<GemmTrainer<Gemm> *>(trainer)->parameters(layers);
    }

    static void destroy(void *trainer) {
        delete static_cast<GemmTrainer<Gemm> *>(trainer);
    }

    static constexpr peer describe(const char *name) {
        return {name, PEER_BY_HAND, Gemm::version, refusal, create, step, parameters, destroy};
    }
};

} // namespace peers

#endif
