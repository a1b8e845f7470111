/*
 * libxsmm: its small products, generated for their exact sizes when the network is created.
 *
 * Weights are kept in panels of 64 columns, and a transposed copy of them too, which each update refreshes while the
 * panel is hot. Blocks of 64 rows run through all layers forward and backward, with bias, activation and derivative
 * applied to each 64 x 64 block of results right after its product. Deltas carry the factor -rate from the loss on, so
 * that the update is a product added to the weights. For Adam a panel's gradient is summed up beside them, and Adam's
 * pass over the panel follows while it is hot.
 */
#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <vector>

#include <libxsmm.h>
#include <omp.h>

#include "buffer.h"
#include "elementwise.h"

namespace {

using peers::Buffer;
using peers::Moments;

const size_t panel = 64;      // columns of weights that lie together
const size_t row_block = 64;  // rows of one product, at most
const size_t row_chunk = 256; // rows that a gradient product sums up at once, and the rows of a tile

size_t chunks(size_t count, size_t size) {
    return (count + size - 1) / size;
}

size_t last_of(size_t count, size_t size) {
    return count - (chunks(count, size) - 1) * size;
}

/** Elements from row to row of a matrix of ours: whole cache lines, and no power of two, which would crowd one set. */
size_t padded(size_t width) {
    const size_t lines = chunks(width, 16);
    return 16 * (lines % 16 == 0 ? lines + 1 : lines);
}

/** C = A B (+ C) as libxsmm sees it, column-major: m x n results in steps of k. */
libxsmm_smmfunction product(size_t m, size_t n, size_t k, size_t lda, size_t ldb, size_t ldc, bool add,
                            bool transpose) {
    const auto i = [](size_t size) { return static_cast<libxsmm_blasint>(size); };
    const libxsmm_blasint a = i(lda), b = i(ldb), c = i(ldc);
    const float alpha = 1, beta = add ? 1 : 0;
    const int flags = transpose ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    const int prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
    const libxsmm_smmfunction kernel =
        libxsmm_smmdispatch(i(m), i(n), i(k), &a, &b, &c, &alpha, &beta, &flags, &prefetch);
    if (!kernel)
        throw std::runtime_error("libxsmm generates no code here");
    return kernel;
}

/** Products for whole blocks and for the last, smaller ones of a dimension: index 1 stands for the last. */
using Products = std::array<std::array<libxsmm_smmfunction, 2>, 2>;

struct Layer {
    size_t in, out, ldx, ld; // ldx of its inputs, ld of its outputs and deltas
    Buffer w, transposed, b, a, delta;
    Moments w_moments, b_moments;
    Products forward, backward;     // [panel of results][block of rows]
    std::array<Products, 2> update; // [panel of outputs][panel of inputs], for whole and last chunk of rows

    size_t panels() const {
        return chunks(out, panel);
    }

    /** Whether the update copies 64 columns of deltas together first: it pays if many products share them. */
    bool packs() const {
        return in > 4 * panel;
    }
};

class Trainer {
  public:
    Trainer(const peer_net &net, const peer_layer *initial, size_t threads, bool tiled)
        : net_(net), tiled_(tiled), threads_(threads), block_(std::min(row_block, chunks(net.batch, threads))),
          kept_(tiled ? row_chunk * threads : net.batch), adam_(net.optimizer.kind == BP_OPTIMIZER_ADAM), scale_(0) {
        for (size_t l = 0; l < net.layers; l++)
            add_layer(l, initial[l]);
        for (size_t t = 0; t < threads; t++) {
            packed_.emplace_back(row_chunk * panel);
            panels_.emplace_back(adam_ && !tiled ? *std::max_element(net.sizes, net.sizes + net.layers) * panel : 0);
            for (size_t l = 0; l < net.layers; l++) {
                sums_.emplace_back(padded(net.sizes[l + 1]));
                gradients_.emplace_back(tiled ? layers_[l].panels() * layers_[l].in * panel : 0);
            }
        }
    }

    void step(const peer_batch &batch, float rate) {
        scale_ = (adam_ ? 1 : -rate) / static_cast<float>(net_.batch);
        if (adam_)
            now_ = peers::Adam(net_.optimizer, rate, ++steps_);
        if (threads_ == 1) {
            rows_of(0, batch);
            weights_of(0, batch);
            return;
        }
#pragma omp parallel num_threads(static_cast <int>(threads_))
        {
            const auto thread = static_cast<size_t>(omp_get_thread_num());
            rows_of(thread, batch);
#pragma omp barrier
            weights_of(thread, batch);
        }
    }

    void parameters(const peer_layer *layers) const {
        for (size_t l = 0; l < net_.layers; l++) {
            const Layer &layer = layers_[l];
            for (size_t i = 0; i < layer.in; i++)
                for (size_t j = 0; j < layer.out; j++)
                    layers[l].weights[i * layer.out + j] = layer.w[at(layer.in, i, j)];
            std::copy_n(layer.b.get(), layer.out, layers[l].biases);
        }
    }

  private:
    /** Where element [row][column] of a matrix of `rows` rows lies, in panels. */
    static size_t at(size_t rows, size_t row, size_t column) {
        return column / panel * rows * panel + row * panel + column % panel;
    }

    void add_layer(size_t l, const peer_layer &initial) {
        const size_t in = net_.sizes[l], out = net_.sizes[l + 1], ldx = l ? padded(in) : in, ld = padded(out);
        const size_t rows[2] = {block_, last_of(net_.batch, block_)};
        const size_t chunk[2] = {row_chunk, last_of(net_.batch, row_chunk)};
        const size_t outs[2] = {std::min(panel, out), last_of(out, panel)},
                     ins[2] = {std::min(panel, in), last_of(in, panel)};
        layers_.push_back({in,
                           out,
                           ldx,
                           ld,
                           Buffer(chunks(out, panel) * in * panel),
                           Buffer(l ? chunks(in, panel) * out * panel : 0),
                           Buffer(out, initial.biases),
                           Buffer(l + 1 < net_.layers ? kept_ * ld : 0),
                           Buffer(kept_ * ld),
                           Moments(adam_ ? chunks(out, panel) * in * panel : 0),
                           Moments(adam_ ? out : 0),
                           {},
                           {},
                           {}});
        Layer &layer = layers_.back();
        for (size_t i = 0; i < in; i++)
            for (size_t j = 0; j < out; j++)
                layer.w[at(in, i, j)] = initial.weights[i * out + j];
        for (size_t p = 0; l && p < layer.panels(); p++)
            transpose(layer, p);
        for (size_t m = 0; m < 2; m++)
            for (size_t n = 0; n < 2; n++) {
                layer.forward[m][n] = product(outs[m], rows[n], in, panel, ldx, ld, false, false);
                if (l)
                    layer.backward[m][n] = product(ins[m], rows[n], out, panel, ld, ldx, false, false);
                for (size_t k = 0; k < 2; k++)
                    layer.update[k][m][n] =
                        product(outs[m], ins[n], chunk[k], layer.packs() ? panel : ld, ldx, panel, true, true);
            }
    }

    // ---- Rows: each thread takes chunks of them through all layers

    void rows_of(size_t thread, const peer_batch &batch) {
        for (size_t l = 0; l < net_.layers; l++)
            std::fill_n(sums(thread, l), layers_[l].out, 0.0f);
        if (!tiled_) {
            const size_t count = chunks(net_.batch, block_), share = chunks(count, threads_);
            const size_t end = std::min(count, (thread + 1) * share);
            for (size_t k = thread * share; k < end; k++)
                through(thread, batch, k * block_, k * block_);
            return;
        }
        for (size_t l = 0; l < net_.layers; l++)
            std::fill_n(gradient(thread, l), layers_[l].panels() * layers_[l].in * panel, 0.0f);
        for (size_t row = thread * row_chunk; row < net_.batch; row += threads_ * row_chunk) {
            const size_t end = std::min(row + row_chunk, net_.batch), first = thread * row_chunk;
            for (size_t r = row; r < end; r += block_)
                through(thread, batch, r, first + r - row);
            for (size_t l = 0; l < net_.layers; l++)
                for (size_t p = 0; p < layers_[l].panels(); p++)
                    add_gradient(thread, l, p, gradient(thread, l) + p * layers_[l].in * panel,
                                 inputs_of(l, batch, row, first), first, end - row);
        }
    }

    /** One block of rows, of the batch from `row`, in our matrices from `own`. */
    void through(size_t thread, const peer_batch &batch, size_t row, size_t own) {
        const size_t rows = std::min(block_, net_.batch - row), last = net_.layers - 1;
        const bool short_block = rows < block_;
        for (size_t l = 0; l <= last; l++) {
            Layer &layer = layers_[l];
            const float *x = inputs_of(l, batch, row, own);
            float *a = (l < last ? layer.a : layer.delta) + own * layer.ld;
            for (size_t p = 0; p < layer.panels(); p++) {
                const size_t width = std::min(panel, layer.out - p * panel);
                layer.forward[width < panel][short_block](layer.w + p * layer.in * panel, x, a + p * panel);
                if (l < last)
                    peers::with(net_.hidden, [&](auto f) {
                        peers::add_bias_and_activate(f, a + p * panel, layer.ld, layer.b + p * panel, rows, width);
                    });
            }
        }
        const Layer &top = layers_[last];
        peers::output_delta(net_, batch, row, rows, top.delta + own * top.ld, top.ld, top.b, sums(thread, last),
                            scale_);
        for (size_t l = last; l > 0; l--) {
            const Layer &layer = layers_[l], &below = layers_[l - 1];
            const float *delta = layer.delta + own * layer.ld, *a = below.a + own * below.ld;
            float *result = below.delta + own * below.ld;
            for (size_t p = 0; p < below.panels(); p++) {
                const size_t width = std::min(panel, layer.in - p * panel);
                layer.backward[width < panel][short_block](layer.transposed + p * layer.out * panel, delta,
                                                           result + p * panel);
                peers::with(net_.hidden, [&](auto f) {
                    peers::times_slope(f, result + p * panel, a + p * panel, below.ld, sums(thread, l - 1) + p * panel,
                                       rows, width);
                });
            }
        }
    }

    const float *inputs_of(size_t l, const peer_batch &batch, size_t row, size_t own) const {
        return l ? layers_[l - 1].a + own * layers_[l].ldx : batch.inputs + row * layers_[l].ldx;
    }

    // ---- Weights: each thread takes panels of them

    void weights_of(size_t thread, const peer_batch &batch) {
        size_t item = 0;
        for (size_t l = 0; l < net_.layers; l++) {
            Layer &layer = layers_[l];
            for (size_t p = 0; p < layer.panels(); p++)
                if (item++ % threads_ == thread) {
                    if (adam_)
                        adam_update(thread, l, p, batch);
                    else
                        update(thread, l, p, batch);
                    if (l)
                        transpose(layer, p);
                }
        }
    }

    void update(size_t thread, size_t l, size_t p, const peer_batch &batch) const {
        const Layer &layer = layers_[l];
        const size_t size = layer.in * panel, width = std::min(panel, layer.out - p * panel);
        if (tiled_)
            for (size_t t = 0; t < threads_; t++)
                peers::descend(layer.w + p * size, gradient(t, l) + p * size, -1, size);
        else
            add_gradients(thread, l, p, layer.w + p * size, batch);
        for (size_t t = 0; t < threads_; t++)
            peers::descend(layer.b + p * panel, sums(t, l) + p * panel, -1, width);
    }

    void adam_update(size_t thread, size_t l, size_t p, const peer_batch &batch) const {
        const Layer &layer = layers_[l];
        const size_t size = layer.in * panel, width = std::min(panel, layer.out - p * panel), first = p * panel;
        float *sum = tiled_ ? gradient(0, l) + p * size : panels_[thread].get();
        if (!tiled_) {
            std::fill_n(sum, size, 0.0f);
            add_gradients(thread, l, p, sum, batch);
        }
        for (size_t t = 1; t < threads_; t++) {
            if (tiled_)
                peers::descend(sum, gradient(t, l) + p * size, -1, size);
            peers::descend(sums(0, l) + first, sums(t, l) + first, -1, width);
        }
        // Whole vectors of a narrow panel's rows: what is beside its columns stays 0.
        const size_t used = chunks(width, 16) * 16, rows = used < panel ? layer.in : 1;
        for (size_t k = p * size; k < p * size + rows * panel; k += panel)
            now_.update(layer.w + k, sum + k - p * size, layer.w_moments.m + k, layer.w_moments.v + k,
                        used < panel ? used : size);
        now_.update(layer.b + first, sums(0, l) + first, layer.b_moments.m + first, layer.b_moments.v + first, width);
    }

    /** Adds to a panel the products of all rows of inputs and of deltas. */
    void add_gradients(size_t thread, size_t l, size_t p, float *result, const peer_batch &batch) const {
        for (size_t row = 0; row < net_.batch; row += row_chunk)
            add_gradient(thread, l, p, result, inputs_of(l, batch, row, row), row,
                         std::min(row_chunk, net_.batch - row));
    }

    /** Adds to a panel the products of `rows` rows of inputs and of deltas (ours from `own`). */
    void add_gradient(size_t thread, size_t l, size_t p, float *result, const float *x, size_t own, size_t rows) const {
        const Layer &layer = layers_[l];
        const size_t width = std::min(panel, layer.out - p * panel);
        const float *delta = layer.delta + own * layer.ld + p * panel;
        if (layer.packs()) {
            float *packed = packed_[thread];
            for (size_t n = 0; n < rows; n++)
                std::copy_n(delta + n * layer.ld, width, packed + n * panel);
            delta = packed;
        }
        for (size_t i = 0; i < layer.in; i += panel)
            layer.update[rows < row_chunk][width < panel][layer.in - i < panel](delta, x + i, result + i * panel);
    }

    static void transpose(Layer &layer, size_t p) {
        const size_t width = std::min(panel, layer.out - p * panel);
        for (size_t i = 0; i < layer.in; i += panel)
            libxsmm_otrans(layer.transposed + at(layer.out, p * panel, i), layer.w + at(layer.in, i, p * panel),
                           sizeof(float), static_cast<libxsmm_blasint>(width),
                           static_cast<libxsmm_blasint>(std::min(panel, layer.in - i)), panel, panel);
    }

    float *sums(size_t thread, size_t l) const {
        return sums_[thread * net_.layers + l];
    }

    float *gradient(size_t thread, size_t l) const {
        return gradients_[thread * net_.layers + l];
    }

    peer_net net_;
    bool tiled_;
    size_t threads_, block_, kept_; // rows of a product at most; rows that activations and deltas are kept for
    bool adam_;
    float scale_; // the factor of all deltas
    size_t steps_ = 0;
    peers::Adam now_; // of this step
    std::vector<Layer> layers_;
    std::vector<Buffer> sums_, gradients_; // of each thread, for each layer
    std::vector<Buffer> packed_, panels_;  // of each thread: deltas of 64 columns, the gradient of a panel
};

template <bool tiled> struct Libxsmm {
    static const char *refusal(const peer_net *net, size_t) {
        return tiled && net->batch <= row_chunk ? "its batch is a single tile" : nullptr;
    }

    static void *create(const peer_net *net, const peer_layer *initial, size_t threads) try {
        libxsmm_init();
        return new Trainer(*net, initial, threads, tiled);
    } catch (const std::exception &) {
        return nullptr;
    }

    static void step(void *trainer, const peer_batch *batch, float rate) {
        static_cast<Trainer *>(trainer)->step(*batch, rate);
    }

    static void parameters(void *trainer, const peer_layer *layers) {
        static_cast<Trainer *>(trainer)->parameters(layers);
    }

    static void destroy(void *trainer) {
        delete static_cast<Trainer *>(trainer);
    }

    static const char *version() {
        return LIBXSMM_VERSION;
    }

    static constexpr peer describe(const char *name) {
        return {name, PEER_BY_HAND, version, refusal, create, step, parameters, destroy};
    }
};

const peer whole = Libxsmm<false>::describe("libxsmm");
const peer tiled = Libxsmm<true>::describe("libxsmm-tile");

} // namespace

extern "C" const peer *const peer_list[] = {&whole, &tiled, nullptr};
