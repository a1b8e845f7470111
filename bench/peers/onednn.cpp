/*
 * oneDNN, in two ways: its sgemm, and its matmul primitives, made when the network is created, with bias and activation
 * fused into the forward product and the update added to the weights by a sum post-op (deltas carry the factor -rate
 * from the loss on); for Adam the product is the gradient, and one pass over gradient, moments and weights follows.
 */
#include <exception>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnnl.hpp>
#include <omp.h>

#include "buffer.h"
#include "elementwise.h"
#include "gemm_step.h"

namespace {

const char *version() {
    const dnnl_version_t *v = dnnl_version();
    static const std::string text =
        std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
    return text.c_str();
}

struct Sgemm {
    static void gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                     const float *b, size_t ldb, float beta, float *c, size_t ldc) {
        const auto i = [](size_t size) { return static_cast<dnnl_dim_t>(size); };
        dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', i(m), i(n), i(k), alpha, a, i(lda), b, i(ldb), beta, c, i(ldc));
    }

    static void set_threads(size_t threads) {
        omp_set_num_threads(static_cast<int>(threads));
    }

    static constexpr bool openmp = true;

    static const char *version() {
        return ::version();
    }
};

// ---- Primitives -------------------------------------------------------------------------------------------------

using peers::Buffer;
using peers::Moments;
using tag = dnnl::memory::format_tag;

class MatmulTrainer {
  public:
    MatmulTrainer(const peer_net &net, const peer_layer *initial, size_t threads)
        : net_(net), threads_(threads), adam_(net.optimizer.kind == BP_OPTIMIZER_ADAM),
          engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
        for (size_t l = 0; l < net.layers; l++)
            add_layer(l, initial[l]);
    }

    void step(const peer_batch &batch, float rate) {
        const size_t last = net_.layers - 1;
        inputs_.set_data_handle(const_cast<float *>(batch.inputs)); // only read
        turned_inputs_.set_data_handle(const_cast<float *>(batch.inputs));
        for (Layer &layer : layers_) {
            layer.forward.execute(stream_, layer.forward_arguments);
            std::fill_n(layer.sums.get(), layer.out, 0.0f);
        }
        stream_.wait();
        Layer &top = layers_[last];
        peers::output_delta(net_, batch, 0, net_.batch, top.delta, top.out, top.zeros, top.sums,
                            (adam_ ? 1 : -rate) / static_cast<float>(net_.batch));
        for (size_t l = net_.layers; l-- > 0;) {
            Layer &layer = layers_[l];
            if (l) {
                Layer &below = layers_[l - 1];
                layer.backward.execute(stream_, layer.backward_arguments);
                stream_.wait();
                peers::with(net_.hidden, [&](auto f) {
                    peers::times_slope(f, below.delta, below.a, below.out, below.sums, net_.batch, below.out);
                });
            }
            layer.update.execute(stream_, layer.update_arguments);
            stream_.wait();
            if (!adam_)
                peers::descend(layer.b, layer.sums, -1, layer.out);
        }
        if (adam_)
            adam_update(peers::Adam(net_.optimizer, rate, ++steps_));
    }

    void parameters(const peer_layer *layers) const {
        for (size_t l = 0; l < net_.layers; l++) {
            std::copy_n(layers_[l].w.get(), layers_[l].in * layers_[l].out, layers[l].weights);
            std::copy_n(layers_[l].b.get(), layers_[l].out, layers[l].biases);
        }
    }

  private:
    using Arguments = std::unordered_map<int, dnnl::memory>;

    struct Layer {
        size_t in, out;
        Buffer w, b, a, delta, sums, zeros, gradient;
        Moments w_moments, b_moments;
        dnnl::matmul forward, backward, update;
        Arguments forward_arguments, backward_arguments, update_arguments;
    };

    void adam_update(const peers::Adam &adam) {
        const auto part = [&](size_t thread) {
            for (Layer &layer : layers_) {
                const auto [from, to] = peers::share(layer.in * layer.out, thread, threads_);
                adam.update(layer.w + from, layer.gradient + from, layer.w_moments.m + from, layer.w_moments.v + from,
                            to - from);
                if (thread == 0)
                    adam.update(layer.b, layer.sums, layer.b_moments.m, layer.b_moments.v, layer.out);
            }
        };
        if (threads_ == 1) {
            part(0);
            return;
        }
#pragma omp parallel num_threads(static_cast <int>(threads_))
        part(static_cast<size_t>(omp_get_thread_num()));
    }

    static dnnl::memory::desc matrix(size_t rows, size_t columns, bool transposed = false) {
        return {{static_cast<dnnl::memory::dim>(rows), static_cast<dnnl::memory::dim>(columns)},
                dnnl::memory::data_type::f32,
                transposed ? tag::ba : tag::ab};
    }

    dnnl::memory memory(const dnnl::memory::desc &description, float *data) const {
        return {description, engine_, data};
    }

    dnnl::matmul::primitive_desc description(const dnnl::matmul::desc &what, const dnnl::post_ops &then) const {
        dnnl::primitive_attr attributes;
        attributes.set_post_ops(then);
        return {what, attributes, engine_};
    }

    dnnl::post_ops activation() const {
        dnnl::post_ops then;
        switch (net_.hidden.kind) {
        case BP_ACTIVATION_RELU:
            then.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
            break;
        case BP_ACTIVATION_LEAKY_RELU:
            then.append_eltwise(1, dnnl::algorithm::eltwise_relu, net_.hidden.parameter, 0);
            break;
        case BP_ACTIVATION_SIGMOID:
            then.append_eltwise(1, dnnl::algorithm::eltwise_logistic, 0, 0);
            break;
        case BP_ACTIVATION_TANH:
            then.append_eltwise(1, dnnl::algorithm::eltwise_tanh, 0, 0);
            break;
        default:
            break;
        }
        return then;
    }

    void add_layer(size_t l, const peer_layer &initial) {
        const size_t in = net_.sizes[l], out = net_.sizes[l + 1], rows = net_.batch;
        const bool last = l + 1 == net_.layers;
        layers_.push_back({in,
                           out,
                           Buffer(in * out, initial.weights),
                           Buffer(out, initial.biases),
                           Buffer(last ? 0 : rows * out),
                           Buffer(rows * out),
                           Buffer(out),
                           Buffer(out),
                           Buffer(adam_ ? in * out : 0),
                           Moments(adam_ ? in * out : 0),
                           Moments(adam_ ? out : 0),
                           {},
                           {},
                           {},
                           {},
                           {},
                           {}});
        Layer &layer = layers_.back();
        float *a = last ? layer.delta : layer.a; // the loss turns outputs into their delta, in place
        const auto x = matrix(rows, in), w = matrix(in, out), b = matrix(1, out), y = matrix(rows, out);
        const dnnl::memory source = l ? memory(x, layers_[l - 1].a) : (inputs_ = memory(x, nullptr));

        layer.forward = dnnl::matmul(description({x, w, b, y}, last ? dnnl::post_ops() : activation()));
        layer.forward_arguments = {{DNNL_ARG_SRC, source},
                                   {DNNL_ARG_WEIGHTS, memory(w, layer.w)},
                                   {DNNL_ARG_BIAS, memory(b, layer.b)},
                                   {DNNL_ARG_DST, memory(y, a)}};
        if (l) {
            const auto turned = matrix(out, in, true);
            layer.backward = dnnl::matmul(description({y, turned, x}, {}));
            layer.backward_arguments = {{DNNL_ARG_SRC, memory(y, layer.delta)},
                                        {DNNL_ARG_WEIGHTS, memory(turned, layer.w)},
                                        {DNNL_ARG_DST, memory(x, layers_[l - 1].delta)}};
        }
        dnnl::post_ops add;
        if (!adam_)
            add.append_sum(1);
        const auto turned = matrix(in, rows, true);
        layer.update = dnnl::matmul(description({turned, y, w}, add));
        const dnnl::memory view = l ? memory(turned, layers_[l - 1].a) : (turned_inputs_ = memory(turned, nullptr));
        layer.update_arguments = {{DNNL_ARG_SRC, view},
                                  {DNNL_ARG_WEIGHTS, memory(y, layer.delta)},
                                  {DNNL_ARG_DST, memory(w, adam_ ? layer.gradient : layer.w)}};
    }

    peer_net net_;
    size_t threads_, steps_ = 0;
    bool adam_;
    dnnl::engine engine_;
    dnnl::stream stream_;
    dnnl::memory inputs_, turned_inputs_;
    std::vector<Layer> layers_;
};

struct Matmul {
    static const char *refusal(const peer_net *, size_t) {
        return nullptr;
    }

    static void *create(const peer_net *net, const peer_layer *initial, size_t threads) try {
        omp_set_num_threads(static_cast<int>(threads));
        return new MatmulTrainer(*net, initial, threads);
    } catch (const std::exception &) {
        return nullptr;
    }

    static void step(void *trainer, const peer_batch *batch, float rate) {
        static_cast<MatmulTrainer *>(trainer)->step(*batch, rate);
    }

    static void parameters(void *trainer, const peer_layer *layers) {
        static_cast<MatmulTrainer *>(trainer)->parameters(layers);
    }

    static void destroy(void *trainer) {
        delete static_cast<MatmulTrainer *>(trainer);
    }
};

const peer whole = peers::GemmPeer<Sgemm, peers::Way::whole>::describe("onednn-sgemm");
const peer tiled = peers::GemmPeer<Sgemm, peers::Way::tile>::describe("onednn-sgemm-tile");
const peer sliced = peers::GemmPeer<Sgemm, peers::Way::slice>::describe("onednn-sgemm-slice");
const peer matmul = {"onednn-matmul", PEER_BY_HAND,       version,        Matmul::refusal, Matmul::create,
                     Matmul::step,    Matmul::parameters, Matmul::destroy};

} // namespace

extern "C" const peer *const peer_list[] = {&whole, &tiled, &sliced, &matmul, nullptr};
